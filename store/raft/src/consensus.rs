//! The handle that everybody else holds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::clock::Clock;
use base::task::Tasks;
use bytes::Bytes;
use openraft::LinearizerOption;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{InitializeError, RaftError};
use proto::peer;
use proto::store::Reply;
use store_engine::Engine;
use store_log::Log;
use store_machine::Machine;
use store_planted::{Bug, planted};
use tokio::sync::{mpsc, oneshot, watch};

use crate::convert::node_in;
use crate::error::Error;
use crate::log_store::{LogStore, check_purged};
use crate::machine_store::MachineStore;
use crate::network::Factory;
use crate::options::Options;
use crate::shared::Shared;
use crate::state;
use crate::status::{self, Role, Status};
use crate::transport::{EffectSink, Transport};
use crate::types::{Answer, Asker, LogId, Peer, Proposal, Raft};
use crate::upkeep;
use crate::waiting::{Waiter, Waiting};

/// Readers that wait for one confirmation; more wait to be queued.
const READS: usize = 65_536;

/// What a member's consensus is made of.
pub struct Parts {
    /// Its log.
    pub log: Log,
    /// Its machine, over `engine`.
    pub machine: Machine,
    /// The engine under the machine.
    pub engine: Arc<dyn Engine>,
    /// The way to its peers.
    pub transport: Arc<dyn Transport>,
    /// Who takes the effects of what is applied.
    pub effects: Arc<dyn EffectSink>,
    /// Where its tasks belong; cancelling them ends consensus.
    pub tasks: Tasks,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// One member's consensus. Clones are handles of the same one.
#[derive(Clone)]
pub struct Consensus(Arc<Inner>);

struct Inner {
    raft: Raft,
    shared: Arc<Shared>,
    status: watch::Receiver<Status>,
    reads: mpsc::Sender<oneshot::Sender<Result<u64, Error>>>,
}

impl Consensus {
    /// Starts a member. What its log has as committed and its machine has not, is applied before this returns.
    ///
    /// # Errors
    /// `Storage`, and `Invalid` for options that contradict one another.
    pub async fn start(options: Options, parts: Parts) -> Result<Consensus, Error> {
        let config = Arc::new(options.config()?);
        let id = options.id;
        let log = LogStore::new(parts.log.clone(), options.max_batch_bytes);
        let shared = Arc::new(Shared::new(options, parts)?);
        check_purged(&shared.log, shared.meta().last_log_id).map_err(|error| Error::Storage(error.to_string()))?;
        let machine = MachineStore(shared.clone());
        let raft = Raft::build(id, config, Factory::new(shared.clone()), log, machine).await?;
        let status = status::watch(&shared, &raft);
        let (reads, queue) = mpsc::channel(READS);
        let consensus = Consensus(Arc::new(Inner {
            raft: raft.clone(),
            shared: shared.clone(),
            status,
            reads,
        }));
        raft.run();
        upkeep::start(&shared, &raft);
        shared
            .tasks
            .spawn_until("raft-reads", confirm_reads(raft.clone(), shared.options.clone(), queue));
        let token = shared.tasks.token();
        let tasks = shared.tasks.clone();
        tasks.spawn("raft-end", async move {
            token.cancelled().await;
            if let Err(error) = raft.shutdown().await {
                tracing::error!(%error, "consensus did not end well");
            }
            shared.core.lock().ended = true;
            shared.waiting.end();
        });
        Ok(consensus)
    }

