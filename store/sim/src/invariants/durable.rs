//! What is committed survives: a majority of those who vote would still have it if all machines lost power now.

use super::committed::Committed;
use super::{Broken, Entries, Seen};

pub(super) fn check(seen: &[Seen], durable: &[Entries], committed: &Committed) -> Result<(), Broken> {
    let Some((last, hash)) = committed.last() else {
        return Ok(());
    };
    // Who votes is known by who knows most; while that changes, two majorities count and neither is this one.
    let Some(newest) = seen.iter().max_by_key(|one| (one.status.committed, one.status.term)) else {
        return Ok(());
    };
    if newest.status.changing || newest.status.voters.is_empty() {
        return Ok(());
    }
    let holds = |log: &&Entries| match log.hashes.get(&last) {
        Some(found) => *found == hash,
        // Purged: it is in what was flushed.
        None => log.last >= last,
    };
    let voters = &newest.status.voters;
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
