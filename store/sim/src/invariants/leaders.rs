//! Leader completeness: whoever wins an election holds everything that was committed before.

use std::collections::BTreeMap;

use super::committed::Committed;
use super::{Broken, Entries, Seen};
use crate::net::Number;

/// The term that each member was last seen to lead.
#[derive(Default)]
pub(super) struct Leaders(BTreeMap<u64, u64>);

impl Leaders {
    /// The nodes whose members lead a term that they were not seen to lead before.
    pub(super) fn news(&mut self, seen: &[Seen]) -> Vec<Number> {
        let leads = seen.iter().filter(|one| one.status.leads());
        let fresh = leads.filter(|one| self.0.insert(one.member, one.status.term) != Some(one.status.term));
        fresh.map(|one| one.node).collect()
    }
}

pub(super) fn check(elected: &[Number], logs: &[Entries], committed: &Committed) -> Result<(), Broken> {
    for log in logs.iter().filter(|log| elected.contains(&log.node)) {
        if committed.last() > log.last {
            return Err(format!(
                "leader completeness: {:x} leads with entries up to {}, and {} is committed",
                log.member,
                log.last,
                committed.last()
            ));
        }
        for (index, hash) in &log.hashes {
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
