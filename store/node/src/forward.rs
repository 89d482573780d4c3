//! Writes on their way to the leader, both ends: one stream carries all that are ready together, and only refusals come
//! back. What became of a write shows where it is applied, see `store_raft::Waiting`.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use prost::Message;
use proto::fault::Fault;
use proto::peer;
use proto::store::{Command, Reply};
use store_raft::{BoxStream, Error as RaftError, Waiter, Waiting};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::error::{Error, Result};
use crate::life::Inside;
use crate::member::Member;
use crate::propose::{MAX_BACKLOG, failure, stamped};

/// Commands that wait to leave, in bytes; more wait to be queued.
const QUEUE_BYTES: usize = 16 << 20;
/// What a queued command weighs beside its own bytes.
const OVERHEAD: usize = 128;
/// A message is closed at this many bytes or commands...
const MESSAGE_BYTES: usize = 1 << 20;
const MESSAGE_COMMANDS: usize = 1024;
/// ...and refusals are told so many at once.
const MESSAGE_REFUSALS: usize = 1024;

/// Another try is safe.
const AGAIN: RaftError = RaftError::NotLeader { leader: None };
/// The stream broke, and nobody knows what had arrived.
const LOST: RaftError = RaftError::Refused(Fault::TimeoutConnectionLost);

/// This member's way to the leader.
pub(crate) struct Forwarding {
    room: Arc<Semaphore>,
    current: Mutex<Option<Current>>,
}

/// The stream to one leader. It may outlive its being current: commands that left on it may still be refused.
struct Current {
    leader: u64,
    /// Its number among those who wait.
    way: u64,
    queue: mpsc::UnboundedSender<Queued>,
    /// Dropped with this.
    _replaced: oneshot::Sender<()>,
}

struct Queued {
    id: u64,
    bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl Forwarding {
    pub(crate) fn new() -> Self {
        Self {
            room: Arc::new(Semaphore::new(QUEUE_BYTES)),
            current: Mutex::default(),
        }
    }

    fn is_current(&self, way: u64) -> bool {
        self.current.lock().as_ref().is_some_and(|current| current.way == way)
    }

    fn forget(&self, way: u64) {
        self.current.lock().take_if(|current| current.way == way);
    }
}

/// The sending end.
impl Member {
    /// Hands a command to the leader, and answers once it is applied here.
    pub(crate) async fn forward(
        &self,
        leader: u64,
        waiter: &mut Waiter,
        bytes: &Bytes,
    ) -> std::result::Result<Reply, RaftError> {
        let weight = (bytes.len() + OVERHEAD).min(QUEUE_BYTES) as u32;
        let queued = Queued {
            id: waiter.id(),
            bytes: bytes.clone(),
            _room: Arc::clone(&self.forwarding.room).acquire_many_owned(weight).await.ok(),
        };
        if self.enqueue(leader, queued) {
            waiter.outcome().await
        } else {
            Err(AGAIN)
        }
    }

    /// Queues a command on the stream to this leader, which is opened if need be. False where nobody knows the leader's
    /// address; otherwise its waiter will be told.
    fn enqueue(&self, leader: u64, queued: Queued) -> bool {
        let mut current = self.forwarding.current.lock();
        if current.as_ref().is_none_or(|current| current.leader != leader) {
            let Some(node) = self.node(leader) else {
                return false;
            };
            *current = Some(self.open(node));
        }
        if let Some(current) = &*current
            && self.consensus.waiting().queue(queued.id, current.way)
        {
            // A stream that has just ended closes its way next, which tells all who are queued on it.
            let _ = current.queue.send(queued);
        }
        true
    }

    fn open(&self, node: peer::Node) -> Current {
        let (queue, commands) = mpsc::unbounded_channel();
        let (current, replaced) = oneshot::channel();
        let (leader, way) = (node.id, self.consensus.waiting().open());
        let member = self.clone();
        self.tasks.spawn_until("forward", async move {
            let lost = member.carry(node, way, commands, replaced).await;
            member.forwarding.forget(way);
            member.consensus.waiting().close(way, &AGAIN, lost.as_ref());
        });
        Current {
            leader,
            way,
            queue,
            _replaced: current,
        }
    }

    /// Runs a stream to its end. Answers what those are told whose commands had left: nothing where they may wait on.
    async fn carry(
        &self,
        node: peer::Node,
        way: u64,
        commands: mpsc::UnboundedReceiver<Queued>,
        replaced: oneshot::Receiver<()>,
    ) -> Option<RaftError> {
        let waiting = self.consensus.waiting();
        let (opened, open) = oneshot::channel();
        let requests = requests(Arc::clone(waiting), way, commands, open);
        let mut answers = match self.peers.propose(&node, requests).await {
            Ok(answers) => answers,
            Err(error) => {
                tracing::debug!(%error, leader = format!("{:x}", node.id), "no way to the leader");
                return None;
            }
        };
        // Only now may commands leave: as long as it is not open, they surely arrive nowhere.
        let _ = opened.send(());
        // After the leader has changed, those whose commands had left wait on, but not longer than they have time.
        let over = async {
            let _ = replaced.await;
            self.clock.sleep(self.config.request_timeout()).await;
        };
        tokio::pin!(over);
        loop {
            let answer = tokio::select! {
                answer = answers.next() => answer,
                () = &mut over => return None,
            };
            match answer {
                Some(Ok(response)) => {
                    for refusal in response.refusals {
                        let error = match Fault::try_from(refusal.fault) {
                            Ok(Fault::NotLeader) => AGAIN,
                            Ok(fault) => RaftError::Refused(fault),
                            Err(_) => RaftError::Refused(Fault::NotCapable),
                        };
                        waiting.fail(refusal.id, way, error);
                    }
                }
                // An old leader that took note of the end, and has nothing more to refuse.
                None if !self.forwarding.is_current(way) => return None,
                ended => {
                    let error = ended.and_then(std::result::Result::err);
                    tracing::debug!(?error, leader = format!("{:x}", node.id), "the way to the leader broke");
                    return Some(LOST);
                }
            }
        }
    }
}

/// What is queued, as messages; ends with the queue.
fn requests(
    waiting: Arc<Waiting>,
    way: u64,
    commands: mpsc::UnboundedReceiver<Queued>,
    open: oneshot::Receiver<()>,
) -> BoxStream<'static, peer::ProposeRequest> {
    let queue = (waiting, commands, Some(open));
    let messages = stream::unfold(queue, move |(waiting, mut commands, mut open)| async move {
        if let Some(open) = open.take() {
            open.await.ok()?;
        }
        loop {
            let mut next = Some(commands.recv().await?);
            // Others that are ready to be queued go in the same message.
            tokio::task::yield_now().await;
            let mut message = peer::ProposeRequest::default();
            let mut bytes = 0;
            while let Some(queued) = next {
                if waiting.leave(queued.id, way) {
                    bytes += queued.bytes.len();
                    message.commands.push(queued.bytes);
                }
                let full = bytes >= MESSAGE_BYTES || message.commands.len() >= MESSAGE_COMMANDS;
                next = if full { None } else { commands.try_recv().ok() };
            }
            if !message.commands.is_empty() {
                return Some((message, (waiting, commands, open)));
            }
        }
    });
    messages.boxed()
}

