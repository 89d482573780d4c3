//! `keelson.peer.v1.Peer`: what members ask of each other, handed to consensus and to the member.

use std::pin::Pin;

use futures_util::{Stream, StreamExt, TryStreamExt};
use proto::etcd;
use proto::fault::Fault;
use proto::peer::{
    AppendRequest, AppendResponse, ClusterInfoRequest, ClusterInfoResponse, HashesRequest, HashesResponse,
    ProposeRequest, ProposeResponse, ReadIndexRequest, ReadIndexResponse, SnapshotChunk, SnapshotOfferRequest,
    SnapshotOfferResponse, SnapshotResponse, TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
    peer_server,
};
use store_node::Member;
use store_raft::{BoxStream, Error, TransportError};
use tonic::{Code, Request, Response, Status, Streaming};

use super::identity::Ends;
use super::metrics::PeerMetrics;
use crate::status;

/// The service.
pub(super) struct PeerService {
    pub(super) member: Member,
    pub(super) metrics: PeerMetrics,
}

/// What consensus refused, for the member that asked.
fn refused(error: Error) -> Status {
    match error {
        Error::NotLeader { .. } => status::of_fault(Fault::NotLeader),
        Error::Stopped => status::of_fault(Fault::Stopped),
        other => Status::unavailable(other.to_string()),
    }
}

/// The member that calls, made sure of before the call came here.
fn sender<T>(request: &Request<T>) -> u64 {
    let ends = request.extensions().get::<Ends>();
    ends.and_then(|ends| ends.from).unwrap_or_default()
}

/// A broken stream is one that ended: what arrived before it broke is good. One that broke off because of what was sent
/// will break again, and only this member knows why.
fn until_broken<T: Send + 'static>(requests: Streaming<T>) -> BoxStream<'static, T> {
    let requests = requests.map(|request| {
        request.inspect_err(|status| {
            if status.code() == Code::OutOfRange {
                tracing::warn!(why = status.message(), "refused a message of a member");
            }
        })
    });
    let requests = requests.take_while(|request| std::future::ready(request.is_ok()));
    requests.filter_map(|request| std::future::ready(request.ok())).boxed()
}

#[tonic::async_trait]
impl peer_server::Peer for PeerService {
    type AppendStream = Pin<Box<dyn Stream<Item = Result<AppendResponse, Status>> + Send>>;

    async fn append(&self, request: Request<Streaming<AppendRequest>>) -> Result<Response<Self::AppendStream>, Status> {
        let answers = self.member.consensus().append(until_broken(request.into_inner()));
        Ok(Response::new(answers.map(Ok).boxed()))
    }

    async fn vote(&self, request: Request<VoteRequest>) -> Result<Response<VoteResponse>, Status> {
        self.member
            .consensus()
            .vote(request.into_inner())
            .await
            .map(Response::new)
            .map_err(refused)
    }

    async fn pre_vote(&self, request: Request<VoteRequest>) -> Result<Response<VoteResponse>, Status> {
        self.member
            .consensus()
            .pre_vote(request.into_inner())
            .await
            .map(Response::new)
            .map_err(refused)
    }

    async fn transfer_leader(
        &self,
        request: Request<TransferLeaderRequest>,
    ) -> Result<Response<TransferLeaderResponse>, Status> {
        self.member
            .consensus()
            .take_leadership(request.into_inner())
            .await
            .map(Response::new)
            .map_err(refused)
    }

    async fn snapshot_offer(
        &self,
        request: Request<SnapshotOfferRequest>,
    ) -> Result<Response<SnapshotOfferResponse>, Status> {
        self.member
            .consensus()
            .snapshot_offer(request.into_inner())
            .await
            .map(Response::new)
            .map_err(refused)
    }

    async fn snapshot(&self, request: Request<Streaming<SnapshotChunk>>) -> Result<Response<SnapshotResponse>, Status> {
        let from = sender(&request);
        let chunks = request
            .into_inner()
            .map_err(|status| TransportError::Broken(status.message().to_owned()));
        let receiving = self.member.consensus().receive_snapshot(chunks.boxed());
        self.metrics
            .snapshots_received
            .count(from, receiving)
            .await
            .map(Response::new)
            .map_err(refused)
    }

    type ProposeStream = Pin<Box<dyn Stream<Item = Result<ProposeResponse, Status>> + Send>>;

    async fn propose(
        &self,
        request: Request<Streaming<ProposeRequest>>,
    ) -> Result<Response<Self::ProposeStream>, Status> {
        let from = sender(&request);
        let answers = self.member.peer_propose(from, until_broken(request.into_inner()));
        Ok(Response::new(answers.map_err(status::of_error).boxed()))
    }

    async fn read_index(&self, _: Request<ReadIndexRequest>) -> Result<Response<ReadIndexResponse>, Status> {
        Ok(Response::new(self.member.peer_read_index().await))
    }

    async fn lease_keep_alive(
        &self,
        request: Request<etcd::LeaseKeepAliveRequest>,
    ) -> Result<Response<etcd::LeaseKeepAliveResponse>, Status> {
        let answered = self.member.peer_lease_keep_alive(request.into_inner()).await;
        answered.map(Response::new).map_err(status::of_error)
    }

    async fn lease_time_to_live(
        &self,
        request: Request<etcd::LeaseTimeToLiveRequest>,
    ) -> Result<Response<etcd::LeaseTimeToLiveResponse>, Status> {
        let answered = self.member.peer_lease_time_to_live(request.into_inner()).await;
        answered.map(Response::new).map_err(status::of_error)
    }

    async fn cluster_info(
        &self,
        request: Request<ClusterInfoRequest>,
    ) -> Result<Response<ClusterInfoResponse>, Status> {
        let answered = self.member.peer_cluster_info(request.into_inner()).await;
        answered.map(Response::new).map_err(status::of_error)
    }

    async fn hashes(&self, request: Request<HashesRequest>) -> Result<Response<HashesResponse>, Status> {
        Ok(Response::new(self.member.hashes(request.into_inner()).await))
    }
}
