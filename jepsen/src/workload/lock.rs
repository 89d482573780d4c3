//! Locks of the store's own lock service, and what they guard.
//!
//! A lock hangs on a lease, and a client that stalls longer than its lease lives still believes that it holds the lock:
//! no store can prevent that. Clients here stall on purpose now and then. What they write is guarded by a transaction
//! that compares the revision which created the lock's key, so a late write is refused; that is what upstream tells its
//! users to do. The unfenced variant writes without looking and must be caught.

use std::time::Duration;

use async_trait::async_trait;
use jepsen_check::history::{Call, Compare, Get, Relation, Reply, Target, Txn};
use jepsen_check::lock::{GUARDED, Overlap};
use rand::Rng;
use rand::rngs::StdRng;

use super::{Least, Outline, Player, Workload, first_lease, insist};
use crate::client::wire::{prefix, write_step};
use crate::client::{Answer, Client, Done, Link, Mishap};
use crate::judge::Judge;

/// Locks that are fought for.
const LOCKS: usize = 2;
/// Seconds that a lease lives; the shortest that upstream grants at its usual election time-out.
const TTL: i64 = 2;
/// A lock is waited for so long.
const WAIT: Duration = Duration::from_secs(3);
/// Who stalls does so for so long, which is longer than any lease here lives.
const STALL: Duration = Duration::from_millis(3_500);

/// The workload.
pub(super) struct Locks {
    is_fenced: bool,
}

impl Locks {
    /// Late writes are refused.
    pub(super) const fn fenced() -> Self {
        Self { is_fenced: true }
    }

    /// Late writes go through.
    pub(super) const fn unfenced() -> Self {
        Self { is_fenced: false }
    }
}

#[async_trait]
impl Workload for Locks {
    fn judges(&self) -> Vec<Judge> {
        vec![Judge::Lock(if self.is_fenced {
            Overlap::Allowed
        } else {
            Overlap::Forbidden
        })]
    }

    fn least(&self, _: f64) -> Least {
        // However fast clients are, they wait for each other.
        Least { calm: 1.0, stormy: 0.1 }
    }

    fn broken(&self) -> &'static [&'static str] {
        if self.is_fenced { &[] } else { &["overlap", "fence"] }
    }

    fn players(&self, outline: &Outline) -> Vec<Box<dyn Player>> {
        let player = |number: usize| -> Box<dyn Player> {
            let seed = outline.seed.part("lock", number as u64);
            Box::new(Holder {
                rng: seed.rng(),
                next: first_lease(seed),
                is_fenced: self.is_fenced,
                held: None,
            })
        };
        (0..outline.clients).map(player).collect()
    }

    async fn finish(&self, client: &mut Client) -> Result<(), Mishap> {
        // Its judge holds it against the writes.
        insist(client, &Call::Get(prefix(GUARDED))).await?;
        Ok(())
    }
}

/// A lock that a client holds, or believes to.
#[derive(Clone)]
struct Held {
    name: String,
    /// The lock's key; it goes with the lease.
    key: String,
    token: i64,
    lease: i64,
    /// So many writes are still to be made.
    writes: u32,
    /// It stalls before the next write.
    stalls: bool,
}

/// One client.
struct Holder {
    rng: StdRng,
    /// The id of its next lease.
    next: i64,
    is_fenced: bool,
    held: Option<Held>,
}

/// The revision that created the lock's key.
async fn token(link: &Link, key: &str) -> Done {
    let get = Get {
        key: key.to_owned(),
        ..Get::default()
    };
    let read = link.call(&Call::Get(get)).await;
    match read.as_ref().map(|read| &read.reply) {
        Ok(Reply::Get { kvs, .. }) if !kvs.is_empty() => Ok(Answer::bare(Reply::Lock {
            token: kvs[0].create_revision,
        })),
        // Somebody may hold it under this lease, or have held it: nobody will ever learn the token.
        Ok(_) => Err(Mishap::Unknown(
            "the lock was gone before its token was read".to_owned(),
        )),
        Err(mishap) => Err(Mishap::Unknown(format!("its token was not read: {}", mishap.text()))),
    }
}

