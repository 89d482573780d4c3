//! Clusters in one process: members over channels whose links can be cut, on disks in memory that survive their member.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use base::clock::{Clock, SystemClock};
use base::task::Tasks;
use futures_util::StreamExt;
use parking_lot::Mutex;
use prost::Message;
use proto::store::command::Action;
use proto::store::{Command, Reply};
use proto::{etcd, peer};
use store_engine::{Engine, Memory};
use store_log::{Executor, Log, LogOptions, MemoryDisk};
use store_machine::{Effect, Limits, Machine, Reader};
use tokio::sync::watch;

use crate::{BoxStream, Consensus, EffectSink, Error, Options, Parts, Status, Transport, TransportError};

/// The network: who is there, and which links are cut. Clones share it.
#[derive(Clone)]
pub struct Channels(Arc<Net>);

struct Net {
    members: Mutex<BTreeMap<u64, Consensus>>,
    cut: watch::Sender<BTreeSet<(u64, u64)>>,
    /// Snapshot data that was carried, in bytes.
    snapshot_bytes: AtomicU64,
    /// Snapshot data that receivers said they hold already, in bytes.
    resumed_bytes: AtomicU64,
    /// Breaks the snapshot streams after this many chunks, once.
    break_snapshot: Mutex<Option<usize>>,
    /// What the next offers of snapshots are answered with.
    answers: Mutex<Vec<Vec<u64>>>,
}

impl Default for Channels {
    fn default() -> Self {
        Channels(Arc::new(Net {
            members: Mutex::default(),
            cut: watch::channel(BTreeSet::new()).0,
            snapshot_bytes: AtomicU64::default(),
            resumed_bytes: AtomicU64::default(),
            break_snapshot: Mutex::default(),
            answers: Mutex::default(),
        }))
    }
}

impl Channels {
    /// Makes a member reachable.
    pub fn join(&self, consensus: Consensus) {
        self.0.members.lock().insert(consensus.id(), consensus);
    }

    /// Makes a member unreachable for good, until it joins again.
    pub fn leave(&self, id: u64) {
        self.0.members.lock().remove(&id);
        self.0.cut.send_modify(|_| {});
    }

    /// Cuts or mends the link from one member to another, in this direction only.
    pub fn link(&self, from: u64, to: u64, up: bool) {
        self.0.cut.send_modify(|cut| {
            if up {
                cut.remove(&(from, to));
            } else {
                cut.insert((from, to));
            }
        });
    }

    /// The transport of one member.
    pub fn transport(&self, from: u64) -> Arc<dyn Transport> {
        Arc::new(Wire {
            net: self.clone(),
            from,
        })
    }

    /// Bytes of snapshots that were carried so far.
    pub fn snapshot_bytes(&self) -> u64 {
        self.0.snapshot_bytes.load(Ordering::SeqCst)
    }

    /// Bytes of snapshots that need not be carried again.
    pub fn resumed_bytes(&self) -> u64 {
        self.0.resumed_bytes.load(Ordering::SeqCst)
    }

    /// Breaks the next snapshot stream after this many chunks.
    pub fn break_snapshot(&self, after: usize) {
        *self.0.break_snapshot.lock() = Some(after);
    }

    /// Answers the next snapshot offers with these, the last first, whatever the receivers hold.
    pub fn answer_offers(&self, held: Vec<Vec<u64>>) {
        *self.0.answers.lock() = held;
    }

    /// Answers to snapshot offers that were not given yet.
    pub fn answers_left(&self) -> usize {
        self.0.answers.lock().len()
    }

    fn reach(&self, from: u64, to: u64) -> Result<Consensus, TransportError> {
        if self.is_cut(from, to) || self.is_cut(to, from) {
            return Err(TransportError::Unreachable(format!("no link from {from} to {to}")));
        }
        let member = self.0.members.lock().get(&to).cloned();
        member.ok_or_else(|| TransportError::Unreachable(format!("member {to} is down")))
    }

    fn is_cut(&self, from: u64, to: u64) -> bool {
        self.0.cut.borrow().contains(&(from, to))
    }

