//! What is committed survives: a majority of those who vote would still have it if all machines lost power now.

use store_raft::Status;

use super::committed::Committed;
use super::{Broken, Entries, Seen};

/// Who votes, as known by who ever knew most: those who are up now may have slept through a change.
#[derive(Default)]
pub(super) struct Voters {
    newest: Option<Status>,
}

impl Voters {
    pub(super) fn note(&mut self, seen: &[Seen]) {
        let order = |status: &Status| (status.committed, status.term);
        for Seen { status, .. } in seen {
            if self.newest.as_ref().is_none_or(|newest| order(status) >= order(newest)) {
                self.newest = Some(status.clone());
            }
        }
    }
}

pub(super) fn check(known: &Voters, durable: &[Entries], committed: &Committed) -> Result<(), Broken> {
    let (last, Some(newest)) = (committed.last(), &known.newest) else {
        return Ok(());
    };
    // While that changes, two majorities count and neither is this one.
    if newest.changing || newest.voters.is_empty() {
        return Ok(());
    }
    let holds = |log: &&Entries| match (log.hashes.get(&last), committed.entries().get(&last)) {
        (Some(found), Some(hash)) => found == hash,
        // Nobody's log was read since it was committed, or it is purged: then it is in what was flushed.
        _ => log.last >= last,
    };
    let voters = &newest.voters;
    let holders = durable
        .iter()
        .filter(|log| voters.contains(&log.member))
        .filter(holds)
        .count();
    if holders * 2 > voters.len() {
        return Ok(());
    }
    let logs = durable.iter().map(|log| {
        format!(
            "node {} up to {}{}",
            log.node,
            log.last,
            if holds(&log) { "" } else { ", not it" }
        )
    });
    Err(format!(
        "committed is durable: entry {last} is committed and would survive on {holders} of {} voters only: {}",
        voters.len(),
        logs.collect::<Vec<_>>().join("; ")
    ))
}
