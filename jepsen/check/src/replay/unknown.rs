//! Which call with an unknown outcome wrote which revision.
//!
//! A call may be the author of one revision at most, and several calls may fit one: a matching is kept between
//! revisions and calls, and changed along alternating paths when a new revision finds its candidates taken.

use std::collections::{HashMap, HashSet};

use crate::history::{Call, Event, History, Request};
use crate::log::shape;
use crate::model::Keys;
use crate::order::Revisions;

/// Calls with unknown outcomes that may write.
pub(super) struct Unknown<'a> {
    history: &'a History,
    /// Those that can only write one key, by it.
    by_key: HashMap<&'a str, Vec<usize>>,
    /// The others.
    wide: Vec<usize>,
    /// The revision that was seen before the call, which it must exceed.
    floor: HashMap<usize, i64>,
    /// The revisions that have such an author: the calls that fit each.
    slots: Vec<Vec<usize>>,
    /// The slot of each call that has one.
    taken: HashMap<usize, usize>,
}

/// Who wrote a revision.
pub(super) enum Claim {
    /// This call may have, and every other revision keeps an author.
    Author(usize),
    /// Only calls that are needed for other revisions may have; this is one of them.
    Twice(usize),
    /// No call may have.
    Nobody,
}

impl<'a> Unknown<'a> {
    pub(super) fn of(history: &'a History, revisions: &Revisions) -> Self {
        let mut unknown = Self {
            history,
            by_key: HashMap::new(),
            wide: Vec::new(),
            floor: HashMap::new(),
            slots: Vec::new(),
            taken: HashMap::new(),
        };
        for operation in history.operations.iter().filter(|one| one.is_unknown()) {
            let index = operation.index;
            match &operation.call {
                Call::Put(put) => unknown.by_key.entry(&put.key).or_default().push(index),
                Call::Cas { key, .. } => unknown.by_key.entry(key).or_default().push(index),
                Call::Delete(_) => unknown.wide.push(index),
                Call::Txn(txn) => {
                    let writes = |request: &Request| !matches!(request, Request::Get(_));
                    if !txn.then.iter().chain(&txn.otherwise).any(writes) {
                        continue;
                    }
                    unknown.wide.push(index);
                }
                _ => continue,
            }
            let floor = revisions.before(operation.start).map_or(0, |seen| seen.revision);
            unknown.floor.insert(index, floor);
        }
        unknown
    }

    /// How many calls without a revision may have written one up to this.
    pub(super) fn free(&self, revision: i64) -> usize {
        self.floor
            .iter()
            .filter(|(index, floor)| **floor < revision && !self.taken.contains_key(*index))
            .count()
    }

    /// Finds an author for a revision that did `events` to `keys`.
    pub(super) fn claim(&mut self, revision: i64, events: &[Event], keys: &Keys) -> Claim {
        let wanted = shape(events);
        let keyed = match events {
            [event] => self.by_key.get(event.kv.key.as_str()).map_or(&[][..], Vec::as_slice),
            _ => &[],
        };
        let candidates: Vec<usize> = keyed
            .iter()
            .chain(&self.wide)
            .copied()
            .filter(|index| self.floor.get(index).is_some_and(|floor| *floor < revision))
            .filter(|index| {
                let effect = keys.run(revision, &self.history.operations[*index].call, None);
                effect.is_some_and(|effect| shape(&effect.events) == wanted)
            })
            .collect();
        let Some(first) = candidates.first().copied() else {
            return Claim::Nobody;
        };
        let slot = self.slots.len();
        self.slots.push(candidates);
        if !self.assign(slot, &mut HashSet::new()) {
            self.slots.pop();
            return Claim::Twice(first);
        }
        let author = self.slots[slot]
            .iter()
            .find(|index| self.taken.get(*index) == Some(&slot));
        Claim::Author(author.copied().unwrap_or(first))
    }

    /// Gives a slot one of its candidates, moving other slots to other candidates of theirs.
    fn assign(&mut self, slot: usize, tried: &mut HashSet<usize>) -> bool {
        for place in 0..self.slots[slot].len() {
            let candidate = self.slots[slot][place];
            if !tried.insert(candidate) {
                continue;
            }
            let free = match self.taken.get(&candidate).copied() {
                None => true,
                Some(holder) => self.assign(holder, tried),
            };
            if free {
                self.taken.insert(candidate, slot);
                return true;
            }
        }
        false
    }
}
