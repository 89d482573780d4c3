//! What can be chosen about consensus.

use std::sync::Arc;
use std::time::Duration;

use openraft::{Config, SnapshotPolicy, StepDownPolicy};

use crate::error::Error;

/// Called once with the reason when consensus cannot go on. A program should abort here.
pub type OnFatal = Arc<dyn Fn(&str) + Send + Sync>;

/// How a leader makes sure that it still leads before a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadPolicy {
    /// A majority confirms it after the read began.
    Index,
    /// A majority confirmed it not longer than this ago. Wrong where clocks run at different speeds or a machine pauses
    /// for longer than the rest of the lease, so never the default. All members must have the same: one that starts
    /// votes for nobody before the leases that it may have granted in its former life have ended.
    Lease {
        /// Age of the confirmation that still counts, in milliseconds; at most half an election timeout counts, so that no
        /// member that forgot the lease in a restart stands for election before it has ended.
        max_age_ms: u64,
    },
}

/// Options of one member.
#[derive(Clone)]
pub struct Options {
    /// This member. Never the id of a member that was removed: it has made promises.
    pub id: u64,
    /// The cluster.
    pub cluster_id: u64,
    /// A follower that hears nothing for a time drawn from 1.3 to 1.6 times this stands for election; a voter that heard
    /// the leader less than 0.8 times this ago refuses its vote, and a leader that no majority answered for so long
    /// takes no more writes. Milliseconds, at least 2.5 heartbeats.
    pub election_timeout_ms: u64,
    /// A leader is heard at least this often. Milliseconds.
    pub heartbeat_ms: u64,
    /// Ask whether an election could be won before standing for it, so that a member that was cut off does not disturb.
    pub pre_vote: bool,
    /// Flush the engine when this much log has been applied since the last time. Bytes.
    pub flush_bytes: u64,
    /// Log kept for slow followers, the lesser of the two. Bytes.
    pub keep_bytes: u64,
    /// Log kept for slow followers, the lesser of the two. Entries.
    pub keep_entries: u64,
    /// Entries in one message to a follower. Bytes, exceeded only by a single entry.
    pub max_batch_bytes: u64,
    /// Data in one message of a snapshot. Bytes.
    pub snapshot_chunk_bytes: usize,
    /// How reads are made sure of.
    pub read: ReadPolicy,
    /// Called once when consensus cannot go on.
    pub on_fatal: OnFatal,
}

impl Options {
    /// The defaults for a member.
    pub fn new(id: u64, cluster_id: u64) -> Options {
        Options {
            id,
            cluster_id,
            election_timeout_ms: 1000,
            heartbeat_ms: 100,
            pre_vote: true,
            flush_bytes: 64 << 20,
            keep_bytes: 256 << 20,
            keep_entries: 1_000_000,
            max_batch_bytes: 1 << 20,
            snapshot_chunk_bytes: 1 << 20,
            read: ReadPolicy::Index,
            on_fatal: Arc::new(|text| tracing::error!(text, "consensus failed")),
        }
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms)
    }

    pub(crate) fn election(&self) -> Duration {
        Duration::from_millis(self.election_timeout_ms)
    }

    /// How old a majority's answer may be for a read to rely on it.
    pub(crate) fn read_lease(&self) -> Duration {
        match self.read {
            ReadPolicy::Index => Duration::ZERO,
            ReadPolicy::Lease { max_age_ms } => Duration::from_millis(max_age_ms.min(self.election_timeout_ms / 2)),
        }
    }

    /// How long a majority's answer keeps others from being elected.
    fn lease_ms(&self) -> u64 {
        self.election_timeout_ms * 4 / 5
    }

    /// openraft's configuration.
    pub(crate) fn config(&self) -> Result<Config, Error> {
        let lease_ms = self.lease_ms();
        let config = Config {
            cluster_name: format!("{:x}", self.cluster_id),
            // openraft's maximum is also the leader's lease, and a follower waits for the lease's end first and then for
            // a time between minimum and maximum. That is in all 1.3 to 1.6 election timeouts, where upstream waits 1 to
            // 2. The minimum is also how long answers to a vote are waited for, which a slow disk may need.
            election_timeout_min: self.election_timeout_ms / 2,
            election_timeout_max: lease_ms,
            heartbeat_interval: self.heartbeat_ms,
            max_payload_entries: 4096,
            max_append_entries: Some(4096),
            // Snapshots and purges are our own business, see `upkeep`.
            snapshot_policy: SnapshotPolicy::Never,
            max_in_snapshot_log_to_keep: u64::MAX,
            purge_batch_size: 1,
            replication_lag_threshold: u64::MAX,
            api_batch_linger_ms: 0,
            broadcast_submitted_on_append: Some(true),
            removed_leader_step_down: StepDownPolicy::After(self.heartbeat_ms * 2),
            // Others must be able to win an election while this leader is silent: they wait for two leases at most.
            quorum_loss_probe_interval: Some(lease_ms * 3),
            enable_pre_vote: Some(self.pre_vote),
            // A leader replicates entries before its own disk has them. After a crash it may lack entries that others
            // hold under its name; leading on in the same term, it would give their ids to other entries.
            enable_leader_restore: Some(false),
            ..Config::default()
        };
        config.validate().map_err(|error| Error::Invalid(error.to_string()))
    }
}
