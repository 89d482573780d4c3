//! Puts a member together from its parts; the program and the simulator both do it here.

use std::sync::Arc;

use base::clock::Clock;
use base::random::Random;
use base::task::Tasks;
use prometheus::Registry;
use proto::peer;
use store_engine::Engine;
use store_lease::Expiry;
use store_log::{Disk, Executor, Log, LogOptions};
use store_machine::{Limits, Machine, Reader};
use store_raft::{Consensus, EffectSink, Options, ReadPolicy, Transport};

use crate::auth::Tokens;
use crate::bootstrap::{self, Place};
use crate::compactor::Retention;
use crate::folder::IdentityStore;
use crate::force::forget_others;
use crate::forward::Forwarding;
use crate::gate::Gate;
use crate::gc::Collector;
use crate::identity::Identity;
use crate::leaders::Leaders;
use crate::life::{Life, Stop};
use crate::member::{Inner, node_of};
use crate::metered::{Meter, MeteredDisk, MeteredEngine};
use crate::metrics::Metrics;
use crate::peers::Peers;
use crate::read::Rounds;
use crate::sink::Sink;
use crate::{Config, Member, config, folder};

/// Called once with the reason when the member cannot go on: its disk failed, say. Nothing may be acknowledged after.
pub type OnFatal = Arc<dyn Fn(&str) + Send + Sync>;

/// What the program does about it: an error in the log, then the end, as nothing in memory can be trusted.
pub fn abort_on_fatal() -> OnFatal {
    Arc::new(|reason| {
        tracing::error!(reason, "the member cannot go on; aborting");
        std::process::abort();
    })
}

/// How the log writes.
#[derive(Clone, Debug)]
pub struct LogTuning {
    /// On a thread, or inside the call for simulations.
    pub executor: Executor,
    /// Bytes of a file of the log.
    pub segment_bytes: u64,
    /// Bytes of recent entries kept in memory.
    pub cache_bytes: u64,
}

impl Default for LogTuning {
    fn default() -> Self {
        let options = LogOptions::new(0, 0);
        Self {
            executor: options.executor,
            segment_bytes: options.segment_bytes,
            cache_bytes: options.cache_bytes,
        }
    }
}

/// Everything a member is made of.
pub struct Parts {
    /// How it is to behave.
    pub config: Config,
    /// Where it remembers who it is.
    pub identity: Arc<dyn IdentityStore>,
    /// Where applied state lives.
    pub engine: Arc<dyn Engine>,
    /// Where the log lives.
    pub disk: Arc<dyn Disk>,
    /// How the log writes.
    pub log: LogTuning,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// Its randomness.
    pub random: Arc<dyn Random>,
    /// Consensus' way to other members.
    pub transport: Arc<dyn Transport>,
    /// The member's own way to them.
    pub peers: Arc<dyn Peers>,
    /// Where its metrics go.
    pub registry: Registry,
    /// Where its tasks run, and its heavy work.
    pub tasks: Tasks,
    /// What happens when it cannot go on.
    pub on_fatal: OnFatal,
}

