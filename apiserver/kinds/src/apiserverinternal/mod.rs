//! The group `internal.apiserver.k8s.io`: what servers tell each other.

mod storage_version;

use crate::kind::Kind;

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[storage_version::STORAGE_VERSION];
