//! Streams of answers, pulled from the member only when the client can take one.

use futures_util::stream::{BoxStream, unfold};
use proto::fault::Fault;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::status;

/// A source of answers inside the member. Dropping it cancels it.
pub(super) trait Source: Send + 'static {
    /// What it gives.
    type Answer: Send + 'static;
    /// The next answer, nothing at the end. Cancel safe.
    fn pull(&mut self) -> impl Future<Output = Option<Result<Self::Answer, Status>>> + Send;
}

macro_rules! source {
    ($source:ty => $answer:ty) => {
        impl Source for $source {
            type Answer = $answer;
            async fn pull(&mut self) -> Option<Result<$answer, Status>> {
                Some(self.next().await?.map_err(status::of_error))
            }
        }
    };
}
source!(store_node::RangeStream => proto::etcd::RangeStreamResponse);
source!(store_node::Snapshot => proto::etcd::SnapshotResponse);
source!(store_node::Observe => proto::election::LeaderResponse);

/// The stream of a source: it ends after its first error, and when the port drains.
pub(super) fn pulled<S: Source>(
    source: S,
    draining: &CancellationToken,
) -> BoxStream<'static, Result<S::Answer, Status>> {
    // One for each stream: it is looked at with every answer, and what all share is a lock.
    let drained = Box::pin(draining.child_token().cancelled_owned());
    Box::pin(unfold(Some((source, drained)), |state| async move {
        let (mut source, mut drained) = state?;
        let pulled = tokio::select! {
            biased;
            pulled = source.pull() => pulled?,
            () = &mut drained => Err(status::of_fault(Fault::Stopped)),
        };
        let rest = pulled.is_ok().then_some((source, drained));
        Some((pulled, rest))
    }))
}
