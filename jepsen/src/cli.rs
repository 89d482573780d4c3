//! The command line.
//!
//! Exit codes: 0 valid, 1 anomaly, 2 unknown, too little coverage, or a failure of this program.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use base::task::Tasks;
use base::telemetry::{Format, Level, LogOptions};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cluster::Product;
use crate::command;
use crate::judge::Outcome;
use crate::net;
use crate::run::{Nemesis, Order};
use crate::workload::Name;

/// Threads of the program: clients are many and small, and the members want the machine.
const THREADS: usize = 2;
/// What still runs in the end is waited for so long.
const LAST_WAIT: Duration = Duration::from_secs(5);

#[derive(Parser)]
#[command(
    name = "keelson-jepsen",
    version,
    about = "Real clusters under faults: what clients saw, judged.",
    after_help = "Exit codes: 0 valid, 1 anomaly, 2 unknown, too little coverage, or a failure of this program."
)]
struct Line {
    #[command(subcommand)]
    job: Job,
    /// Say what is done meanwhile
    #[arg(long, global = true)]
    verbose: bool,
}

#[derive(Subcommand)]
enum Job {
    /// Run workloads under faults, each with each
    Run(RunArgs),
    /// Run a part of all combinations, another one each day or with each seed; skips where no cluster can be run
    Matrix(MatrixArgs),
    /// Judge again what runs left
    Recheck {
        /// The folders of the runs
        #[arg(required = true, value_name = "DIR")]
        folders: Vec<PathBuf>,
    },
    /// Write a history in another checker's format
    Convert(ConvertArgs),
    /// Judge the 102 histories of etcd that Jepsen recorded, whose verdicts are known
    Selftest {
        /// Where they are
        #[arg(long, value_name = "DIR", default_value = "jepsen/check/tests/etcd")]
        histories: PathBuf,
    },
}

/// What a run is like, whatever its workload and faults.
#[derive(Clone, Args)]
pub(crate) struct Shape {
    /// Length of the load
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub(crate) time: Duration,
    /// Calls a second of all clients together
    #[arg(long, default_value_t = 200.0, value_parser = rate)]
    pub(crate) rate: f64,
    /// Clients that share the rate
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) clients: u16,
    /// Time between two faults
    #[arg(long, default_value = "1500ms", value_parser = duration)]
    pub(crate) rest: Duration,
    /// How long a fault stays; longer than it takes to elect another leader
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub(crate) hold: Duration,
    /// After the faults the cluster must serve, and later agree, within this: a connection that was cut is tried again
    /// by the kernel in steps that double
    #[arg(long, default_value = "20s", value_parser = duration)]
    pub(crate) settle: Duration,
    /// The store
    #[arg(long, value_enum, default_value_t = Product::Keelson)]
    pub(crate) db: Product,
    /// Its program (default: the keelson beside this program, the etcd on the search path)
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
    /// A flag of the members beyond the usual ones, "--flag=--snapshot-count=100"
    #[arg(long = "flag", value_name = "FLAG", allow_hyphen_values = true)]
    pub(crate) flags: Vec<String>,
    /// Where runs leave their folders
    #[arg(long, default_value = "store", value_name = "DIR")]
    pub(crate) out: PathBuf,
}

impl Shape {
    /// The order of one run of this shape.
    pub(crate) fn order(&self, workload: Name, nemesis: Nemesis, members: usize, seed: u64) -> Order {
        Order {
            workload,
            nemesis,
            product: self.db,
            binary: self.binary.clone(),
            members,
            time: self.time,
            rate: self.rate,
            clients: usize::from(self.clients),
            rest: self.rest,
            hold: self.hold,
            settle: self.settle,
            flags: self.flags.clone(),
            seed,
            out: self.out.clone(),
        }
    }
}

/// Workloads under faults.
#[derive(Args)]
pub(crate) struct RunArgs {
    /// Workloads, or "all"
    #[arg(long, value_delimiter = ',', required = true, value_parser = workloads)]
    pub(crate) workload: Vec<Workloads>,
    /// Faults: kinds, several at once joined by "+", "mix" for all of them, "none", or "all" for each kind in turn
    #[arg(long, value_delimiter = ',', required = true, value_parser = nemeses)]
    pub(crate) nemesis: Vec<Nemeses>,
    /// Members of the cluster: 3 or 5
    #[arg(long, default_value = "3", value_parser = nodes)]
    pub(crate) nodes: usize,
    /// What everything is chosen from (default: another one each time)
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) shape: Shape,
}

/// A part of all combinations.
#[derive(Args)]
pub(crate) struct MatrixArgs {
    /// No run begins that would not end within this
    #[arg(long, default_value = "5m", value_parser = duration)]
    pub(crate) budget: Duration,
    /// Which part, and what everything is chosen from (default: the days since 1970, so another part each day)
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Only these workloads (default: all)
    #[arg(long, value_delimiter = ',', value_parser = workloads)]
    pub(crate) workload: Vec<Workloads>,
    /// Only these faults (default: each kind, and the mix)
    #[arg(long, value_delimiter = ',', value_parser = nemeses)]
    pub(crate) nemesis: Vec<Nemeses>,
    #[command(flatten)]
    pub(crate) shape: Shape,
}

