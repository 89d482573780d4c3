//! The order of the versions of each key, and what shows to be wrong on the way to it.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::history::{Call, History, Operation, Reply, Step};
use crate::verdict::Findings;

/// One element's append.
#[derive(Clone, Copy, Debug)]
pub(super) struct Append {
    /// The transaction, by its place in the history.
    pub(super) operation: usize,
    /// How many more elements it appends to this key.
    pub(super) more: usize,
}

/// What a transaction read of a key before it changed the key itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read<'a> {
    /// The transaction, by its place in the history.
    pub(super) operation: usize,
    /// What it read; the elements behind the first `base` are its own.
    pub(super) values: &'a [i64],
    /// How many of them others appended.
    pub(super) base: usize,
}

/// All that is known of one key.
#[derive(Debug, Default)]
pub(super) struct Key<'a> {
    pub(super) appends: HashMap<i64, Append>,
    /// Reads that agree with the order.
    pub(super) reads: Vec<Read<'a>>,
    /// The longest list read: its elements are the versions in their order.
    pub(super) order: &'a [i64],
}

/// Keys by name, in the order of their names.
pub(super) type Keys<'a> = BTreeMap<&'a str, Key<'a>>;

/// The steps of a transaction, with what it read if it was answered.
fn steps(operation: &Operation) -> &[Step] {
    match (operation.reply(), &operation.call) {
        (Some(Reply::Lists { steps }), _) | (None, Call::Lists { steps }) => steps,
        _ => &[],
    }
}

/// Gathers what all transactions tell of each key.
pub(super) fn gather<'a>(history: &'a History, findings: &mut Findings) -> Keys<'a> {
    let mut keys = Keys::new();
    for operation in &history.operations {
        if operation.is_ok() && matches!(operation.call, Call::Lists { .. }) {
            findings.check();
        }
        gather_appends(operation, &mut keys, findings);
    }
    for operation in history.operations.iter().filter(|one| one.is_ok()) {
        gather_reads(operation, &mut keys, findings);
    }
    for (name, key) in &mut keys {
        settle(history, name, key, findings);
    }
    keys
}

fn gather_appends<'a>(operation: &'a Operation, keys: &mut Keys<'a>, findings: &mut Findings) {
    let mut later: HashMap<&str, usize> = HashMap::new();
    for step in steps(operation).iter().rev() {
        let Step::Append { key, value } = step else {
            continue;
        };
        let more = later.entry(key).or_default();
        let append = Append {
            operation: operation.index,
            more: *more,
        };
        *more += 1;
        let twice = keys.entry(key).or_default().appends.insert(*value, append);
        if twice.is_some() {
            findings.doubt(format!(
                "the workload appends {value} to {key} twice; no read can tell them apart"
            ));
        }
    }
}

/// Holds the reads of a transaction against its own past, and keeps those that tell something new.
fn gather_reads<'a>(operation: &'a Operation, keys: &mut Keys<'a>, findings: &mut Findings) {
    // What the transaction last read of a key, and what it appended since.
    let mut past: HashMap<&str, (Option<Read<'a>>, Vec<i64>)> = HashMap::new();
    for step in steps(operation) {
        let (key, values) = match step {
            Step::Append { key, value } => {
                past.entry(key).or_default().1.push(*value);
                continue;
            }
            Step::Read {
                key,
                values: Some(values),
            } => (key.as_str(), values.as_slice()),
            Step::Read { values: None, .. } => continue,
        };
        let (before, own) = past.entry(key).or_default();
        let fits = match before {
            Some(before) => values.strip_prefix(before.values) == Some(own.as_slice()),
            None => values.ends_with(own),
        };
        let read = Read {
            operation: operation.index,
            values,
            base: before.map_or(values.len().saturating_sub(own.len()), |before| before.base),
        };
        if !fits {
            let before = before.map_or("nothing".to_owned(), |before| format!("{:?}", before.values));
            let message =
                format!("{operation}: of {key} it had read {before} and appended {own:?}, then read {values:?}");
            findings.report("internal", &[operation.index], message);
        } else if before.is_none() || !own.is_empty() {
            keys.entry(key).or_default().reads.push(read);
        }
        (*before, *own) = (Some(read), Vec::new());
    }
}

/// Finds the order of a key's versions, and drops the reads that contradict it.
fn settle<'a>(history: &'a History, name: &str, key: &mut Key<'a>, findings: &mut Findings) {
    let Some(longest) = key.reads.iter().copied().max_by_key(|read| read.values.len()) else {
        return;
    };
    let words = |operation: usize| history.operations[operation].to_string();
    check_elements(history, name, key, &longest, findings);
    let reads = std::mem::take(&mut key.reads);
    for read in reads {
        if !longest.values.starts_with(read.values) {
            let message = format!(
                "two reads of {name} of which neither is the other's beginning: {}, and {}",
                words(read.operation),
                words(longest.operation)
            );
            findings.report("incompatible order", &[read.operation, longest.operation], message);
            check_elements(history, name, key, &read, findings);
            continue;
        }
        if let Some(last) = read.values[..read.base].last()
            && let Some(append) = key.appends.get(last)
            && append.more > 0
            && append.operation != read.operation
        {
            let message = format!(
                "{} read {name} up to {last}, between two appends of {}",
                words(read.operation),
                words(append.operation)
            );
            findings.report("G1b", &[read.operation, append.operation], message);
        }
        key.reads.push(read);
    }
    key.order = longest.values;
    check_own_order(history, name, key, &longest, findings);
}

/// What one transaction appended stands in the order in which it did.
fn check_own_order(history: &History, name: &str, key: &Key<'_>, longest: &Read<'_>, findings: &mut Findings) {
    for pair in key.order.windows(2) {
        if let (Some(first), Some(second)) = (key.appends.get(&pair[0]), key.appends.get(&pair[1]))
            && first.operation == second.operation
            && first.more < second.more
        {
            let (writer, reader) = (
                &history.operations[first.operation],
                &history.operations[longest.operation],
            );
            let message = format!(
                "{writer} appended {} before {}, but in {name} they stand the other way round: {reader}",
                pair[1], pair[0]
            );
            findings.report("internal", &[writer.index, reader.index], message);
        }
    }
}

/// Elements must be there once, and somebody must have appended them who did not fail.
fn check_elements(history: &History, name: &str, key: &Key<'_>, read: &Read<'_>, findings: &mut Findings) {
    let reader = &history.operations[read.operation];
    let mut seen = HashSet::new();
    for value in read.values {
        if !seen.insert(value) {
            let message = format!("{value} is twice in {name}: {reader}");
            findings.report("duplicate", &[reader.index], message);
        }
        let Some(append) = key.appends.get(value) else {
            let message = format!("nobody appended {value} to {name}: {reader}");
            findings.report("phantom", &[reader.index], message);
            continue;
        };
        let writer = &history.operations[append.operation];
        if writer.is_failed() {
            let message = format!("{value} is in {name}, but its transaction failed: {reader}, and {writer}");
            findings.report("G1a", &[reader.index, writer.index], message);
        }
    }
}
