//! Matches changes to groups, keeps their events within a budget, and says whom to wake.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use proto::Encoded;
use proto::mvcc::Event;

use super::group::{Clock, Group};
use super::ranges::Ranges;
use super::{Filter, GroupBatch, Watcher};
use crate::{Revision, RevisionBatch, record};

/// What keeping one batch costs besides its events.
const OVERHEAD: usize = 160;

/// All watches of a member. `T` is what its owner needs to wake a watch.
pub struct Hub<T> {
    inner: Arc<Inner<T>>,
}

impl<T> Clone for Hub<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

pub(super) struct Inner<T> {
    clock: Arc<Clock>,
    state: Mutex<State<T>>,
}

/// How much there is to watch over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubStats {
    /// Different filters.
    pub groups: usize,
    /// Watches.
    pub watchers: usize,
    /// Bytes of kept events. An event that several groups hear of is counted for each.
    pub ring_bytes: usize,
}

struct State<T> {
    /// Emptied slots are used again.
    slots: Vec<Option<Slot<T>>>,
    free: Vec<usize>,
    groups: HashMap<Filter, usize>,
    /// Slots of groups that watch one key. Only looked up, so the order of the map reaches nobody.
    keys: HashMap<Bytes, Vec<usize>>,
    ranges: Ranges,
    /// What is kept, oldest first, over all groups.
    ring: VecDeque<(Weak<Group>, i64, usize)>,
    ring_bytes: usize,
    ring_limit: usize,
    watchers: usize,
    next_id: u64,
}

struct Slot<T> {
    group: Arc<Group>,
    watchers: BTreeMap<u64, T>,
    /// Changes of the batch that is being published; empty in between.
    matched: Vec<usize>,
}

impl<T> Hub<T> {
    /// A hub for a store at that revision, which keeps events of about `ring_bytes`.
    #[must_use]
    pub fn new(revision: i64, compacted: i64, ring_bytes: usize) -> Self {
        let state = State {
            slots: Vec::new(),
            free: Vec::new(),
            groups: HashMap::new(),
            keys: HashMap::new(),
            ranges: Ranges::default(),
            ring: VecDeque::new(),
            ring_bytes: 0,
            ring_limit: ring_bytes,
            watchers: 0,
            next_id: 0,
        };
        let clock = Arc::new(Clock::new(revision, compacted));
        Self {
            inner: Arc::new(Inner {
                clock,
                state: Mutex::new(state),
            }),
        }
    }

    /// The last revision that was published.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.inner.clock.revision()
    }

    /// How much there is.
    #[must_use]
    pub fn stats(&self) -> HubStats {
        let state = self.inner.state.lock();
        HubStats {
            groups: state.groups.len(),
            watchers: state.watchers,
            ring_bytes: state.ring_bytes,
        }
    }

    /// Starts a watch: from now with 0, else from that revision, which may lie behind or ahead.
    pub fn watch(&self, filter: Filter, start: i64, token: T) -> Watcher<T> {
        let mut state = self.inner.state.lock();
        let clock = Arc::clone(&self.inner.clock);
        let head = clock.revision();
        let id = state.next_id;
        state.next_id += 1;
        state.watchers += 1;
        let (slot, group) = state.join(filter, head, id, token);
        let next = if start == 0 { head + 1 } else { start };
        let too_old = start != 0 && start < clock.compacted();
        Watcher {
            hub: Arc::clone(&self.inner),
            clock,
            group,
            slot,
            id,
            start,
            next,
            too_old,
        }
    }

    /// Hands the changes of one revision to the groups that hear of them, and calls `wake` for their watches.
    ///
    /// Called once a revision, in order, after the revision became visible to readers. `previous` fetches a version;
    /// it is asked at most once a change, and only if somebody wants to know. `wake` runs under the hub's lock: it
    /// must be short and must not call back.
    pub fn publish(
        &self,
        batch: &RevisionBatch,
        previous: &dyn Fn(&[u8], Revision) -> Option<Bytes>,
        wake: &mut dyn FnMut(&T),
    ) {
        let clock = &self.inner.clock;
        let mut state = self.inner.state.lock();
        if batch.revision <= clock.revision() {
            return;
        }
        if batch.revision > clock.revision() + 1 {
            // Something was not published here: nobody may believe to have heard everything.
            state.forget(batch.revision - 1);
        }
        let touched = state.matching(batch);
        let mut with_previous: Vec<Option<Encoded<Event>>> = vec![None; batch.changes.len()];
        for slot in &touched {
            state.deliver(*slot, batch, previous, &mut with_previous);
        }
        // Only now may a watch that finds nothing conclude that there is nothing.
        clock.set_revision(batch.revision);
        state.trim();
        for slot in touched {
            state.wake(slot, wake);
        }
    }

    /// Notes a compaction: watches that would have to read older events are told so when they look.
    pub fn compacted(&self, revision: i64) {
        self.inner.clock.set_compacted(revision);
    }

    /// The store was replaced by one at that revision: everybody has to catch up from what it holds.
    pub fn reset(&self, revision: i64, compacted: i64, wake: &mut dyn FnMut(&T)) {
        let mut state = self.inner.state.lock();
        state.forget(revision);
        self.inner.clock.set_compacted(compacted);
        self.inner.clock.set_revision(revision);
        for slot in 0..state.slots.len() {
            state.wake(slot, wake);
        }
    }
}

