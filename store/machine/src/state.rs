//! What readers see: one consistent state, replaced as a whole after each batch.

use std::sync::Arc;

use parking_lot::RwLock;
use proto::etcd::DowngradeInfo;
use proto::fault::Fault;
use proto::peer::RevisionHash;
use store_auth::Auth;
use store_lease::Leases;

use crate::alarms::Alarms;
use crate::members::Members;
use crate::meta::Applied;
use crate::versions;

/// All replicated state but the keys. A clone is a snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Core {
    pub(crate) members: Members,
    pub(crate) leases: Leases,
    pub(crate) auth: Auth,
    pub(crate) alarms: Alarms,
    pub(crate) cluster_version: Option<String>,
    pub(crate) downgrade: DowngradeInfo,
    pub(crate) applied: Applied,
}

/// What the keys looked like when a state was published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) revision: i64,
    pub(crate) compacted: i64,
    pub(crate) live_bytes: u64,
    pub(crate) hash: u64,
}

/// The state after a batch. The keys themselves are read through [`Reader::mvcc`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The members of the cluster.
    pub members: Members,
    /// Leases and their keys.
    pub leases: Leases,
    /// Users and roles.
    pub auth: Auth,
    /// Standing alarms.
    pub alarms: Alarms,
    /// The lowest version that every member speaks, once the cluster has agreed on it.
    pub cluster_version: Option<String>,
    /// Whether the cluster is on its way to a lower version.
    pub downgrade: DowngradeInfo,
    /// The last log index applied.
    pub applied_index: u64,
    /// The term of that entry.
    pub applied_term: u64,
    /// The time that the log has reached, milliseconds since 1970.
    pub now_ms: u64,
    /// The store's revision.
    pub revision: i64,
    /// The last compacted revision, -1 for none.
    pub compacted: i64,
    /// Bytes of keys and values on this member, as quotas count them. Differs between members by what was not collected.
    pub live_bytes: u64,
    /// The rolling hash at `revision`.
    pub hash: u64,
}

impl State {
    pub(crate) fn new(core: Core, keys: Keys) -> Self {
        Self {
            members: core.members,
            leases: core.leases,
            auth: core.auth,
            alarms: core.alarms,
            cluster_version: core.cluster_version,
            downgrade: core.downgrade,
            applied_index: core.applied.index,
            applied_term: core.applied.term,
            now_ms: core.applied.now_ms,
            revision: keys.revision,
            compacted: keys.compacted,
            live_bytes: keys.live_bytes,
            hash: keys.hash,
        }
    }

    /// Whether the cluster could begin a downgrade to `target`; answers it as clusters write it.
    ///
    /// # Errors
    /// `WrongDowngradeVersionFormat`, `ClusterVersionUnavailable`, `InvalidDowngradeTargetVersion`,
    /// `DowngradeInProgress`.
    pub fn check_downgrade(&self, target: &str) -> Result<String, Fault> {
        let target = versions::check_downgrade(self.cluster_version.as_deref(), target)?;
        if self.downgrade.enabled {
            Err(Fault::DowngradeInProgress)
        } else {
            Ok(target)
        }
    }
}

/// Where the machine leaves the state for its readers.
#[derive(Debug, Default)]
pub(crate) struct Published(RwLock<Arc<State>>);

impl Published {
    pub(crate) fn set(&self, state: State) {
        *self.0.write() = Arc::new(state);
    }
}

/// Reads what was applied. Clones are handles on the same machine and outlive a reload.
#[derive(Clone)]
pub struct Reader {
    mvcc: store_mvcc::Reader,
    published: Arc<Published>,
}

impl Reader {
    pub(crate) const fn new(mvcc: store_mvcc::Reader, published: Arc<Published>) -> Self {
        Self { mvcc, published }
    }

    /// Reads keys.
    pub fn mvcc(&self) -> store_mvcc::Reader {
        self.mvcc.clone()
    }

    /// The state after the last batch. The keys seen through [`Reader::mvcc`] may be newer by then, never older.
    pub fn state(&self) -> Arc<State> {
        self.published.0.read().clone()
    }

    /// The rolling hash at the last revisions, at most `limit`, the newest last; fewer where they are not remembered.
    pub fn hashes(&self, limit: usize) -> Vec<RevisionHash> {
        let last = self.mvcc.revision();
        let first = last
            .saturating_sub(i64::try_from(limit).unwrap_or(i64::MAX))
            .saturating_add(1)
            .max(1);
        let known = |revision| {
            Some(RevisionHash {
                revision,
                hash: self.mvcc.hash_at(revision)?,
            })
        };
        (first..=last).filter_map(known).collect()
    }
}
