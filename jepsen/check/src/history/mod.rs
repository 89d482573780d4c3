//! A history: what every client asked, when, and what it was answered.
//!
//! On disk a history is one [`Line`] of JSON for each thing that happened, in the order in which the harness saw it
//! happen, each with the nanoseconds of one monotonic clock. A call is an `invoke` line and, once its outcome is known,
//! an `ok`, `fail` (it did not happen) or `info` (it may have happened, or happen yet) line of the same process; a
//! process has one call at a time. `response` lines are what a watch delivers while it is open, `fault` lines are what
//! was done to the cluster. In memory each call is one [`Operation`].

mod call;
pub mod edn;
mod error;
mod fits;
mod line;
pub mod porcupine;
mod register;
mod reply;
mod words;

use std::collections::{BTreeMap, HashMap};

pub use call::{Call, Compare, Delete, Get, Put, Relation, Request, Step, Target, Txn, Watch, covers};
pub use error::{Error, Problem};
pub use line::{Line, Phase};
pub(crate) use register::{Action, action};
pub use reply::{Event, KeyValue, Kind, Leader, Reply, Response};
pub(crate) use words::{event, key_value, seconds};

/// Everything that happened in one run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Calls in the order in which they were made; an operation's index is its place here.
    pub operations: Vec<Operation>,
    /// What was done to the cluster, oldest first.
    pub faults: Vec<Fault>,
    /// The order of everything, for writing it again.
    pub(crate) marks: Vec<Mark>,
}

/// One call and what became of it.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its place in the history.
    pub index: usize,
    /// Who called; one call at a time.
    pub process: u64,
    /// The member that was asked, where the client chose one.
    pub member: Option<String>,
    /// What was asked.
    pub call: Call,
    /// When it was called, in nanoseconds.
    pub start: u64,
    /// When the client knew what became of it, or gave up; `None`: it was open when the history ended.
    pub end: Option<u64>,
    /// What became of it.
    pub outcome: Outcome,
    /// What a watch delivered, each with the time at which it came.
    pub responses: Vec<(u64, Response)>,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It happened.
    Ok {
        /// The answer.
        reply: Reply,
        /// The store's revision, from the header of the answer.
        revision: Option<i64>,
        /// The raft term, from the header of the answer.
        term: Option<u64>,
    },
    /// It did not happen, and never will.
    Fail {
        /// What the client was told.
        error: String,
    },
    /// It may have happened, and may yet happen.
    Info {
        /// What the client was told.
        error: String,
    },
}

/// One moment of what was done to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When.
    pub time: u64,
    /// What it is called; a beginning and its end have the same name.
    pub name: String,
    /// Whether it begins or ends here.
    pub phase: Phase,
    /// When it was set about, where that is told.
    pub since: Option<u64>,
    /// To whom, in words.
    pub detail: String,
}

/// A fault from the moment at which it was set about to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spell<'a> {
    pub(crate) name: &'a str,
    pub(crate) begin: u64,
    /// `None`: it never ended.
    pub(crate) end: Option<u64>,
}

/// One line of a history, by what it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// An operation began.
    Invoke(usize),
    /// Its outcome became known.
    Complete(usize),
    /// An operation's response, by its number.
    Response(usize, usize),
    /// A fault.
    Fault(usize),
}

impl Fault {
    /// From when on it may have shown, if it begins here.
    pub fn began(&self) -> u64 {
        self.since.unwrap_or(self.time)
    }
}

impl Operation {
    /// The answer, if there is one.
    pub const fn reply(&self) -> Option<&Reply> {
        match &self.outcome {
            Outcome::Ok { reply, .. } => Some(reply),
            Outcome::Fail { .. } | Outcome::Info { .. } => None,
        }
    }

    /// The revision it was answered from, if it was answered and the answer named one.
    pub const fn revision(&self) -> Option<i64> {
        match &self.outcome {
            Outcome::Ok { revision, .. } => *revision,
            Outcome::Fail { .. } | Outcome::Info { .. } => None,
        }
    }

    /// The raft term it was answered in, if it was answered and the answer named one.
    pub const fn term(&self) -> Option<u64> {
        match &self.outcome {
            Outcome::Ok { term, .. } => *term,
            Outcome::Fail { .. } | Outcome::Info { .. } => None,
        }
    }

    /// It happened.
    pub const fn is_ok(&self) -> bool {
        matches!(self.outcome, Outcome::Ok { .. })
    }

    /// It did not happen.
    pub const fn is_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Fail { .. })
    }

    /// Nobody knows whether it happened.
    pub const fn is_unknown(&self) -> bool {
        matches!(self.outcome, Outcome::Info { .. })
    }

    /// The last moment at which it may have taken effect; the end of all time if its outcome is unknown.
    pub fn effective_by(&self) -> u64 {
        match self.outcome {
            Outcome::Info { .. } => u64::MAX,
            Outcome::Ok { .. } | Outcome::Fail { .. } => self.end.unwrap_or(u64::MAX),
        }
    }

    /// Whether it was over before the other was called.
    pub fn precedes(&self, other: &Self) -> bool {
        self.effective_by() < other.start
    }
}

impl History {
    /// The faults, each from its beginning to its end, in the order of their beginnings.
    pub(crate) fn spells(&self) -> Vec<Spell<'_>> {
        let mut on: BTreeMap<&str, u64> = BTreeMap::new();
        let mut spells = Vec::new();
        for fault in &self.faults {
            let name = fault.name.as_str();
            match fault.phase {
                Phase::Begin => {
                    on.entry(name).or_insert(fault.began());
                }
                Phase::End => {
                    let end = Some(fault.time);
                    spells.extend(on.remove(name).map(|begin| Spell { name, begin, end }));
                }
            }
        }
        let endless = on.into_iter().map(|(name, begin)| Spell { name, begin, end: None });
        spells.extend(endless);
        spells.sort_by_key(|spell| spell.begin);
        spells
    }

    /// The number under which each operation's process is known to checkers that let nobody call again after a call
    /// whose outcome is unknown: after each such call a process gets a number of its own.
    pub(crate) fn processes(&self) -> Vec<u64> {
        let mut fresh = self.operations.iter().map(|one| one.process).max().unwrap_or(0);
        let mut known: HashMap<u64, u64> = HashMap::new();
        let mut numbers = Vec::with_capacity(self.operations.len());
        for operation in &self.operations {
            let number = known.get(&operation.process).copied().unwrap_or(operation.process);
            numbers.push(number);
            if operation.is_unknown() {
                fresh += 1;
                known.insert(operation.process, fresh);
            }
        }
        numbers
    }
}
