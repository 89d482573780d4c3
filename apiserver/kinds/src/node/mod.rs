//! The group `node.k8s.io`.

mod runtime_class;

use crate::kind::Kind;

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[runtime_class::RUNTIME_CLASS];
