//! Committed entries stay: what one member ever knew as committed is what everybody's log has there.

use std::collections::BTreeMap;

use super::{Broken, Entries, Seen};

/// Hashes of committed entries, by index.
#[derive(Default)]
pub(super) struct Committed {
    entries: BTreeMap<u64, u64>,
    /// The last that anybody knew as committed while in a term, by the term. Its hash may not have been read.
    known: BTreeMap<u64, u64>,
}

impl Committed {
    /// Logs are read now and then, and what is committed in between counts all the same.
    pub(super) fn note(&mut self, seen: &[Seen]) {
        for one in seen {
            let last = self.known.entry(one.status.term).or_default();
            *last = (*last).max(one.status.committed);
        }
    }

    pub(super) fn check(&mut self, logs: &[Entries]) -> Result<(), Broken> {
        // Each founder begins with an entry 0 of its own, of which only the first leader's is ever committed.
        for log in logs.iter().filter(|log| log.committed > 0) {
            for (index, hash) in log.hashes.range(..=log.committed) {
                let first = *self.entries.entry(*index).or_insert(*hash);
                if first != *hash {
                    return Err(format!(
                        "committed entries stay: {:x} knows another entry {index} as committed than was known before",
                        log.member
                    ));
                }
            }
        }
        Ok(())
    }

    /// The last index that anybody knew as committed, 0 before there was one.
    pub(super) fn last(&self) -> u64 {
        self.known.values().copied().max().unwrap_or(0)
    }

    /// The last index that was committed before a term, as far as anybody knew.
    pub(super) fn before(&self, term: u64) -> u64 {
        self.known.range(..term).map(|(_, last)| *last).max().unwrap_or(0)
    }

    /// All that is known as committed.
    pub(super) const fn entries(&self) -> &BTreeMap<u64, u64> {
        &self.entries
    }
}
