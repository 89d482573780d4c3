//! What is committed and once was safe on a member's disk stays there: nobody forgets what he may have acknowledged.

use std::collections::BTreeMap;

use super::committed::Committed;
use super::{Broken, Entries};

/// The last committed entry that each member was seen to hold, by the member's id.
#[derive(Default)]
pub(super) struct Kept(BTreeMap<u64, u64>);

impl Kept {
    pub(super) fn check(&mut self, durable: &[Entries], committed: &Committed) -> Result<(), Broken> {
        for log in durable {
            let held = |index: u64| match (log.hashes.get(&index), committed.entries().get(&index)) {
                (Some(found), Some(committed)) => found == committed,
                // Purged: it is in what was flushed.
                (None, _) => index <= log.last,
                (Some(_), None) => false,
            };
            if let Some(last) = self.0.get(&log.member).filter(|last| !held(**last)) {
                return Err(format!(
                    "what was kept stays: node {} held entry {last}, which is committed, and now ends at {}",
                    log.node, log.last
                ));
            }
            let newest = committed.entries().last_key_value().map_or(0, |(last, _)| *last);
            let newest = newest.min(log.last);
            if held(newest) {
                self.0.insert(log.member, newest);
            }
        }
        Ok(())
    }
}
