//! What waits for the writer: operations in order, each with whom to tell.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;

use crate::log::Done;
use crate::record::{Item, Kind};

/// A batch is closed at this size, so that the first in it need not wait for megabytes of others.
const BATCH_BYTES: usize = 1 << 20;

/// One call's records and its answer.
pub(crate) struct Op {
    pub(crate) items: Vec<Item>,
    pub(crate) done: Option<Done>,
}

/// What the writer takes at once: everything queued, up to the limit.
pub(crate) struct Batch {
    pub(crate) items: Vec<Item>,
    pub(crate) dones: Vec<Done>,
    /// Whether somebody waits for these bytes to be on disk.
    pub(crate) sync: bool,
}

/// An error that every later caller gets too.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) kind: io::ErrorKind,
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn error(&self) -> io::Error {
        io::Error::new(self.kind, self.text.clone())
    }
}

/// The queue between callers and the writer.
#[derive(Default)]
pub(crate) struct Queue {
    ops: VecDeque<Op>,
    committed: Option<Bytes>,
    pub(crate) failed: Option<Failure>,
    pub(crate) closing: bool,
    /// The writer's thread sleeps until it is woken.
    pub(crate) asleep: bool,
}

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.committed.is_none()
    }

    /// Whether somebody waits for what is queued.
    pub(crate) fn is_waited_for(&self) -> bool {
        !self.ops.is_empty()
    }

    pub(crate) fn push(&mut self, op: Op) {
        self.ops.push_back(op);
    }

    /// Only the newest committed mark matters, and nobody waits for it.
    pub(crate) fn set_committed(&mut self, data: Bytes) {
        self.committed = Some(data);
    }

    /// The next batch, or None if nothing waits.
    pub(crate) fn take(&mut self) -> Option<Batch> {
        if self.is_empty() {
            return None;
        }
        let mut batch = Batch {
            items: Vec::new(),
            dones: Vec::new(),
            sync: false,
        };
        let mut bytes = 0;
        while bytes < BATCH_BYTES
            && let Some(op) = self.ops.pop_front()
        {
            bytes += op.items.iter().map(|item| item.data.len()).sum::<usize>();
            batch.items.extend(op.items);
            batch.dones.extend(op.done);
            batch.sync = true;
        }
        // The mark may name entries that were queued before it, so it must not overtake what this batch left behind.
        if self.ops.is_empty()
            && let Some(data) = self.committed.take()
        {
            batch.items.push(Item {
                kind: Kind::Committed,
                index: 0,
                data,
                ticket: 0,
            });
        }
        Some(batch)
    }

    /// Everybody who still waits.
    pub(crate) fn drain(&mut self) -> Vec<Done> {
        self.committed = None;
        self.ops.drain(..).filter_map(|op| op.done).collect()
    }
}
