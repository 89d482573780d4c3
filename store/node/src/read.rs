//! Linearizable reads: the point in the log that a read must have seen, and the wait for it.
//!
//! The leader confirms that it still leads; any other member asks it. Reads that arrive while a round is under way share
//! the next one: its point is taken after they arrived, as it must be.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use proto::fault::Fault;
use proto::peer;
use proto::peer::read_index_response::Outcome;
use store_planted::{Bug, planted};
use tokio::sync::oneshot;

use crate::Member;
use crate::error::{Error, Result};
use crate::time::within;

/// How long one question to the leader may take before it is asked again.
const ROUND: Duration = Duration::from_secs(2);
/// Between two questions that failed at once.
const RETRY: Duration = Duration::from_millis(25);
/// A round that takes longer is counted as slow.
const SLOW: Duration = Duration::from_millis(500);

type Waiter = oneshot::Sender<Result<u64>>;

/// The reads that wait for the next round.
#[derive(Clone, Default)]
pub(crate) struct Rounds(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    running: bool,
    next: Vec<Waiter>,
}

impl Member {
    /// Returns once everything that was acknowledged before the call can be read here.
    pub(crate) async fn barrier(&self) -> Result<()> {
        let started = self.clock.monotonic();
        let reached = async {
            let index = self.read_index().await?;
            if planted(Bug::EarlyRead) {
                return Ok(());
            }
            self.consensus
                .wait_applied(index)
                .await
                .map_err(|_| Error::Fault(Fault::Stopped))
        };
        let result = within(&*self.clock, self.config.request_timeout(), reached).await;
        if self.clock.monotonic().saturating_sub(started) > SLOW {
            self.metrics.server.slow_reads.inc();
        }
        let result = result.unwrap_or(Err(Fault::Timeout.into()));
        if result.is_err() {
            self.metrics.server.failed_reads.inc();
        }
        result
    }

    async fn read_index(&self) -> Result<u64> {
        if self.is_leader()
            && let Ok(index) = self.consensus.read_index().await
        {
            return Ok(index);
        }
        let (sender, receiver) = oneshot::channel();
        let start = {
            let mut waiting = self.rounds.0.lock();
            waiting.next.push(sender);
            !std::mem::replace(&mut waiting.running, true)
        };
        if start {
            let member = self.clone();
            self.tasks
                .spawn_until("read-index", async move { member.run_rounds().await });
        }
        receiver.await.unwrap_or(Err(Fault::Stopped.into()))
    }

    /// Runs rounds until nobody waits.
    async fn run_rounds(&self) {
        loop {
            let waiters = {
                let mut waiting = self.rounds.0.lock();
                if waiting.next.is_empty() {
                    waiting.running = false;
                    return;
                }
                std::mem::take(&mut waiting.next)
            };
            let result = within(&*self.clock, self.config.request_timeout(), self.round()).await;
            let result = result.unwrap_or(Err(Fault::Timeout.into()));
            for waiter in waiters {
                // Whoever gave up in the meantime does not need the answer.
                let _ = waiter.send(result.clone());
            }
        }
    }

    /// Asks whoever leads until one answers. Without end: the caller sets the time.
    async fn round(&self) -> Result<u64> {
        let mut status = self.status.clone();
        loop {
            let leader = status.borrow_and_update().leader;
            let index = match leader {
                Some(id) if id == self.id() => self.consensus.read_index().await.ok(),
                Some(id) => self.ask(id).await,
                None => None,
            };
            if let Some(index) = index {
                return Ok(index);
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

    async fn ask(&self, leader: u64) -> Option<u64> {
        let node = self.node(leader)?;
        match self.peers.read_index(&node, ROUND).await {
            Ok(peer::ReadIndexResponse {
                outcome: Some(Outcome::Index(index)),
            }) => Some(index),
            Ok(_) => None,
            Err(error) => {
                tracing::debug!(%error, leader = format!("{leader:x}"), "the leader did not answer a read index");
                None
            }
        }
    }

    /// Answers another member's question.
    pub async fn peer_read_index(&self) -> peer::ReadIndexResponse {
        let outcome = match self.consensus.read_index().await {
            Ok(index) => Outcome::Index(index),
            Err(store_raft::Error::Stopped) => Outcome::Fault(Fault::Stopped.into()),
            Err(_) => Outcome::Fault(Fault::NotLeader.into()),
        };
        peer::ReadIndexResponse { outcome: Some(outcome) }
    }
}
