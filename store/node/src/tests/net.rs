//! The network between members of one process: who is there, where each listens, and who is cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use parking_lot::Mutex;
use proto::{etcd, peer};
use store_raft::testing::Channels;
use store_raft::{BoxStream, Transport, TransportError};
use tokio::sync::watch;

use crate::{Member, Peers};

/// Who is there, by name.
#[derive(Clone, Default)]
pub(crate) struct Net {
    pub(super) members: Arc<Mutex<BTreeMap<u64, Member>>>,
    pub(super) cut: Arc<watch::Sender<BTreeSet<u64>>>,
    pub(super) channels: Channels,
    pub(super) counts: Arc<Counts>,
    /// Where the next stream of writes goes instead of where it should; it breaks after its first answer.
    pub(super) divert: Arc<Mutex<Option<u64>>>,
}

/// What members asked of each other.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) propose_messages: AtomicU64,
    pub(super) proposed: AtomicU64,
    pub(super) read_index: AtomicU64,
}

impl Net {
    /// Fails unless the member can be reached at one of these URLs: it listens where its configuration says.
    fn listens(&self, target: &peer::Node) -> Result<(), TransportError> {
        let members = self.members.lock();
        let at = |member: &Member| {
            let urls = &member.config().initial_advertise_peer_urls;
            urls.iter().any(|url| target.peer_urls.contains(url))
        };
        if members.get(&target.id).is_some_and(at) {
            Ok(())
        } else {
            Err(TransportError::Unreachable("nobody listens there".to_owned()))
        }
    }

    fn reach(&self, from: u64, to: u64) -> Result<Member, TransportError> {
        let cut = self.cut.borrow();
        if cut.contains(&from) || cut.contains(&to) {
            return Err(TransportError::Unreachable("cut".to_owned()));
        }
        let members = self.members.lock();
        members
            .get(&to)
            .cloned()
            .ok_or_else(|| TransportError::Unreachable("down".to_owned()))
    }

    /// Resolves when the one can reach the other no more.
    fn until_cut(&self, from: u64, to: u64) -> impl Future<Output = ()> + Send + 'static {
        let (net, mut changes) = (self.clone(), self.cut.subscribe());
        async move { while net.reach(from, to).is_ok() && changes.changed().await.is_ok() {} }
    }
}

/// One member's way to the others.
pub(super) struct Way {
    pub(super) net: Net,
    pub(super) from: Mutex<u64>,
}

impl Way {
    fn to(&self, target: &peer::Node) -> Result<Member, TransportError> {
        self.net.listens(target)?;
        self.net.reach(*self.from.lock(), target.id)
    }
}

/// Consensus' way to the others: the channels find a member by its id, a network finds it by its URL.
pub(super) struct Addressed {
    pub(super) net: Net,
    pub(super) inner: Arc<dyn Transport>,
}

#[async_trait]
impl Transport for Addressed {
    async fn append_stream(
        &self,
        target: &peer::Node,
        requests: BoxStream<'static, peer::AppendRequest>,
    ) -> Result<BoxStream<'static, Result<peer::AppendResponse, TransportError>>, TransportError> {
        self.net.listens(target)?;
        self.inner.append_stream(target, requests).await
    }

    async fn vote(
        &self,
        target: &peer::Node,
        request: peer::VoteRequest,
        timeout: Duration,
    ) -> Result<peer::VoteResponse, TransportError> {
        self.net.listens(target)?;
        self.inner.vote(target, request, timeout).await
    }

    async fn pre_vote(
        &self,
        target: &peer::Node,
        request: peer::VoteRequest,
        timeout: Duration,
    ) -> Result<peer::VoteResponse, TransportError> {
        self.net.listens(target)?;
        self.inner.pre_vote(target, request, timeout).await
    }

    async fn transfer_leader(
        &self,
        target: &peer::Node,
        request: peer::TransferLeaderRequest,
        timeout: Duration,
    ) -> Result<peer::TransferLeaderResponse, TransportError> {
        self.net.listens(target)?;
        self.inner.transfer_leader(target, request, timeout).await
    }

    async fn snapshot_offer(
        &self,
        target: &peer::Node,
        request: peer::SnapshotOfferRequest,
        timeout: Duration,
    ) -> Result<peer::SnapshotOfferResponse, TransportError> {
        self.net.listens(target)?;
        self.inner.snapshot_offer(target, request, timeout).await
    }

    async fn snapshot(
        &self,
        target: &peer::Node,
        chunks: BoxStream<'static, peer::SnapshotChunk>,
    ) -> Result<peer::SnapshotResponse, TransportError> {
        self.net.listens(target)?;
        self.inner.snapshot(target, chunks).await
    }
}

