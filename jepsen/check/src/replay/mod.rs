//! Histories replayed in the order of the store's own revisions: complete, and nearly linear in their length.
//!
//! Every answer names the revision it was given from, and every write makes a revision. So the order of all writes is
//! told, and nothing has to be searched: writes are done again in their order on a model of a few lines, and every
//! answer must be what the model answers at that revision ("replay"). Then:
//!
//! - "revision": two writes never share a revision, and revisions are possible ones;
//! - "real time": an operation that began after another had ended has no smaller revision, and a write has a greater
//!   one; reads that allow staleness are left out of this;
//! - "log": what the watches of every key were shown of a revision is what its author did;
//! - "phantom": every revision has an author. A call whose outcome is unknown may be the author of one revision or of
//!   none ("twice": it would have to be that of two); a call that failed is none; the end of a lease is one.
//!
//! What unknown calls did is only known from a log or from watches of every key from the first revision on. Where
//! neither tells what made a revision, and an unknown call may have, the verdict is unknown from there on.
//!
//! The store must be empty when the history begins, and all that writes must be in the history. Calls of workloads that
//! play their own protocol (lists, sets, locks and so on) write keys that are not told: with them in the history,
//! revisions without an author are taken as theirs.

mod answers;
mod authors;
mod unknown;

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Call, Event, History, Operation, Reply, event};
use crate::log::{self, Log, shape};
use crate::model::Keys;
use crate::order::{Revisions, is_current, wrote};
use crate::verdict::{Findings, Verdict};
use unknown::Unknown;

/// The revision of a store to which nothing was written yet.
const EMPTY: i64 = 1;

/// What a replay gives.
#[derive(Debug)]
pub struct Replayed {
    /// The judgement.
    pub verdict: Verdict,
    /// What happened at each revision; complete unless the verdict says otherwise.
    pub log: Log,
}

/// Replays a history. `known` is what the members' own logs tell of revisions, if they were read; it outweighs what
/// watches saw.
pub fn check(history: &History, known: &Log) -> Replayed {
    let mut replay = Replay::new(history, known);
    replay.check_real_time();
    replay.sweep();
    Replayed {
        verdict: replay.findings.verdict("no answered operation on keys"),
        log: replay.log,
    }
}

struct Replay<'a> {
    history: &'a History,
    known: &'a Log,
    sightings: BTreeMap<i64, Vec<Vec<Event>>>,
    revisions: Revisions,
    unknown: Unknown<'a>,
    /// The answered writes of each revision.
    writers: BTreeMap<i64, Vec<&'a Operation>>,
    /// Answered operations that wrote nothing, by the revision that they saw, lowest first.
    readers: Vec<(i64, &'a Operation)>,
    /// How many of the readers are checked.
    read: usize,
    /// The highest revision that any answer names.
    highest: i64,
    /// The keys after the last revision that was replayed.
    keys: Keys,
    /// Who wrote each revision, where that is known.
    authors: BTreeMap<i64, usize>,
    log: Log,
    findings: Findings,
}

/// The call writes keys that the history does not tell.
const fn writes_untold(call: &Call) -> bool {
    !matches!(
        call,
        Call::Get(_)
            | Call::Put(_)
            | Call::Delete(_)
            | Call::Txn(_)
            | Call::Cas { .. }
            | Call::Compact { .. }
            | Call::Watch(_)
            | Call::Grant { .. }
            | Call::KeepAlive { .. }
            | Call::Revoke { .. }
            | Call::TimeToLive { .. }
            | Call::Members {}
            | Call::Balances {}
            | Call::Leader { .. }
            | Call::Hash { .. }
    )
}

const fn is_about_keys(call: &Call) -> bool {
    matches!(
        call,
        Call::Get(_) | Call::Put(_) | Call::Delete(_) | Call::Txn(_) | Call::Cas { .. }
    )
}

impl<'a> Replay<'a> {
    fn new(history: &'a History, known: &'a Log) -> Self {
        let revisions = Revisions::of(history);
        let mut replay = Self {
            history,
            known,
            sightings: log::sightings(history),
            unknown: Unknown::of(history, &revisions),
            revisions,
            writers: BTreeMap::new(),
            readers: Vec::new(),
            read: 0,
            highest: EMPTY,
            keys: Keys::default(),
            authors: BTreeMap::new(),
            log: Log::new(),
            findings: Findings::default(),
        };
        for operation in &history.operations {
            if operation.is_ok() && is_about_keys(&operation.call) {
                replay.place(operation);
            }
        }
        replay
            .readers
            .sort_by_key(|(revision, operation)| (*revision, operation.index));
        replay
    }

