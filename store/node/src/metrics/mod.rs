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

use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
};

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
        let make = Make { registry };
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

/// Makes a metric and registers it.
struct Make<'a> {
    registry: &'a Registry,
}

impl Make<'_> {
    fn add<M: Collector + Clone + 'static>(&self, metric: M) -> prometheus::Result<M> {
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.add(IntCounter::new(name, help)?)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn whole(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.add(IntGauge::new(name, help)?)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<Gauge> {
        self.add(Gauge::new(name, help)?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<GaugeVec> {
        self.add(GaugeVec::new(Opts::new(name, help), labels)?)
    }

    /// `count` buckets from `start`, each twice the one before: the shape of all of upstream's histograms.
    fn histogram(&self, name: &str, help: &str, start: f64, count: usize) -> prometheus::Result<Histogram> {
        let buckets = prometheus::exponential_buckets(start, 2.0, count)?;
        self.add(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets))?)
    }

    fn histograms(
        &self,
        name: &str,
        help: &str,
        start: f64,
        count: usize,
        labels: &[&str],
    ) -> prometheus::Result<HistogramVec> {
        let buckets = prometheus::exponential_buckets(start, 2.0, count)?;
        self.add(HistogramVec::new(
            HistogramOpts::new(name, help).buckets(buckets),
            labels,
        )?)
    }
}

/// A gauge's value is a float; counts this large are not exact, which no dashboard sees.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn float(value: u64) -> f64 {
    value as f64
}
