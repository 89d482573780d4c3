//! The command line: which workload runs, with which servers.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use base::task::Tasks;
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::api::{self, Api};
use crate::bench::{Bench, Servers};
use crate::compare::{self, Compare};
use crate::options::Options;
use crate::process::{Cluster, Kind, Program, Setup};
use crate::progress::Progress;
use crate::report::{self, Outcome};
use crate::workload::{self, Workload};

/// How a shell tells that a program was ended by Ctrl-C.
const INTERRUPTED: u8 = 130;

#[derive(Debug, Parser)]
#[command(
    name = "keelson-bench",
    version,
    about = "Load benchmarks for any etcd v3 endpoint and any Kubernetes apiserver, and Keelson beside etcd in one report."
)]
struct Line {
    #[command(subcommand)]
    job: Job,
    /// The etcd to start (default: the one on the search path)
    #[arg(long, global = true, value_name = "PATH")]
    etcd: Option<PathBuf>,
    /// The keelson to start (default: the one beside this program)
    #[arg(long, global = true, value_name = "PATH")]
    keelson: Option<PathBuf>,
    /// Where started servers keep their data, on the disk to be measured (default: the folder for temporary files)
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

/// A workload with the flags that all have.
#[derive(Clone, Debug, Args)]
struct With<W: Args> {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    workload: W,
}

#[derive(Debug, Subcommand)]
enum Job {
    /// Put a value to a key
    Put(With<workload::Put>),
    /// Read one key, linearizable or serializable
    Range(With<workload::Range>),
    /// Put keys in transactions
    TxnPut(With<workload::TxnPut>),
    /// Read and put keys
    Mixed(With<workload::Mixed>),
    /// Time from a put to its event, with puts at a rate that leaves the servers idle
    WatchLatency(With<workload::WatchLatency>),
    /// Deliver events to many watchers, as many as they can take, or at a rate
    WatchFanout(With<workload::WatchFanout>),
    /// Keep leases alive, one for each client
    LeaseKeepalive(With<workload::LeaseKeepalive>),
    /// Read the whole key space in one answer
    LargeRange(With<workload::LargeRange>),
    /// Read the whole key space as a stream, where the server can do that
    RangeStream(With<workload::RangeStream>),
    /// The requests of kube-apiserver, while watches on every prefix get all changes
    Kube(With<workload::Kube>),
    /// Time the start of servers that have much data; needs --start
    Recovery(With<workload::Recovery>),
    /// Put every key of the key space once, and see what they cost
    Datascale(With<workload::Datascale>),
    /// Put at a steady rate before and while revisions are compacted
    Compaction(With<workload::Compaction>),
    /// Start etcd and Keelson in turn, have both do the same, and write one report
    Compare(Compare),
    /// Send load to a Kubernetes apiserver, or to two side by side
    Api(Box<Api>),
}

/// What a command line asks for.
enum Task {
    Work(Box<Work>),
    Compare(Compare),
    Api(Box<Api>),
}

/// A workload and where it runs.
pub(crate) struct Work {
    pub(crate) options: Options,
    pub(crate) workload: Box<dyn Workload>,
}

impl<W: Args + Workload + 'static> From<With<W>> for Task {
    fn from(with: With<W>) -> Self {
        Self::Work(Box::new(Work {
            options: with.options,
            workload: Box::new(with.workload),
        }))
    }
}

impl Job {
    fn task(self) -> Task {
        match self {
            Self::Put(with) => with.into(),
            Self::Range(with) => with.into(),
            Self::TxnPut(with) => with.into(),
            Self::Mixed(with) => with.into(),
            Self::WatchLatency(with) => with.into(),
            Self::WatchFanout(with) => with.into(),
            Self::LeaseKeepalive(with) => with.into(),
            Self::LargeRange(with) => with.into(),
            Self::RangeStream(with) => with.into(),
            Self::Kube(with) => with.into(),
            Self::Recovery(with) => with.into(),
            Self::Datascale(with) => with.into(),
            Self::Compaction(with) => with.into(),
            Self::Compare(compare) => Task::Compare(compare),
            Self::Api(api) => Task::Api(api),
        }
    }
}

/// Reads a workload from the words of a command line, the program's name left out.
///
/// # Errors
/// There is no such workload, or it has no such flags.
pub(crate) fn parse_work(command: &str) -> anyhow::Result<Work> {
    let words = std::iter::once("keelson-bench").chain(command.split_whitespace());
    let line = Line::try_parse_from(words)?;
    match line.job.task() {
        Task::Work(work) => Ok(*work),
        Task::Compare(_) | Task::Api(_) => bail!("{command} is no workload of a store"),
    }
}

