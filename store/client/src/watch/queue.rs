//! What lies between the task that owns the stream and the consumer of one watch.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{Error, Result, Update};

/// Names a watch inside its hub.
pub(crate) type Id = u64;

/// Watches that want the hub's attention: abandoned ones, and those that have caught up.
#[derive(Default)]
pub(crate) struct Attention {
    ids: Mutex<Vec<Id>>,
    wake: Notify,
}

impl Attention {
    fn call(&self, id: Id) {
        self.ids.lock().push(id);
        self.wake.notify_one();
    }

    /// Waits until some watch calls.
    pub(crate) async fn wait(&self) -> Vec<Id> {
        loop {
            let ids = std::mem::take(&mut *self.ids.lock());
            if !ids.is_empty() {
                return ids;
            }
            self.wake.notified().await;
        }
    }
}

/// Updates that wait for their consumer.
pub(crate) struct Queue {
    id: Id,
    bytes_max: usize,
    attention: Arc<Attention>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    updates: VecDeque<(Update, usize)>,
    bytes: usize,
    /// The first revision that the consumer has not got.
    next_revision: i64,
    created: bool,
    /// Too much waits: the store was told to stop.
    paused: bool,
    abandoned: bool,
    end: Option<Error>,
}

impl Queue {
    pub(crate) fn new(id: Id, bytes_max: usize, attention: Arc<Attention>) -> Self {
        Self {
            id,
            bytes_max,
            attention,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Adds an update of so many bytes. True means that too much waits now: the caller must stop the watch until the
    /// queue calls for attention.
    pub(crate) fn push(&self, update: Update, bytes: usize) -> bool {
        let mut state = self.state.lock();
        state.bytes += bytes;
        state.updates.push_back((update, bytes));
        state.paused = state.bytes > self.bytes_max;
        self.changed.notify_one();
        state.paused
    }

    /// The store has the watch.
    pub(crate) fn mark_created(&self, next_revision: i64) {
        let mut state = self.state.lock();
        if !state.created {
            state.created = true;
            state.next_revision = next_revision;
            self.changed.notify_one();
        }
    }

    /// Nothing will come after what is waiting.
    pub(crate) fn end(&self, error: Error) {
        self.state.lock().end.get_or_insert(error);
        self.changed.notify_one();
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.state.lock().abandoned
    }

    pub(super) async fn next(&self) -> Result<Update> {
        loop {
            if let Some(answer) = self.take() {
                return answer;
            }
            self.changed.notified().await;
        }
    }

    fn take(&self) -> Option<Result<Update>> {
        let mut state = self.state.lock();
        let Some((update, bytes)) = state.updates.pop_front() else {
            return state.end.clone().map(Err);
        };
        state.bytes -= bytes;
        let told = update
            .events
            .last()
            .and_then(|event| event.kv.as_ref())
            .map_or(update.revision, |kv| kv.mod_revision);
        state.next_revision = state.next_revision.max(told + 1);
        if state.paused && state.bytes <= self.bytes_max / 2 {
            state.paused = false;
            self.attention.call(self.id);
        }
        Some(Ok(update))
    }

    /// Waits until the store has the watch.
    pub(super) async fn created(&self) -> Result<()> {
        loop {
            {
                let state = self.state.lock();
                if state.created {
                    return Ok(());
                }
                if let Some(error) = &state.end {
                    return Err(error.clone());
                }
            }
            self.changed.notified().await;
        }
    }

    pub(super) fn delivered_next(&self) -> i64 {
        self.state.lock().next_revision
    }

    /// The consumer is gone.
    pub(super) fn abandon(&self) {
        self.state.lock().abandoned = true;
        self.attention.call(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(revision: i64) -> Update {
        Update {
            revision,
            events: Vec::new(),
        }
    }

    #[tokio::test]
    async fn stops_when_full_and_calls_when_drained() {
        let attention = Arc::new(Attention::default());
        let queue = Queue::new(7, 10, Arc::clone(&attention));
        assert!(!queue.push(update(1), 6));
        assert!(queue.push(update(2), 6));
        queue.end(Error::Closed);
        assert_eq!(queue.next().await.unwrap().revision, 1);
        assert!(attention.ids.lock().is_empty(), "still more than half");
        assert_eq!(queue.next().await.unwrap().revision, 2);
        assert_eq!(attention.wait().await, [7]);
        assert_eq!(queue.delivered_next(), 3);
        assert!(matches!(queue.next().await, Err(Error::Closed)));
        assert!(matches!(queue.next().await, Err(Error::Closed)), "it stays ended");
    }
}