/// The leader's end of a stream.
struct Taking {
    taker: Taker,
    /// None once the other end sends no more.
    open: Option<(BoxStream<'static, peer::ProposeRequest>, Refused)>,
    refused: mpsc::UnboundedReceiver<(u64, RaftError)>,
}

type Refused = mpsc::UnboundedSender<(u64, RaftError)>;

/// Who takes whose commands.
struct Taker {
    member: Member,
    from: u64,
}

impl Member {
    /// Takes writes that another member, `from`, hands over, and answers those that are refused. Ends after the other
    /// end, once nothing that it sent can be refused any more.
    pub fn peer_propose(
        &self,
        from: u64,
        requests: BoxStream<'static, peer::ProposeRequest>,
    ) -> BoxStream<'static, Result<peer::ProposeResponse>> {
        let (sender, refused) = mpsc::unbounded_channel();
        let member = self.clone();
        let taking = Taking {
            taker: Taker { member, from },
            open: Some((requests, sender)),
            refused,
        };
        let answers = stream::unfold(Some(taking), |taking| async move {
            let mut taking = taking?;
            match taking.next().await.transpose()? {
                Ok(response) => Some((Ok(response), Some(taking))),
                Err(error) => Some((Err(error), None)),
            }
        });
        answers.boxed()
    }
}

impl Taking {
    /// What is to be said next; None at the end.
    async fn next(&mut self) -> Result<Option<peer::ProposeResponse>> {
        let Taking { taker, open, refused } = self;
        let mut failed = Vec::new();
        loop {
            let request = async {
                match open {
                    Some((requests, refused)) => requests.next().await.map(|request| (request, refused.clone())),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = taker.member.consensus.ended() => return Err(Fault::Stopped.into()),
                count = refused.recv_many(&mut failed, MESSAGE_REFUSALS) => {
                    let refusals = failed.into_iter().map(|(id, error)| peer::Refusal {
                        id,
                        fault: failure(error).fault().unwrap_or(Fault::Stopped).into(),
                    });
                    return Ok((count > 0).then(|| peer::ProposeResponse { refusals: refusals.collect() }));
                }
                request = request => match request {
                    Some((request, refused)) => taker.take(request, refused).await?,
                    None => *open = None,
                },
            }
        }
    }
}

impl Taker {
    /// Hands over what one message brought, in its order.
    async fn take(&self, request: peer::ProposeRequest, refused: Refused) -> Result<()> {
        let admitted = self.admit();
        let now_ms = self.member.clock.wall_ms();
        for bytes in request.commands {
            let command = Command::decode(bytes.clone())
                .map_err(|error| Error::invalid(format!("a command that cannot be read: {error}")))?;
            let id = command.id;
            let checked = match &admitted {
                Ok(_) => self.check(&command),
                Err(error) => Err(error.clone()),
            };
            drop(command);
            match checked {
                Ok(()) => {
                    let consensus = &self.member.consensus;
                    consensus.write_for(id, stamped(&bytes, now_ms), &refused).await;
                }
                // The receiver is with us.
                Err(error) => drop(refused.send((id, error))),
            }
        }
        Ok(())
    }

    /// Whether commands are taken at all now.
    fn admit(&self) -> std::result::Result<Inside, RaftError> {
        let member = &self.member;
        if !member.knows(self.from) {
            return Err(RaftError::Refused(Fault::MemberNotFound));
        }
        // A member on its way out has handed its leadership over, or will have.
        let inside = member.life.enter().map_err(|_| AGAIN)?;
        if !member.is_leader() {
            return Err(AGAIN);
        }
        if member.consensus.backlog() > MAX_BACKLOG {
            return Err(RaftError::Refused(Fault::TooManyRequests));
        }
        Ok(inside)
    }

    fn check(&self, command: &Command) -> std::result::Result<(), RaftError> {
        if command.origin != self.from {
            let (from, origin) = (format!("{:x}", self.from), format!("{:x}", command.origin));
            tracing::warn!(from, origin, "refused a command that a member sent as another's");
            return Err(RaftError::Refused(Fault::NotCapable));
        }
        let refused = |error: Error| RaftError::Refused(error.fault().unwrap_or(Fault::NotCapable));
        self.member.may_change(command).map_err(refused)
    }
}