/// A history in another format.
#[derive(Args)]
pub(crate) struct ConvertArgs {
    /// The folder of a run, or a history
    #[arg(value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// The format
    #[arg(long, value_enum)]
    pub(crate) format: Dialect,
    /// The register to write; Porcupine's logs have one only (default: each into a file of its own)
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// The file to write, or the folder where each key gets a file (default: the standard output)
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
}

/// Formats of other checkers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dialect {
    /// The logs of etcd's registers that Porcupine reads
    Porcupine,
    /// The maps that Jepsen's checkers read
    Edn,
}

/// One name on the command line may stand for many workloads.
pub(crate) type Workloads = Vec<Name>;
/// One name on the command line may stand for many nemeses.
pub(crate) type Nemeses = Vec<Nemesis>;

fn workloads(text: &str) -> Result<Workloads, String> {
    match text {
        "all" => Ok(Name::ALL.to_vec()),
        text => Ok(vec![Name::from_str(text, false).map_err(|_| {
            let names: Vec<&str> = Name::ALL.iter().map(|name| name.text()).collect();
            format!("there is no workload {text:?}; there are all, {}", names.join(", "))
        })?]),
    }
}

fn nemeses(text: &str) -> Result<Nemeses, String> {
    match text {
        "all" => Ok(command::every_nemesis()),
        text => Ok(vec![text.parse()?]),
    }
}

fn nodes(text: &str) -> Result<usize, String> {
    match text {
        "3" => Ok(3),
        "5" => Ok(5),
        _ => Err("a cluster has 3 or 5 members".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    base::flags::duration("duration", text).map_err(|error| error.to_string())
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("a rate is a number greater than 0".to_owned()),
    }
}

/// Does what the command line asks for.
///
/// # Errors
/// This program failed, which says nothing of the store.
pub(crate) fn run() -> anyhow::Result<Outcome> {
    let line = Line::parse();
    base::telemetry::init(&LogOptions {
        level: if line.verbose { Level::Info } else { Level::Warn },
        format: Format::Console,
        outputs: vec!["stderr".to_owned()],
        ..LogOptions::default()
    })?;
    match line.job {
        Job::Recheck { folders } => Ok(command::recheck(&folders)),
        Job::Convert(args) => command::convert(&args),
        Job::Selftest { histories } => command::selftest(&histories),
        Job::Run(args) => {
            let orders = command::orders(&args)?;
            in_own_network(async move |tasks| command::run_all(&orders, None, &tasks).await)
        }
        Job::Matrix(args) => {
            if let Err(why) = net::probe() {
                // Said, and no failure: whoever runs all tests of a tree may not be root.
                println!("skipped: no cluster can be run here: {why:#}");
                return Ok(Outcome::Valid);
            }
            let orders = command::matrix(&args)?;
            let budget = args.budget;
            in_own_network(async move |tasks| command::run_all(&orders, Some(budget), &tasks).await)
        }
    }
}

/// Runs clusters where no other program of the machine can be touched. The network belongs to the thread that makes it
/// and to those that it starts later, so it is made before there are any.
fn in_own_network(work: impl AsyncFnOnce(Tasks) -> anyhow::Result<Outcome>) -> anyhow::Result<Outcome> {
    net::isolate()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    let tasks = Tasks::new();
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = work(tasks.clone()) => outcome,
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
        }
    });
    tasks.cancel();
    runtime.shutdown_timeout(LAST_WAIT);
    outcome
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(words: &str) -> Result<Line, clap::Error> {
        Line::try_parse_from(std::iter::once("keelson-jepsen").chain(words.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_sound() {
        Line::command().debug_assert();
    }

    #[test]
    fn a_run_names_workloads_and_faults() {
        let line = parse("run --workload bank,set --nemesis none,mix --nodes 5 --time 2m --rate 50 --seed 7 --db etcd");
        let Ok(Line {
            job: Job::Run(args), ..
        }) = line
        else {
            panic!("not a run");
        };
        assert_eq!(args.workload.concat(), [Name::Bank, Name::Set]);
        assert_eq!(args.nemesis.concat().len(), 2);
        let order = args.shape.order(Name::Bank, "none".parse().unwrap(), args.nodes, 7);
        assert_eq!((order.members, order.time), (5, Duration::from_secs(120)));
        assert_eq!(order.product, Product::Etcd);
        let again = parse(order.command().trim_start_matches("keelson-jepsen "));
        assert!(again.is_ok(), "{}", order.command());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            "run --workload bank",
            "run --workload fish --nemesis none",
            "run --workload bank --nemesis earthquake",
            "run --workload bank --nemesis none --nodes 4",
            "run --workload bank --nemesis none --rate 0",
            "run --workload bank --nemesis none --time 30",
            "matrix --seed today",
            "recheck",
            "convert store/x",
        ] {
            assert!(parse(words).is_err(), "{words}");
        }
        for words in ["matrix", "matrix --seed 3", "selftest", "recheck a b"] {
            assert!(parse(words).is_ok(), "{words}");
        }
    }
}
