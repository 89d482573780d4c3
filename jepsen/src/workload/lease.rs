//! Leases: granted, hung with one key each, kept alive for a while, then left to end, or revoked; and looked at all the
//! time, above all when they are about to end. In the end nobody renews any, until all must be gone, and each is looked
//! at, those too whose grant was not answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jepsen_check::history::{Call, Get, Put, Reply};
use parking_lot::Mutex;
use rand::Rng;
use rand::rngs::StdRng;
use tokio::time::Instant;

use super::{Least, Outline, Player, Workload, first_lease, insist};
use crate::client::wire::prefix;
use crate::client::{Client, Mishap};
use crate::judge::{Judge, LATE};

const PREFIX: &str = "lease/";
/// Seconds asked for. Stores round short ones up. A run waits for the longest in the end.
const TTL: std::ops::RangeInclusive<i64> = 2..=4;
/// Leases that one client looks after.
const TENDED: usize = 4;
/// A lease is looked at until so long after its end.
const AFTERMATH: Duration = Duration::from_secs(6);

/// The workload.
#[derive(Default)]
pub(super) struct Leases {
    granted: Granted,
}

/// Leases that were granted, or may have been: the time to live of each, by its id.
type Granted = Arc<Mutex<BTreeMap<i64, Duration>>>;

/// So long after the last call all leases of these must be gone: a new leader may have been elected just now, and gives
/// each its whole time.
fn tail(granted: &BTreeMap<i64, Duration>) -> Duration {
    granted.values().copied().max().unwrap_or_default() + 2 * LATE
}

/// Looks at each of these.
async fn look(client: &mut Client, granted: &BTreeMap<i64, Duration>) -> Result<(), Mishap> {
    for lease in granted.keys() {
        insist(client, &Call::TimeToLive { lease: *lease }).await?;
    }
    Ok(())
}

#[async_trait]
impl Workload for Leases {
    fn judges(&self) -> Vec<Judge> {
        vec![Judge::Lease, Judge::Replay, Judge::Watch]
    }

    fn least(&self, rate: f64) -> Least {
        Least {
            calm: rate * 0.2,
            stormy: rate * 0.02,
        }
    }

    fn players(&self, outline: &Outline) -> Vec<Box<dyn Player>> {
        let player = |number: usize| -> Box<dyn Player> {
            let seed = outline.seed.part("lease", number as u64);
            Box::new(Tenant {
                rng: seed.rng(),
                next: first_lease(seed),
                tended: Vec::new(),
                granted: Arc::clone(&self.granted),
            })
        };
        (0..outline.clients).map(player).collect()
    }

    async fn finish(&self, client: &mut Client) -> Result<(), Mishap> {
        let granted = std::mem::take(&mut *self.granted.lock());
        tokio::time::sleep(tail(&granted)).await;
        look(client, &granted).await?;
        insist(client, &Call::Get(prefix(PREFIX))).await?;
        Ok(())
    }
}

/// A lease that is looked after.
struct Tended {
    lease: i64,
    ttl: Duration,
    /// It is kept alive until then.
    kept_until: Instant,
    renewed: Instant,
}

impl Tended {
    /// Where its one key is.
    fn key(&self) -> String {
        format!("{PREFIX}{:x}", self.lease)
    }

    /// When it should be gone, as far as its client knows.
    fn end(&self) -> Instant {
        self.renewed + self.ttl
    }
}

/// One client.
struct Tenant {
    rng: StdRng,
    /// The id of its next lease.
    next: i64,
    tended: Vec<Tended>,
    /// Those of all clients.
    granted: Granted,
}

impl Tenant {
    async fn grant(&mut self, client: &mut Client) -> Result<(), Mishap> {
        self.next += 1;
        let lease = self.next;
        let ttl = self.rng.random_range(TTL);
        let keeps = Duration::from_millis(self.rng.random_range(0..6_000));
        let started = Instant::now();
        // Without an answer it may be there all the same.
        self.granted.lock().insert(lease, Duration::from_secs(ttl as u64));
        let granted = client.call(Call::Grant { lease, ttl }).await;
        if let Err(Mishap::Refused(_)) = granted {
            self.granted.lock().remove(&lease);
        }
        let Reply::Grant { ttl } = granted?.reply else {
            return Ok(());
        };
        let tended = Tended {
            lease,
            ttl: Duration::from_secs(ttl.max(0) as u64),
            kept_until: started + keeps,
            renewed: started,
        };
        let put = Put {
            key: tended.key(),
            value: lease.to_string(),
            lease,
            ..Put::default()
        };
        // Stores round it up.
        self.granted.lock().insert(lease, tended.ttl);
        self.tended.push(tended);
        client.call(Call::Put(put)).await?;
        Ok(())
    }

    /// Does something about one of its leases.
    async fn tend(&mut self, client: &mut Client, place: usize) -> Result<(), Mishap> {
        let now = Instant::now();
        let die = self.rng.random_range(0..100);
        let one = &mut self.tended[place];
        let lease = one.lease;
        let is_due = now < one.kept_until && now > one.renewed + one.ttl / 3;
        if is_due || die < 5 {
            let renewed = client.call(Call::KeepAlive { lease }).await?;
            match renewed.reply {
                Reply::KeepAlive { ttl: 1.. } => one.renewed = now,
                _ => one.kept_until = now,
            }
            return Ok(());
        }
        match die {
            5..8 => {
                one.kept_until = now;
                client.call(Call::Revoke { lease }).await?;
            }
            8..40 => {
                client.call(Call::TimeToLive { lease }).await?;
            }
            40..50 => {
                client.call(Call::Get(prefix(PREFIX))).await?;
            }
            _ => {
                let get = Get {
                    key: one.key(),
                    ..Get::default()
                };
                client.call(Call::Get(get)).await?;
            }
        }
        Ok(())
    }

    /// The lease to do something about: mostly the one that ends next, for that is when things go wrong.
    fn pick(&mut self) -> usize {
        if self.rng.random_ratio(1, 2) {
            return self.rng.random_range(0..self.tended.len());
        }
        let ends = self.tended.iter().enumerate().min_by_key(|(_, one)| one.end());
        ends.map_or(0, |(place, _)| place)
    }
}

#[async_trait]
impl Player for Tenant {
    async fn step(&mut self, client: &mut Client) {
        let now = Instant::now();
        self.tended.retain(|one| now < one.end() + AFTERMATH);
        let wants = self.tended.is_empty() || self.rng.random_ratio(1, 10);
        // What came of it is recorded; a lease that was not granted is not looked after.
        let _ = if wants && self.tended.len() < TENDED {
            self.grant(client).await
        } else {
            let place = self.pick();
            self.tend(client, place).await
        };
    }
}

#[cfg(test)]
mod tests;
