//! The newest entries as they were appended, so that replication and apply need neither disk nor decoding.

use std::collections::VecDeque;

use crate::types::{Entry, Payload};

/// What an entry is counted as besides its command.
const OVERHEAD: u64 = 128;

/// A run of entries without gaps that ends with the newest, bounded in bytes.
pub(crate) struct Recent {
    entries: VecDeque<Entry>,
    bytes: u64,
    limit: u64,
}

impl Recent {
    pub(crate) fn new(limit: u64) -> Recent {
        Recent {
            entries: VecDeque::new(),
            bytes: 0,
            limit,
        }
    }

    fn first(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.log_id.index)
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        if self
            .entries
            .back()
            .is_some_and(|last| last.log_id.index + 1 != entry.log_id.index)
        {
            self.clear();
        }
        self.bytes += weight(&entry);
        self.entries.push_back(entry);
        while self.bytes > self.limit
            && let Some(oldest) = self.entries.pop_front()
        {
            self.bytes -= weight(&oldest);
        }
    }

    /// Forgets entries after `last`.
    pub(crate) fn truncate(&mut self, last: Option<u64>) {
        while let Some(newest) = self.entries.back()
            && last.is_none_or(|last| newest.log_id.index > last)
        {
            self.bytes -= weight(newest);
            self.entries.pop_back();
        }
    }

    /// Forgets entries up to `upto`.
    pub(crate) fn purge(&mut self, upto: u64) {
        while let Some(oldest) = self.entries.front()
            && oldest.log_id.index <= upto
        {
            self.bytes -= weight(oldest);
            self.entries.pop_front();
        }
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    /// Entries from `start` to before `end` until `max_bytes`, at least one; None if `start` is not here.
    pub(crate) fn read(&self, start: u64, end: u64, max_bytes: u64) -> Option<Vec<Entry>> {
        let at = start.checked_sub(self.first()?)? as usize;
        self.entries.get(at)?;
        let mut bytes = 0;
        let wanted = self.entries.range(at..).take_while(|entry| {
            let before = bytes;
            bytes += weight(entry);
            entry.log_id.index < end && (before == 0 || bytes <= max_bytes)
        });
        Some(wanted.cloned().collect())
    }
}

fn weight(entry: &Entry) -> u64 {
    OVERHEAD
        + match &entry.payload {
            Payload::Normal(proposal) => proposal.bytes.len() as u64,
            Payload::Blank | Payload::Membership(_) => 0,
        }
}
