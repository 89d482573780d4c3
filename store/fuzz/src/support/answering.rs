//! Other members, all of whose answers are given.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use parking_lot::Mutex;
use prost::Message;
use proto::peer::append_response::Outcome;
use proto::{etcd, peer};
use store_node::{Member, Peers};
use store_raft::{BoxStream, Transport, TransportError};

type Result<T> = std::result::Result<T, TransportError>;

/// The calls, by the number that an answer to them begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Append,
    Vote,
    PreVote,
    TransferLeader,
    SnapshotOffer,
    Snapshot,
    Propose,
    ReadIndex,
    LeaseKeepAlive,
    LeaseTimeToLive,
    ClusterInfo,
    Hashes,
}

const CALLS: u8 = 12;

/// Calls of these kinds after which nothing new is to be expected: who stands for election asks a few times, and who
/// leads each few milliseconds.
const ENOUGH: [(Call, usize); 3] = [(Call::PreVote, 6), (Call::Vote, 6), (Call::Append, 100)];

/// Members that answer what they are told to. An answer of no bytes is what a good member would say, for those calls
/// without which nothing goes on.
#[derive(Clone)]
pub(crate) struct Answering(Arc<Told>);

struct Told {
    /// By call: each is given once, and the last one from then on.
    answers: BTreeMap<u8, Vec<Bytes>>,
    /// How often each call was made.
    asked: [AtomicUsize; CALLS as usize],
    /// How often hashes were told, and how often of what is really there.
    hashed: AtomicUsize,
    scanned: AtomicUsize,
    me: AtomicU64,
    installed: AtomicU64,
    /// Who asks, for answers that mean the same as its own.
    asker: Mutex<Option<Member>>,
}

impl Answering {
    /// Reads answers: each is the number of its call, and a message.
    pub(crate) fn new<'a>(me: u64, pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut answers: BTreeMap<u8, Vec<Bytes>> = BTreeMap::new();
        for (&call, message) in pieces.into_iter().filter_map(<[u8]>::split_first) {
            let answers = answers.entry(call % CALLS).or_default();
            answers.push(Bytes::copy_from_slice(message));
        }
        Self(Arc::new(Told {
            answers,
            asked: Default::default(),
            hashed: AtomicUsize::new(0),
            scanned: AtomicUsize::new(0),
            me: AtomicU64::new(me),
            installed: AtomicU64::new(0),
            asker: Mutex::new(None),
        }))
    }

    /// From now on hashes that are none mean those of this member; until [`Self::forget`], as it holds this.
    pub(crate) fn know(&self, asker: &Member) {
        *self.0.asker.lock() = Some(asker.clone());
    }

    pub(crate) fn forget(&self) {
        self.0.asker.lock().take();
    }

    /// How often hashes were told.
    pub(crate) fn hashed(&self) -> usize {
        self.0.hashed.load(Ordering::Relaxed)
    }

    /// How often those of what is really there.
    pub(crate) fn scanned(&self) -> usize {
        self.0.scanned.load(Ordering::Relaxed)
    }

    /// Whether the same was asked so often that more would bring nothing new.
    pub(crate) fn is_spent(&self) -> bool {
        let asked = |call: Call| self.0.asked[call as usize].load(Ordering::Relaxed);
        ENOUGH.iter().any(|(call, enough)| asked(*call) >= *enough)
    }

    /// Snapshots that were answered for.
    pub(crate) fn installed(&self) -> u64 {
        self.0.installed.load(Ordering::Relaxed)
    }

    fn bytes(&self, call: Call) -> Result<Bytes> {
        let absent = || TransportError::Unreachable("nobody answers this".to_owned());
        let before = self.0.asked[call as usize].fetch_add(1, Ordering::Relaxed);
        let answers = self.0.answers.get(&(call as u8)).ok_or_else(absent)?;
        answers.get(before).or(answers.last()).cloned().ok_or_else(absent)
    }

    fn answer<T: Message + Default>(&self, call: Call, good: impl FnOnce() -> T) -> Result<T> {
        let bytes = self.bytes(call)?;
        if bytes.is_empty() {
            return Ok(good());
        }
        T::decode(bytes).map_err(|error| TransportError::Broken(error.to_string()))
    }

    /// Where an answer names no member, it means the one that asked, whose id no input knows.
    fn named(&self, id: &mut Option<peer::LogId>) {
        if let Some(id) = id
            && id.node == 0
        {
            id.node = self.0.me.load(Ordering::Relaxed);
        }
    }

    fn voted(&self, call: Call, request: &peer::VoteRequest) -> Result<peer::VoteResponse> {
        let mut answer = self.answer(call, || peer::VoteResponse {
            vote: request.vote,
            granted: true,
            last_log_id: None,
        })?;
        self.named(&mut answer.last_log_id);
        Ok(answer)
    }

    fn appended(&self, request: &peer::AppendRequest) -> Result<peer::AppendResponse> {
        let last = request.entries.last().and_then(|entry| entry.id).or(request.prev);
        let mut answer: peer::AppendResponse = self.answer(Call::Append, || peer::AppendResponse {
            outcome: Some(Outcome::Matched(peer::Matched { id: last })),
        })?;
        match &mut answer.outcome {
            Some(Outcome::Matched(matched)) => self.named(&mut matched.id),
            // The same for the place that was asked about.
            Some(Outcome::Conflict(at)) if at.term == 0 => *at = request.prev.unwrap_or(*at),
            _ => {}
        }
        Ok(answer)
    }
}

