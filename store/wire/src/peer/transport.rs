//! The channels as consensus and the member use them.

use std::error::Error as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{Stream, StreamExt};
use proto::{etcd, peer};
use store_node::Peers;
use store_raft::{BoxStream, Transport, TransportError};
use tonic::{Code, Response, Status};

use super::channels::{Channels, Lane};
use super::dial::Unreached;
use super::limits::Answer;

type Result<T> = std::result::Result<T, TransportError>;

/// What a failed call means to the one who made it.
fn failure(status: &Status) -> TransportError {
    let mut cause = status.source();
    if cause.is_none() {
        // The other member answered, and this is what it said.
        return match status.code() {
            Code::DeadlineExceeded => TransportError::Timeout,
            _ => TransportError::Refused(status.message().to_owned()),
        };
    }
    while let Some(error) = cause {
        if let Some(unreached) = error.downcast_ref::<Unreached>() {
            return TransportError::Unreachable(unreached.to_string());
        }
        cause = error.source();
    }
    TransportError::Broken(status.message().to_owned())
}

/// Waits for the answer of a call, for a limited time.
async fn answered<T>(
    timeout: Duration,
    call: impl Future<Output = std::result::Result<Response<T>, Status>>,
) -> Result<T> {
    match tokio::time::timeout(timeout, call).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(failure(&status)),
        Err(_) => Err(TransportError::Timeout),
    }
}

/// A stream of messages under a name of its own: the compiler cannot prove that a call with the bare boxed stream may
/// move between threads ("higher-ranked lifetime error").
struct Outgoing<T>(BoxStream<'static, T>);

impl<T> Stream for Outgoing<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_next_unpin(cx)
    }
}

impl Channels {
    /// How long a stream may take to open. The other side answers the head at once; only a silent one takes longer than
    /// it took to connect.
    fn opening(&self) -> Duration {
        self.options.connect_timeout.saturating_mul(2)
    }
}

#[async_trait]
impl Transport for Channels {
    async fn append_stream(
        &self,
        target: &peer::Node,
        requests: BoxStream<'static, peer::AppendRequest>,
    ) -> Result<BoxStream<'static, Result<peer::AppendResponse>>> {
        let mut client = self.client(target, Lane::Consensus, Answer::Short);
        let opening = client.append(self.addressed(Some(target.id), Outgoing(requests)));
        let answers = answered(self.opening(), opening)
            .await
            .inspect_err(|_| self.failed_to_send(target.id))?;
        Ok(answers.map(|answer| answer.map_err(|status| failure(&status))).boxed())
    }

    async fn vote(
        &self,
        target: &peer::Node,
        request: peer::VoteRequest,
        timeout: Duration,
    ) -> Result<peer::VoteResponse> {
        let mut client = self.client(target, Lane::Consensus, Answer::Short);
        answered(timeout, client.vote(self.addressed(Some(target.id), request))).await
    }

    async fn pre_vote(
        &self,
        target: &peer::Node,
        request: peer::VoteRequest,
        timeout: Duration,
    ) -> Result<peer::VoteResponse> {
        let mut client = self.client(target, Lane::Consensus, Answer::Short);
        answered(timeout, client.pre_vote(self.addressed(Some(target.id), request))).await
    }

    async fn transfer_leader(
        &self,
        target: &peer::Node,
        request: peer::TransferLeaderRequest,
        timeout: Duration,
    ) -> Result<peer::TransferLeaderResponse> {
        let mut client = self.client(target, Lane::Consensus, Answer::Short);
        answered(
            timeout,
            client.transfer_leader(self.addressed(Some(target.id), request)),
        )
        .await
    }

    async fn snapshot_offer(
        &self,
        target: &peer::Node,
        request: peer::SnapshotOfferRequest,
        timeout: Duration,
    ) -> Result<peer::SnapshotOfferResponse> {
        let mut client = self.client(target, Lane::Bulk, Answer::Many);
        answered(timeout, client.snapshot_offer(self.addressed(Some(target.id), request))).await
    }

    async fn snapshot(
        &self,
        target: &peer::Node,
        chunks: BoxStream<'static, peer::SnapshotChunk>,
    ) -> Result<peer::SnapshotResponse> {
        let mut client = self.client(target, Lane::Bulk, Answer::Short);
        let sending = client.snapshot(self.addressed(Some(target.id), Outgoing(chunks)));
        let sent = self.metrics.snapshots_sent.count(target.id, sending).await;
        sent.map(Response::into_inner).map_err(|status| failure(&status))
    }
}

#[async_trait]
impl Peers for Channels {
    fn identify(&self, cluster_id: u64, member_id: u64) {
        Self::identify(self, cluster_id, member_id);
    }

    async fn propose(
        &self,
        target: &peer::Node,
        requests: BoxStream<'static, peer::ProposeRequest>,
    ) -> Result<BoxStream<'static, Result<peer::ProposeResponse>>> {
        let mut client = self.client(target, Lane::Forward, Answer::Many);
        let opening = client.propose(self.addressed(Some(target.id), Outgoing(requests)));
        let answers = answered(self.opening(), opening).await?;
        Ok(answers.map(|answer| answer.map_err(|status| failure(&status))).boxed())
    }

    async fn read_index(&self, target: &peer::Node, timeout: Duration) -> Result<peer::ReadIndexResponse> {
        let mut client = self.client(target, Lane::Forward, Answer::Short);
        answered(
            timeout,
            client.read_index(self.addressed(Some(target.id), peer::ReadIndexRequest {})),
        )
        .await
    }

    async fn lease_keep_alive(
        &self,
        target: &peer::Node,
        request: etcd::LeaseKeepAliveRequest,
        timeout: Duration,
    ) -> Result<etcd::LeaseKeepAliveResponse> {
        let mut client = self.client(target, Lane::Forward, Answer::Short);
        answered(
            timeout,
            client.lease_keep_alive(self.addressed(Some(target.id), request)),
        )
        .await
    }

    async fn lease_time_to_live(
        &self,
        target: &peer::Node,
        request: etcd::LeaseTimeToLiveRequest,
        timeout: Duration,
    ) -> Result<etcd::LeaseTimeToLiveResponse> {
        let mut client = self.client(target, Lane::Forward, Answer::Keys);
        answered(
            timeout,
            client.lease_time_to_live(self.addressed(Some(target.id), request)),
        )
        .await
    }

    async fn cluster_info(
        &self,
        peer_url: &str,
        request: peer::ClusterInfoRequest,
        timeout: Duration,
    ) -> Result<peer::ClusterInfoResponse> {
        // A URL is not a member: whoever answers there may be one that took it over.
        let mut client = self.stranger(peer_url);
        answered(timeout, client.cluster_info(self.addressed(None, request))).await
    }

    async fn hashes(
        &self,
        target: &peer::Node,
        request: peer::HashesRequest,
        timeout: Duration,
    ) -> Result<peer::HashesResponse> {
        let mut client = self.client(target, Lane::Forward, Answer::Many);
        answered(timeout, client.hashes(self.addressed(Some(target.id), request))).await
    }
}
