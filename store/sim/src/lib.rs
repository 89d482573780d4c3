//! Whole clusters in one thread: the members that the program puts together, on disks in memory, over a network that is
//! simulated, in a time that the simulation moves. Everything that happens is decided by a seed.
//!
//! Start reading at [`run`], then `world` (what happens in a step), `plan` (what a seed decides), `faults` (what goes
//! wrong, one file each), `invariants` (what must hold at every moment, one file each) and `judge` (what clients saw). A
//! member runs on a runtime of its own whose time stands still unless `node` moves it; `net` carries what they say.
//!
//! This crate must not know how consensus or the store work inside: it uses what every program could use, and the same
//! checkers as runs of real clusters. Nothing here may depend on the time of day or on chance; `entropy` sees to what
//! the libraries below draw. One run uses one thread, which must be fresh, in a process that made no runtime before:
//! the program `keelson-sim` starts a process for each seed.

mod clients;
mod clock;
pub mod entropy;
mod faults;
mod invariants;
mod judge;
mod net;
mod node;
mod plan;
mod trace;
mod world;

use std::fmt;
use std::time::Duration;

use jepsen_check::history::Line;

/// What one run was.
#[derive(Debug)]
pub struct Report {
    /// How much time passed in it.
    pub simulated: Duration,
    /// Lines of the history.
    pub operations: u64,
    /// Faults that began.
    pub faults: u64,
    /// Packets that arrived.
    pub packets: u64,
    /// Pictures of a member that were held against the rules.
    pub checked: u64,
    /// Logs that were purged.
    pub purges: u64,
    /// Logs that a snapshot replaced.
    pub installs: u64,
    /// A hash over the trace.
    pub hash: u64,
    /// Why not all of the trace could be written.
    pub trace_lost: Option<std::io::Error>,
    /// What clients saw.
    pub history: Vec<Line>,
    /// What was wrong.
    pub failure: Option<Failure>,
}

/// What was wrong in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A rule was broken inside the cluster.
    Invariant(String),
    /// It did not get well in time.
    Liveness(String),
    /// Clients were lied to.
    Client(String),
    /// The simulation itself is wrong.
    Harness(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invariant(text) => write!(f, "invariant: {text}"),
            Self::Liveness(text) => write!(f, "liveness: {text}"),
            Self::Client(text) => write!(f, "client: {text}"),
            Self::Harness(text) => write!(f, "harness: {text}"),
        }
    }
}

/// Runs a seed on a thread of its own; its trace goes to the file, line by line.
///
/// # Errors
/// When the run panicked; the text is what it said.
pub fn run(seed: u64, trace: Option<std::fs::File>) -> Result<Report, String> {
    let run = move || {
        entropy::seed(seed);
        world::World::new(seed, trace).run()
    };
    let thread = std::thread::Builder::new().name(format!("seed {seed}"));
    let running = thread.spawn(run).map_err(|error| error.to_string())?;
    running.join().map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("the run panicked: {}", text.unwrap_or_default())
    })
}
