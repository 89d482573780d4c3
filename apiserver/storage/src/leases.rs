//! Leases for objects that die after a while: one for many, since a lease costs the store more than a key.
//!
//! The rule is upstream's (`lease_manager.go`): a lease is shared for a twentieth of its time, and no longer than a flag says,
//! by at most a thousand objects.

use std::time::{Duration, Instant};

use prometheus::Histogram;
use store_client::{Client, Error};
use tokio::sync::Mutex;

const OBJECTS: u32 = 1000;

struct Lease {
    id: i64,
    ends: Instant,
    objects: u32,
}

/// The lease that was granted last.
pub(crate) struct Leases {
    client: Client,
    reused_for: Duration,
    /// How many objects had a lease, once it is given to no more.
    leased: Histogram,
    last: Mutex<Option<Lease>>,
}

impl Leases {
    /// Leases that are shared for so long at most.
    pub(crate) fn new(client: Client, reused_for: Duration, leased: Histogram) -> Self {
        Self {
            client,
            reused_for,
            leased,
            last: Mutex::new(None),
        }
    }

    /// A lease that lasts at least so long, and not much longer.
    pub(crate) async fn lasting(&self, ttl: Duration) -> Result<i64, Error> {
        let slack = (ttl / 20).min(self.reused_for);
        // Whoever comes while a lease is being granted waits for it and shares it.
        let mut last = self.last.lock().await;
        let now = Instant::now();
        if let Some(lease) = &mut *last {
            let left = lease.ends.saturating_duration_since(now);
            if left > ttl && left < ttl + slack && lease.objects < OBJECTS {
                lease.objects += 1;
                return Ok(lease.id);
            }
        }
        let id = self.client.grant(ttl + slack).await?.id;
        if let Some(last) = &*last {
            self.leased.observe(f64::from(last.objects));
        }
        *last = Some(Lease {
            id,
            ends: now + ttl + slack,
            objects: 1,
        });
        Ok(id)
    }
}
