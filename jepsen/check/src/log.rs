//! What happened to the keys at each revision.

use std::collections::BTreeMap;

use crate::history::{Call, Event, History, Kind};

/// The changes of each revision, as far as they are known.
///
/// The events of a log that [`crate::replay`] gave carry everything: the keys as stored and what was there before.
#[derive(Clone, Debug, Default)]
pub struct Log {
    revisions: BTreeMap<i64, Vec<Event>>,
    complete_to: i64,
}

impl Log {
    /// Nothing known.
    pub fn new() -> Self {
        Self::default()
    }

    /// The changes of a revision, in any order.
    pub fn insert(&mut self, revision: i64, events: Vec<Event>) {
        self.revisions.insert(revision, events);
    }

    /// The changes of a revision; `None` where they are not known.
    pub fn get(&self, revision: i64) -> Option<&[Event]> {
        self.revisions.get(&revision).map(Vec::as_slice)
    }

    /// Revisions with their changes, oldest first, from and to the given ones, both included.
    pub fn between(&self, from: i64, to: i64) -> impl Iterator<Item = (i64, &[Event])> {
        // A range that ends before it begins is none that BTreeMap takes.
        self.revisions
            .range(from..=to.max(from))
            .filter(move |(revision, _)| **revision <= to)
            .map(|(revision, events)| (*revision, events.as_slice()))
    }

    /// The revisions of which something is known, oldest first.
    pub(crate) fn revisions(&self) -> impl Iterator<Item = i64> {
        self.revisions.keys().copied()
    }

    /// Up to this revision nothing is missing.
    pub const fn complete_to(&self) -> i64 {
        self.complete_to
    }

    /// Says that up to this revision nothing is missing.
    pub fn complete(&mut self, to: i64) {
        self.complete_to = to;
    }
}

/// What a client can tell apart of a change: which key, what happened, what it holds, on which lease it hangs.
pub(crate) type Shape<'a> = Vec<(&'a str, Kind, &'a str, i64)>;

/// The shape of a revision; two revisions with the same one did the same.
pub(crate) fn shape(events: &[Event]) -> Shape<'_> {
    let mut shape: Shape<'_> = events
        .iter()
        .map(|event| {
            let kv = &event.kv;
            (kv.key.as_str(), event.kind, kv.value.as_str(), kv.lease)
        })
        .collect();
    shape.sort_unstable();
    shape
}

/// What the watches of every key were shown of each revision: one entry for each of the stories they tell, the one
/// with the most events first.
pub(crate) fn sightings(history: &History) -> BTreeMap<i64, Vec<Vec<Event>>> {
    let mut stories: BTreeMap<i64, Vec<Vec<Event>>> = BTreeMap::new();
    for operation in &history.operations {
        let Call::Watch(watch) = &operation.call else {
            continue;
        };
        if watch.key != "\0" || watch.end.as_deref() != Some("\0") || !watch.filters.is_empty() {
            continue;
        }
        let mut seen: BTreeMap<i64, Vec<Event>> = BTreeMap::new();
        for event in operation.responses.iter().flat_map(|(_, response)| &response.events) {
            let revision = seen.entry(event.kv.mod_revision).or_default();
            // An event that is delivered twice is the watch checker's to report.
            if !revision.iter().any(|one| one.kind == event.kind && one.kv == event.kv) {
                revision.push(event.clone());
            }
        }
        for (revision, events) in seen {
            let told = stories.entry(revision).or_default();
            if !told.iter().any(|story| shape(story) == shape(&events)) {
                told.push(events);
                told.sort_by_key(|story| std::cmp::Reverse(story.len()));
            }
        }
    }
    stories
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Watch;
    use crate::testing::{delete_event, delivery, kv, ops, put_event, watch_all};

    #[test]
    fn only_watches_of_everything_tell_what_a_revision_did() {
        let both = vec![put_event(kv("a", "1", 2, 2, 1)), put_event(kv("b", "1", 2, 2, 1))];
        let half = vec![both[0].clone()];
        let gone = vec![delete_event("a", 3)];
        let narrow = Watch {
            key: "a".into(),
            ..Watch::default()
        };
        let history = ops()
            .watch(1, 1, 9, watch_all(2), vec![(2, delivery(2, half.clone()))], 0)
            .watch(2, 1, 9, watch_all(2), vec![(3, delivery(2, both.clone()))], 0)
            .watch(3, 1, 9, watch_all(2), vec![(4, delivery(2, both.clone()))], 0)
            .watch(4, 1, 9, narrow, vec![(5, delivery(3, gone))], 0)
            .history();
        assert_eq!(sightings(&history), BTreeMap::from([(2, vec![both, half])]));
    }

    #[test]
    fn a_log_is_read_in_order() {
        let mut log = Log::new();
        for revision in [5, 2, 3] {
            log.insert(revision, vec![delete_event("a", revision)]);
        }
        let between = |from, to| log.between(from, to).map(|(revision, _)| revision).collect::<Vec<_>>();
        assert_eq!(between(2, 4), [2, 3]);
        assert_eq!(between(4, 9), [5]);
        assert_eq!(between(5, 3), Vec::<i64>::new());
        assert!(log.get(4).is_none());
    }
}
