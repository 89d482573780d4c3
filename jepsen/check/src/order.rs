//! What clients could know of the store's revision at each moment.

use crate::history::{Call, History, Operation, Reply, Request};

/// A revision, and who learnt of it or was held to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// When: the end of the operation that learnt of it, or the start of the one that is held to it.
    pub(crate) time: u64,
    /// The revision.
    pub(crate) revision: i64,
    /// The operation.
    pub(crate) operation: usize,
}

/// The revisions of a history in the order of time.
#[derive(Debug)]
pub(crate) struct Revisions {
    /// Each time at which a higher revision was seen than ever before.
    risen: Vec<Seen>,
    /// For each start of an operation, the lowest revision that those begun then or later could still see, latest
    /// first.
    later: Vec<Seen>,
}

/// The call is answered from the store as it is at some moment between its start and its end.
pub(crate) fn is_current(call: &Call) -> bool {
    match call {
        Call::Get(get) => !get.serializable,
        Call::Txn(txn) => {
            let stale = |request: &Request| matches!(request, Request::Get(get) if get.serializable);
            let mut requests = txn.then.iter().chain(&txn.otherwise).peekable();
            requests.peek().is_none() || !requests.all(stale)
        }
        Call::Put(_) | Call::Delete(_) | Call::Cas { .. } => true,
        _ => false,
    }
}

/// The operation was answered and made a revision of its own.
pub(crate) fn wrote(operation: &Operation) -> bool {
    operation.reply().is_some_and(reply_wrote)
}

fn reply_wrote(reply: &Reply) -> bool {
    match reply {
        Reply::Put { .. } => true,
        Reply::Delete { deleted, .. } => *deleted > 0,
        Reply::Txn { replies, .. } => replies.iter().any(reply_wrote),
        Reply::Cas { succeeded } => *succeeded,
        _ => false,
    }
}

impl Revisions {
    pub(crate) fn of(history: &History) -> Self {
        Self {
            risen: risen(history),
            later: later(history),
        }
    }

    /// The highest revision that somebody had seen before this time.
    pub(crate) fn before(&self, time: u64) -> Option<Seen> {
        let count = self.risen.partition_point(|seen| seen.time < time);
        count.checked_sub(1).map(|last| self.risen[last])
    }

    /// The lowest revision of the store that is proven for a moment after this time, and by whom.
    pub(crate) fn after(&self, time: u64) -> Option<Seen> {
        let count = self.later.partition_point(|seen| seen.time > time);
        count.checked_sub(1).map(|last| self.later[last])
    }
}

fn risen(history: &History) -> Vec<Seen> {
    let mut all = Vec::new();
    for operation in &history.operations {
        if let (Some(revision), Some(time)) = (operation.revision(), operation.end)
            && !matches!(operation.call, Call::Watch(_))
        {
            all.push(Seen {
                time,
                revision,
                operation: operation.index,
            });
        }
        for (time, response) in &operation.responses {
            if let Some(revision) = response.events.iter().map(|event| event.kv.mod_revision).max() {
                all.push(Seen {
                    time: *time,
                    revision,
                    operation: operation.index,
                });
            }
        }
    }
    all.sort_by_key(|seen| seen.time);
    let mut highest = i64::MIN;
    all.retain(|seen| {
        let rises = seen.revision > highest;
        highest = highest.max(seen.revision);
        rises
    });
    all
}

fn later(history: &History) -> Vec<Seen> {
    let mut all: Vec<Seen> = history
        .operations
        .iter()
        .filter(|operation| is_current(&operation.call))
        .filter_map(|operation| {
            // Before it wrote, the store was one revision behind.
            let revision = operation.revision()? - i64::from(wrote(operation));
            Some(Seen {
                time: operation.start,
                revision,
                operation: operation.index,
            })
        })
        .collect();
    all.sort_by_key(|seen| std::cmp::Reverse(seen.time));
    let mut lowest: Option<Seen> = None;
    for seen in &mut all {
        let low = lowest.filter(|low| low.revision <= seen.revision).unwrap_or(*seen);
        lowest = Some(low);
        *seen = Seen { time: seen.time, ..low };
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{absent, done, get, ops, put};

    #[test]
    fn what_was_seen_rises_and_what_comes_later_bounds_it() {
        let history = ops()
            .ok(1, 10, 20, put("x", "1"), done(), 5)
            .ok(2, 15, 30, get("x"), absent(), 4)
            .ok(3, 40, 50, put("x", "2"), done(), 6)
            .ok(4, 60, 70, get("x"), absent(), 9)
            .history();
        let revisions = Revisions::of(&history);
        let before = |time| revisions.before(time).map(|seen| (seen.revision, seen.operation));
        assert_eq!(before(20), None);
        assert_eq!(before(21), Some((5, 0)));
        assert_eq!(before(41), Some((5, 0)));
        assert_eq!(before(51), Some((6, 2)));
        let after = |time| revisions.after(time).map(|seen| (seen.revision, seen.operation));
        assert_eq!(after(0), Some((4, 1)));
        assert_eq!(after(14), Some((4, 1)));
        assert_eq!(after(15), Some((5, 2)));
        assert_eq!(after(59), Some((9, 3)));
        assert_eq!(after(60), None);
    }
}
