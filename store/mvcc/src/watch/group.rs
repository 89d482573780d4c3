//! Watches that ask for the same, and the events that are kept for them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::RwLock;

use super::{Filter, GroupBatch};

/// The two revisions that every poll looks at.
#[derive(Debug)]
pub(super) struct Clock {
    revision: AtomicI64,
    compacted: AtomicI64,
}

impl Clock {
    pub(super) const fn new(revision: i64, compacted: i64) -> Self {
        Self {
            revision: AtomicI64::new(revision),
            compacted: AtomicI64::new(compacted),
        }
    }

    /// All groups have what they hear of up to here.
    pub(super) fn revision(&self) -> i64 {
        self.revision.load(Ordering::Acquire)
    }

    pub(super) fn set_revision(&self, revision: i64) {
        self.revision.store(revision, Ordering::Release);
    }

    pub(super) fn compacted(&self) -> i64 {
        self.compacted.load(Ordering::Acquire)
    }

    pub(super) fn set_compacted(&self, revision: i64) {
        self.compacted.store(revision, Ordering::Release);
    }
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) filter: Filter,
    kept: RwLock<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// Events up to here may be missing.
    floor: i64,
    /// Ascending revisions, all above the floor.
    batches: VecDeque<Arc<GroupBatch>>,
}

impl Group {
    pub(super) fn new(filter: Filter, floor: i64) -> Self {
        Self {
            filter,
            kept: RwLock::new(Kept {
                floor,
                batches: VecDeque::new(),
            }),
        }
    }

    pub(super) fn push(&self, batch: GroupBatch) {
        self.kept.write().batches.push_back(Arc::new(batch));
    }

    /// Forgets everything up to a revision.
    pub(super) fn forget(&self, revision: i64) {
        let mut kept = self.kept.write();
        let gone = kept.batches.partition_point(|batch| batch.revision <= revision);
        kept.batches.drain(..gone);
        kept.floor = kept.floor.max(revision);
    }

    /// Whole revisions from `from` up to `until`, until `max_bytes` are reached; `None` where some are missing. Also
    /// the revision to go on from.
    pub(super) fn read(&self, from: i64, until: i64, max_bytes: usize) -> Option<(Vec<Arc<GroupBatch>>, i64)> {
        let kept = self.kept.read();
        if from <= kept.floor {
            return None;
        }
        let start = kept.batches.partition_point(|batch| batch.revision < from);
        let (mut found, mut bytes) = (Vec::new(), 0);
        for batch in kept.batches.range(start..).take_while(|batch| batch.revision <= until) {
            if bytes >= max_bytes && !found.is_empty() {
                return Some((found, batch.revision));
            }
            bytes += batch.bytes;
            found.push(Arc::clone(batch));
        }
        Some((found, until + 1))
    }
}
