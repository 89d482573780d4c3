//! What a watch promises, held against what each one delivered.
//!
//! - "filtered": only events of the keys, of the kinds and from the revision on that were asked for;
//! - "ordered": revisions never go back;
//! - "unique": no event comes twice;
//! - "atomic": the events of one revision come in one response, all of them;
//! - "reliable": what was delivered happened as told, and nothing in between is missing;
//! - "resumable": a watch that names its start gets everything from there on, or is told that it is compacted;
//! - "bookmarkable": after a response that only names a revision, no event up to it comes any more, and such responses
//!   never go back;
//! - `prev_kv`: what was there before is told if it was asked for, and it is what was there before;
//! - "future": no response names a revision that the store has not reached: none of its events is newer, and nobody
//!   finds the store at an older one afterwards.
//!
//! What happened is taken from the log that [`crate::replay`] gives. A watch may lag without a bound; that it delivers
//! everything in the end is checked up to the revision for which its client waited.

mod content;

use std::collections::HashSet;

use crate::history::{Call, Event, History, Operation, Reply, Response, Watch, covers, event};
use crate::log::Log;
use crate::order::Revisions;
use crate::verdict::{Findings, Verdict};

/// Judges every watch of a history. `log` is what a replay of the same history gave.
pub fn check(history: &History, log: &Log) -> Verdict {
    let revisions = Revisions::of(history);
    let compactions: Vec<(u64, i64)> = history
        .operations
        .iter()
        .filter(|operation| !operation.is_failed())
        .filter_map(|operation| match operation.call {
            Call::Compact { revision } => Some((operation.start, revision)),
            _ => None,
        })
        .collect();
    let mut findings = Findings::default();
    for operation in &history.operations {
        if let Call::Watch(watch) = &operation.call {
            let mut stream = Stream {
                history,
                operation,
                watch,
                revisions: &revisions,
                compactions: &compactions,
                start: (watch.start_revision > 0).then_some(watch.start_revision),
                last: 0,
                bookmark: 0,
                seen: HashSet::new(),
                findings: &mut findings,
            };
            for (number, (time, response)) in operation.responses.iter().enumerate() {
                stream.respond(number, *time, response);
            }
            content::check(&stream.delivered(log), stream.findings);
        }
    }
    findings.verdict("no watch delivered anything")
}

/// One watch while its responses are gone through.
struct Stream<'a> {
    history: &'a History,
    operation: &'a Operation,
    watch: &'a Watch,
    revisions: &'a Revisions,
    /// Calls that compact: when they began, and up to where.
    compactions: &'a [(u64, i64)],
    /// The first revision that is wanted, once it is known.
    start: Option<i64>,
    /// The highest revision of an event so far.
    last: i64,
    /// The highest revision of a response without events so far.
    bookmark: i64,
    seen: HashSet<(i64, &'a str)>,
    findings: &'a mut Findings,
}

impl<'a> Stream<'a> {
    fn report(&mut self, rule: &'static str, what: &str) {
        let message = format!("{what}: {}", self.operation);
        self.findings.report(rule, &[self.operation.index], message);
    }

    fn respond(&mut self, number: usize, time: u64, response: &'a Response) {
        if response.created && self.start.is_none() {
            self.start = Some(response.revision + 1);
        }
        self.check_split(number, response);
        for event in &response.events {
            self.findings.check();
            self.check_event(event, response);
        }
        self.check_future(time, response);
        if response.is_progress() {
            self.findings.check();
            if response.revision < self.bookmark {
                let (revision, bookmark) = (response.revision, self.bookmark);
                self.report(
                    "bookmarkable",
                    &format!("progress up to revision {revision} was told after progress up to {bookmark}"),
                );
            }
            self.bookmark = self.bookmark.max(response.revision);
        }
        if response.canceled && response.compact_revision > 0 {
            self.check_compacted(time, response.compact_revision);
        }
    }

    /// A response does not go on with the revision that the one before it ended with.
    fn check_split(&mut self, number: usize, response: &Response) {
        let operation = self.operation;
        let Some((_, before)) = number.checked_sub(1).and_then(|before| operation.responses.get(before)) else {
            return;
        };
        let (Some(last), false) = (before.events.last(), self.watch.fragment && before.fragment) else {
            return;
        };
        let revision = last.kv.mod_revision;
        // An event that comes again is told as such.
        let is_new = |event: &&Event| event.kv.mod_revision == revision && !before.events.contains(event);
        let others = response.events.iter().filter(is_new).count();
        if others > 0 {
            self.report(
                "atomic",
                &format!("{others} events of revision {revision} came after the response that ended with it"),
            );
        }
    }

    fn check_event(&mut self, one: &'a Event, response: &Response) {
        let (key, revision) = (one.kv.key.as_str(), one.kv.mod_revision);
        let told = event(one);
        let is_wanted =
            covers(&self.watch.key, self.watch.end.as_deref(), key) && !self.watch.filters.contains(&one.kind);
        if !is_wanted {
            self.report("filtered", &format!("{told} was not asked for"));
        }
        if let Some(start) = self.start
            && revision < start
        {
            self.report(
                "filtered",
                &format!("{told} is from before revision {start}, the first asked for"),
            );
        }
        if !self.seen.insert((revision, key)) {
            self.report("unique", &format!("{told} came twice"));
        } else if revision < self.last {
            let last = self.last;
            self.report("ordered", &format!("{told} came after an event of revision {last}"));
        } else if revision <= self.bookmark {
            let bookmark = self.bookmark;
            self.report(
                "bookmarkable",
                &format!("{told} came after progress up to revision {bookmark} was told"),
            );
        }
        if revision > response.revision {
            let header = response.revision;
            self.report("future", &format!("{told} came in a response of revision {header}"));
        }
        self.last = self.last.max(revision);
    }

    /// Nobody finds the store at an older revision than the response named.
    fn check_future(&mut self, time: u64, response: &Response) {
        let Some(after) = self
            .revisions
            .after(time)
            .filter(|after| after.revision < response.revision)
        else {
            return;
        };
        let later = &self.history.operations[after.operation];
        let message = format!(
            "a response named revision {} when the store was not there yet: {}, and later {later}",
            response.revision, self.operation
        );
        self.findings
            .report("future", &[self.operation.index, later.index], message);
    }

    /// The watch was ended because what it needs is compacted.
    fn check_compacted(&mut self, time: u64, compacted: i64) {
        let next = self.start.unwrap_or(0).max(self.last + 1).max(self.bookmark + 1);
        if next >= compacted {
            self.report(
                "resumable",
                &format!("it was ended as compacted up to {compacted}, though it needs revision {next} next"),
            );
        }
        let is_asked = |(start, revision): &(u64, i64)| *start < time && *revision >= compacted;
        if !self.compactions.iter().any(is_asked) {
            self.report(
                "resumable",
                &format!("it was ended as compacted up to {compacted}, which nobody had asked for"),
            );
        }
    }

    /// What is to be held against the log.
    fn delivered<'b>(&self, log: &'b Log) -> content::Delivered<'b>
    where
        'a: 'b,
    {
        let through = match self.operation.reply() {
            Some(Reply::Watch { through }) => *through,
            _ => 0,
        };
        content::Delivered {
            operation: self.operation,
            watch: self.watch,
            compactions: self.compactions,
            log,
            start: self.start,
            last: self.last,
            to: self.last.max(self.bookmark).max(through),
        }
    }
}

#[cfg(test)]
mod tests;