/// Runs what the command line asks for.
///
/// # Errors
/// What it ended with, for the user.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let line = Line::parse();
    let command = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    let places = Places {
        etcd: line.etcd,
        keelson: line.keelson,
        data: line.data,
    };
    match line.job.task() {
        Task::Work(work) => block_on(work.options.threads, async move |tasks| {
            let mut outcome = run_alone(&work, &places, &tasks).await?;
            outcome.command = command;
            print(&outcome, work.options.json.as_deref())
        }),
        Task::Compare(compare) => block_on(compare.threads, async move |tasks| {
            compare::run(&compare, &places, &tasks).await
        }),
        Task::Api(api) => block_on(api.threads(), async move |tasks| {
            api::run(&api, &places, command, &tasks).await
        }),
    }
}

/// Where started servers and their data are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub(crate) etcd: Option<PathBuf>,
    pub(crate) keelson: Option<PathBuf>,
    pub(crate) data: Option<PathBuf>,
}

impl Places {
    /// Where the user said that this program is.
    pub(crate) fn of(&self, kind: Kind) -> Option<&Path> {
        match kind {
            Kind::Etcd => self.etcd.as_deref(),
            Kind::Keelson => self.keelson.as_deref(),
        }
    }

    /// A folder that is gone when it is dropped, on the disk to be measured.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn folder(&self) -> anyhow::Result<tempfile::TempDir> {
        let parent = self.data.clone().unwrap_or_else(std::env::temp_dir);
        std::fs::create_dir_all(&parent).with_context(|| format!("cannot make the folder {}", parent.display()))?;
        tempfile::Builder::new()
            .prefix("keelson-bench-")
            .tempdir_in(&parent)
            .with_context(|| format!("cannot make a folder in {}", parent.display()))
    }
}

/// Runs a job on a runtime with so many threads, until it ends or the user interrupts it.
fn block_on(threads: usize, job: impl AsyncFnOnce(Tasks) -> anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let tasks = Tasks::new();
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        // Dropping the job ends the servers that it started and removes their data.
        let outcome = tokio::select! {
            outcome = job(tasks.clone()) => Some(outcome),
            _ = interrupt.recv() => None,
            _ = terminate.recv() => None,
        };
        tasks.cancel();
        match outcome {
            Some(outcome) => outcome.map(|()| ExitCode::SUCCESS),
            None => Ok(ExitCode::from(INTERRUPTED)),
        }
    })
}

async fn run_alone(work: &Work, places: &Places, tasks: &Tasks) -> anyhow::Result<Outcome> {
    let progress = Progress::new();
    let Some(kind) = work.options.start else {
        let servers = Servers::Running(work.options.pids.clone());
        let mut bench = Bench::open(&work.options, servers, &progress, tasks).await?;
        return work.workload.run(&mut bench).await;
    };
    let setup = Setup {
        program: Program::find(kind, places.of(kind))?,
        members: work.options.members,
        flags: Vec::new(),
    };
    let folder = places.folder()?;
    let mut cluster = Cluster::new(&setup, folder.path(), tasks);
    cluster.start().await?;
    run_started(work, cluster, &progress, tasks).await.0
}

/// Runs a workload against a started cluster, which is given back.
pub(crate) async fn run_started(
    work: &Work,
    cluster: Cluster,
    progress: &Progress,
    tasks: &Tasks,
) -> (anyhow::Result<Outcome>, Option<Cluster>) {
    let mut options = work.options.clone();
    options.endpoints = cluster.endpoints();
    let mut bench = match Bench::open(&options, Servers::Started(cluster), progress, tasks).await {
        Ok(bench) => bench,
        Err(error) => return (Err(error), None),
    };
    let mut outcome = work.workload.run(&mut bench).await;
    let mut cluster = bench.cluster.take();
    // A member that ended explains more than the connection that broke with it.
    if let Some(Err(error)) = cluster.as_mut().map(Cluster::check_alive) {
        outcome = Err(error);
    }
    (outcome, cluster)
}

fn print(outcome: &Outcome, json: Option<&Path>) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(outcome)?;
    match json {
        Some(path) if path == Path::new("-") => {
            std::io::stdout().write_all(text.as_bytes())?;
            println!();
            return Ok(());
        }
        Some(path) => std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?,
        None => {}
    }
    print!("{}", report::show(outcome));
    Ok(())
}
