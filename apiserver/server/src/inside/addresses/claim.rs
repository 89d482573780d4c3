//! What was taken for a service that is being written, and what it gives back once it is written.

use std::net::IpAddr;
use std::sync::Arc;

use super::Shared;
use super::pool::{Owner, PoolError};
use super::ports::PortError;
use super::range::Family;
use crate::metrics::Wanted;

/// The port before the first that stands for any other, where nothing is taken.
const DRY_PORT: i64 = 32_768;

/// What a service was given. One that is dropped without a word keeps it: whether the service was written is not known
/// then, and the repairs find out.
#[must_use = "what was taken stays taken until it is rolled back"]
pub struct Claim {
    shared: Arc<Shared>,
    pub(super) owner: Owner,
    dry_run: bool,
    taken_ips: Vec<IpAddr>,
    left_ips: Vec<IpAddr>,
    taken_ports: Vec<i64>,
    left_ports: Vec<i64>,
}

impl Claim {
    pub(super) const fn new(shared: Arc<Shared>, owner: Owner, dry_run: bool) -> Self {
        Self {
            shared,
            owner,
            dry_run,
            taken_ips: Vec::new(),
            left_ips: Vec::new(),
            taken_ports: Vec::new(),
            left_ports: Vec::new(),
        }
    }

    /// The service was written: what it no longer has is given back.
    pub async fn commit(self) {
        if self.dry_run {
            return;
        }
        self.give_back(&self.left_ips, &self.left_ports).await;
    }

    /// The service was not written: what was taken for it is given back.
    pub async fn roll_back(self) {
        if self.dry_run {
            return;
        }
        self.give_back(&self.taken_ips, &self.taken_ports).await;
    }

    async fn give_back(&self, ips: &[IpAddr], ports: &[i64]) {
        for ip in ips {
            self.shared.pool.give_back(&self.owner, *ip).await;
        }
        self.shared.ports.give_back(ports).await;
    }

    pub(super) async fn take_ip(&mut self, family: Family, ip: IpAddr) -> Result<(), PoolError> {
        if self.dry_run {
            return self.shared.pool.try_take(family, ip);
        }
        self.shared.pool.take(&self.owner, ip).await?;
        self.taken_ips.push(ip);
        Ok(())
    }

    pub(super) async fn take_any_ip(&mut self, family: Family) -> Result<IpAddr, PoolError> {
        if self.dry_run {
            return self.shared.pool.try_take_any(family);
        }
        let ip = self.shared.pool.take_any(&self.owner, family).await?;
        self.taken_ips.push(ip);
        Ok(ip)
    }

    pub(super) fn leave_ips(&mut self, ips: impl IntoIterator<Item = IpAddr>) {
        self.left_ips.extend(ips);
    }

    pub(super) async fn take_port(&mut self, port: i64) -> Result<(), PortError> {
        if self.dry_run {
            // Upstream does not look at the range here.
            if self.taken_ports.contains(&port) || self.shared.ports.has(port).await {
                return Err(PortError::Taken);
            }
        } else {
            let outcome = self.shared.ports.take(port).await;
            self.shared.metrics.port(Wanted::This, outcome.is_ok());
            outcome?;
        }
        self.taken_ports.push(port);
        Ok(())
    }

    pub(super) async fn take_any_port(&mut self) -> Result<i64, PortError> {
        let port = if self.dry_run {
            self.taken_ports.iter().max().map_or(DRY_PORT, |last| *last) + 1
        } else {
            let outcome = self.shared.ports.take_any().await;
            self.shared.metrics.port(Wanted::Any, outcome.is_ok());
            outcome?
        };
        self.taken_ports.push(port);
        Ok(port)
    }

    pub(super) fn leave_ports(&mut self, ports: &[i64]) {
        self.left_ports.extend_from_slice(ports);
    }
}
