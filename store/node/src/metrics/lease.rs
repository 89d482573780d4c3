//! `etcd_debugging_lease_*`: grants, revocations, renewals.

use prometheus::{Histogram, IntCounter};

use super::{Make, twice};

pub(crate) struct Lease {
    pub(crate) granted: IntCounter,
    pub(crate) revoked: IntCounter,
    pub(crate) renewed: IntCounter,
    pub(crate) ttl: Histogram,
}

impl Lease {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            granted: make.counter("etcd_debugging_lease_granted_total", "Leases granted.")?,
            revoked: make.counter("etcd_debugging_lease_revoked_total", "Leases revoked or expired.")?,
            renewed: make.counter("etcd_debugging_lease_renewed_total", "Renewals seen by the leader.")?,
            ttl: make.histogram(
                "etcd_debugging_lease_ttl_total",
                "TTLs granted, in seconds.",
                &twice(1.0, 24)?,
            )?,
        })
    }
}
