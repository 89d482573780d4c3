//! What the log holds, in memory: where each entry is, the newest payloads, and the vote and marks.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::record;
use crate::segment::{Place, Segment};

/// Index and cache. Entries that are not written yet are always cached, whatever the limit.
pub(crate) struct Held {
    base: u64,
    slots: VecDeque<Slot>,
    /// Payloads of the newest slots.
    cache: VecDeque<Bytes>,
    cached: u64,
    cache_limit: u64,
    /// Bytes of all records ever held; the difference of two slots' ends is what lies between them.
    counter: u64,
    pub(crate) purged: Option<(u64, Bytes)>,
    pub(crate) vote: Option<Bytes>,
    pub(crate) committed: Option<Bytes>,
}

struct Slot {
    end: u64,
    segment: Option<Arc<Segment>>,
    offset: u32,
    length: u32,
}

/// One entry as a reader gets it: at once, or after a read of the disk.
pub(crate) enum Piece {
    Cached(Bytes),
    Stored(Place),
}

impl Held {
    pub(crate) fn new(cache_limit: u64) -> Held {
        Held {
            base: 0,
            slots: VecDeque::new(),
            cache: VecDeque::new(),
            cached: 0,
            cache_limit,
            counter: 0,
            purged: None,
            vote: None,
            committed: None,
        }
    }

    pub(crate) fn next(&self) -> u64 {
        self.base + self.slots.len() as u64
    }

    pub(crate) fn first(&self) -> Option<u64> {
        (!self.slots.is_empty()).then_some(self.base)
    }

    /// The newest index known: of an entry, or purged.
    pub(crate) fn last(&self) -> Option<u64> {
        match self.slots.len() as u64 {
            0 => self.purged.as_ref().map(|(index, _)| *index),
            count => Some(self.base + count - 1),
        }
    }

    pub(crate) fn set_base(&mut self, base: u64) {
        self.base = base;
    }

    /// Whether an entry with this index may come next. A log that never held anything may start anywhere.
    pub(crate) fn accepts(&self, index: u64) -> bool {
        index == self.next() || self.is_blank()
    }

    fn is_blank(&self) -> bool {
        self.slots.is_empty() && self.purged.is_none()
    }

    fn add(&mut self, index: u64, slot: Slot) {
        if self.is_blank() {
            self.base = index;
        }
        self.slots.push_back(slot);
    }

    /// Takes an entry that is not on disk yet and answers the ticket by which [`Held::placed`] finds it again.
    pub(crate) fn push(&mut self, index: u64, data: Bytes) -> u64 {
        let length = data.len() as u32;
        self.counter += record::size(data.len()) as u64;
        self.cached += u64::from(length);
        self.cache.push_back(data);
        self.add(
            index,
            Slot {
                end: self.counter,
                segment: None,
                offset: 0,
                length,
            },
        );
        self.counter
    }

    /// Takes an entry found on disk.
    pub(crate) fn found(&mut self, index: u64, segment: &Arc<Segment>, offset: u32, length: u32) {
        // The cache holds the newest slots without a gap, so nothing older may stay in it.
        self.cache.clear();
        self.cached = 0;
        self.counter += record::size(length as usize) as u64;
        self.add(
            index,
            Slot {
                end: self.counter,
                segment: Some(segment.clone()),
                offset,
                length,
            },
        );
    }

    /// Notes where an entry was written, unless it is gone again.
    pub(crate) fn placed(&mut self, index: u64, ticket: u64, segment: &Arc<Segment>, offset: u32) {
        let Some(at) = index.checked_sub(self.base) else { return };
        if let Some(slot) = self.slots.get_mut(at as usize)
            && slot.end == ticket
        {
            slot.segment = Some(segment.clone());
            slot.offset = offset;
        }
    }

    /// Lets go of cached payloads above the limit that are on disk.
    pub(crate) fn trim(&mut self) {
        while self.cached > self.cache_limit {
            let at = self.slots.len() - self.cache.len();
            if self.slots.get(at).is_none_or(|slot| slot.segment.is_none()) {
                return;
            }
            if let Some(data) = self.cache.pop_front() {
                self.cached -= data.len() as u64;
            }
        }
    }

    /// Forgets entries from `next` on.
    pub(crate) fn truncate(&mut self, next: u64) {
        let keep = next.saturating_sub(self.base) as usize;
        while self.slots.len() > keep {
            self.slots.pop_back();
            if let Some(data) = self.cache.pop_back() {
                self.cached -= data.len() as u64;
            }
        }
        if next < self.base {
            self.base = next;
        }
    }

    /// Forgets entries up to `upto`.
    pub(crate) fn purge(&mut self, upto: u64, meta: Bytes) {
        while self.base <= upto && !self.slots.is_empty() {
            if self.cache.len() == self.slots.len()
                && let Some(data) = self.cache.pop_front()
            {
                self.cached -= data.len() as u64;
            }
            self.slots.pop_front();
            self.base += 1;
        }
        self.base = self.base.max(if self.slots.is_empty() { upto + 1 } else { 0 });
        self.purged = Some((upto, meta));
    }

    /// Bytes of records from the oldest entry up to and with `index`.
    pub(crate) fn bytes_up_to(&self, index: u64) -> u64 {
        let (Some(first), Some(at)) = (self.slots.front(), index.checked_sub(self.base)) else {
            return 0;
        };
        let last = self.slots.get(at as usize).or_else(|| self.slots.back());
        let start = first.end - record::size(first.length as usize) as u64;
        last.map_or(0, |slot| slot.end - start)
    }

    /// Entries of the range that are held, from its start on, until `max_bytes` are reached or one is missing.
    pub(crate) fn collect(&self, range: Range<u64>, max_bytes: u64) -> Vec<Piece> {
        let mut out = Vec::new();
        let mut bytes = 0;
        let cache_start = self.next() - self.cache.len() as u64;
        for index in range {
            let Some(slot) = index.checked_sub(self.base).and_then(|at| self.slots.get(at as usize)) else {
                break;
            };
            bytes += u64::from(slot.length);
            if bytes > max_bytes && !out.is_empty() {
                break;
            }
            let cached = index
                .checked_sub(cache_start)
                .and_then(|at| self.cache.get(at as usize));
            match (cached, &slot.segment) {
                (Some(data), _) => out.push(Piece::Cached(data.clone())),
                (None, Some(segment)) => out.push(Piece::Stored(Place {
                    segment: segment.clone(),
                    offset: slot.offset,
                    length: slot.length,
                    index,
                })),
                (None, None) => break,
            }
        }
        out
    }
}
