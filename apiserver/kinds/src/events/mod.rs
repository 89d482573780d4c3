//! The group `events.k8s.io`: events in their newer form.

mod event;

use crate::kind::Kind;

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[event::EVENT];