#[async_trait]
impl Transport for Answering {
    async fn append_stream(
        &self,
        _target: &peer::Node,
        requests: BoxStream<'static, peer::AppendRequest>,
    ) -> Result<BoxStream<'static, Result<peer::AppendResponse>>> {
        let own = self.clone();
        Ok(requests.map(move |request| own.appended(&request)).boxed())
    }

    async fn vote(&self, _: &peer::Node, request: peer::VoteRequest, _: Duration) -> Result<peer::VoteResponse> {
        self.voted(Call::Vote, &request)
    }

    async fn pre_vote(&self, _: &peer::Node, request: peer::VoteRequest, _: Duration) -> Result<peer::VoteResponse> {
        self.voted(Call::PreVote, &request)
    }

    async fn transfer_leader(
        &self,
        _target: &peer::Node,
        _request: peer::TransferLeaderRequest,
        _timeout: Duration,
    ) -> Result<peer::TransferLeaderResponse> {
        self.answer(Call::TransferLeader, Default::default)
    }

    async fn snapshot_offer(
        &self,
        _target: &peer::Node,
        request: peer::SnapshotOfferRequest,
        _timeout: Duration,
    ) -> Result<peer::SnapshotOfferResponse> {
        self.answer(Call::SnapshotOffer, || peer::SnapshotOfferResponse {
            held: vec![0; request.files.len()],
            vote: request.vote,
        })
    }

    async fn snapshot(
        &self,
        _target: &peer::Node,
        mut chunks: BoxStream<'static, peer::SnapshotChunk>,
    ) -> Result<peer::SnapshotResponse> {
        let head = chunks.next().await.and_then(|chunk| chunk.head);
        let vote = head.and_then(|head| head.vote);
        while chunks.next().await.is_some() {}
        self.0.installed.fetch_add(1, Ordering::Relaxed);
        self.answer(Call::Snapshot, || peer::SnapshotResponse { vote })
    }
}

#[async_trait]
impl Peers for Answering {
    fn identify(&self, _cluster_id: u64, member_id: u64) {
        self.0.me.store(member_id, Ordering::Relaxed);
    }

    async fn propose(
        &self,
        _target: &peer::Node,
        requests: BoxStream<'static, peer::ProposeRequest>,
    ) -> Result<BoxStream<'static, Result<peer::ProposeResponse>>> {
        let own = self.clone();
        let answers = requests.map(move |_| own.answer(Call::Propose, peer::ProposeResponse::default));
        Ok(answers.boxed())
    }

    async fn read_index(&self, _target: &peer::Node, _timeout: Duration) -> Result<peer::ReadIndexResponse> {
        self.answer(Call::ReadIndex, Default::default)
    }

    async fn lease_keep_alive(
        &self,
        _target: &peer::Node,
        _request: etcd::LeaseKeepAliveRequest,
        _timeout: Duration,
    ) -> Result<etcd::LeaseKeepAliveResponse> {
        self.answer(Call::LeaseKeepAlive, Default::default)
    }

    async fn lease_time_to_live(
        &self,
        _target: &peer::Node,
        _request: etcd::LeaseTimeToLiveRequest,
        _timeout: Duration,
    ) -> Result<etcd::LeaseTimeToLiveResponse> {
        self.answer(Call::LeaseTimeToLive, Default::default)
    }

    async fn cluster_info(
        &self,
        _peer_url: &str,
        _request: peer::ClusterInfoRequest,
        _timeout: Duration,
    ) -> Result<peer::ClusterInfoResponse> {
        self.answer(Call::ClusterInfo, Default::default)
    }

    async fn hashes(
        &self,
        _target: &peer::Node,
        request: peer::HashesRequest,
        _timeout: Duration,
    ) -> Result<peer::HashesResponse> {
        let mut answer = self.answer(Call::Hashes, Default::default)?;
        self.0.hashed.fetch_add(1, Ordering::Relaxed);
        self.0
            .scanned
            .fetch_add(usize::from(request.scan_revision != 0), Ordering::Relaxed);
        let asker = self.0.asker.lock().clone();
        if let Some(asker) = asker {
            same(&mut answer, &asker.hashes(request).await);
        }
        Ok(answer)
    }
}

/// Where an answer names no revision or no hash, it means those of the one that asked, which no input knows.
fn same(answer: &mut peer::HashesResponse, own: &peer::HashesResponse) {
    let newest = own.hashes.iter().map(|own| own.revision).max();
    for theirs in &mut answer.hashes {
        if theirs.revision == 0 {
            theirs.revision = newest.unwrap_or_default();
        }
        let own = own.hashes.iter().find(|own| own.revision == theirs.revision);
        if theirs.hash == 0 {
            theirs.hash = own.map_or(0, |own| own.hash);
        }
    }
    if let Some((theirs, own)) = answer.scan.as_mut().zip(own.scan.as_ref())
        && theirs.hash == 0
    {
        theirs.hash = own.hash;
    }
}
