//! The member's metrics under upstream's names, one file a family, in a registry that the program owns.
//!
//! Counters and histograms are moved where things happen; gauges that only mirror state are set by
//! [`Member::refresh_metrics`] just before somebody looks.

mod apply;
mod cluster;
mod disk;
mod lease;
mod mvcc;
mod process;
mod server;

use base::metrics::Make;
use prometheus::Registry;

use crate::Member;

/// All families.
pub struct Metrics {
    pub(crate) server: server::Server,
    pub(crate) apply: apply::Apply,
    pub(crate) cluster: cluster::Cluster,
    pub(crate) disk: disk::Disk,
    pub(crate) mvcc: mvcc::Mvcc,
    pub(crate) lease: lease::Lease,
    pub(crate) process: process::Process,
}

impl Metrics {
    /// Registers every family.
    ///
    /// # Errors
    /// When the registry already holds one of the names.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let make = Make::new(registry);
        Ok(Self {
            server: server::Server::new(&make)?,
            apply: apply::Apply::new(&make)?,
            cluster: cluster::Cluster::new(&make)?,
            disk: disk::Disk::new(&make)?,
            mvcc: mvcc::Mvcc::new(&make)?,
            lease: lease::Lease::new(&make)?,
            process: process::Process::new(&make)?,
        })
    }
}

impl Member {
    /// Brings the gauges that mirror state up to date; called before the registry is read.
    pub fn refresh_metrics(&self) {
        let metrics = &self.metrics;
        metrics.server.refresh(self);
        metrics.cluster.refresh(self);
        metrics.mvcc.refresh(self);
        metrics.process.refresh();
    }
}

/// `count` buckets from `start`, each twice the one before: the shape of all of upstream's histograms.
fn twice(start: f64, count: usize) -> prometheus::Result<Vec<f64>> {
    prometheus::exponential_buckets(start, 2.0, count)
}

/// A gauge's value is a float; counts this large are not exact, which no dashboard sees.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn float(value: u64) -> f64 {
    value as f64
}