async fn limited<T>(limit: Duration, call: impl Future<Output = T>) -> Result<T, TransportError> {
    tokio::time::timeout(limit, call)
        .await
        .map_err(|_| TransportError::Timeout)
}

fn refused<T>(result: Result<T, crate::Error>) -> Result<T, TransportError> {
    result.map_err(|error| TransportError::Refused(error.text()))
}

#[async_trait]
impl Peers for Way {
    fn identify(&self, _cluster_id: u64, member_id: u64) {
        *self.from.lock() = member_id;
    }

    async fn propose(
        &self,
        target: &peer::Node,
        requests: BoxStream<'static, peer::ProposeRequest>,
    ) -> Result<BoxStream<'static, Result<peer::ProposeResponse, TransportError>>, TransportError> {
        let (mut member, from, net) = (self.to(target)?, *self.from.lock(), self.net.clone());
        let diverted = net.divert.lock().take();
        if let Some(elsewhere) = diverted {
            member = net.reach(from, elsewhere)?;
        }
        let (cut, broken) = (net.until_cut(from, target.id), net.until_cut(from, target.id));
        let requests = requests.take_until(Box::pin(cut)).inspect(move |request| {
            net.counts.propose_messages.fetch_add(1, SeqCst);
            net.counts.proposed.fetch_add(request.commands.len() as u64, SeqCst);
        });
        let answers = member.peer_propose(from, requests.boxed());
        let answers = answers.take(if diverted.is_some() { 1 } else { usize::MAX });
        let answers = answers.map(refused).take_until(Box::pin(broken));
        Ok(answers.boxed())
    }

    async fn read_index(
        &self,
        target: &peer::Node,
        timeout: Duration,
    ) -> Result<peer::ReadIndexResponse, TransportError> {
        self.net.counts.read_index.fetch_add(1, SeqCst);
        limited(timeout, self.to(target)?.peer_read_index()).await
    }

    async fn lease_keep_alive(
        &self,
        target: &peer::Node,
        request: etcd::LeaseKeepAliveRequest,
        timeout: Duration,
    ) -> Result<etcd::LeaseKeepAliveResponse, TransportError> {
        refused(limited(timeout, self.to(target)?.peer_lease_keep_alive(request)).await?)
    }

    async fn lease_time_to_live(
        &self,
        target: &peer::Node,
        request: etcd::LeaseTimeToLiveRequest,
        timeout: Duration,
    ) -> Result<etcd::LeaseTimeToLiveResponse, TransportError> {
        refused(limited(timeout, self.to(target)?.peer_lease_time_to_live(request)).await?)
    }

    async fn cluster_info(
        &self,
        peer_url: &str,
        request: peer::ClusterInfoRequest,
        timeout: Duration,
    ) -> Result<peer::ClusterInfoResponse, TransportError> {
        let from = *self.from.lock();
        let members: Vec<Member> = self.net.members.lock().values().cloned().collect();
        let found = members.into_iter().find(|member| {
            member
                .config()
                .initial_advertise_peer_urls
                .iter()
                .any(|url| url == peer_url)
        });
        let found = found.ok_or_else(|| TransportError::Unreachable("down".to_owned()))?;
        let reached = self.net.reach(from, found.id())?;
        refused(limited(timeout, reached.peer_cluster_info(request)).await?)
    }

    async fn hashes(
        &self,
        target: &peer::Node,
        request: peer::HashesRequest,
        timeout: Duration,
    ) -> Result<peer::HashesResponse, TransportError> {
        limited(timeout, self.to(target)?.hashes(request)).await
    }
}
