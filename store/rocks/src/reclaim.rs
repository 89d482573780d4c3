//! Giving space back: compactions of deleted ranges, one after the other, on a thread of their own.
//!
//! `DeleteFilesInRange` would be faster but is not used: it may drop a table that holds a deletion while an older table
//! that reaches over the range's edge still holds what was deleted, which would then come back.

use std::sync::mpsc;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use parking_lot::{Mutex, RwLock};
use rocksdb::CompactOptions;
use store_engine::{Error, Result};

use crate::handle::Handle;

type Range = (Vec<u8>, Vec<u8>);

/// Ranges that wait; more are dropped, since the next hint covers them.
const WAITING: usize = 16;

pub(crate) struct Reclaimer {
    ranges: Option<mpsc::SyncSender<Range>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Reclaimer {
    pub(crate) fn start(active: Weak<RwLock<Arc<Handle>>>) -> Result<Self> {
        let (ranges, waiting) = mpsc::sync_channel::<Range>(WAITING);
        let work = move || {
            while let Ok((from, to)) = waiting.recv() {
                let Some(active) = active.upgrade() else { return };
                let handle = active.read().clone();
                drop(active);
                compact(&handle, &from, &to);
            }
        };
        let thread = std::thread::Builder::new().name("rocks-reclaim".into()).spawn(work);
        let thread = thread.map_err(|source| Error::io("start a thread", source))?;
        Ok(Self {
            ranges: Some(ranges),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Asks for a range of full keys to be compacted some time.
    pub(crate) fn ask(&self, from: Vec<u8>, to: Vec<u8>) -> Result<()> {
        match self.ranges.as_ref().map(|ranges| ranges.try_send((from, to))) {
            Some(Ok(()) | Err(mpsc::TrySendError::Full(_))) => Ok(()),
            _ => Err(Error::Closed),
        }
    }

    /// Ends the thread after the compaction at hand, which the caller has cancelled.
    pub(crate) fn stop(&mut self) {
        self.ranges = None;
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

fn compact(handle: &Handle, from: &[u8], to: &[u8]) {
    let mut options = CompactOptions::default();
    // Beside automatic compactions, not instead of them: writes must not wait for this.
    options.set_exclusive_manual_compaction(false);
    handle.db.compact_range_opt(Some(from), Some(to), &options);
}
