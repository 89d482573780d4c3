//! One watch: a place in its group's events.

use std::sync::Arc;

use store_planted::{Bug, planted};

use super::group::{Clock, Group};
use super::hub::Inner;
use super::{Filter, GroupBatch};

/// What a watch finds when it looks.
#[derive(Debug, PartialEq, Eq)]
pub enum Poll {
    /// Events, in whole revisions and ascending; there may be more.
    Ready(Vec<Arc<GroupBatch>>),
    /// Every event up to this revision was handed out.
    Idle(i64),
    /// The start revision is not reached: there is nothing to say, not even progress.
    Future,
    /// The events from this revision on are not kept here any more: read them with
    /// [`View::history`](crate::View::history), then [`Watcher::resume`].
    Behind(i64),
    /// The events are gone for good; this is the compaction that a cancelled watch is told.
    Compacted(i64),
}

/// A watch that its owner polls. Dropping it ends it.
pub struct Watcher<T> {
    pub(super) hub: Arc<Inner<T>>,
    pub(super) clock: Arc<Clock>,
    pub(super) group: Arc<Group>,
    pub(super) slot: usize,
    pub(super) id: u64,
    /// The revision that was asked for, 0 for "from now".
    pub(super) start: i64,
    pub(super) next: i64,
    /// The start was already compacted when it was asked for.
    pub(super) too_old: bool,
}

impl<T> Watcher<T> {
    /// Looks for events. Takes the lock of its group only, never that of the hub.
    ///
    /// Ends after `max_bytes`, but never inside a revision.
    pub fn poll(&mut self, max_bytes: usize) -> Poll {
        let compacted = self.clock.compacted();
        if self.too_old {
            return Poll::Compacted(compacted);
        }
        // Read before the group: what the group has may be newer, never older.
        let head = self.clock.revision();
        if head < self.start {
            if !planted(Bug::FutureWatch) {
                return Poll::Future;
            }
            (self.start, self.next) = (0, self.next.min(head));
        }
        if self.next > head {
            return Poll::Idle(self.next - 1);
        }
        match self.group.read(self.next, head, max_bytes) {
            None if self.next < compacted => Poll::Compacted(compacted),
            None => Poll::Behind(self.next),
            Some((batches, next)) => {
                self.next = next;
                if batches.is_empty() {
                    Poll::Idle(head)
                } else {
                    Poll::Ready(batches)
                }
            }
        }
    }

    /// What the watch asks for.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.group.filter
    }

    /// The first revision whose events were not handed out.
    #[must_use]
    pub const fn next(&self) -> i64 {
        self.next
    }

    /// Goes on from a revision, after the events before it were read elsewhere.
    pub fn resume(&mut self, next: i64) {
        if next > self.next {
            let again = planted(Bug::DuplicateEvent) && next > self.next + 1;
            self.next = next + i64::from(planted(Bug::LostEvent)) - i64::from(again);
        }
    }
}

impl<T> Drop for Watcher<T> {
    fn drop(&mut self) {
        self.hub.remove(self.slot, self.id);
    }
}
