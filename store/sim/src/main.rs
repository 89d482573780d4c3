//! `keelson-sim`: one seed, or many of them, each in a process of its own.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

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
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().what {
        What::One {
            seed,
            trace,
            history,
            logs,
        } => logs
            .map_or(Ok(()), |filter| show_logs(&filter))
            .and_then(|()| one(seed, trace, history)),
        What::Many {
            first,
            count,
            jobs,
            keep_going,
        } => many(first, count, jobs, keep_going),
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

/// Runs a seed; true where nothing was wrong.
fn one(seed: u64, trace: Option<PathBuf>, history: Option<PathBuf>) -> Result<bool> {
    let create =
        |path: &PathBuf| std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()));
    let trace = trace.as_ref().map(create).transpose()?;
    let report = match store_sim::run(seed, trace) {
        Ok(report) => report,
        Err(panic) => bail!("seed {seed}: {panic}"),
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
        "seed {seed}: {:.1} s, {} lines of history, {} faults, {} packets, {} checks, trace {:016x}",
        report.simulated.as_secs_f64(),
        report.operations,
        report.faults,
        report.packets,
        report.checked,
        report.hash,
    );
    if let Some(failure) = &report.failure {
        println!("{failure}");
        println!("again: keelson-sim one {seed} --trace trace.txt --history history.jsonl");
    }
    Ok(report.failure.is_none())
}

/// What many runs came to.
#[derive(Default)]
struct Total {
    next: AtomicU64,
    passed: AtomicU64,
    failed: AtomicU64,
    /// Simulated time in tenths of a second.
    simulated: AtomicU64,
    stop: AtomicBool,
}

fn many(first: u64, count: u64, jobs: Option<usize>, keep_going: bool) -> Result<bool> {
    let own = std::env::current_exe().context("cannot find this program")?;
    let jobs = jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let (total, started) = (Total::default(), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let seed = first + total.next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + count || total.stop.load(Ordering::SeqCst) {
                        return;
                    }
                    if !child(&own, seed, &total) && !keep_going {
                        total.stop.store(true, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    let (passed, failed) = (total.passed.into_inner(), total.failed.into_inner());
    let simulated = Duration::from_millis(100 * total.simulated.into_inner());
    println!(
        "{passed} seeds passed, {failed} failed; {:.1} hours simulated in {:.0} s",
        simulated.as_secs_f64() / 3600.0,
        started.elapsed().as_secs_f64()
    );
    Ok(failed == 0)
}

/// Runs one seed in a process of its own; true where nothing was wrong.
fn child(own: &std::path::Path, seed: u64, total: &Total) -> bool {
    let output = Command::new(own)
        .args(["one", &seed.to_string()])
        .stderr(Stdio::piped())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            println!("seed {seed}: cannot start a process: {error}");
            total.failed.fetch_add(1, Ordering::SeqCst);
            return false;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        total.passed.fetch_add(1, Ordering::SeqCst);
        let simulated = text.split(": ").nth(1).and_then(|rest| rest.split(' ').next());
        let tenths = simulated.and_then(|seconds| seconds.parse::<f64>().ok()).unwrap_or(0.0) * 10.0;
        total.simulated.fetch_add(tenths as u64, Ordering::SeqCst);
        return true;
    }
    total.failed.fetch_add(1, Ordering::SeqCst);
    println!("{text}{}", String::from_utf8_lossy(&output.stderr));
    false
}