impl<T> Inner<T> {
    pub(super) fn remove(&self, slot: usize, id: u64) {
        let removed = self.state.lock().remove(slot, id);
        // Outside the lock: a token's own drop may do anything.
        drop(removed);
    }
}

impl<T> State<T> {
    /// Takes the watch into the group of its filter, which is made if there is none.
    fn join(&mut self, filter: Filter, head: i64, id: u64, token: T) -> (usize, Arc<Group>) {
        if let Some(at) = self.groups.get(&filter)
            && let Some(Some(slot)) = self.slots.get_mut(*at)
        {
            slot.watchers.insert(id, token);
            return (*at, Arc::clone(&slot.group));
        }
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if filter.range.is_single() {
            self.keys.entry(filter.range.start().clone()).or_default().push(at);
        } else {
            self.ranges.insert(&filter.range, at);
        }
        self.groups.insert(filter.clone(), at);
        let group = Arc::new(Group::new(filter, head));
        let slot = Slot {
            group: Arc::clone(&group),
            watchers: [(id, token)].into(),
            matched: Vec::new(),
        };
        self.slots[at] = Some(slot);
        (at, group)
    }

    fn remove(&mut self, at: usize, id: u64) -> Option<(Option<T>, Option<Slot<T>>)> {
        let slot = self.slots.get_mut(at)?.as_mut()?;
        let token = slot.watchers.remove(&id);
        self.watchers -= usize::from(token.is_some());
        if !slot.watchers.is_empty() {
            return Some((token, None));
        }
        let slot = self.slots[at].take()?;
        let filter = &slot.group.filter;
        self.groups.remove(filter);
        if filter.range.is_single() {
            if let Some(slots) = self.keys.get_mut(filter.range.start()) {
                slots.retain(|other| *other != at);
                if slots.is_empty() {
                    self.keys.remove(filter.range.start());
                }
            }
        } else {
            self.ranges.remove(&filter.range, at);
        }
        self.free.push(at);
        Some((token, Some(slot)))
    }

    /// Notes at each group which changes it hears of; answers the groups, in the order of their first.
    fn matching(&mut self, batch: &RevisionBatch) -> Vec<usize> {
        let Self {
            slots, keys, ranges, ..
        } = self;
        let mut touched = Vec::new();
        for (at, change) in batch.changes.iter().enumerate() {
            let mut visit = |id: usize| {
                if let Some(Some(slot)) = slots.get_mut(id)
                    && slot.group.filter.accepts_kind(change.kind)
                {
                    if slot.matched.is_empty() {
                        touched.push(id);
                    }
                    slot.matched.push(at);
                }
            };
            keys.get(&change.key).into_iter().flatten().for_each(|id| visit(*id));
            ranges.containing(&change.key, &mut visit);
        }
        touched
    }

    fn deliver(
        &mut self,
        slot: usize,
        batch: &RevisionBatch,
        previous: &dyn Fn(&[u8], Revision) -> Option<Bytes>,
        with_previous: &mut [Option<Encoded<Event>>],
    ) {
        let Some(Some(slot)) = self.slots.get_mut(slot) else {
            return;
        };
        let mut events = Vec::with_capacity(slot.matched.len());
        for at in std::mem::take(&mut slot.matched) {
            let change = &batch.changes[at];
            let event = match change.previous {
                Some(revision) if slot.group.filter.prev_kv => with_previous[at].get_or_insert_with(|| {
                    let old = previous(&change.key, revision);
                    old.map_or_else(
                        || change.event.clone(),
                        |old| record::event(change.kind, &change.kv, Some(&old)),
                    )
                }),
                _ => &change.event,
            };
            events.push(event.clone());
        }
        let bytes = events.iter().map(|event| event.bytes().len()).sum();
        let cost = bytes + OVERHEAD;
        slot.group.push(GroupBatch {
            revision: batch.revision,
            events,
            bytes,
        });
        self.ring.push_back((Arc::downgrade(&slot.group), batch.revision, cost));
        self.ring_bytes += cost;
    }

    fn trim(&mut self) {
        while self.ring_bytes > self.ring_limit {
            let Some((group, revision, bytes)) = self.ring.pop_front() else {
                break;
            };
            self.ring_bytes -= bytes;
            if let Some(group) = group.upgrade() {
                group.forget(revision);
            }
        }
    }

    fn forget(&mut self, revision: i64) {
        self.ring.clear();
        self.ring_bytes = 0;
        for slot in self.slots.iter().flatten() {
            slot.group.forget(revision);
        }
    }

    fn wake(&self, slot: usize, wake: &mut dyn FnMut(&T)) {
        if let Some(Some(slot)) = self.slots.get(slot) {
            slot.watchers.values().for_each(wake);
        }
    }
}
