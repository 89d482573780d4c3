//! The names of etcd's buckets and fixed keys. They are etcd's and never change.

/// All versions of all keys.
pub(crate) const KEY: &[u8] = b"key";
/// Where raft and compaction stand.
pub(crate) const META: &[u8] = b"meta";
pub(crate) const LEASE: &[u8] = b"lease";
pub(crate) const ALARM: &[u8] = b"alarm";
pub(crate) const CLUSTER: &[u8] = b"cluster";
pub(crate) const MEMBERS: &[u8] = b"members";
pub(crate) const MEMBERS_REMOVED: &[u8] = b"members_removed";
pub(crate) const AUTH: &[u8] = b"auth";
pub(crate) const AUTH_USERS: &[u8] = b"authUsers";
pub(crate) const AUTH_ROLES: &[u8] = b"authRoles";

/// In `meta`.
pub(crate) const CONSISTENT_INDEX: &[u8] = b"consistent_index";
pub(crate) const TERM: &[u8] = b"term";
pub(crate) const CONF_STATE: &[u8] = b"confState";
pub(crate) const STORAGE_VERSION: &[u8] = b"storageVersion";
pub(crate) const SCHEDULED_COMPACTION: &[u8] = b"scheduledCompactRev";
pub(crate) const FINISHED_COMPACTION: &[u8] = b"finishedCompactRev";
/// In `auth`.
pub(crate) const AUTH_ENABLED: &[u8] = b"authEnabled";
pub(crate) const AUTH_REVISION: &[u8] = b"authRevision";
/// In `cluster`.
pub(crate) const CLUSTER_VERSION: &[u8] = b"clusterVersion";
pub(crate) const DOWNGRADE: &[u8] = b"downgrade";
/// What stands in `members_removed` for each id.
pub(crate) const REMOVED: &[u8] = b"removed";
