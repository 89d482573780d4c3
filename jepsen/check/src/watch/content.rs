//! What a watch delivered, revision by revision, against what happened.

use std::collections::BTreeMap;

use crate::history::{Event, Kind, Operation, Watch, covers, event, key_value};
use crate::log::Log;
use crate::verdict::Findings;

/// So many missing revisions are named.
const NAMED: usize = 10;

/// One watch, and what it has to be held against.
pub(super) struct Delivered<'a> {
    pub(super) operation: &'a Operation,
    pub(super) watch: &'a Watch,
    /// Calls that compact: when they began, and up to where.
    pub(super) compactions: &'a [(u64, i64)],
    pub(super) log: &'a Log,
    /// The first revision that was wanted; `None`: it was never told.
    pub(super) start: Option<i64>,
    /// The highest revision of an event; 0: there was none.
    pub(super) last: i64,
    /// Everything up to here must have been delivered.
    pub(super) to: i64,
}

/// What was delivered of each revision, each event with the time at which it came.
type Told<'a> = BTreeMap<i64, Vec<(u64, &'a Event)>>;

/// Reports what is missing, made up, or told wrongly.
pub(super) fn check(stream: &Delivered<'_>, findings: &mut Findings) {
    let mut told = Told::new();
    for (time, response) in &stream.operation.responses {
        for event in &response.events {
            told.entry(event.kv.mod_revision).or_default().push((*time, event));
        }
    }
    let known = stream.log.complete_to();
    if stream.last > known {
        findings.doubt(format!(
            "nothing is known of what happened after revision {known}, so the rest cannot be checked: {}",
            stream.operation
        ));
    }
    for (revision, events) in told.range(..=known) {
        check_revision(stream, *revision, events, findings);
    }
    if let Some(start) = stream.start {
        check_missing(stream, start, &told, findings);
    }
}

/// The events of a revision that the watch asked for.
fn wanted<'a>(stream: &Delivered<'a>, revision: i64) -> Vec<&'a Event> {
    let events = stream.log.get(revision).unwrap_or_default();
    let is_wanted = |event: &&Event| {
        covers(&stream.watch.key, stream.watch.end.as_deref(), &event.kv.key)
            && !stream.watch.filters.contains(&event.kind)
    };
    events.iter().filter(is_wanted).collect()
}

/// Whether the last response was only a piece, so that the rest of its revision never came.
fn is_torn(stream: &Delivered<'_>, revision: i64) -> bool {
    let last = stream.operation.responses.last();
    last.is_some_and(|(_, response)| response.fragment) && revision == stream.last
}

/// Both are the same change of the same key.
fn is_same(one: &Event, other: &Event) -> bool {
    one.kind == other.kind && one.kv.key == other.kv.key
}

fn check_revision(stream: &Delivered<'_>, revision: i64, told: &[(u64, &Event)], findings: &mut Findings) {
    let index = stream.operation.index;
    let wanted = wanted(stream, revision);
    for (time, one) in told {
        let happened = stream
            .log
            .get(revision)
            .unwrap_or_default()
            .iter()
            .find(|other| is_same(one, other));
        let Some(happened) = happened else {
            let message = format!("{} did not happen: {}", event(one), stream.operation);
            findings.report("reliable", &[index], message);
            continue;
        };
        if happened.kv != one.kv {
            let message = format!(
                "{} was told, but what happened is {}: {}",
                event(one),
                event(happened),
                stream.operation
            );
            findings.report("reliable", &[index], message);
        }
        check_prev(stream, *time, one, happened, findings);
    }
    let missing: Vec<String> = wanted
        .iter()
        .filter(|event| !told.iter().any(|(_, one)| is_same(one, event)))
        .map(|one| event(one))
        .collect();
    if !missing.is_empty() && !is_torn(stream, revision) {
        let message = format!(
            "of revision {revision} only {} of {} events came; missing: {}: {}",
            wanted.len() - missing.len(),
            wanted.len(),
            missing.join(", "),
            stream.operation
        );
        findings.report("atomic", &[index], message);
    }
}

fn check_prev(stream: &Delivered<'_>, time: u64, told: &Event, happened: &Event, findings: &mut Findings) {
    let wanted = happened.prev.as_ref().filter(|_| stream.watch.prev_kv);
    if told.prev.as_ref() == wanted {
        return;
    }
    let revision = told.kv.mod_revision;
    let compacted = |(start, to): &(u64, i64)| *start < time && *to >= revision;
    if told.prev.is_none() && stream.compactions.iter().any(compacted) {
        return;
    }
    let kind = match told.kind {
        Kind::Put => "put",
        Kind::Delete => "delete",
    };
    let message = format!(
        "before the {kind} of {} at revision {revision} there was {}, but the watch told {}: {}",
        told.kv.key,
        happened.prev.as_ref().map_or("nothing".to_owned(), key_value),
        told.prev.as_ref().map_or("nothing".to_owned(), key_value),
        stream.operation
    );
    findings.report("prev_kv", &[stream.operation.index], message);
}

/// Reports revisions of which nothing came: those from the start that was named up to the first that came break
/// another promise than those in between.
fn check_missing(stream: &Delivered<'_>, start: i64, told: &Told<'_>, findings: &mut Findings) {
    let first = told.keys().next().copied().unwrap_or(i64::MAX);
    let (mut early, mut late) = (Vec::new(), Vec::new());
    for (revision, _) in stream.log.between(start, stream.to.min(stream.log.complete_to())) {
        if told.contains_key(&revision) || wanted(stream, revision).is_empty() {
            continue;
        }
        if revision < first && stream.watch.start_revision > 0 {
            early.push(revision);
        } else {
            late.push(revision);
        }
    }
    for (rule, missing) in [("resumable", early), ("reliable", late)] {
        if missing.is_empty() {
            continue;
        }
        let named: Vec<String> = missing.iter().take(NAMED).map(ToString::to_string).collect();
        let message = format!(
            "of {} revisions nothing came, though the watch got as far as {}: {}: {}",
            missing.len(),
            stream.to,
            named.join(", "),
            stream.operation
        );
        findings.report(rule, &[stream.operation.index], message);
    }
}
