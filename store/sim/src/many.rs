//! Many seeds at once, each in a process of its own.

use std::path::Path;
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
    /// Run each seed twice: it must go the same way.
    pub(crate) twice: bool,
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
    /// Logs that were purged, and those that a snapshot replaced.
    pub(crate) purges: u64,
    pub(crate) installs: u64,
    pub(crate) took: Duration,
}

#[derive(Default)]
struct Counters {
    next: AtomicU64,
    passed: AtomicU64,
    /// Simulated time in tenths of a second.
    simulated: AtomicU64,
    purges: AtomicU64,
    installs: AtomicU64,
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
                match self.outcome(&own, seed) {
                    Ok(run) => {
                        counters.passed.fetch_add(1, Ordering::SeqCst);
                        counters.simulated.fetch_add(run.tenths, Ordering::SeqCst);
                        counters.purges.fetch_add(run.purges, Ordering::SeqCst);
                        counters.installs.fetch_add(run.installs, Ordering::SeqCst);
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
            purges: counters.purges.into_inner(),
            installs: counters.installs.into_inner(),
            took: started.elapsed(),
        })
    }

    fn outcome(&self, own: &Path, seed: u64) -> Result<Passed, String> {
        let first = child(own, seed, self.plant)?;
        if self.twice {
            let second = child(own, seed, self.plant)?;
            if first != second {
                let (one, other) = (first.line, second.line);
                return Err(format!("harness: one seed went two ways:\n{one}\n{other}\n"));
            }
        }
        Ok(first)
    }
}

/// A seed that passed.
#[derive(PartialEq, Eq)]
pub(crate) struct Passed {
    /// What it said, with the hash of its trace.
    line: String,
    tenths: u64,
    purges: u64,
    installs: u64,
}

/// The number that stands before a word.
fn before<T: std::str::FromStr>(line: &str, word: &str) -> Option<T> {
    let words: Vec<&str> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|one| *one == word)?;
    words.get(at.checked_sub(1)?)?.parse().ok()
}

/// Runs one seed in a process of its own: what came of it, or what it said when it failed.
pub(crate) fn child(own: &Path, seed: u64, plant: Option<&str>) -> Result<Passed, String> {
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
    let line = text.lines().next().unwrap_or_default().to_owned();
    let seconds: f64 = before(&line, "s").unwrap_or(0.0);
    Ok(Passed {
        tenths: (seconds * 10.0) as u64,
        purges: before(&line, "purges").unwrap_or(0),
        installs: before(&line, "installs").unwrap_or(0),
        line,
    })
}

#[cfg(test)]
mod tests {
    use super::before;

    #[test]
    fn numbers_stand_before_their_words() {
        let line = "seed 7: 9.4 s, 4 faults, 12 purges, 1 installs, trace 00";
        assert_eq!(before::<f64>(line, "s"), Some(9.4));
        assert_eq!(before::<u64>(line, "purges"), Some(12));
        assert_eq!(before::<u64>(line, "seed"), None);
    }
}
