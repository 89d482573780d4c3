//! Committed entries stay: what one member ever knew as committed is what everybody's log has there.

use std::collections::BTreeMap;

use super::{Broken, Entries};

/// Hashes of committed entries, by index.
#[derive(Default)]
pub(super) struct Committed {
    entries: BTreeMap<u64, u64>,
}

impl Committed {
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

    /// The last index that anybody knew as committed, with its hash.
    pub(super) fn last(&self) -> Option<(u64, u64)> {
        self.entries.last_key_value().map(|(index, hash)| (*index, *hash))
    }

    /// All that is known as committed.
    pub(super) const fn entries(&self) -> &BTreeMap<u64, u64> {
        &self.entries
    }
}
