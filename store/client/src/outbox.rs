//! The sending half of a bidirectional stream: a queue that never makes its owner wait.
//!
//! A bounded channel would deadlock: the owner, busy sending, would not read what the store must get rid of first.
//! The length is bounded all the same, by what the owner has to say: a few messages for each watch or lease.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::Stream;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Messages that wait to be sent. The stream ends when the outbox is dropped.
pub(crate) struct Outbox<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Notify,
}

struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T: Send + 'static> Outbox<T> {
    /// An outbox and the stream that empties it.
    pub(crate) fn new() -> (Self, impl Stream<Item = T> + Send + 'static) {
        let state = State {
            waiting: VecDeque::new(),
            closed: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Notify::new(),
        });
        let stream = futures_util::stream::unfold(Arc::clone(&shared), |shared| async move {
            loop {
                {
                    let mut state = shared.state.lock();
                    if let Some(message) = state.waiting.pop_front() {
                        drop(state);
                        return Some((message, shared));
                    }
                    if state.closed {
                        return None;
                    }
                }
                // A permit is kept if the notice comes between the look and the wait.
                shared.changed.notified().await;
            }
        });
        (Self { shared }, stream)
    }

    /// Sends when the connection has room.
    pub(crate) fn push(&self, message: T) {
        self.shared.state.lock().waiting.push_back(message);
        self.shared.changed.notify_one();
    }
}

impl<T> Drop for Outbox<T> {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    #[tokio::test]
    async fn gives_all_in_order_then_ends_with_its_owner() {
        let (outbox, stream) = Outbox::new();
        (0..3).for_each(|n| outbox.push(n));
        drop(outbox);
        assert_eq!(stream.collect::<Vec<_>>().await, [0, 1, 2]);
    }
}
