//! Leader completeness: whoever leads a term holds everything that was committed in earlier ones. One who slept may hear
//! late that he won, when others lead later terms.

use std::collections::BTreeMap;

use super::committed::Committed;
use super::{Broken, Entries, Seen};
use crate::net::Number;

/// The term that each member was last seen to lead.
#[derive(Default)]
pub(super) struct Leaders(BTreeMap<u64, u64>);

impl Leaders {
    /// The nodes whose members lead a term that they were not seen to lead before, and the term.
    pub(super) fn news(&mut self, seen: &[Seen]) -> BTreeMap<Number, u64> {
        let leads = seen.iter().filter(|one| one.status.leads());
        let fresh = leads.filter(|one| self.0.insert(one.member, one.status.term) != Some(one.status.term));
        fresh.map(|one| (one.node, one.status.term)).collect()
    }
}

pub(super) fn check(elected: &BTreeMap<Number, u64>, logs: &[Entries], committed: &Committed) -> Result<(), Broken> {
    for log in logs {
        let Some(term) = elected.get(&log.node) else { continue };
        let last = committed.before(*term);
        if last > log.last {
            return Err(format!(
                "leader completeness: {:x} leads term {term} with entries up to {}, and {last} was committed before",
                log.member, log.last
            ));
        }
        for (index, hash) in log.hashes.range(..=last) {
            if committed
                .entries()
                .get(index)
                .is_some_and(|committed| committed != hash)
            {
                return Err(format!(
                    "leader completeness: {:x} leads with another entry {index} than the committed one",
                    log.member
                ));
            }
        }
    }
    Ok(())
}
