//! How the hub wakes a stream: each watch carries a token that puts its id on the stream's list, once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use store_planted::{Bug, planted};
use tokio::sync::Notify;

/// The watches of a stream that may have something to say.
#[derive(Default)]
pub(crate) struct Ready {
    list: Mutex<VecDeque<i64>>,
    pub(crate) notify: Notify,
}

impl Ready {
    /// The watch whose turn it is.
    pub(crate) fn pop(&self) -> Option<i64> {
        self.list.lock().pop_front()
    }
}

/// A watch's line to its stream.
pub(crate) struct Token {
    id: i64,
    listed: AtomicBool,
    ready: Arc<Ready>,
}

impl Token {
    pub(crate) fn new(id: i64, ready: Arc<Ready>) -> Arc<Self> {
        Arc::new(Self {
            id,
            listed: AtomicBool::new(false),
            ready,
        })
    }

    /// Puts the watch on the list unless it stands there, and wakes the stream.
    pub(crate) fn wake(&self) {
        if !self.listed.swap(true, Ordering::AcqRel) {
            self.ready.list.lock().push_back(self.id);
        }
        self.ready.notify.notify_one();
    }

    /// The watch was taken from the list and is looked at now: what happens from here on lists it again.
    pub(crate) fn taken(&self) {
        self.listed.store(planted(Bug::SilentWatch), Ordering::Release);
    }
}