    /// Finds an answered operation its revision.
    fn place(&mut self, operation: &'a Operation) {
        let Some(revision) = operation.revision() else {
            return self.findings.doubt(format!("{operation} names no revision"));
        };
        self.highest = self.highest.max(revision);
        let asked = match &operation.call {
            Call::Get(get) => get.revision,
            _ => 0,
        };
        if revision < EMPTY || asked > revision {
            let message = format!("{operation}: the store cannot have had that revision");
            self.findings.report("revision", &[operation.index], message);
        } else if wrote(operation) {
            self.writers.entry(revision).or_default().push(operation);
        } else {
            let revision = if asked == 0 { revision } else { asked };
            self.readers.push((revision, operation));
        }
    }

    fn check_real_time(&mut self) {
        for operation in &self.history.operations {
            let (Some(revision), true) = (operation.revision(), is_current(&operation.call)) else {
                continue;
            };
            let Some(before) = self.revisions.before(operation.start) else {
                continue;
            };
            let earlier = &self.history.operations[before.operation];
            let seen = before.revision;
            if revision < seen {
                let message = format!("{operation}, though it began after revision {seen} was seen by {earlier}");
                self.findings
                    .report("real time", &[operation.index, earlier.index], message);
            } else if revision == seen && wrote(operation) {
                let message = format!("{operation} wrote revision {seen} after it had been seen by {earlier}");
                self.findings
                    .report("real time", &[operation.index, earlier.index], message);
            }
        }
    }

    /// Goes through all revisions of which something is told.
    fn sweep(&mut self) {
        let told: BTreeSet<i64> = self
            .writers
            .keys()
            .copied()
            .chain(self.known.revisions())
            .chain(self.sightings.keys().copied())
            .collect();
        let mut next = EMPTY + 1;
        for revision in told {
            if revision < next {
                self.too_early(revision);
                continue;
            }
            self.check_reads(next - 1);
            if revision > next {
                self.hidden(next, revision - 1);
                return self.log.complete(next - 1);
            }
            match self.writers.get(&revision).cloned() {
                Some(writers) => self.acknowledged(revision, &writers),
                None => self.unclaimed(revision),
            }
            next = revision + 1;
        }
        self.check_reads(next - 1);
        if self.highest >= next {
            self.hidden(next, self.highest);
        }
        self.log.complete(next - 1);
    }

    /// A change is told of a revision that an empty store has already.
    fn too_early(&mut self, revision: i64) {
        let writers: Vec<usize> = self
            .writers
            .get(&revision)
            .map(|writers| writers.iter().map(|one| one.index).collect())
            .unwrap_or_default();
        let message = format!("revision {revision} cannot hold a change: an empty store has revision {EMPTY}");
        self.findings.report("revision", &writers, message);
    }

    /// Nothing tells what was written at these revisions, so nothing can be said of what comes after them.
    fn hidden(&mut self, from: i64, to: i64) {
        let leases = |call: &Call| matches!(call, Call::Grant { .. });
        let others = |call: &Call| writes_untold(call) || leases(call);
        let count = to - from + 1;
        let free = self.unknown.free(to);
        if free >= count as usize || self.history.operations.iter().any(|one| others(&one.call)) {
            self.findings.doubt(format!(
                "nothing tells what was written at revisions {from} to {to}, and calls with unknown outcomes may have \
                 written there; watch every key from revision 1 on"
            ));
        } else {
            let message = format!(
                "revisions {from} to {to} exist, but no answered call wrote them, and of the calls whose outcome is \
                 unknown only {free} may have"
            );
            self.findings.report("phantom", &[], message);
        }
    }

    /// Does an answered write again.
    fn acknowledged(&mut self, revision: i64, writers: &[&'a Operation]) {
        let [operation, others @ ..] = writers else {
            return;
        };
        for other in others {
            let message = format!("two writes share revision {revision}: {operation}, and {other}");
            self.findings
                .report("revision", &[operation.index, other.index], message);
        }
        let claimed = match operation.reply() {
            Some(Reply::Txn { succeeded, .. } | Reply::Cas { succeeded }) => Some(*succeeded),
            _ => None,
        };
        self.compare(revision, operation);
        let Some(effect) = self.keys.run(revision, &operation.call, claimed) else {
            return;
        };
        let stories = self.stories(revision);
        if let Some(story) = stories.first()
            && !stories.iter().any(|story| shape(story) == shape(&effect.events))
        {
            let message = format!(
                "{operation}, but what is told of revision {revision} is {}",
                events_in_words(story)
            );
            self.findings.report("log", &[operation.index], message);
        }
        self.authors.insert(revision, operation.index);
        self.record(revision, effect.events);
    }

    /// What is told of a revision, the likeliest first.
    fn stories(&self, revision: i64) -> Vec<Vec<Event>> {
        match self.known.get(revision) {
            Some(events) => vec![events.to_vec()],
            None => self.sightings.get(&revision).cloned().unwrap_or_default(),
        }
    }

    fn record(&mut self, revision: i64, events: Vec<Event>) {
        self.keys.apply(&events);
        self.log.insert(revision, events);
    }
}

fn events_in_words(events: &[Event]) -> String {
    let texts: Vec<String> = events.iter().map(event).collect();
    format!("[{}]", texts.join(", "))
}

#[cfg(test)]
mod tests;
