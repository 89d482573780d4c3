//! Election safety: no two win by the same vote, and a member's term never falls.
//!
//! A vote is for a term and a member, and of two members in one term the one with the higher id outbids the other
//! (deploy/adr/0001-openraft.md). So a term may see a second leader, always with a higher id. One with a lower id may be
//! seen to win after it only if he had asked for votes before: nobody gives him one once a majority has given theirs.

use std::collections::BTreeMap;

use store_raft::Role;

use super::{Broken, Seen};

/// Who led each term, and what each member was when it was last looked at.
#[derive(Default)]
pub(super) struct Election {
    looks: u64,
    /// The highest member that won each term, and the look that first showed it.
    winners: BTreeMap<u64, (u64, u64)>,
    terms: BTreeMap<u64, u64>,
    bids: BTreeMap<u64, Bid>,
}

/// A member that asks for votes, or leads by them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Bid {
    boot: u64,
    term: u64,
    /// The look that first showed it.
    since: u64,
    leads: bool,
}

impl Election {
    pub(super) fn check(&mut self, seen: &[Seen]) -> Result<(), Broken> {
        self.looks += 1;
        // One whose disk refused to take a vote shows the vote to the end, and has told it to nobody.
        for one in seen.iter().filter(|one| one.status.role != Role::Stopped) {
            let (term, member) = (one.status.term, one.member);
            let before = self.terms.insert(member, term).unwrap_or(0);
            if term < before {
                return Err(format!(
                    "election safety: the term of {member:x} falls from {before} to {term}"
                ));
            }
            self.bid(one)?;
        }
        Ok(())
    }

    fn bid(&mut self, one: &Seen) -> Result<(), Broken> {
        let (term, member) = (one.status.term, one.member);
        if !matches!(one.status.role, Role::Candidate | Role::Leader) {
            self.bids.remove(&member);
            return Ok(());
        }
        let known = self.bids.get(&member).copied();
        let known = known.filter(|bid| (bid.boot, bid.term) == (one.boot, term));
        let bid = Bid {
            boot: one.boot,
            term,
            since: known.map_or(self.looks, |bid| bid.since),
            leads: one.status.leads(),
        };
        self.bids.insert(member, bid);
        if !bid.leads || known.is_some_and(|known| known.leads) {
            return Ok(());
        }
        let (highest, since) = *self.winners.entry(term).or_insert((member, self.looks));
        if highest > member && bid.since > since {
            return Err(format!("election safety: {member:x} won term {term} after {highest:x}"));
        }
        if member > highest {
            self.winners.insert(term, (member, self.looks));
        }
        Ok(())
    }
}
