//! Many seeds at once, each in a process of its own.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use parking_lot::Mutex;

/// What is run.
pub(crate) struct Many {
    pub(crate) first: u64,
    pub(crate) count: u64,
    /// How many at once; one for each processor if not said.
    pub(crate) jobs: Option<usize>,
    /// Go on after a failure.
    pub(crate) keep_going: bool,
    /// The bug that all of them have.
    pub(crate) plant: Option<&'static str>,
}

/// A seed that failed, and what it said.
pub(crate) struct Failed {
    pub(crate) seed: u64,
    pub(crate) text: String,
}

/// What many runs came to.
pub(crate) struct Total {
    pub(crate) passed: u64,
    /// In the order in which they failed.
    pub(crate) failed: Vec<Failed>,
    pub(crate) simulated: Duration,
    pub(crate) took: Duration,
}

#[derive(Default)]
struct Counters {
    next: AtomicU64,
    passed: AtomicU64,
    /// Simulated time in tenths of a second.
    simulated: AtomicU64,
    failed: Mutex<Vec<Failed>>,
    stop: AtomicBool,
}

impl Many {
    /// Runs them; `tell` hears of each that fails.
    pub(crate) fn run(&self, tell: impl Fn(&Failed) + Sync) -> Result<Total> {
        let own = std::env::current_exe().context("cannot find this program")?;
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        let (counters, started) = (Counters::default(), Instant::now());
        let work = || {
            while !counters.stop.load(Ordering::SeqCst) {
                let seed = self.first + counters.next.fetch_add(1, Ordering::SeqCst);
                if seed >= self.first + self.count {
                    return;
                }
                match child(&own, seed, self.plant) {
                    Ok(tenths) => {
                        counters.passed.fetch_add(1, Ordering::SeqCst);
                        counters.simulated.fetch_add(tenths, Ordering::SeqCst);
                    }
                    Err(text) => {
                        let failed = Failed { seed, text };
                        tell(&failed);
                        counters.failed.lock().push(failed);
                        if !self.keep_going {
                            counters.stop.store(true, Ordering::SeqCst);
                        }
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.unwrap_or_else(processors) {
                scope.spawn(work);
            }
        });
        Ok(Total {
            passed: counters.passed.into_inner(),
            failed: counters.failed.into_inner(),
            simulated: Duration::from_millis(100 * counters.simulated.into_inner()),
            took: started.elapsed(),
        })
    }
}

/// Runs one seed in a process of its own. Tenths of a second that it simulated, or what it said when it failed.
fn child(own: &std::path::Path, seed: u64, plant: Option<&str>) -> Result<u64, String> {
    let mut command = Command::new(own);
    command.args(["one", &seed.to_string()]);
    if let Some(bug) = plant {
        command.args(["--plant", bug]);
    }
    let output = command
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("seed {seed}: cannot start a process: {error}\n"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    }
    let simulated = text.split(": ").nth(1).and_then(|rest| rest.split(' ').next());
    let seconds: f64 = simulated.and_then(|seconds| seconds.parse().ok()).unwrap_or(0.0);
    Ok((seconds * 10.0) as u64)
}
