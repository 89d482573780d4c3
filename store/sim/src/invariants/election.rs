//! Election safety: no two win by the same vote, and a member's term never falls.
//!
//! A vote is for a term and a member, and of two members in one term the one with the higher id outbids the other
//! (deploy/adr/0001-openraft.md): so a term may see a second leader, always with a higher id, and never again the first.

use std::collections::{BTreeMap, BTreeSet};

use store_raft::Role;

use super::{Broken, Seen};

/// Who led each term, and the last term of each member.
#[derive(Default)]
pub(super) struct Election {
    leaders: BTreeMap<u64, BTreeSet<u64>>,
    terms: BTreeMap<u64, u64>,
}

impl Election {
    pub(super) fn check(&mut self, seen: &[Seen]) -> Result<(), Broken> {
        // One whose disk refused to take a vote shows the vote to the end, and has told it to nobody.
        for one in seen.iter().filter(|one| one.status.role != Role::Stopped) {
            let (term, member) = (one.status.term, one.member);
            let before = self.terms.insert(member, term).unwrap_or(0);
            if term < before {
                return Err(format!(
                    "election safety: the term of {member:x} falls from {before} to {term}"
                ));
            }
            if !one.status.leads() {
                continue;
            }
            let led = self.leaders.entry(term).or_default();
            if led.last().is_some_and(|last| *last > member) && !led.contains(&member) {
                return Err(format!("election safety: {member:x} won term {term} after {led:x?}"));
            }
            led.insert(member);
        }
        Ok(())
    }
}
