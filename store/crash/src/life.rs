//! One life of the members: put together on real folders, with a plan or without, and ended.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base::clock::{Clock, Sleep};
use base::random::Seeded;
use base::task::Tasks;
use parking_lot::Mutex;
use store_engine::Engine;
use store_log::{Disk, Executor, RealDisk};
use store_node::{Caller, Config, Folder, IdentityStore, InitialState, LogTuning, Member, OnFatal, Parts, assemble};
use store_rocks::{Options, Rocks};
use tokio::runtime::{Builder, Runtime};

use crate::disk::CutDisk;
use crate::engine::{CutEngine, CutIdentity};
use crate::error::{Error, OrFail, Result};
use crate::net::{Net, Wire};
use crate::plan::Plan;
use crate::script::Scenario;

/// How long something may take that must happen; by the members' clock.
const PATIENCE: Duration = Duration::from_secs(120);
const NAMES: [&str; 2] = ["a", "b"];

/// Time that only passes while everybody waits.
struct Paused {
    start: tokio::time::Instant,
    /// Real, so that no life shows a time that another showed: commands are told apart by it.
    wall: Duration,
}

impl Clock for Paused {
    fn wall_ms(&self) -> u64 {
        (self.wall + self.monotonic()).as_millis() as u64
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(time))
    }
}

/// How the members are started.
#[derive(Clone)]
pub(crate) struct How {
    pub(crate) scenario: Scenario,
    /// What the last member does is under it.
    pub(crate) plan: Option<Arc<Plan>>,
    pub(crate) on_fatal: OnFatal,
}

/// Members that run.
pub(crate) struct Life {
    runtime: Runtime,
    net: Net,
    /// The first leads.
    pub(crate) members: Vec<Member>,
}

fn url(name: &str) -> String {
    format!("http://{name}:2380")
}

/// The folder of a member.
pub(crate) fn data_dir(folder: &Path, number: usize) -> PathBuf {
    folder.join(NAMES[number])
}

/// The URL of the member that joins.
pub(crate) fn joiner() -> String {
    url(NAMES[1])
}

/// Small thresholds, so that everything happens soon.
pub(crate) fn config(folder: &Path, number: usize, scenario: Scenario) -> Config {
    let name = NAMES[number];
    Config {
        name: name.to_owned(),
        data_dir: data_dir(folder, number),
        initial_advertise_peer_urls: vec![url(name)],
        advertise_client_urls: vec![format!("http://{name}:2379")],
        initial_cluster: NAMES[..=number]
            .iter()
            .map(|name| ((*name).to_owned(), vec![url(name)]))
            .collect(),
        initial_cluster_state: if number == 0 {
            InitialState::New
        } else {
            InitialState::Existing
        },
        force_new_cluster: scenario == Scenario::Force,
        compaction_batch_limit: 20,
        log_keep_bytes: 1 << 10,
        log_flush_bytes: 2 << 10,
        ..Config::default()
    }
}

pub(crate) fn rocks() -> Options {
    Options {
        cache_bytes: 1 << 20,
        write_buffer_bytes: 64 << 10,
        ..Options::default()
    }
}

/// Opens a member's database alone.
pub(crate) fn database(folder: &Path, number: usize, scenario: Scenario) -> Result<Arc<dyn Engine>> {
    let place = Folder::find(&config(folder, number, scenario)).or_fail("find the folder")?;
    let engine = Rocks::open(place.db(), rocks()).or_fail("open the database")?;
    Ok(Arc::new(engine))
}

async fn start(folder: &Path, number: usize, net: &Net, how: &How) -> Result<Member> {
    let config = config(folder, number, how.scenario);
    let place = Folder::open(&config).or_fail("open the folder")?;
    let mut disk: Arc<dyn Disk> = Arc::new(RealDisk::open(place.log()).or_fail("open the log's folder")?);
    let mut engine: Arc<dyn Engine> = Arc::new(Rocks::open(place.db(), rocks()).or_fail("open the database")?);
    let mut identity: Arc<dyn IdentityStore> = Arc::new(place);
    if let Some(plan) = &how.plan {
        let sends = number + 1 < how.scenario.members();
        engine = Arc::new(CutEngine::new(engine, Arc::clone(plan), sends));
        if !sends {
            disk = Arc::new(CutDisk::new(disk, Arc::clone(plan)));
            identity = Arc::new(CutIdentity {
                inner: identity,
                plan: Arc::clone(plan),
            });
        }
    }
    let wire = Arc::new(Wire {
        net: net.clone(),
        own: Mutex::default(),
    });
    let parts = Parts {
        config,
        identity,
        engine,
        disk,
        log: LogTuning {
            executor: Executor::Inline,
            segment_bytes: 4 << 10,
            cache_bytes: 1 << 10,
        },
        clock: Arc::new(Paused {
            start: tokio::time::Instant::now(),
            wall: SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
        }),
        random: Arc::new(Seeded::new(7)),
        transport: wire.clone(),
        peers: wire,
        registry: prometheus::Registry::new(),
        tasks: Tasks::inline(),
        on_fatal: Arc::clone(&how.on_fatal),
    };
    let member = assemble(parts).await.or_fail("start the member")?;
    net.join(&member);
    Ok(member)
}

impl Life {
    /// Starts the members of a scenario, one after the other, and waits until each is ready.
    ///
    /// # Errors
    /// What a start says; everything is given up then.
    pub(crate) fn start(folder: &Path, how: &How) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let mut life = Self {
            runtime: runtime.or_fail("make a runtime")?,
            net: Net::default(),
            members: Vec::new(),
        };
        for number in 0..how.scenario.members() {
            let (net, members) = (life.net.clone(), life.members.clone());
            let started = life.runtime.block_on(async {
                let member = start(folder, number, &net, how).await?;
                // The one who joins is ready once it has what the first has.
                if let Some(first) = members.first() {
                    caught_up(first, &member).await?;
                }
                let ready = tokio::time::timeout(PATIENCE, member.ready()).await;
                ready.or_fail("wait until the member is ready")?.or_fail("be ready")?;
                Ok(member)
            });
            match started {
                Ok(member) => life.members.push(member),
                Err(error) => {
                    life.net.clear();
                    return Err(error);
                }
            }
        }
        Ok(life)
    }

    /// Runs something on the members' runtime.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Ends the members in order, and gives up all that they hold.
    pub(crate) fn stop(self) {
        for member in self.members.iter().rev() {
            self.runtime.block_on(member.shutdown());
        }
        self.net.clear();
    }
}

/// Waits until the second member has applied what the first has.
///
/// # Errors
/// When it takes too long.
pub(crate) async fn caught_up(first: &Member, second: &Member) -> Result<()> {
    let wanted = first.reader().state().applied_index;
    let mut applied = second.consensus().applied();
    let reached = applied.wait_for(|applied| *applied >= wanted);
    match tokio::time::timeout(PATIENCE, reached).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(Error::new("the second member ended")),
        Err(_) => Err(Error::new("the second member never gets what the first has")),
    }
}

/// Who asks.
pub(crate) fn nobody() -> Caller {
    Caller::default()
}
