//! What a run did that is not cut: each operation, in order, with its name.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{OrFail, Result};
use crate::names::{self, Name};
use crate::plan::Kind;
use crate::script::Scenario;
use crate::table::Seam;

/// An operation of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// As it is recorded.
    pub text: String,
    /// Which of those that are recorded so; the first is 1.
    pub occurrence: u64,
    /// What it can go wrong in.
    pub kind: Kind,
}

/// All that a run did.
pub struct Record {
    /// The run.
    pub scenario: Scenario,
    /// How the operations were met.
    pub seam: Seam,
    /// Them, each with its name.
    pub operations: Vec<(Operation, Name)>,
}

impl Record {
    /// Reads a list that a plan or the library made.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(scenario: Scenario, seam: Seam, list: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(list).or_fail("read the list")?;
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        let mut operations = Vec::new();
        for line in text.lines() {
            // A plan says the kind first; of a system call the name says it.
            let (kind, text) = match seam {
                Seam::Traits => line.split_once(' ').unwrap_or(("", line)),
                Seam::Calls => (line.split('@').next().unwrap_or_default(), line),
            };
            let count = seen.entry(text.to_owned()).or_default();
            *count += 1;
            operations.push(Operation {
                text: text.to_owned(),
                occurrence: *count,
                kind: Kind::of(kind),
            });
        }
        let names = match seam {
            Seam::Traits => names::of_traits(scenario, &operations),
            Seam::Calls => names::of_calls(scenario, &operations),
        };
        Ok(Self {
            scenario,
            seam,
            operations: operations.into_iter().zip(names).collect(),
        })
    }

    /// What nobody has named.
    pub fn unknown(&self) -> Vec<&str> {
        let unknown = self.operations.iter().filter(|(_, name)| *name == Name::Unknown);
        unknown.map(|(operation, _)| operation.text.as_str()).collect()
    }
}
