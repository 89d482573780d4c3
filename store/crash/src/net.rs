//! The way between two members of one process: calls, without a wire.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use parking_lot::Mutex;
use proto::{etcd, peer};
use store_node::{Member, Peers};
use store_raft::{BoxStream, Consensus, Transport, TransportError};

type Answer<T> = Result<T, TransportError>;

/// Who listens where. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Net(Arc<Mutex<BTreeMap<String, Member>>>);

fn refused(error: impl std::fmt::Display) -> TransportError {
    TransportError::Refused(error.to_string())
}

impl Net {
    pub(crate) fn join(&self, member: &Member) {
        for url in &member.config().initial_advertise_peer_urls {
            self.0.lock().insert(url.clone(), member.clone());
        }
    }

    /// Lets go of all members, which hold their ends of this.
    pub(crate) fn clear(&self) {
        let members = std::mem::take(&mut *self.0.lock());
        drop(members);
    }

    fn at(&self, url: &str) -> Answer<Member> {
        let found = self.0.lock().get(url).cloned();
        found.ok_or_else(|| TransportError::Unreachable("nobody listens there".to_owned()))
    }

    fn to(&self, target: &peer::Node) -> Answer<Member> {
        let url = target.peer_urls.first().map_or("", String::as_str);
        let member = self.at(url)?;
        if member.id() == target.id {
            Ok(member)
        } else {
            Err(refused("another member listens here"))
        }
    }

    fn consensus(&self, target: &peer::Node) -> Answer<Consensus> {
        Ok(self.to(target)?.consensus().clone())
    }
}

/// One member's end.
pub(crate) struct Wire {
    pub(crate) net: Net,
    pub(crate) own: Mutex<u64>,
}

async fn within<T, E: std::fmt::Display>(limit: Duration, call: impl Future<Output = Result<T, E>>) -> Answer<T> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer.map_err(refused),
        Err(_) => Err(TransportError::Timeout),
    }
}

#[async_trait]
impl Transport for Wire {
    async fn append_stream(
        &self,
        target: &peer::Node,
        requests: BoxStream<'static, peer::AppendRequest>,
    ) -> Answer<BoxStream<'static, Answer<peer::AppendResponse>>> {
        Ok(self.net.consensus(target)?.append(requests).map(Ok).boxed())
    }

    async fn vote(
        &self,
        target: &peer::Node,
        request: peer::VoteRequest,
        timeout: Duration,
    ) -> Answer<peer::VoteResponse> {
        within(timeout, self.net.consensus(target)?.vote(request)).await
    }

    async fn pre_vote(
        &self,
        target: &peer::Node,
        request: peer::VoteRequest,
        timeout: Duration,
    ) -> Answer<peer::VoteResponse> {
        within(timeout, self.net.consensus(target)?.pre_vote(request)).await
    }

    async fn transfer_leader(
        &self,
        target: &peer::Node,
        request: peer::TransferLeaderRequest,
        timeout: Duration,
    ) -> Answer<peer::TransferLeaderResponse> {
        within(timeout, self.net.consensus(target)?.take_leadership(request)).await
    }

    async fn snapshot_offer(
        &self,
        target: &peer::Node,
        request: peer::SnapshotOfferRequest,
        timeout: Duration,
    ) -> Answer<peer::SnapshotOfferResponse> {
        within(timeout, self.net.consensus(target)?.snapshot_offer(request)).await
    }

    async fn snapshot(
        &self,
        target: &peer::Node,
        chunks: BoxStream<'static, peer::SnapshotChunk>,
    ) -> Answer<peer::SnapshotResponse> {
        let consensus = self.net.consensus(target)?;
        let answer = consensus.receive_snapshot(chunks.map(Ok).boxed()).await;
        answer.map_err(refused)
    }
}

#[async_trait]
impl Peers for Wire {
    fn identify(&self, _cluster_id: u64, member_id: u64) {
        *self.own.lock() = member_id;
    }

    async fn propose(
        &self,
        target: &peer::Node,
        requests: BoxStream<'static, peer::ProposeRequest>,
    ) -> Answer<BoxStream<'static, Answer<peer::ProposeResponse>>> {
        let answers = self.net.to(target)?.peer_propose(*self.own.lock(), requests);
        Ok(answers.map(|answer| answer.map_err(refused)).boxed())
    }

    async fn read_index(&self, target: &peer::Node, timeout: Duration) -> Answer<peer::ReadIndexResponse> {
        let asked = self.net.to(target)?;
        let answer = async { Ok::<_, TransportError>(asked.peer_read_index().await) };
        within(timeout, answer).await
    }

    async fn lease_keep_alive(
        &self,
        target: &peer::Node,
        request: etcd::LeaseKeepAliveRequest,
        timeout: Duration,
    ) -> Answer<etcd::LeaseKeepAliveResponse> {
        within(timeout, self.net.to(target)?.peer_lease_keep_alive(request)).await
    }

    async fn lease_time_to_live(
        &self,
        target: &peer::Node,
        request: etcd::LeaseTimeToLiveRequest,
        timeout: Duration,
    ) -> Answer<etcd::LeaseTimeToLiveResponse> {
        within(timeout, self.net.to(target)?.peer_lease_time_to_live(request)).await
    }

    async fn cluster_info(
        &self,
        peer_url: &str,
        request: peer::ClusterInfoRequest,
        timeout: Duration,
    ) -> Answer<peer::ClusterInfoResponse> {
        within(timeout, self.net.at(peer_url)?.peer_cluster_info(request)).await
    }

    async fn hashes(
        &self,
        target: &peer::Node,
        request: peer::HashesRequest,
        timeout: Duration,
    ) -> Answer<peer::HashesResponse> {
        let asked = self.net.to(target)?;
        let answer = async { Ok::<_, TransportError>(asked.hashes(request).await) };
        within(timeout, answer).await
    }
}
