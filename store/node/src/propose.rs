//! The way of a write: checks that need no agreement, then the log of the leader, wherever it is, then the wait until
//! this member has applied it too, so that its own clients read their writes.

use std::time::Duration;

use prost::Message;
use proto::fault::Fault;
use proto::peer;
use proto::store::command::Action;
use proto::store::reply::Outcome;
use proto::store::{Command, Reply};
use store_raft::TransportError;

use crate::Member;
use crate::caller::Who;
use crate::error::{Error, Result};
use crate::time::within;

/// Committed entries that may wait for apply before writes are refused; upstream's number.
const MAX_BACKLOG: u64 = 5000;
/// Between two attempts while there is no leader, or the one known is not one.
const RETRY: Duration = Duration::from_millis(25);

/// What one attempt came to.
enum Attempt {
    Done(Reply),
    /// Surely not in any log: another try is safe.
    Again,
    /// Final, or unknown.
    Failed(Error),
}

impl Member {
    /// Proposes on behalf of `who` and answers what apply said; a refusal by apply is an error.
    pub(crate) async fn propose(&self, who: &Who, action: Action) -> Result<Outcome> {
        let reply = self.replicate(who, action).await?;
        match reply.outcome {
            Some(Outcome::Fault(number)) => Err(Fault::try_from(number).unwrap_or(Fault::NotCapable).into()),
            Some(outcome) => Ok(outcome),
            None => Err(Error::internal("etcdserver: a reply without an outcome")),
        }
    }

    async fn replicate(&self, who: &Who, action: Action) -> Result<Reply> {
        let backlog = {
            let status = self.status.borrow();
            status.committed.saturating_sub(status.applied)
        };
        if backlog > MAX_BACKLOG {
            return Err(Fault::TooManyRequests.into());
        }
        let command = Command {
            now_ms: self.clock.wall_ms(),
            user: who.user.clone(),
            auth_revision: who.revision,
            origin: self.id(),
            action: Some(action),
        };
        if command.encoded_len() > self.config.max_request_bytes {
            return Err(Fault::RequestTooLarge.into());
        }
        let started = self.clock.monotonic();
        self.metrics.server.pending.inc();
        let done = within(&*self.clock, self.config.request_timeout(), self.drive(command)).await;
        self.metrics.server.pending.dec();
        let result = done.unwrap_or_else(|| Err(self.timed_out(started).into()));
        if result.is_err() {
            self.metrics.server.failed.inc();
        }
        result
    }

    /// Tries until the command is in a log. Without end: the caller sets the time.
    async fn drive(&self, command: Command) -> Result<Reply> {
        let mut status = self.status.clone();
        loop {
            let leader = status.borrow_and_update().leader;
            let attempt = match leader {
                Some(id) if id == self.id() => self.lead(command.clone()).await,
                Some(id) => self.forward(id, command.clone()).await,
                None => Attempt::Again,
            };
            match attempt {
                Attempt::Done(reply) => return Ok(reply),
                Attempt::Failed(error) => return Err(error),
                Attempt::Again if !self.life.is_running() => return Err(Fault::Stopped.into()),
                Attempt::Again => {}
            }
            tokio::select! {
                changed = status.wait_for(|status| status.leader.is_some() && status.leader != leader) => {
                    if changed.is_err() {
                        return Err(Fault::Stopped.into());
                    }
                }
                () = self.clock.sleep(RETRY) => {}
            }
        }
    }

    /// Puts a command in this member's own log.
    async fn lead(&self, mut command: Command) -> Attempt {
        if let Err(error) = self.may_change(&command) {
            return Attempt::Failed(error);
        }
        command.now_ms = self.clock.wall_ms();
        match self.consensus.propose(command).await {
            Ok(reply) => Attempt::Done(reply),
            Err(store_raft::Error::NotLeader { .. }) => Attempt::Again,
            Err(store_raft::Error::Unknown) => Attempt::Failed(Fault::TimeoutLeaderFailure.into()),
            Err(store_raft::Error::Timeout) => Attempt::Failed(Fault::Timeout.into()),
            Err(store_raft::Error::Stopped) => Attempt::Failed(Fault::Stopped.into()),
            Err(error) => Attempt::Failed(Error::internal(format!("etcdserver: {error}"))),
        }
    }

    /// Hands a command to the leader.
    async fn forward(&self, leader: u64, command: Command) -> Attempt {
        let Some(node) = self.node(leader) else {
            return Attempt::Again;
        };
        let request = peer::ProposeRequest { command: Some(command) };
        match self.peers.propose(&node, request, self.config.request_timeout()).await {
            Ok(Reply {
                outcome: Some(Outcome::Fault(fault)),
                index: 0,
                ..
            }) => match Fault::try_from(fault) {
                Ok(Fault::NotLeader) => Attempt::Again,
                Ok(fault) => Attempt::Failed(fault.into()),
                Err(_) => Attempt::Failed(Fault::NotCapable.into()),
            },
            Ok(reply) => match self.consensus.wait_applied(reply.index).await {
                Ok(()) => Attempt::Done(reply),
                Err(_) => Attempt::Failed(Fault::Stopped.into()),
            },
            Err(TransportError::Unreachable(_)) => Attempt::Again,
            Err(TransportError::Refused(text)) => Attempt::Failed(Error::from_text(&text)),
            Err(TransportError::Broken(_) | TransportError::Timeout) => {
                Attempt::Failed(Fault::TimeoutConnectionLost.into())
            }
        }
    }

    /// A write that another member hands over. Faults before the log have index 0; those of apply have their entry's.
    pub async fn peer_propose(&self, request: peer::ProposeRequest) -> Reply {
        let fault = |fault: Fault| Reply {
            index: 0,
            term: 0,
            outcome: Some(Outcome::Fault(fault.into())),
        };
        let Ok(_inside) = self.life.enter() else {
            return fault(Fault::Stopped);
        };
        let Some(command) = request.command else {
            return fault(Fault::NotCapable);
        };
        if !self.is_leader() {
            return fault(Fault::NotLeader);
        }
        let started = self.clock.monotonic();
        match within(&*self.clock, self.config.request_timeout(), self.lead(command)).await {
            Some(Attempt::Done(reply)) => reply,
            Some(Attempt::Again) => fault(Fault::NotLeader),
            Some(Attempt::Failed(error)) => fault(error.fault().unwrap_or(Fault::Stopped)),
            None => fault(self.timed_out(started)),
        }
    }

    /// Upstream's distinct texts for a request that ran out of time.
    pub(crate) fn timed_out(&self, started: Duration) -> Fault {
        let status = self.status.borrow();
        if let Some(elected) = self.leaders.elected() {
            let lost = elected.saturating_sub(2 * self.config.election_timeout);
            if started > lost && started < elected {
                return Fault::TimeoutLeaderFailure;
            }
        }
        if status.leads() {
            let limit = self.config.election_timeout.as_millis() as u64;
            let heard =
                |id: &&u64| **id == self.id() || status.heard_ms.get(*id).is_some_and(|silent| *silent <= limit);
            if status.voters.iter().filter(heard).count() <= status.voters.len() / 2 {
                return Fault::TimeoutConnectionLost;
            }
        }
        Fault::Timeout
    }
}
