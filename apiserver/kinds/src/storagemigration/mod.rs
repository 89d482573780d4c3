//! The group `storagemigration.k8s.io`: bringing what is stored into the current version.

mod storage_version_migration;

use crate::kind::Kind;

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[storage_version_migration::STORAGE_VERSION_MIGRATION];
