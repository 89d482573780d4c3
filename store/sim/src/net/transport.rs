//! What a member speaks with the others through: both traits of the store, over the simulated network.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use parking_lot::Mutex;
use proto::{etcd, peer};
use store_node::{Member, Peers};
use store_raft::{BoxStream, Transport, TransportError};

use super::call::Ask;
use super::{End, Net, Number};

/// The peer URL of a node.
pub(crate) fn url(node: Number) -> String {
    format!("http://node-{node}:2380")
}

fn number(url: &str) -> Option<Number> {
    url.strip_prefix("http://node-")?.strip_suffix(":2380")?.parse().ok()
}

/// Who a member says that it is.
#[derive(Clone, Copy, Default)]
struct Name {
    cluster: u64,
    member: u64,
}

/// One member's way to the others.
pub(crate) struct Wire {
    net: Net,
    from: End,
    /// Until a connection stands.
    connect: Duration,
    name: Mutex<Name>,
}

type Answer<A> = BoxFuture<'static, Result<A, TransportError>>;

fn refused(error: impl std::fmt::Display) -> TransportError {
    TransportError::Refused(error.to_string())
}

/// As the peer port of a member does it: nobody talks to a stranger.
fn admit(member: &Member, name: Name, target: u64) -> Result<(), TransportError> {
    if name.cluster != member.cluster_id() {
        return Err(refused("cluster ID mismatch"));
    }
    if target != member.id() {
        return Err(refused("another member listens here"));
    }
    if !member.knows(name.member) {
        return Err(refused("the member was removed from the cluster"));
    }
    Ok(())
}

impl Wire {
    pub(crate) fn new(net: Net, from: End, connect: Duration) -> Self {
        Self {
            net,
            from,
            connect,
            name: Mutex::default(),
        }
    }

    fn find(target: &peer::Node) -> Result<Number, TransportError> {
        let known = target.peer_urls.iter().find_map(|url| number(url));
        known.ok_or_else(|| TransportError::Unreachable("no such host".to_owned()))
    }

    /// Asks a member by its id.
    async fn ask<A: Send + 'static>(
        &self,
        target: &peer::Node,
        limit: Duration,
        ask: impl Fn(Member) -> Answer<A> + Send + Sync + 'static,
    ) -> Result<A, TransportError> {
        let to = Self::find(target)?;
        self.net.call(self.from, to, limit, self.guarded(target.id, ask)).await
    }

    /// The same for what may be heard twice.
    async fn ask_or_twice<A: Send + 'static>(
        &self,
        target: &peer::Node,
        limit: Duration,
        ask: impl Fn(Member) -> Answer<A> + Send + Sync + 'static,
    ) -> Result<A, TransportError> {
        let to = Self::find(target)?;
        let ask = self.guarded(target.id, ask);
        self.net.call_or_twice(self.from, to, limit, ask).await
    }

    fn guarded<A: Send + 'static>(
        &self,
        target: u64,
        ask: impl Fn(Member) -> Answer<A> + Send + Sync + 'static,
    ) -> Ask<A> {
        let name = *self.name.lock();
        Arc::new(move |member: Member| match admit(&member, name, target) {
            Ok(()) => ask(member),
            Err(error) => std::future::ready(Err(error)).boxed(),
        })
    }

    async fn open<Q: Send + 'static, A: Send + 'static>(
        &self,
        target: &peer::Node,
        requests: BoxStream<'static, Q>,
        serve: impl FnOnce(Member, BoxStream<'static, Q>) -> BoxStream<'static, Result<A, TransportError>> + Send + 'static,
    ) -> Result<BoxStream<'static, Result<A, TransportError>>, TransportError> {
        let (to, id, name) = (Self::find(target)?, target.id, *self.name.lock());
        let serve = move |member: Member, requests: BoxStream<'static, Q>| match admit(&member, name, id) {
            Ok(()) => serve(member, requests),
            Err(error) => stream::iter([Err(error)]).boxed(),
        };
        self.net.open(self.from, to, self.connect, requests, serve).await
    }
}

