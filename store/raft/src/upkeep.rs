//! Keeps the log short: flushes the engine by bytes, then purges what the engine has, leaving a tail for slow followers.

use std::sync::Arc;
use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver;

use crate::shared::Shared;
use crate::types::Raft;

/// How often the amount of log is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// Starts the task.
pub(crate) fn start(shared: &Arc<Shared>, raft: &Raft) {
    let (shared_again, raft) = (shared.clone(), raft.clone());
    shared.tasks.spawn_until("raft-upkeep", async move {
        loop {
            shared_again.clock.sleep(EVERY).await;
            if due(&shared_again) && raft.trigger().snapshot().await.is_err() {
                return;
            }
            purge(&shared_again, &raft).await;
        }
    });
}

/// Whether enough was applied since the engine was last flushed.
fn due(shared: &Shared) -> bool {
    let applied = *shared.applied.borrow();
    let before = shared.flushed().map_or(0, |index| shared.log.bytes_up_to(index));
    shared.log.bytes_up_to(applied).saturating_sub(before) >= shared.options.flush_bytes
}

/// Lets openraft purge what is flushed and beyond the tail.
pub(crate) async fn purge(shared: &Arc<Shared>, raft: &Raft) {
    let Some(upto) = upto(shared) else { return };
    // openraft purges only what it has seen a snapshot of, which here is a flush; it may not have seen the last one yet.
    let snapshot = raft.metrics().borrow_watched().snapshot.map(|id| id.index);
    let upto = upto.min(snapshot.unwrap_or(0));
    if shared.log.first().is_some_and(|first| first <= upto) && raft.trigger().purge_log(upto).await.is_err() {
        tracing::debug!("consensus ended before its log was purged");
    }
}

/// The last index that nobody is expected to need; None if that would free too little to be worth it.
fn upto(shared: &Shared) -> Option<u64> {
    let log = &shared.log;
    let (first, last) = (log.first()?, log.last()?);
    let total = log.bytes();
    let options = &shared.options;
    let mut upto = shared.flushed()?;
    let held = shared.images.lock().holds(shared.clock.monotonic());
    upto = upto.min(held.unwrap_or(u64::MAX));
    let by_entries = last.saturating_sub(options.keep_entries);
    let by_bytes = beyond(first, last, |index| {
        total.saturating_sub(log.bytes_up_to(index)) >= options.keep_bytes
    });
    upto = upto.min(by_entries.max(by_bytes.unwrap_or(0)));
    (upto >= first && log.bytes_up_to(upto) >= options.keep_bytes / 16).then_some(upto)
}

/// The last index of the range for which `enough` holds; it holds up to some index and not after.
fn beyond(first: u64, last: u64, enough: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut low, mut high) = (first, last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if enough(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low.checked_sub(1).filter(|index| *index >= first)
}

#[cfg(test)]
mod tests {
    use super::beyond;

    #[test]
    fn the_tail_is_found_by_halving() {
        assert_eq!(beyond(5, 20, |index| index <= 9), Some(9));
        assert_eq!(beyond(5, 20, |_| true), Some(20));
        assert_eq!(beyond(5, 20, |_| false), None);
        assert_eq!(beyond(0, 0, |_| false), None);
    }
}
