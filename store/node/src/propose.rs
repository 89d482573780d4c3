//! The way of a write: checks that need no agreement, then the log of the leader, wherever it is (`forward`), then the
//! wait until this member has applied it, so that its own clients read their writes.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use proto::fault::Fault;
use proto::store::command::Action;
use proto::store::reply::Outcome;
use proto::store::{Command, Reply};
use store_planted::{Bug, planted};
use store_raft::Waiter;

use crate::Member;
use crate::caller::Who;
use crate::error::{Error, Result};
use crate::membership::changes_members;
use crate::time::within;

/// Committed entries that may wait for apply before writes are refused; upstream's number.
pub(crate) const MAX_BACKLOG: u64 = 5000;
/// Between two attempts while there is no leader, or the one known is not one.
const RETRY: Duration = Duration::from_millis(25);

/// What a client is told of a write that consensus did not do.
pub(crate) fn failure(error: store_raft::Error) -> Error {
    match error {
        store_raft::Error::NotLeader { .. } => Fault::NotLeader.into(),
        store_raft::Error::Refused(fault) => fault.into(),
        store_raft::Error::Unknown => Fault::TimeoutLeaderFailure.into(),
        store_raft::Error::Timeout => Fault::Timeout.into(),
        store_raft::Error::Stopped => Fault::Stopped.into(),
        error => Error::internal(format!("etcdserver: {error}")),
    }
}

/// An encoded command with another time. The last value of a field counts, so nothing is encoded again; the copy is what
/// keeps a log entry from holding the larger buffer that it arrived in.
pub(crate) fn stamped(command: &[u8], now_ms: u64) -> Bytes {
    let time = Command {
        now_ms,
        ..Command::default()
    };
    let mut bytes = Vec::with_capacity(command.len() + time.encoded_len());
    bytes.extend_from_slice(command);
    // A vector always has room.
    let _ = time.encode(&mut bytes);
    bytes.into()
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
        if self.consensus.backlog() > MAX_BACKLOG {
            return Err(Fault::TooManyRequests.into());
        }
        let waiter = self.consensus.waiting().begin();
        let command = Command {
            now_ms: self.clock.wall_ms(),
            user: who.user.clone(),
            auth_revision: who.revision,
            origin: self.id(),
            id: waiter.id(),
            action: Some(action),
        };
        if command.encoded_len() > self.config.max_request_bytes {
            return Err(Fault::RequestTooLarge.into());
        }
        let started = self.clock.monotonic();
        self.metrics.server.pending.inc();
        let done = within(&*self.clock, self.config.request_timeout(), self.drive(waiter, command)).await;
        self.metrics.server.pending.dec();
        let result = done.unwrap_or_else(|| Err(self.timed_out(started).into()));
        if result.is_err() {
            self.metrics.server.failed.inc();
        }
        result
    }

    /// Tries until the command is in a log and applied here. Without end: the caller sets the time.
    async fn drive(&self, mut waiter: Waiter, command: Command) -> Result<Reply> {
        let bytes = Bytes::from(command.encode_to_vec());
        // What a leader says of its own lease clock means nothing once another leads, though it be in the same term.
        let own = matches!(
            command.action,
            Some(Action::LeaseExpire(_) | Action::LeaseCheckpoint(_))
        ) && !planted(Bug::DeposedExpiry);
        // What is looked at again at each try; anything else need not be held while it waits.
        let change = changes_members(&command).then_some(command);
        let mut status = self.status.clone();
        let mut fresh = true;
        loop {
            let leader = status.borrow_and_update().leader;
            let tried = match leader {
                Some(id) if id == self.id() => {
                    if let Some(change) = &change {
                        self.may_change(change)?;
                    }
                    let bytes = if fresh {
                        bytes.clone()
                    } else {
                        stamped(&bytes, self.clock.wall_ms())
                    };
                    self.consensus.write(&mut waiter, bytes).await
                }
                _ if own => return Err(Fault::NotLeader.into()),
                Some(id) => self.forward(id, &mut waiter, &bytes).await,
                None => Err(store_raft::Error::NotLeader { leader: None }),
            };
            match tried {
                Ok(reply) => return Ok(reply),
                // Surely not in any log: another try is safe.
                Err(store_raft::Error::NotLeader { .. }) if self.life.is_running() => {}
                Err(store_raft::Error::NotLeader { .. }) => return Err(Fault::Stopped.into()),
                Err(error) => return Err(failure(error)),
            }
            fresh = false;
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

    /// Upstream's distinct texts for a request that ran out of time.
    pub(crate) fn timed_out(&self, started: Duration) -> Fault {
        let status = self.consensus.look();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamped_command_differs_in_its_time_alone() {
        let command = Command {
            now_ms: 1,
            user: "u".to_owned(),
            id: 7,
            ..Command::default()
        };
        let stamped = Command::decode(stamped(&command.encode_to_vec(), 2)).unwrap();
        assert_eq!(stamped, Command { now_ms: 2, ..command });
    }
}