/// A write to what the lock guards.
async fn guarded(link: &Link, held: &Held, is_fenced: bool) -> Done {
    let fence = Compare {
        key: held.key.clone(),
        is: Relation::Equal,
        target: Target::Create(held.token),
    };
    let txn = Txn {
        compare: if is_fenced { vec![fence] } else { Vec::new() },
        then: vec![write_step(&format!("{GUARDED}{}", held.name), held.token.to_string())],
        otherwise: Vec::new(),
    };
    let done = link.txn(&txn).await?;
    match done.reply {
        Reply::Txn { succeeded: true, .. } => Ok(Answer {
            reply: Reply::Guarded {},
            ..done
        }),
        _ => Err(Mishap::Refused("not the holder any more".to_owned())),
    }
}

impl Holder {
    async fn acquire(&mut self, client: &mut Client) {
        self.next += 1;
        let lease = self.next;
        let name = format!("lock-{}", self.rng.random_range(0..LOCKS));
        let (writes, stalls) = (self.rng.random_range(1..5), self.rng.random_ratio(1, 5));
        let granted = client.link().call(&Call::Grant { lease, ttl: TTL }).await;
        if granted.is_err() {
            return;
        }
        let link = client.begin(Call::Lock { name: name.clone() });
        let (key, done) = match link.patient(WAIT).lock(&name, lease).await {
            Ok(key) => {
                let done = token(&link, &key).await;
                (key, done)
            }
            Err(mishap) => (String::new(), Err(mishap)),
        };
        client.end(&done);
        match done.map(|answer| answer.reply) {
            Ok(Reply::Lock { token }) => {
                self.held = Some(Held {
                    name,
                    key,
                    token,
                    lease,
                    writes,
                    stalls,
                });
            }
            // A place in the queue may be left behind; without its lease it goes.
            _ => drop(link.call(&Call::Revoke { lease }).await),
        }
    }

    /// Writes once under the lock. None: the lock is lost, or to be given back.
    async fn write(&mut self, client: &mut Client, mut held: Held) -> Option<Held> {
        if held.stalls {
            held.stalls = false;
            tokio::time::sleep(STALL).await;
        } else {
            // Whether it went through or not: the fence decides, not the client's belief.
            drop(client.link().call(&Call::KeepAlive { lease: held.lease }).await);
        }
        let link = client.begin(Call::Guarded {
            name: held.name.clone(),
            token: held.token,
        });
        let done = guarded(&link, &held, self.is_fenced).await;
        client.end(&done);
        match done {
            Err(Mishap::Refused(_)) if self.is_fenced => None,
            _ => {
                held.writes -= 1;
                Some(held)
            }
        }
    }
}

async fn release(client: &mut Client, held: &Held) {
    let link = client.begin(Call::Unlock {
        name: held.name.clone(),
        token: held.token,
    });
    let done = link.unlock(&held.key).await;
    client.end(&done.map(|()| Answer::bare(Reply::Unlock {})));
    drop(link.call(&Call::Revoke { lease: held.lease }).await);
}

#[async_trait]
impl Player for Holder {
    async fn step(&mut self, client: &mut Client) {
        match self.held.take() {
            None => self.acquire(client).await,
            Some(held) if held.writes == 0 => release(client, &held).await,
            Some(held) => self.held = self.write(client, held).await,
        }
    }

    async fn leave(&mut self, client: &mut Client, _: i64) -> Result<(), String> {
        if let Some(held) = self.held.take() {
            release(client, &held).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_unfenced_are_expected_to_fail() {
        assert!(!Locks::fenced().expects_anomaly());
        assert!(Locks::unfenced().expects_anomaly());
        assert_eq!(Locks::fenced().judges(), [Judge::Lock(Overlap::Allowed)]);
    }

    #[test]
    fn a_stall_outlives_the_lease() {
        assert!(STALL > Duration::from_secs(TTL as u64 + 1));
    }
}