    pub(crate) fn raft(&self) -> &Raft {
        &self.0.raft
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// This member's id.
    pub fn id(&self) -> u64 {
        self.0.shared.options.id
    }

    /// Founds a cluster of voters. Each of them may be told so, with the same list; a member that has a log already
    /// takes no notice.
    ///
    /// # Errors
    /// `Invalid` if this member is not among them; `Stopped`, `Storage`.
    pub async fn initialize(&self, members: Vec<peer::Node>) -> Result<(), Error> {
        let members: BTreeMap<u64, Peer> = members.into_iter().map(node_in).collect();
        match self.raft().initialize(members).await {
            Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(()),
            Err(RaftError::APIError(error @ InitializeError::NotInMembers(_))) => {
                Err(Error::Invalid(error.to_string()))
            }
            Err(RaftError::Fatal(fatal)) => Err(fatal.into()),
        }
    }

    /// Whether this member belongs to a cluster already.
    ///
    /// # Errors
    /// `Stopped`, `Storage`.
    pub async fn initialized(&self) -> Result<bool, Error> {
        state::initialized(self.raft()).await
    }

    /// Those who wait for commands to be applied here, wherever the leader is.
    pub fn waiting(&self) -> &Arc<Waiting> {
        &self.shared().waiting
    }

    /// Writes an encoded command to this member's own log, and answers once it is applied here. Many at once are cheap:
    /// those that arrive while others are being written go to disk and to the peers together. The command carries the
    /// waiter's id, this member as its origin, and the time; the caller sets its own time limit. Dropping the call does
    /// not take the write back.
    ///
    /// # Errors
    /// `NotLeader` if nothing was written; `Unknown` if it may or may not happen; `Stopped`, `Storage`.
    pub async fn write(&self, waiter: &mut Waiter, command: Bytes) -> Result<Reply, Error> {
        if self.0.status.borrow().role == Role::Stopped {
            return Err(self.stopped());
        }
        let (waiting, id) = (self.waiting().clone(), waiter.id());
        if waiting.leave_to_own_log(id) {
            self.hand_over(command, Asker::Here { waiting, id }).await?;
        }
        waiter.outcome().await
    }

    /// Writes an encoded command that another member sent, where its outcome is awaited; returns once it is handed over.
    /// Should it not be written, or be lost, that is sent to `refused`, with the command's id, at any time.
    pub async fn write_for(&self, id: u64, command: Bytes, refused: &mpsc::UnboundedSender<(u64, Error)>) {
        let asker = Asker::There {
            refused: refused.clone(),
            id,
        };
        if let Err(error) = self.hand_over(command, asker).await {
            // Whoever listens may be gone, with its need to know.
            drop(refused.send((id, error)));
        }
    }

    async fn hand_over(&self, bytes: Bytes, asker: Asker) -> Result<(), Error> {
        let written = self.raft().client_write_ff(Proposal { bytes }, Some(Answer::to(asker)));
        Ok(written.await?)
    }

    /// Resolves once consensus ends: nothing will be applied here any more.
    pub async fn ended(&self) {
        self.shared().tasks.token().cancelled().await;
    }

    /// The index that must be applied somewhere for a read there to be linearizable. Calls at the same time share one
    /// question to the peers.
    ///
    /// # Errors
    /// `NotLeader`, `Timeout` without a majority, `Stopped`, `Storage`.
    pub async fn read_index(&self) -> Result<u64, Error> {
        if planted(Bug::StaleRead) {
            return Ok(self.look().committed);
        }
        let (sender, receiver) = oneshot::channel();
        self.0.reads.send(sender).await.map_err(|_| self.stopped())?;
        receiver.await.unwrap_or_else(|_| Err(self.stopped()))
    }

    /// Waits until `index` is applied here. The caller sets its own time limit.
    ///
    /// # Errors
    /// `Stopped`, `Storage`.
    pub async fn wait_applied(&self, index: u64) -> Result<(), Error> {
        let mut applied = self.applied();
        let token = self.shared().tasks.token();
        tokio::select! {
            biased;
            reached = applied.wait_for(|applied| *applied >= index) => reached.map(drop).map_err(|_| self.stopped()),
            () = token.cancelled() => Err(self.stopped()),
        }
    }

    /// The last applied index.
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.shared().applied.subscribe()
    }

    /// Heartbeats that this member, while it led, sent more than an interval late although the other answers: it, or
    /// its disk, has too much to do.
    pub fn late_heartbeats(&self) -> u64 {
        self.shared().late_heartbeats.load(Ordering::Relaxed)
    }

    /// What this member knows of itself and its cluster, as of now.
    pub fn look(&self) -> Status {
        Status::of(self.shared(), self.raft())
    }

    /// Entries that are committed here and not applied yet.
    pub fn backlog(&self) -> u64 {
        let metrics = self.raft().metrics();
        let metrics = metrics.borrow_watched();
        let index = |id: &Option<LogId>| id.map_or(0, |id| id.index);
        index(&metrics.local_committed).saturating_sub(index(&metrics.last_applied))
    }

    /// What this member knows of itself and its cluster, to be watched.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.0.status.clone()
    }

    /// Flushes the engine, so that its part of the log may be purged.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn snapshot(&self) -> Result<(), Error> {
        let flushed = self.shared().blocking("raft-flush", Shared::flush).await;
        flushed.map_err(|error| Error::Storage(error.to_string()))?;
        Ok(self.raft().trigger().snapshot().await?)
    }

    /// Ends consensus on this member and waits for its tasks. The log is not closed.
    pub async fn shutdown(&self) {
        self.shared().tasks.shutdown().await;
    }

    pub(crate) fn stopped(&self) -> Error {
        match &self.0.status.borrow().failed {
            Some(text) => Error::Storage(text.clone()),
            None => Error::Stopped,
        }
    }

    /// Waits until the status is as wanted, for at most `limit`.
    pub(crate) async fn wait_status(
        &self,
        limit: Duration,
        wanted: impl FnMut(&Status) -> bool,
    ) -> Result<Status, Error> {
        let mut status = self.status();
        tokio::select! {
            reached = status.wait_for(wanted) => reached.map(|status| status.clone()).map_err(|_| self.stopped()),
            () = self.shared().clock.sleep(limit) => Err(Error::Timeout),
        }
    }
}

/// Answers readers: all that wait share the next question, one question at a time.
async fn confirm_reads(raft: Raft, options: Options, mut queue: mpsc::Receiver<oneshot::Sender<Result<u64, Error>>>) {
    let question = LinearizerOption::new(Some(options.read_lease()), true).with_wait_timeout(options.election());
    let mut waiting = Vec::new();
    while queue.recv_many(&mut waiting, READS).await > 0 {
        let answer = match raft.get_read_linearizer(question.clone()).await {
            Ok(linearizer) => Ok(linearizer.read_log_id().index()),
            Err(error) => Err(Error::from(error)),
        };
        for reader in waiting.drain(..) {
            drop(reader.send(answer.clone()));
        }
    }
}
