//! Keeps the collector from writing while a snapshot replaces the engine's contents.
//!
//! A step's batch is made from what the engine held; written after an install it would speak of contents that are gone.

use parking_lot::{Mutex, MutexGuard};

/// Open unless a snapshot is being taken in.
#[derive(Default)]
pub(crate) struct Gate {
    /// Whether it is closed; held over one step.
    closed: Mutex<bool>,
}

impl Gate {
    /// Held over one step of the collector; `None` while closed.
    pub(crate) fn step(&self) -> Option<MutexGuard<'_, bool>> {
        let guard = self.closed.lock();
        (!*guard).then_some(guard)
    }

    /// Waits for the step under way; no other begins.
    pub(crate) fn close(&self) {
        *self.closed.lock() = true;
    }

    /// The new contents have been read.
    pub(crate) fn open(&self) {
        *self.closed.lock() = false;
    }
}
