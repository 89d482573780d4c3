//! What the rest of a member has to hear after a batch was written.

use std::sync::Arc;

use store_mvcc::RevisionBatch;

/// Something that applying changed. Effects come in the order of the log, after the state that readers see has changed.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Keys changed; what watchers are told.
    Revision(Arc<RevisionBatch>),
    /// Everything below this revision can no longer be read.
    Compacted(i64),
    /// A lease was granted.
    LeaseGranted {
        /// Its id.
        id: i64,
        /// Its time to live in seconds.
        ttl: i64,
    },
    /// Leases ended, by revocation or expiry.
    LeaseRevoked(Vec<i64>),
    /// What a lease had left was written down.
    LeaseCheckpointed {
        /// Its id.
        id: i64,
        /// The seconds left, 0 when the checkpoint was taken back.
        remaining: i64,
    },
    /// Alarms were raised or lifted. This and the following say only that, at most once a batch: look at the state.
    Alarms,
    /// A member was added, removed or changed.
    Members,
    /// Users, roles or permissions changed, or authentication was turned on or off.
    Auth,
    /// The cluster's version changed.
    ClusterVersion,
    /// A downgrade began or ended.
    Downgrade,
}