    /// Resolves when the link goes down or its target goes away.
    fn until_cut(&self, from: u64, to: u64) -> impl Future<Output = ()> + Send + 'static {
        let (net, mut changes) = (self.clone(), self.0.cut.subscribe());
        async move {
            while net.reach(from, to).is_ok() {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

/// One member's end of the network.
struct Wire {
    net: Channels,
    from: u64,
}

impl Wire {
    async fn call<T>(
        &self,
        target: &peer::Node,
        timeout: Duration,
        call: impl AsyncFnOnce(Consensus) -> Result<T, Error>,
    ) -> Result<T, TransportError> {
        let member = self.net.reach(self.from, target.id)?;
        let answer = async {
            tokio::select! {
                answer = call(member) => answer.map_err(|error| TransportError::Refused(error.to_string())),
                () = self.net.until_cut(self.from, target.id) => Err(TransportError::Broken("cut".to_owned())),
            }
        };
        tokio::time::timeout(timeout, answer)
            .await
            .unwrap_or(Err(TransportError::Timeout))
    }
}

#[async_trait]
impl Transport for Wire {
    async fn append_stream(
        &self,
        target: &peer::Node,
        requests: BoxStream<'static, peer::AppendRequest>,
    ) -> Result<BoxStream<'static, Result<peer::AppendResponse, TransportError>>, TransportError> {
        let member = self.net.reach(self.from, target.id)?;
        let requests = requests.take_until(Box::pin(self.net.until_cut(self.from, target.id)));
        let answers = member.append(requests.boxed()).map(Ok);
        let answers = answers.take_until(Box::pin(self.net.until_cut(self.from, target.id)));
        Ok(answers.boxed())
    }

    async fn vote(
        &self,
        target: &peer::Node,
        request: peer::VoteRequest,
        timeout: Duration,
    ) -> Result<peer::VoteResponse, TransportError> {
        self.call(target, timeout, async move |member| member.vote(request).await)
            .await
    }

    async fn pre_vote(
        &self,
        target: &peer::Node,
        request: peer::VoteRequest,
        timeout: Duration,
    ) -> Result<peer::VoteResponse, TransportError> {
        self.call(target, timeout, async move |member| member.pre_vote(request).await)
            .await
    }

    async fn transfer_leader(
        &self,
        target: &peer::Node,
        request: peer::TransferLeaderRequest,
        timeout: Duration,
    ) -> Result<peer::TransferLeaderResponse, TransportError> {
        self.call(target, timeout, async move |member| {
            member.take_leadership(request).await
        })
        .await
    }

    async fn snapshot_offer(
        &self,
        target: &peer::Node,
        request: peer::SnapshotOfferRequest,
        timeout: Duration,
    ) -> Result<peer::SnapshotOfferResponse, TransportError> {
        let mut answer = self
            .call(target, timeout, async move |member| {
                member.snapshot_offer(request).await
            })
            .await?;
        if let Some(held) = self.net.0.answers.lock().pop() {
            answer.held = held;
            return Ok(answer);
        }
        self.net
            .0
            .resumed_bytes
            .fetch_add(answer.held.iter().sum(), Ordering::SeqCst);
        Ok(answer)
    }

    async fn snapshot(
        &self,
        target: &peer::Node,
        chunks: BoxStream<'static, peer::SnapshotChunk>,
    ) -> Result<peer::SnapshotResponse, TransportError> {
        let member = self.net.reach(self.from, target.id)?;
        let net = self.net.clone();
        let mut left = self.net.0.break_snapshot.lock().take();
        let chunks = chunks.map(move |chunk| {
            net.0
                .snapshot_bytes
                .fetch_add(chunk.data.len() as u64, Ordering::SeqCst);
            match &mut left {
                Some(0) => Err(TransportError::Broken("broken by the test".to_owned())),
                Some(count) => {
                    *count -= 1;
                    Ok(chunk)
                }
                None => Ok(chunk),
            }
        });
        let answer = member.receive_snapshot(chunks.boxed()).await;
        answer.map_err(|error| TransportError::Refused(error.to_string()))
    }
}

/// Counts effects and forgets them.
#[derive(Default)]
pub struct CountingSink {
    /// Effects seen.
    pub effects: AtomicU64,
    /// Snapshots installed.
    pub resets: AtomicU64,
}

impl EffectSink for CountingSink {
    fn apply(&self, effects: Vec<Effect>) {
        self.effects.fetch_add(effects.len() as u64, Ordering::SeqCst);
    }

    fn reset(&self) {
        self.resets.fetch_add(1, Ordering::SeqCst);
    }
}

/// What a member leaves behind when it is stopped.
pub struct Home {
    /// Under its log.
    pub disk: MemoryDisk,
    /// Under its machine.
    pub engine: Arc<Memory>,
}

/// A running member.
pub struct Member {
    /// Its consensus.
    pub consensus: Consensus,
    /// Its readers' view.
    pub reader: Reader,
    /// Its effects.
    pub sink: Arc<CountingSink>,
    log: Log,
}

/// A cluster whose members can be stopped, crashed and started again.
pub struct Cluster {
    /// The network between the members.
    pub net: Channels,
    /// Members that run.
    pub members: BTreeMap<u64, Member>,
    homes: BTreeMap<u64, Home>,
    tune: Box<dyn Fn(&mut Options) + Send + Sync>,
    clock: Arc<dyn Clock>,
    executor: Executor,
}

/// How long a test waits for what should happen soon.
const PATIENCE: Duration = Duration::from_secs(30);
const CLUSTER: u64 = 0xc1;

/// A member's address in these clusters.
pub fn node(id: u64) -> peer::Node {
    peer::Node {
        id,
        peer_urls: vec![format!("http://member-{id}")],
    }
}

/// A put.
pub fn put(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Command {
    let (key, value): (Vec<u8>, Vec<u8>) = (key.into(), value.into());
    let action = etcd::PutRequest {
        key: key.into(),
        value: value.into(),
        ..etcd::PutRequest::default()
    };
    Command {
        now_ms: 1,
        action: Some(Action::Put(action)),
        ..Command::default()
    }
}

impl Consensus {
    /// Writes a command that is asked for here, and answers once it is applied here.
    ///
    /// # Errors
    /// As [`Consensus::write`].
    pub async fn propose(&self, mut command: Command) -> Result<Reply, Error> {
        let mut waiter = self.waiting().begin();
        (command.origin, command.id) = (self.id(), waiter.id());
        self.write(&mut waiter, command.encode_to_vec().into()).await
    }
}

impl Cluster {
    /// A cluster of voters 1 to `size`, with short timeouts; `tune` changes the options of each.
    ///
    /// # Errors
    /// As [`Consensus::start`].
    pub async fn start(size: u64, tune: impl Fn(&mut Options) + Send + Sync + 'static) -> Result<Cluster, Error> {
        let mut cluster = Cluster {
            net: Channels::default(),
            members: BTreeMap::new(),
            homes: BTreeMap::new(),
            tune: Box::new(tune),
            clock: Arc::new(SystemClock::new()),
            executor: Executor::Thread,
        };
        for id in 1..=size {
            cluster.up(id).await?;
        }
        let nodes = (1..=size).map(node).collect();
        cluster.member(1)?.consensus.initialize(nodes).await?;
        cluster.leader().await?;
        Ok(cluster)
    }

    /// Starts a member on what it left behind, or on nothing.
    ///
    /// # Errors
    /// As [`Consensus::start`].
    pub async fn up(&mut self, id: u64) -> Result<(), Error> {
        let storage = |error: &dyn std::fmt::Display| Error::Storage(error.to_string());
        let new = || Home {
            disk: MemoryDisk::new(),
            engine: Arc::new(Memory::new()),
        };
        let home = self.homes.entry(id).or_insert_with(new);
        let mut log_options = LogOptions::new(CLUSTER, id);
        log_options.segment_bytes = 64 << 10;
        log_options.executor = self.executor;
        let log = Log::open(Arc::new(home.disk.clone()), log_options).map_err(|error| storage(&error))?;
        let engine: Arc<dyn Engine> = home.engine.clone();
        let machine = Machine::open(engine.clone(), None, Limits::default()).map_err(|error| storage(&error))?;
        let reader = machine.reader();
        let sink = Arc::new(CountingSink::default());
        let mut options = Options::new(id, CLUSTER);
        options.election_timeout_ms = 300;
        options.heartbeat_ms = 50;
        (self.tune)(&mut options);
        let parts = Parts {
            log: log.clone(),
            machine,
            engine,
            transport: self.net.transport(id),
            effects: sink.clone(),
            tasks: Tasks::new(),
            clock: self.clock.clone(),
        };
        let consensus = Consensus::start(options, parts).await?;
        self.net.join(consensus.clone());
        self.members.insert(
            id,
            Member {
                consensus,
                reader,
                sink,
                log,
            },
        );
        Ok(())
    }

    /// Ends a member; what it wrote stays.
    pub async fn stop(&mut self, id: u64) {
        self.net.leave(id);
        if let Some(member) = self.members.remove(&id) {
            member.consensus.shutdown().await;
            drop(member.log.close());
        }
    }

    /// Ends a member as a loss of power does: what was not synced is lost, in log and engine.
    pub async fn crash(&mut self, id: u64) {
        self.net.leave(id);
        // From here on the member cannot write its log, and so vouches for nothing more.
        if let Some(home) = self.homes.get(&id) {
            home.disk.lose_pending();
        }
        if let Some(member) = self.members.remove(&id) {
            member.consensus.shutdown().await;
        }
        // The engine loses its memory only when nobody writes to it any more: a half-dead member could flush batches on
        // top of a state that has forgotten earlier ones, which no loss of power does.
        if let Some(home) = self.homes.get(&id) {
            home.engine.crash();
        }
    }

    /// Cuts a member off in both directions, or connects it again.
    pub fn isolate(&self, id: u64, cut: bool) {
        for other in self.homes.keys().filter(|other| **other != id) {
            self.net.link(id, *other, !cut);
            self.net.link(*other, id, !cut);
        }
    }

    /// A running member.
    ///
    /// # Errors
    /// `Invalid` if it does not run.
    pub fn member(&self, id: u64) -> Result<&Member, Error> {
        self.members
            .get(&id)
            .ok_or_else(|| Error::Invalid(format!("member {id} does not run")))
    }

    /// What a member left behind, or has.
    pub fn home(&self, id: u64) -> Option<&Home> {
        self.homes.get(&id)
    }

    /// Waits until a member that runs leads and has shown it by committing in its term; answers its id.
    ///
    /// # Errors
    /// `Timeout`, and as [`Consensus::read_index`].
    pub async fn leader(&self) -> Result<u64, Error> {
        let find = async {
            loop {
                let ids = self.members.keys().copied().collect::<Vec<_>>();
                let statuses = self
                    .members
                    .values()
                    .map(|member| Box::pin(leads(member.consensus.status())));
                let ((), at, _) = futures_util::future::select_all(statuses).await;
                if self.member(ids[at])?.consensus.read_index().await.is_ok() {
                    return Ok(ids[at]);
                }
                // It leads no more, or has no majority: its own status will say so, or another's.
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, find)
            .await
            .unwrap_or(Err(Error::Timeout))
    }

    /// Waits until a member's status is as wanted.
    ///
    /// # Errors
    /// `Timeout`; `Stopped`.
    pub async fn wait(&self, id: u64, wanted: impl FnMut(&Status) -> bool) -> Result<Status, Error> {
        self.member(id)?.consensus.wait_status(PATIENCE, wanted).await
    }

    /// Writes through whoever leads, trying again while that surely did not write.
    ///
    /// # Errors
    /// As [`Consensus::propose`].
    pub async fn propose(&self, command: Command) -> Result<Reply, Error> {
        loop {
            let leader = self.leader().await?;
            match self.member(leader)?.consensus.propose(command.clone()).await {
                Err(Error::NotLeader { .. }) => tokio::task::yield_now().await,
                other => return other,
            }
        }
    }

    /// The value of a key on one member, once it has applied all that is committed now.
    ///
    /// # Errors
    /// As [`Consensus::read_index`].
    pub async fn get(&self, id: u64, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let leader = self.leader().await?;
        let index = self.member(leader)?.consensus.read_index().await?;
        let member = self.member(id)?;
        let applied = tokio::time::timeout(PATIENCE, member.consensus.wait_applied(index)).await;
        applied.unwrap_or(Err(Error::Timeout))?;
        let request = etcd::RangeRequest {
            key: key.to_vec().into(),
            ..etcd::RangeRequest::default()
        };
        let answer = member
            .reader
            .mvcc()
            .view()
            .range(&request)
            .map_err(|error| Error::Storage(error.to_string()))?;
        let decode = |kv: &proto::Encoded<proto::mvcc::KeyValue>| kv.decode().map(|kv| kv.value.to_vec());
        let value = answer.kvs.first().map(decode).transpose();
        value.map_err(|error| Error::Storage(error.to_string()))
    }
}

async fn leads(mut status: watch::Receiver<Status>) {
    if status.wait_for(Status::leads).await.is_err() {
        std::future::pending::<()>().await;
    }
}
