//! Locks that are waited for, held for a while, and given back or left to end with their lease.

use std::time::Duration;

use jepsen_check::history::{Call, Reply};
use proto::etcd::LeaseRevokeRequest;
use proto::lock::{LockRequest, LockResponse, UnlockRequest};
use rand::Rng;

use super::{Claim, Client, Ended};

/// The lock that all fight for.
const NAME: &str = "lock";
/// Seconds that leases are granted for: shorter than many wait.
const TTL: std::ops::RangeInclusive<i64> = 2..=4;
/// How long a lock is waited for, and held at most.
const WAIT: Duration = Duration::from_secs(8);
const HELD: std::ops::Range<u64> = 50..3_500;

/// Wins lock after lock until it is to be quiet.
pub(super) async fn run(mut client: Client) {
    while client.pause(Duration::from_millis(800)).await {
        // Ids are used once in a history, and processes are numbered over all of it.
        let id = ((client.process as i64) << 20) | client.random.random_range(1..1 << 20);
        if client.grant(id, TTL).await {
            Box::pin(client.fight(id)).await;
        }
    }
}

impl Client {
    async fn fight(&mut self, lease: i64) {
        let name = NAME.to_owned();
        self.invoke(Call::Lock { name: name.clone() });
        let request = LockRequest {
            name: name.clone().into(),
            lease,
        };
        let lock = tokio::time::timeout(WAIT, self.member.lock(&self.caller, request));
        let doom = self.random.random_ratio(1, 3).then(|| self.random.random_range(HELD));
        let won = match tokio::join!(lock, self.end_lease(lease, doom)).0 {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return self.complete(Ended::Info(error.text())),
            Err(_) => return self.complete(Ended::Info("given up".to_owned())),
        };
        self.won(&won);
        let held = Duration::from_millis(self.random.random_range(HELD));
        tokio::time::sleep(held).await;
        if self.random.random_ratio(1, 3) {
            return;
        }
        self.invoke(Call::Unlock { name, token: lease });
        let request = UnlockRequest { key: won.key };
        let ended = match self.member.unlock(&self.caller, request).await {
            Ok(_) => Ended::Ok {
                revision: None,
                term: None,
                reply: Reply::Unlock {},
            },
            Err(error) => Self::failed(&error),
        };
        self.complete(ended);
    }

    /// Somebody ends the lease while its owner may still wait.
    async fn end_lease(&self, id: i64, after_ms: Option<u64>) {
        let Some(after_ms) = after_ms else { return };
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        let ended = self.member.lease_revoke(&self.caller, LeaseRevokeRequest { id }).await;
        if let Err(error) = ended {
            tracing::debug!(%error, "the lease was not ended");
        }
    }

    /// The answer says at which revision the lock was the caller's.
    fn won(&mut self, response: &LockResponse) {
        let revision = response.header.as_ref().map_or(0, |header| header.revision);
        self.claim(Claim {
            key: String::from_utf8_lossy(&response.key).into_owned(),
            revision,
        });
        self.complete(Ended::Ok {
            revision: None,
            term: None,
            reply: Reply::Lock { token: revision },
        });
    }
}
