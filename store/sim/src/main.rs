//! `keelson-sim`: one seed, or many of them, each in a process of its own.

mod many;
mod planted;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use crate::many::Many;

/// An eighth of the time of a run goes into small allocations with the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A run takes a second, or some where the machine is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// In so many seeds everything that can happen does.
const ENOUGH: u64 = 200;

/// Simulated clusters under faults, from seeds.
#[derive(Parser)]
#[command(name = "keelson-sim", version)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Run one seed and say what came of it
    One {
        /// The seed
        seed: u64,
        /// Write what happened to this file, line by line
        #[arg(long)]
        trace: Option<PathBuf>,
        /// Write what clients saw to this file, as JSON lines
        #[arg(long)]
        history: Option<PathBuf>,
        /// Show what the members log, with the syntax of `RUST_LOG`, e.g. `debug,openraft=trace`
        #[arg(long, value_name = "FILTER")]
        logs: Option<String>,
        /// Switch one of the planted bugs on
        #[arg(long, value_name = "BUG")]
        plant: Option<String>,
    },
    /// Run many seeds, each in a process of its own
    Many {
        /// The first seed
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// How many
        #[arg(long, default_value_t = 2_000)]
        count: u64,
        /// How many at once [default: one for each processor]
        #[arg(long)]
        jobs: Option<usize>,
        /// Go on after a failure
        #[arg(long)]
        keep_going: bool,
        /// Run each seed twice, and see that it goes the same way
        #[arg(long)]
        twice: bool,
    },
    /// Switch the planted bugs on, one after the other, and see that a seed notices each
    Planted {
        /// Only these
        #[arg(long, value_name = "BUG")]
        only: Vec<String>,
        /// The first seed
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// Most seeds for one bug
        #[arg(long, default_value_t = 400)]
        count: u64,
        /// How many at once [default: one for each processor]
        #[arg(long)]
        jobs: Option<usize>,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().what {
        What::One {
            seed,
            trace,
            history,
            logs,
            plant,
        } => logs
            .map_or(Ok(()), |filter| show_logs(&filter))
            .and_then(|()| plant.as_deref().map_or(Ok(()), plant_bug))
            .and_then(|()| one(seed, plant.as_deref(), trace, history)),
        What::Many {
            first,
            count,
            jobs,
            keep_going,
            twice,
        } => many(&Many {
            first,
            count,
            jobs,
            keep_going,
            plant: None,
            twice,
        }),
        What::Planted {
            only,
            first,
            count,
            jobs,
        } => planted::chosen(&only).and_then(|bugs| planted::planted(&bugs, first, count, jobs)),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("keelson-sim: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Makes all members of this process have a bug.
fn plant_bug(name: &str) -> Result<()> {
    let bug = planted::named(name)?;
    #[cfg(debug_assertions)]
    store_planted::plant(Some(bug));
    #[cfg(not(debug_assertions))]
    bail!(
        "this build has no `{}` in it: build it with debug assertions",
        bug.name()
    );
    Ok(())
}

/// Writes what members log to stderr. Their time is the world's, which the lines of the trace tell.
fn show_logs(filter: &str) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter).context("--logs is no filter")?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .without_time()
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}

/// Ends the process when a seed takes longer than any should: a member may be going round in a circle.
fn watch_over(seed: u64, again: String) {
    std::thread::spawn(move || {
        std::thread::sleep(PATIENCE);
        println!("seed {seed}: hangs: the run takes more than {PATIENCE:?}\n{again}");
        std::process::exit(1);
    });
}

/// Runs a seed; true where nothing was wrong.
fn one(seed: u64, plant: Option<&str>, trace: Option<PathBuf>, history: Option<PathBuf>) -> Result<bool> {
    let create =
        |path: &PathBuf| std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()));
    let trace = trace.as_ref().map(create).transpose()?;
    let bug = plant.map(|bug| format!(" --plant {bug}")).unwrap_or_default();
    let again = format!("again: keelson-sim one {seed}{bug} --trace trace.txt --history history.jsonl");
    watch_over(seed, again.clone());
    let report = match store_sim::run(seed, trace) {
        Ok(report) => report,
        Err(panic) => {
            println!("seed {seed}: {panic}\n{again}");
            return Ok(false);
        }
    };
    if let Some(error) = report.trace_lost {
        return Err(error).context("cannot write the trace");
    }
    if let Some(path) = history {
        let mut file = std::io::BufWriter::new(create(&path)?);
        for line in &report.history {
            line.write(&mut file)?;
        }
        file.flush()
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!(
        "seed {seed}: {:.1} s, {} lines of history, {} faults, {} packets, {} purges, {} installs, {} checks, trace {:016x}",
        report.simulated.as_secs_f64(),
        report.operations,
        report.faults,
        report.packets,
        report.purges,
        report.installs,
        report.checked,
        report.hash,
    );
    if let Some(failure) = &report.failure {
        println!("{failure}\n{again}");
    }
    Ok(report.failure.is_none())
}

/// Runs many seeds and says what came of them; true where nothing was wrong.
fn many(many: &Many) -> Result<bool> {
    let total = many.run(|failed| print!("{}", failed.text))?;
    println!(
        "{} seeds passed, {} failed; {:.1} hours simulated in {:.0} s, logs purged {} times, snapshots installed {} times",
        total.passed,
        total.failed.len(),
        total.simulated.as_secs_f64() / 3600.0,
        total.took.as_secs_f64(),
        total.purges,
        total.installs
    );
    if total.passed >= ENOUGH && (total.purges == 0 || total.installs == 0) {
        bail!("no log was purged, or no snapshot installed: these runs prove little");
    }
    Ok(total.failed.is_empty())
}
