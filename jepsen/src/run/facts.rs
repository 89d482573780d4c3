//! What is known of a run beside its history: what it was, and what this program saw of it.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use jepsen_check::coverage;
use serde::{Deserialize, Serialize};

/// How many answered calls each part of a run must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Floor {
    /// Before the first fault.
    pub(crate) before: usize,
    /// While faults are on that leave a majority.
    pub(crate) during: usize,
    /// Begun while any faults are on, answered or not.
    #[serde(default)]
    pub(crate) tried: usize,
    /// After the last fault.
    pub(crate) after: usize,
}

impl From<Floor> for coverage::Floor {
    fn from(floor: Floor) -> Self {
        Self {
            before: floor.before,
            during: floor.during,
            tried: floor.tried,
            after: floor.after,
            felt: FELT,
        }
    }
}

/// Snapshots and compactions take milliseconds, and clients call a few hundred times a second.
const FELT: u64 = 1_000_000_000;

/// One fault that was tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tried {
    /// What it is called.
    pub(crate) name: String,
    /// What became of it: installed, skipped, or nobody knows.
    pub(crate) state: String,
    /// To whom it was done.
    pub(crate) detail: String,
    /// Whether its effect was seen.
    pub(crate) seen: bool,
    /// How it was seen.
    pub(crate) evidence: String,
}

/// What a run was and what was seen of it; kept beside its history, so that it can be judged again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Facts {
    /// The workload, by its name on the command line.
    pub(crate) workload: String,
    /// The nemesis, as on the command line.
    pub(crate) nemesis: String,
    /// The store's name and version.
    pub(crate) product: String,
    /// How many members the cluster had at first.
    pub(crate) members: usize,
    /// How many clients kept the rate.
    pub(crate) clients: usize,
    /// Processes that differ by a multiple of this are one client; 0: each is one of its own.
    pub(crate) width: u64,
    /// Calls a second that were asked for.
    pub(crate) rate: f64,
    /// Length of the load, in seconds.
    pub(crate) seconds: f64,
    /// What everything was chosen from.
    pub(crate) seed: u64,
    /// When it began, in seconds since 1970.
    pub(crate) started: u64,
    /// The command that runs it again.
    pub(crate) command: String,
    /// What each part of it must have; `None`: there are no faults, so there are no parts.
    pub(crate) floor: Option<Floor>,
    /// How long the cluster took at most to serve again when the faults were over, in milliseconds.
    pub(crate) recovered_ms: Option<u64>,
    /// Faults that were tried.
    pub(crate) faults: Vec<Tried>,
    /// What the store failed to do that no checker sees: to come back, to converge, to answer in the end.
    pub(crate) failures: Vec<String>,
    /// Members that crashed without an excuse.
    pub(crate) incidents: Vec<String>,
    /// What went wrong in this program or was not shown; the run proves nothing.
    pub(crate) troubles: Vec<String>,
}

impl Facts {
    /// Reads them from a file.
    ///
    /// # Errors
    /// There is none, or it is none.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not what a run leaves", path.display()))
    }

    /// Writes them to a file.
    ///
    /// # Errors
    /// The file's.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        std::fs::write(path, text).with_context(|| format!("{}", path.display()))
    }
}

/// What each part must have, in words.
impl fmt::Display for Floor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            before,
            during,
            tried,
            after,
        } = self;
        write!(
            out,
            "{before} before, {during} during ({tried} tried) and {after} after the faults"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("facts.json");
        let facts = Facts {
            workload: "bank".into(),
            seed: u64::MAX,
            rate: 200.0,
            floor: Some(Floor {
                before: 1,
                during: 2,
                tried: 2,
                after: 3,
            }),
            faults: vec![Tried::default()],
            ..Facts::default()
        };
        facts.write(&path).unwrap();
        let read = Facts::read(&path).unwrap();
        assert_eq!((read.seed, read.floor, read.faults.len()), (u64::MAX, facts.floor, 1));
        std::fs::write(&path, "{}").unwrap();
        assert!(Facts::read(&path).is_err());
    }
}