#[async_trait]
impl Transport for Wire {
    async fn append_stream(
        &self,
        target: &peer::Node,
        requests: BoxStream<'static, peer::AppendRequest>,
    ) -> Result<BoxStream<'static, Result<peer::AppendResponse, TransportError>>, TransportError> {
        self.open(target, requests, |member, requests| {
            member.consensus().append(requests).map(Ok).boxed()
        })
        .await
    }

    async fn vote(
        &self,
        target: &peer::Node,
        request: peer::VoteRequest,
        timeout: Duration,
    ) -> Result<peer::VoteResponse, TransportError> {
        let vote = move |member: Member| async move { member.consensus().vote(request).await.map_err(refused) }.boxed();
        self.ask_or_twice(target, timeout, vote).await
    }

    async fn pre_vote(
        &self,
        target: &peer::Node,
        request: peer::VoteRequest,
        timeout: Duration,
    ) -> Result<peer::VoteResponse, TransportError> {
        let vote =
            move |member: Member| async move { member.consensus().pre_vote(request).await.map_err(refused) }.boxed();
        self.ask_or_twice(target, timeout, vote).await
    }

    async fn transfer_leader(
        &self,
        target: &peer::Node,
        request: peer::TransferLeaderRequest,
        timeout: Duration,
    ) -> Result<peer::TransferLeaderResponse, TransportError> {
        let transfer = move |member: Member| {
            async move { member.consensus().take_leadership(request).await.map_err(refused) }.boxed()
        };
        self.ask_or_twice(target, timeout, transfer).await
    }

    async fn snapshot_offer(
        &self,
        target: &peer::Node,
        request: peer::SnapshotOfferRequest,
        timeout: Duration,
    ) -> Result<peer::SnapshotOfferResponse, TransportError> {
        let offer = move |member: Member| {
            let request = request.clone();
            async move { member.consensus().snapshot_offer(request).await.map_err(refused) }.boxed()
        };
        self.ask(target, timeout, offer).await
    }

    async fn snapshot(
        &self,
        target: &peer::Node,
        chunks: BoxStream<'static, peer::SnapshotChunk>,
    ) -> Result<peer::SnapshotResponse, TransportError> {
        let receive = |member: Member, chunks: BoxStream<'static, peer::SnapshotChunk>| {
            let receive = async move {
                let answer = member.consensus().receive_snapshot(chunks.map(Ok).boxed()).await;
                answer.map_err(refused)
            };
            stream::once(receive).boxed()
        };
        let mut answers = self.open(target, chunks, receive).await?;
        let lost = || TransportError::Broken("the stream ended without an answer".to_owned());
        answers.next().await.ok_or_else(lost)?
    }
}

#[async_trait]
impl Peers for Wire {
    fn identify(&self, cluster_id: u64, member_id: u64) {
        *self.name.lock() = Name {
            cluster: cluster_id,
            member: member_id,
        };
    }

    async fn propose(
        &self,
        target: &peer::Node,
        requests: BoxStream<'static, peer::ProposeRequest>,
    ) -> Result<BoxStream<'static, Result<peer::ProposeResponse, TransportError>>, TransportError> {
        let from = self.name.lock().member;
        self.open(target, requests, move |member, requests| {
            let answers = member.peer_propose(from, requests);
            answers.map(|answer| answer.map_err(refused)).boxed()
        })
        .await
    }

    async fn read_index(
        &self,
        target: &peer::Node,
        timeout: Duration,
    ) -> Result<peer::ReadIndexResponse, TransportError> {
        let read = |member: Member| async move { Ok(member.peer_read_index().await) }.boxed();
        self.ask(target, timeout, read).await
    }

    async fn lease_keep_alive(
        &self,
        target: &peer::Node,
        request: etcd::LeaseKeepAliveRequest,
        timeout: Duration,
    ) -> Result<etcd::LeaseKeepAliveResponse, TransportError> {
        let renew =
            move |member: Member| async move { member.peer_lease_keep_alive(request).await.map_err(refused) }.boxed();
        self.ask(target, timeout, renew).await
    }

    async fn lease_time_to_live(
        &self,
        target: &peer::Node,
        request: etcd::LeaseTimeToLiveRequest,
        timeout: Duration,
    ) -> Result<etcd::LeaseTimeToLiveResponse, TransportError> {
        let ask =
            move |member: Member| async move { member.peer_lease_time_to_live(request).await.map_err(refused) }.boxed();
        self.ask(target, timeout, ask).await
    }

    async fn cluster_info(
        &self,
        peer_url: &str,
        request: peer::ClusterInfoRequest,
        timeout: Duration,
    ) -> Result<peer::ClusterInfoResponse, TransportError> {
        let nobody = || TransportError::Unreachable("no such host".to_owned());
        let to = number(peer_url).ok_or_else(nobody)?;
        let ask: Ask<peer::ClusterInfoResponse> = Arc::new(move |member: Member| {
            async move { member.peer_cluster_info(request).await.map_err(refused) }.boxed()
        });
        self.net.call(self.from, to, timeout, ask).await
    }

    async fn hashes(
        &self,
        target: &peer::Node,
        request: peer::HashesRequest,
        timeout: Duration,
    ) -> Result<peer::HashesResponse, TransportError> {
        let ask = move |member: Member| async move { Ok(member.hashes(request).await) }.boxed();
        self.ask(target, timeout, ask).await
    }
}
