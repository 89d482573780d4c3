//! The leader's clock side of leases: when each one is due, on the leader's own monotonic clock alone.
//!
//! Nothing here is replicated. A leader that lost its office has no deadlines; a new one starts them afresh, so a
//! lease never ends early because members' clocks differ.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proto::etcd::LeaseCheckpoint;
use store_planted::{Bug, planted};

use crate::Leases;

/// An expired lease that is still there after this time is named again.
const RETRY: Duration = Duration::from_secs(3);
/// Below so many leases a pile-up cannot exceed what is revoked in a second (upstream's revoke rate).
const PILE_UP: usize = 1000;
/// So many expiries are planned for one second at most when deadlines start afresh.
const PER_SECOND: u32 = 750;

/// What became of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Only the leader renews.
    NotPrimary,
    /// No such lease.
    NotFound,
    /// Past its deadline: wait until its revocation is applied, then it is not found.
    Expired,
    /// Renewed.
    Renewed {
        /// The granted time to live in seconds.
        ttl: i64,
        /// The table holds a checkpoint that is now wrong: propose a checkpoint of 0.
        clear_checkpoint: bool,
    },
}

#[derive(Debug)]
struct Timer {
    ttl: i64,
    checkpoint: i64,
    deadline: Duration,
    /// Its place in the queue of deadlines; behind the deadline once it was named.
    due: Duration,
    checkpoint_due: Option<Duration>,
}

/// Deadlines of all leases. `now` is the time since any fixed origin of the caller's, and never goes back.
#[derive(Debug, Default)]
pub struct Expiry {
    checkpoint_every: Option<Duration>,
    primary: bool,
    timers: BTreeMap<i64, Timer>,
    due: BTreeSet<(Duration, i64)>,
    checkpoints_due: BTreeSet<(Duration, i64)>,
}

impl Expiry {
    /// Not primary yet. Checkpoints are proposed each `checkpoint_every`, never when `None`.
    pub fn new(checkpoint_every: Option<Duration>) -> Self {
        Self {
            checkpoint_every,
            ..Self::default()
        }
    }

    /// Whether this member times the leases.
    pub const fn is_primary(&self) -> bool {
        self.primary
    }

    /// Starts all deadlines: what the last checkpoint left of each lease, else its whole time to live, plus
    /// `extend` (an election timeout, in which no one could renew).
    pub fn promote(&mut self, leases: &Leases, now: Duration, extend: Duration) {
        self.demote();
        self.primary = true;
        for lease in leases.iter().filter(|_| !planted(Bug::EndlessLease)) {
            let left = if lease.remaining() > 0 {
                lease.remaining()
            } else {
                lease.ttl()
            };
            let deadline = now.saturating_add(seconds(left)).saturating_add(extend);
            self.insert(lease.id(), lease.ttl(), lease.remaining(), deadline, now);
        }
        if self.timers.len() >= PILE_UP {
            self.spread(now, extend);
        }
    }

    /// Plans no more than [`PER_SECOND`] deadlines into a second. A pile comes up when all leases restart at once;
    /// each window of a second that is too full pushes the rest of its leases out, as upstream does.
    fn spread(&mut self, now: Duration, extend: Duration) {
        let order: Vec<(Duration, i64)> = self.due.iter().copied().collect();
        let Some(&(first, _)) = order.first() else { return };
        let mut base = first;
        let mut next = base.saturating_add(Duration::from_secs(1));
        let mut planned = 0_u32;
        for (deadline, id) in order {
            if deadline > next {
                base = deadline;
                next = base.saturating_add(Duration::from_secs(1));
                planned = 1;
                continue;
            }
            planned = planned.saturating_add(1);
            if planned <= PER_SECOND {
                continue;
            }
            let share = Duration::from_secs(1).saturating_mul(planned) / PER_SECOND;
            let delay = share.saturating_sub(deadline.saturating_sub(base));
            next = base.saturating_add(delay);
            if let Some(timer) = self.timers.get(&id) {
                let left = if timer.checkpoint > 0 {
                    timer.checkpoint
                } else {
                    timer.ttl
                };
                let deadline = now
                    .saturating_add(seconds(left))
                    .saturating_add(extend)
                    .saturating_add(delay);
                self.set_deadline(id, deadline);
            }
        }
    }

    /// Forgets all deadlines: another member leads.
    pub fn demote(&mut self) {
        self.primary = false;
        self.timers.clear();
        self.due.clear();
        self.checkpoints_due.clear();
    }

    /// A lease was granted for `ttl` seconds.
    pub fn granted(&mut self, id: i64, ttl: i64, now: Duration) {
        if self.primary {
            self.revoked(id);
            self.insert(id, ttl, 0, now.saturating_add(seconds(ttl)), now);
        }
    }

    /// A lease ended.
    pub fn revoked(&mut self, id: i64) {
        let Some(timer) = self.timers.remove(&id) else { return };
        self.due.remove(&(timer.due, id));
        if let Some(at) = timer.checkpoint_due {
            self.checkpoints_due.remove(&(at, id));
        }
    }

