//! The group `apiextensions.k8s.io`: kinds that users define.

mod definition;

use crate::kind::Kind;

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[definition::DEFINITION];
