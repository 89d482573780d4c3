//! A network in which nobody answers, and one who takes no notice of effects.

use std::time::Duration;

use async_trait::async_trait;
use proto::{etcd, peer};
use store_machine::Effect;
use store_node::Peers;
use store_raft::{BoxStream, EffectSink, Transport, TransportError};

/// The way to members that are not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nobody;

fn unreachable<T>() -> Result<T, TransportError> {
    Err(TransportError::Unreachable("nobody is there".to_owned()))
}

#[async_trait]
impl Transport for Nobody {
    async fn append_stream(
        &self,
        _target: &peer::Node,
        _requests: BoxStream<'static, peer::AppendRequest>,
    ) -> Result<BoxStream<'static, Result<peer::AppendResponse, TransportError>>, TransportError> {
        unreachable()
    }

    async fn vote(
        &self,
        _target: &peer::Node,
        _request: peer::VoteRequest,
        _timeout: Duration,
    ) -> Result<peer::VoteResponse, TransportError> {
        unreachable()
    }

    async fn pre_vote(
        &self,
        _target: &peer::Node,
        _request: peer::VoteRequest,
        _timeout: Duration,
    ) -> Result<peer::VoteResponse, TransportError> {
        unreachable()
    }

    async fn transfer_leader(
        &self,
        _target: &peer::Node,
        _request: peer::TransferLeaderRequest,
        _timeout: Duration,
    ) -> Result<peer::TransferLeaderResponse, TransportError> {
        unreachable()
    }

    async fn snapshot_offer(
        &self,
        _target: &peer::Node,
        _request: peer::SnapshotOfferRequest,
        _timeout: Duration,
    ) -> Result<peer::SnapshotOfferResponse, TransportError> {
        unreachable()
    }

    async fn snapshot(
        &self,
        _target: &peer::Node,
        _chunks: BoxStream<'static, peer::SnapshotChunk>,
    ) -> Result<peer::SnapshotResponse, TransportError> {
        unreachable()
    }
}

#[async_trait]
impl Peers for Nobody {
    fn identify(&self, _cluster_id: u64, _member_id: u64) {}

    async fn propose(
        &self,
        _target: &peer::Node,
        _requests: BoxStream<'static, peer::ProposeRequest>,
    ) -> Result<BoxStream<'static, Result<peer::ProposeResponse, TransportError>>, TransportError> {
        unreachable()
    }

    async fn read_index(
        &self,
        _target: &peer::Node,
        _timeout: Duration,
    ) -> Result<peer::ReadIndexResponse, TransportError> {
        unreachable()
    }

    async fn lease_keep_alive(
        &self,
        _target: &peer::Node,
        _request: etcd::LeaseKeepAliveRequest,
        _timeout: Duration,
    ) -> Result<etcd::LeaseKeepAliveResponse, TransportError> {
        unreachable()
    }

    async fn lease_time_to_live(
        &self,
        _target: &peer::Node,
        _request: etcd::LeaseTimeToLiveRequest,
        _timeout: Duration,
    ) -> Result<etcd::LeaseTimeToLiveResponse, TransportError> {
        unreachable()
    }

    async fn cluster_info(
        &self,
        _peer_url: &str,
        _request: peer::ClusterInfoRequest,
        _timeout: Duration,
    ) -> Result<peer::ClusterInfoResponse, TransportError> {
        unreachable()
    }

    async fn hashes(
        &self,
        _target: &peer::Node,
        _request: peer::HashesRequest,
        _timeout: Duration,
    ) -> Result<peer::HashesResponse, TransportError> {
        unreachable()
    }
}

impl EffectSink for Nobody {
    fn apply(&self, _effects: Vec<Effect>) {}
}
