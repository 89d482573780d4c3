//! The leader's lease clock: taken over at election, laid down when leadership goes, and the paced revocation of what
//! expired.

use std::time::Duration;

use proto::etcd::{LeaseCheckpoint, LeaseCheckpointRequest};
use proto::store::LeaseExpire;
use proto::store::command::Action;
use store_planted::{Bug, planted};

use crate::Member;
use crate::caller::Who;
use crate::error::Result;

/// The longest time between two looks; upstream's number.
const LOOK: Duration = Duration::from_millis(500);
/// Leases in one entry of the log. Small, so that a client's write between two of them waits little.
const BATCH: usize = 200;
/// After a full batch: 4,000 leases a second, which leaves the log to the clients.
const PAUSE: Duration = Duration::from_millis(50);
/// Checkpoints in one entry of the log; upstream's number.
const CHECKPOINTS: usize = 1000;

impl Member {
    /// Runs as long as the member.
    pub(crate) async fn expire_leases(self) {
        let mut status = self.status.clone();
        // The term in which the clock was taken over. Who leads again after another did has missed what was renewed
        // meanwhile, though it may never have noticed that it did not lead.
        let mut counting = None;
        loop {
            let (leads, term) = {
                let status = status.borrow_and_update();
                (status.leads(), status.term)
            };
            let goes_on = planted(Bug::DeposedExpiry) && counting.is_some();
            if !leads && !goes_on {
                counting = None;
                self.lay_down();
                if status.wait_for(store_raft::Status::leads).await.is_err() {
                    return;
                }
                continue;
            }
            if counting != Some(term) && !goes_on {
                counting = self.take_over().await.then_some(term);
            }
            let wait = match counting {
                Some(term) => self.lead_leases(term).await,
                None => LOOK.min(self.config.election_timeout),
            };
            self.clock.sleep(wait).await;
        }
    }

    fn lay_down(&self) {
        let mut expiry = self.sink.expiry.lock();
        if expiry.is_primary() {
            expiry.demote();
            tracing::info!("demoted the lease clock");
        }
    }

    /// One turn as the leader of this term; answers when the next is due.
    async fn lead_leases(&self, term: u64) -> Duration {
        let ids = self.sink.expiry.lock().expired(self.clock.monotonic(), BATCH);
        let full = ids.len() == BATCH;
        if !ids.is_empty() {
            let count = ids.len();
            match self
                .propose(&Who::own(), Action::LeaseExpire(LeaseExpire { term, ids }))
                .await
            {
                Ok(_) => self.metrics.server.leases_expired.inc_by(count as u64),
                Err(error) => tracing::warn!(%error, count, "failed to revoke expired leases; they are tried again"),
            }
        }
        self.write_checkpoints().await;
        if full {
            return PAUSE;
        }
        let next = self.sink.expiry.lock().next();
        let now = self.clock.monotonic();
        next.map_or(LOOK, |next| next.saturating_sub(now))
            .clamp(Duration::from_millis(1), LOOK)
    }

    /// Starts counting, with a full TTL for every lease and an election more: nobody renewed while there was no leader.
    async fn take_over(&self) -> bool {
        // All grants of former leaders must be applied, or they would be missed.
        let Ok(index) = self.consensus.read_index().await else {
            return false;
        };
        if self.consensus.wait_applied(index).await.is_err() {
            return false;
        }
        // The lock is held over the look at the table, so no grant can fall between the two.
        let mut expiry = self.sink.expiry.lock();
        let state = self.reader.state();
        expiry.promote(&state.leases, self.clock.monotonic(), self.config.election_timeout);
        tracing::info!(leases = state.leases.len(), "took over the lease clock");
        true
    }

    async fn write_checkpoints(&self) {
        // No renewal takes back what is not in the log yet.
        let _turn = self.checkpointing.write().await;
        let now = self.clock.monotonic();
        let checkpoints = self.sink.expiry.lock().checkpoints(now, CHECKPOINTS);
        if checkpoints.is_empty() {
            return;
        }
        let request = LeaseCheckpointRequest { checkpoints };
        if let Err(error) = self.propose(&Who::own(), Action::LeaseCheckpoint(request)).await {
            tracing::warn!(%error, "failed to write lease checkpoints");
        }
    }

    /// Makes known to the next leader that a renewed lease has its full time again. The renewal may be answered only
    /// then.
    pub(crate) async fn clear_checkpoint(&self, id: i64) -> Result<()> {
        let _turn = self.checkpointing.read().await;
        let checkpoints = vec![LeaseCheckpoint { id, remaining_ttl: 0 }];
        let request = LeaseCheckpointRequest { checkpoints };
        self.propose(&Who::own(), Action::LeaseCheckpoint(request)).await?;
        Ok(())
    }
}