/// Why a member could not be put together; one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A flag.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// `--auth-token`.
    #[error(transparent)]
    Token(#[from] crate::auth::Error),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] folder::Error),
    /// Its place in the cluster.
    #[error(transparent)]
    Bootstrap(#[from] bootstrap::Error),
    /// The log.
    #[error("the log cannot be opened: {0}")]
    Log(#[from] store_log::OpenError),
    /// The applied state.
    #[error("the database cannot be opened: {0}")]
    Machine(#[from] store_machine::OpenError),
    /// Consensus.
    #[error("consensus cannot be started: {0}")]
    Consensus(#[from] store_raft::Error),
    /// A metric's name was taken.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// What cannot be done.
    #[error("{0}")]
    Refused(String),
}

/// Puts a member together and starts it. Returns once what was committed is applied again; there may be no leader yet.
///
/// # Errors
/// When the configuration, the folder, the disk or the running cluster do not allow it; one line says why.
pub async fn assemble(mut parts: Parts) -> Result<Member, Error> {
    parts.config.validate()?;
    let retention = Retention::parse(&parts.config)?;
    let tokens = Tokens::new(&parts.config)?;
    let metrics = Arc::new(Metrics::new(&parts.registry)?);
    meter(&mut parts, &metrics);
    let (identity, machine, restarts) = settle(&parts).await?;
    let reader = machine.reader();
    parts.peers.identify(identity.cluster_id, identity.member_id);
    metrics.server.started(
        identity.member_id,
        parts.config.quota(),
        parts.config.lease_checkpoint.is_some(),
    );

    let life = Life::new();
    let gate: Arc<Gate> = Arc::default();
    let (gc, engine) = (machine.gc(), Arc::clone(&parts.engine));
    let collector = Collector::new(gc, engine, Arc::clone(&gate), fatal(&parts, &life));
    let sink = make_sink(&parts, &reader, gate, &metrics);
    let log = open_log(&parts, identity, &life)?;
    if restarts && parts.config.force_new_cluster {
        let forced = forget_others(&log, &machine, identity, parts.clock.wall_ms()).await;
        forced.map_err(|error| Error::Refused(format!("--force-new-cluster: {error}")))?;
    }
    let consensus = start_consensus(&parts, identity, log, machine, &sink, &life).await?;
    found_cluster(&consensus, &reader).await?;

    let member = Member(Arc::new(Inner {
        status: consensus.status(),
        mvcc: reader.mvcc(),
        config: parts.config,
        identity,
        consensus,
        reader,
        engine: parts.engine,
        peers: parts.peers,
        clock: parts.clock,
        random: parts.random,
        tasks: parts.tasks,
        sink,
        checkpointing: tokio::sync::RwLock::default(),
        rounds: Rounds::default(),
        forwarding: Forwarding::new(),
        tokens,
        metrics,
        registry: parts.registry,
        collector,
        leaders: Leaders::new(),
        life,
    }));
    if member.has_left(member.id()) {
        return Err(Error::Refused(
            "the member has been permanently removed from the cluster: remove its data folder, add it again with \
             `etcdctl member add`, and start it with --initial-cluster-state existing"
                .to_owned(),
        ));
    }
    if member.config.initial_corrupt_check {
        member.initial_check().await.map_err(Error::Refused)?;
    }
    member.start_loops(retention);
    Ok(member)
}

/// Puts the watches before disk and engine.
fn meter(parts: &mut Parts, metrics: &Arc<Metrics>) {
    let meter = Meter {
        clock: Arc::clone(&parts.clock),
        metrics: Arc::clone(metrics),
    };
    let engine = MeteredEngine {
        inner: Arc::clone(&parts.engine),
        meter: meter.clone(),
    };
    parts.engine = Arc::new(engine);
    let disk = MeteredDisk {
        inner: Arc::clone(&parts.disk),
        meter,
    };
    parts.disk = Arc::new(disk);
}

/// Finds out who the member is, opens its state, and tells whether it was started before.
///
/// At the first start the identity is written last: until then nothing was acknowledged, and the start is made again.
async fn settle(parts: &Parts) -> Result<(Identity, Machine, bool), Error> {
    let limits = Limits {
        max_learners: parts.config.max_learners,
    };
    if let Some(identity) = parts.identity.load()? {
        let machine = Machine::open(Arc::clone(&parts.engine), None, limits)?;
        check_owner(parts, identity, &machine.reader())?;
        return Ok((identity, machine, true));
    }
    let Place { identity, genesis } = bootstrap::first_start(&parts.config, &*parts.peers, &*parts.clock).await?;
    let machine = Machine::open(Arc::clone(&parts.engine), genesis, limits)?;
    check_owner(parts, identity, &machine.reader())?;
    parts.identity.save(&identity)?;
    tracing::info!(
        cluster_id = format!("{:x}", identity.cluster_id),
        local_member_id = format!("{:x}", identity.member_id),
        "starting for the first time"
    );
    Ok((identity, machine, false))
}

/// The database must be of the same cluster; it knows none before a joining member heard of it.
fn check_owner(parts: &Parts, identity: Identity, reader: &Reader) -> Result<(), Error> {
    let found = reader.state().members.cluster_id();
    if found == 0 || found == identity.cluster_id {
        return Ok(());
    }
    Err(Error::Folder(folder::Error::Stranger {
        path: parts.config.data_dir.display().to_string(),
        found: format!("cluster {found:x}"),
        wanted: format!("of cluster {:x}", identity.cluster_id),
    }))
}

fn make_sink(parts: &Parts, reader: &Reader, gate: Arc<Gate>, metrics: &Arc<Metrics>) -> Arc<Sink> {
    Arc::new(Sink::new(
        reader.clone(),
        gate,
        Arc::clone(&parts.clock),
        Arc::clone(metrics),
        parts.config.watch_ring_bytes,
        Expiry::new(parts.config.lease_checkpoint),
    ))
}

fn open_log(parts: &Parts, identity: Identity, life: &Life) -> Result<Log, Error> {
    let fatal = fatal(parts, life);
    let mut options = LogOptions::new(identity.cluster_id, identity.member_id);
    options.segment_bytes = parts.log.segment_bytes;
    options.cache_bytes = parts.log.cache_bytes;
    options.executor = parts.log.executor;
    options.sync = !parts.config.unsafe_no_fsync;
    options.on_fatal = Arc::new(move |error| fatal(&format!("the log failed: {error}")));
    Ok(Log::open(Arc::clone(&parts.disk), options)?)
}

async fn start_consensus(
    parts: &Parts,
    identity: Identity,
    log: Log,
    machine: Machine,
    sink: &Arc<Sink>,
    life: &Life,
) -> Result<Consensus, Error> {
    let mut options = Options::new(identity.member_id, identity.cluster_id);
    options.election_timeout_ms = parts.config.election_timeout.as_millis() as u64;
    options.heartbeat_ms = parts.config.heartbeat_interval.as_millis() as u64;
    options.pre_vote = parts.config.pre_vote;
    options.keep_bytes = parts.config.log_keep_bytes;
    options.flush_bytes = parts.config.log_flush_bytes;
    if parts.config.lease_reads {
        options.read = ReadPolicy::Lease {
            max_age_ms: options.election_timeout_ms / 2,
        };
    }
    options.on_fatal = fatal(parts, life);
    let effects: Arc<dyn EffectSink> = Arc::<Sink>::clone(sink);
    let parts = store_raft::Parts {
        log,
        machine,
        engine: Arc::clone(&parts.engine),
        transport: Arc::clone(&parts.transport),
        effects,
        tasks: parts.tasks.child(),
        clock: Arc::clone(&parts.clock),
    };
    Ok(Consensus::start(options, parts).await?)
}

fn fatal(parts: &Parts, life: &Life) -> OnFatal {
    let (on_fatal, stop) = (Arc::clone(&parts.on_fatal), life.stopper());
    Arc::new(move |reason: &str| {
        stop(Stop::Fatal(reason.to_owned()));
        on_fatal(reason);
    })
}

/// A new cluster's members agree on its first membership. Each of them may ask for it, and again after a crash.
async fn found_cluster(consensus: &Consensus, reader: &Reader) -> Result<(), Error> {
    let state = reader.state();
    let founds = state.applied_index == 0 && !consensus.initialized().await?;
    let nodes: Vec<peer::Node> = state.members.iter().map(node_of).collect();
    if founds && !nodes.is_empty() {
        consensus.initialize(nodes).await?;
    }
    Ok(())
}

impl Member {
    fn start_loops(&self, retention: Retention) {
        let tasks = &self.tasks;
        tasks.spawn_until("leaders", self.clone().follow_leaders());
        tasks.spawn_until("publish", self.clone().publish());
        tasks.spawn_until("lease-expiry", self.clone().expire_leases());
        tasks.spawn_until("members", self.clone().reconcile_members());
        tasks.spawn_until("cluster-version", self.clone().watch_versions());
        tasks.spawn_until("collector", self.clone().collect());
        tasks.spawn_until("corruption", self.clone().check_corruption());
        tasks.spawn_until("auto-compaction", self.clone().compact_automatically(retention));
        tasks.spawn_until("removed", self.clone().ask_whether_removed());
    }
}
