//! Streams of answers, pulled from the member only when the client can take one.

use std::pin::Pin;

use futures_util::Stream;
use futures_util::stream::unfold;
use proto::fault::Fault;
use store_node::Error;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::status;

/// What a streaming method answers.
pub(crate) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A source of answers inside the member. Dropping it cancels it.
pub(crate) trait Source: Send + 'static {
    /// What it gives.
    type Answer: Send + 'static;
    /// The next answer, nothing at the end. Cancel safe.
    fn pull(&mut self) -> impl Future<Output = Option<Result<Self::Answer, Error>>> + Send;
}

macro_rules! source {
    ($source:ty => $answer:ty) => {
        impl Source for $source {
            type Answer = $answer;
            async fn pull(&mut self) -> Option<Result<$answer, Error>> {
                self.next().await
            }
        }
    };
}
source!(store_node::RangeStream => proto::etcd::RangeStreamResponse);
source!(store_node::Snapshot => proto::etcd::SnapshotResponse);
source!(store_node::Observe => proto::election::LeaderResponse);

/// The stream of a source: it ends after its first error, and when the port drains.
pub(crate) fn pulled<S: Source>(source: S, draining: &CancellationToken) -> Answers<S::Answer> {
    let state = Some((source, draining.clone()));
    Box::pin(unfold(state, |state| async move {
        let (mut source, draining) = state?;
        let pulled = tokio::select! {
            biased;
            pulled = source.pull() => pulled?,
            () = draining.cancelled() => return Some((Err(status::of_fault(Fault::Stopped)), None)),
        };
        match pulled {
            Ok(answer) => Some((Ok(answer), Some((source, draining)))),
            Err(error) => Some((Err(status::of_error(error)), None)),
        }
    }))
}
