//! What a member asks of the others, apart from consensus: the transport implements it.

use std::time::Duration;

use async_trait::async_trait;
use proto::{etcd, peer};
use store_raft::{BoxStream, TransportError};

/// Calls to one other member.
///
/// [`TransportError::Unreachable`] promises that the peer never saw the request; after `Broken` and `Timeout` nobody
/// knows. `Refused` carries the text of the peer's [`Error`](crate::Error).
#[async_trait]
pub trait Peers: Send + Sync + 'static {
    /// Says who this member is. Called once, before anything but [`cluster_info`](Self::cluster_info).
    fn identify(&self, cluster_id: u64, member_id: u64);

    /// Opens a stream of clients' writes to the leader, on which refusals come back; it ends when either end does. Must
    /// not wait for ever on a silent peer, nor for a first request before it answers.
    async fn propose(
        &self,
        target: &peer::Node,
        requests: BoxStream<'static, peer::ProposeRequest>,
    ) -> Result<BoxStream<'static, Result<peer::ProposeResponse, TransportError>>, TransportError>;

    /// Asks the leader from which log index on a read is linearizable.
    async fn read_index(
        &self,
        target: &peer::Node,
        timeout: Duration,
    ) -> Result<peer::ReadIndexResponse, TransportError>;

    /// Renews a lease at the leader.
    async fn lease_keep_alive(
        &self,
        target: &peer::Node,
        request: etcd::LeaseKeepAliveRequest,
        timeout: Duration,
    ) -> Result<etcd::LeaseKeepAliveResponse, TransportError>;

    /// Asks the leader how long a lease lives.
    async fn lease_time_to_live(
        &self,
        target: &peer::Node,
        request: etcd::LeaseTimeToLiveRequest,
        timeout: Duration,
    ) -> Result<etcd::LeaseTimeToLiveResponse, TransportError>;

    /// Asks whoever listens at the URL which cluster it belongs to. Works before `identify`.
    async fn cluster_info(
        &self,
        peer_url: &str,
        request: peer::ClusterInfoRequest,
        timeout: Duration,
    ) -> Result<peer::ClusterInfoResponse, TransportError>;

    /// The rolling hashes that the member remembers, and a hash over what it holds if the request asks for one.
    async fn hashes(
        &self,
        target: &peer::Node,
        request: peer::HashesRequest,
        timeout: Duration,
    ) -> Result<peer::HashesResponse, TransportError>;
}
