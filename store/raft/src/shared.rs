//! What the parts of one member's consensus share: the machine and how far it is, the engine, who is who.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base::clock::Clock;
use base::task::Tasks;
use parking_lot::{Mutex, MutexGuard, RwLock};
use proto::peer;
use store_engine::Engine;
use store_log::Log;
use store_machine::{Genesis, Machine};
use tokio::sync::watch;

use crate::convert::{decode, meta_in, node_out};
use crate::error::Error;
use crate::image::Images;
use crate::options::Options;
use crate::transport::{EffectSink, Transport};
use crate::types::{Membership, SnapshotMeta};
use crate::waiting::Waiting;

/// One member's state, held by openraft's adapters and by [`crate::Consensus`].
pub(crate) struct Shared {
    pub(crate) options: Options,
    /// Locked while entries are applied, while an image is taken and while one is installed.
    pub(crate) core: Mutex<Core>,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) log: Log,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) sink: Arc<dyn EffectSink>,
    pub(crate) tasks: Tasks,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) applied: watch::Sender<u64>,
    /// Who waits for a command to be applied here.
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) images: Mutex<Images>,
    /// One snapshot is received at a time: the engine has one place for it.
    pub(crate) receiving: tokio::sync::Mutex<()>,
    /// Peer URLs as last applied; openraft keeps those that a stream was opened with.
    nodes: RwLock<BTreeMap<u64, peer::Node>>,
    /// One above the applied index that the engine has on disk.
    flushed: AtomicU64,
    /// When a leader last sent something, by the clock.
    heard: Mutex<Option<Duration>>,
    /// When this member started, by the clock.
    started: Duration,
    /// Heartbeats that were sent too late.
    pub(crate) late_heartbeats: AtomicU64,
}

/// The machine and the raft state of its last batch.
pub(crate) struct Core {
    pub(crate) machine: Machine,
    pub(crate) meta: SnapshotMeta,
    /// Nothing may be written any more: openraft does not wait for its own worker when it ends.
    pub(crate) ended: bool,
}

impl Shared {
    pub(crate) fn new(options: Options, parts: crate::Parts) -> Result<Shared, Error> {
        let meta = recovered(&parts.machine).map_err(|error| Error::Storage(error.to_string()))?;
        // What the machine read back may be more than the engine has on disk, where only this process was restarted.
        parts
            .engine
            .flush()
            .map_err(|error| Error::Storage(error.to_string()))?;
        let flushed = meta.last_log_id.map_or(0, |id| id.index + 1);
        let shared = Shared {
            options,
            applied: watch::channel(flushed.saturating_sub(1)).0,
            flushed: AtomicU64::new(flushed),
            nodes: RwLock::new(nodes_of(meta.last_membership.membership())),
            core: Mutex::new(Core {
                machine: parts.machine,
                meta,
                ended: false,
            }),
            engine: parts.engine,
            log: parts.log,
            transport: parts.transport,
            sink: parts.effects,
            tasks: parts.tasks.child(),
            started: parts.clock.monotonic(),
            waiting: Waiting::new(parts.clock.wall_ms()),
            clock: parts.clock,
            images: Mutex::default(),
            receiving: tokio::sync::Mutex::default(),
            heard: Mutex::default(),
            late_heartbeats: AtomicU64::default(),
        };
        Ok(shared)
    }

    /// A leader sent something.
    pub(crate) fn note_heard(&self) {
        *self.heard.lock() = Some(self.clock.monotonic());
    }

    /// Whether a leader sent something within two election timeouts, longer than any follower waits for it.
    pub(crate) fn hears_leader(&self) -> bool {
        let silence = |heard| self.clock.monotonic().saturating_sub(heard);
        self.heard
            .lock()
            .is_some_and(|heard| silence(heard) <= self.options.election() * 2)
    }

    /// Refuses to vote while a leader may read from a lease that this member granted before it was started again:
    /// openraft remembers its votes, but not the lease.
    pub(crate) fn may_vote(&self) -> Result<(), Error> {
        let runs = self.clock.monotonic().saturating_sub(self.started);
        if runs < self.options.read_lease() {
            return Err(Error::Invalid("a leader may still hold a lease".to_owned()));
        }
        Ok(())
    }

    /// The core, for writing.
    pub(crate) fn core(&self) -> io::Result<MutexGuard<'_, Core>> {
        let core = self.core.lock();
        if core.ended {
            Err(io::Error::other("consensus has ended"))
        } else {
            Ok(core)
        }
    }

    pub(crate) fn meta(&self) -> SnapshotMeta {
        self.core.lock().meta.clone()
    }

    /// Flushes the engine and answers what was applied before: that, at least, is on disk now. May block for long.
    pub(crate) fn flush(&self) -> io::Result<SnapshotMeta> {
        let meta = self.meta();
        let failed = |error| io::Error::other(format!("cannot flush the database: {error}"));
        self.engine.flush().map_err(failed)?;
        self.note_flushed(&meta);
        Ok(meta)
    }

    pub(crate) fn note_flushed(&self, meta: &SnapshotMeta) {
        let next = meta.last_log_id.map_or(0, |id| id.index + 1);
        self.flushed.fetch_max(next, Ordering::Relaxed);
    }

    /// The applied index up to which the engine needs no log any more.
    pub(crate) fn flushed(&self) -> Option<u64> {
        self.flushed.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Runs work that blocks where it may.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        name: &'static str,
        work: impl FnOnce(&Shared) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let shared = self.clone();
        let handle = self.tasks.spawn_blocking(name, move || work(&shared));
        handle
            .await
            .unwrap_or_else(|| Err(io::Error::other(format!("{name} panicked"))))
    }

    pub(crate) fn note_members(&self, membership: &Membership) {
        *self.nodes.write() = nodes_of(membership);
    }

    /// The newest peer URLs of a member, or those that the caller has.
    pub(crate) fn node(&self, fallback: &peer::Node) -> peer::Node {
        self.nodes.read().get(&fallback.id).unwrap_or(fallback).clone()
    }

    /// What a member that replays the log from the start founds its cluster with.
    pub(crate) fn genesis(&self, membership: &Membership) -> Genesis {
        let members = membership.nodes().map(|(id, node)| proto::etcd::Member {
            id: *id,
            peer_ur_ls: node.urls.clone(),
            ..proto::etcd::Member::default()
        });
        Genesis {
            cluster_id: self.options.cluster_id,
            members: members.collect(),
            cluster_version: None,
        }
    }
}

/// The raft state of the machine's last batch; empty for a machine that never applied anything.
pub(crate) fn recovered(machine: &Machine) -> io::Result<SnapshotMeta> {
    match machine.recovered() {
        Some(bytes) => Ok(meta_in(decode::<peer::SnapshotMeta>(bytes)?)?),
        None => Ok(SnapshotMeta::default()),
    }
}

fn nodes_of(membership: &Membership) -> BTreeMap<u64, peer::Node> {
    membership
        .nodes()
        .map(|(id, node)| (*id, node_out(*id, node)))
        .collect()
}