    /// The table now holds `remaining` seconds as the lease's checkpoint.
    pub fn checkpointed(&mut self, id: i64, remaining: i64, now: Duration) {
        if let Some(timer) = self.timers.get_mut(&id) {
            timer.checkpoint = remaining;
            self.plan_checkpoint(id, now);
        }
    }

    /// Starts a lease's time anew.
    pub fn renew(&mut self, id: i64, now: Duration) -> Renewal {
        if !self.primary {
            return Renewal::NotPrimary;
        }
        let Some(timer) = self.timers.get(&id) else {
            return Renewal::NotFound;
        };
        if timer.deadline <= now {
            return Renewal::Expired;
        }
        let (ttl, clear_checkpoint) = (timer.ttl, timer.checkpoint > 0);
        self.set_deadline(id, now.saturating_add(seconds(ttl)));
        Renewal::Renewed { ttl, clear_checkpoint }
    }

    /// Up to `limit` leases past their deadline, the longest expired first. Each is named again some seconds later
    /// if it was not revoked till then: the proposal may have been lost.
    pub fn expired(&mut self, now: Duration, limit: usize) -> Vec<i64> {
        let ids: Vec<i64> = self
            .due
            .iter()
            .take_while(|(due, _)| *due <= now)
            .take(limit)
            .map(|(_, id)| *id)
            .collect();
        for id in &ids {
            self.set_due(*id, now.saturating_add(RETRY));
        }
        ids
    }

    /// How long a lease has left; zero when expired, `None` when unknown or when this member does not time leases.
    pub fn remaining(&self, id: i64, now: Duration) -> Option<Duration> {
        self.timers.get(&id).map(|timer| timer.deadline.saturating_sub(now))
    }

    /// All leases, those first that end first.
    pub fn by_expiry(&self) -> Vec<i64> {
        let mut order: Vec<(Duration, i64)> = self.timers.iter().map(|(id, timer)| (timer.deadline, *id)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, id)| id).collect()
    }

    /// Up to `limit` checkpoints that are due, to be proposed. From now on they count as written: a renewal takes back
    /// one that is still on its way, too.
    pub fn checkpoints(&mut self, now: Duration, limit: usize) -> Vec<LeaseCheckpoint> {
        let mut checkpoints = Vec::new();
        while checkpoints.len() < limit {
            let Some(&(at, id)) = self.checkpoints_due.first() else {
                break;
            };
            if at > now {
                break;
            }
            self.plan_checkpoint(id, now);
            let Some(timer) = self.timers.get_mut(&id) else {
                continue;
            };
            let left = timer.deadline.saturating_sub(now);
            let remaining_ttl = i64::try_from(left.as_secs())
                .unwrap_or(i64::MAX)
                .saturating_add(i64::from(left.subsec_nanos() > 0));
            // Renewed just now: nothing to remember. Expired: its end is on the way.
            if remaining_ttl > 0 && remaining_ttl < timer.ttl {
                timer.checkpoint = remaining_ttl;
                checkpoints.push(LeaseCheckpoint { id, remaining_ttl });
            }
        }
        checkpoints
    }

    /// When something is due next.
    pub fn next(&self) -> Option<Duration> {
        let due = self.due.first().map(|(at, _)| *at);
        let checkpoint = self.checkpoints_due.first().map(|(at, _)| *at);
        due.into_iter().chain(checkpoint).min()
    }

    fn insert(&mut self, id: i64, ttl: i64, checkpoint: i64, deadline: Duration, now: Duration) {
        self.timers.insert(
            id,
            Timer {
                ttl,
                checkpoint,
                deadline,
                due: deadline,
                checkpoint_due: None,
            },
        );
        self.due.insert((deadline, id));
        self.plan_checkpoint(id, now);
    }

    fn set_deadline(&mut self, id: i64, deadline: Duration) {
        self.set_due(id, deadline);
        if let Some(timer) = self.timers.get_mut(&id) {
            timer.deadline = deadline;
        }
    }

    fn set_due(&mut self, id: i64, due: Duration) {
        if let Some(timer) = self.timers.get_mut(&id) {
            self.due.remove(&(timer.due, id));
            timer.due = due;
            self.due.insert((due, id));
        }
    }

    /// Plans the next checkpoint, if the lease lives longer than the interval between two.
    fn plan_checkpoint(&mut self, id: i64, now: Duration) {
        let Some(timer) = self.timers.get_mut(&id) else { return };
        if let Some(at) = timer.checkpoint_due.take() {
            self.checkpoints_due.remove(&(at, id));
        }
        let left = if timer.checkpoint > 0 {
            timer.checkpoint
        } else {
            timer.ttl
        };
        if let Some(every) = self.checkpoint_every
            && seconds(left) > every
        {
            let at = now.saturating_add(every);
            timer.checkpoint_due = Some(at);
            self.checkpoints_due.insert((at, id));
        }
    }
}

fn seconds(seconds: i64) -> Duration {
    let whole = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    if planted(Bug::EarlyExpiry) { whole / 2 } else { whole }
}

#[cfg(test)]
mod tests;
