//! Waiting by the member's own clock.

use std::future::Future;
use std::time::Duration;

use base::clock::Clock;

/// The future's value, or `None` when the clock passes `limit` first. The future is dropped then.
pub(crate) async fn within<T>(clock: &dyn Clock, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        value = future => Some(value),
        () = clock.sleep(limit) => None,
    }
}
