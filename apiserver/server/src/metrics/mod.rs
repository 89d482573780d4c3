//! The server's metrics under upstream's names, one file a family, in registries that the server owns.
//!
//! Counters and histograms are moved where things happen; gauges that only mirror state are set by [`Page`] just before
//! somebody looks. What is counted of the store and the caches, of access and of admission stands in those crates.

mod addresses;
mod bodies;
mod build;
mod connections;
mod filters;
mod health;
mod in_flight;
mod labels;
mod long;
mod page;
mod process;
mod requests;
mod text;
mod watches;

use prometheus::core::Collector;
use prometheus::{
    Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

pub(crate) use self::addresses::{Addresses, Wanted};
pub use self::build::Feature;
pub(crate) use self::health::Checks;
pub(crate) use self::labels::{Route, scope, verb};
pub(crate) use self::long::Open;
pub use self::page::Page;
pub(crate) use self::watches::Meter;

/// All families.
pub struct Metrics {
    registry: Registry,
    /// What `/metrics/slis` shows.
    slis: Registry,
    pub(crate) requests: requests::Requests,
    pub(crate) bodies: bodies::Bodies,
    pub(crate) long: long::Long,
    pub(crate) watches: watches::Watches,
    pub(crate) in_flight: in_flight::InFlight,
    pub(crate) filters: filters::Filters,
    pub(crate) connections: connections::Connections,
    pub(crate) health: Checks,
    pub(crate) addresses: Addresses,
    process: process::Process,
}

impl Metrics {
    /// Registers every family. `features` are those that can be switched, with what they are switched to.
    ///
    /// # Errors
    /// The registry already holds one of the names.
    pub fn new(registry: &Registry, features: &[Feature]) -> prometheus::Result<Self> {
        let make = Make { registry };
        let slis = Registry::new();
        let process = process::Process::new(&make)?;
        slis.register(Box::new(process.started()))?;
        build::register(&make, features)?;
        Ok(Self {
            requests: requests::Requests::new(&make)?,
            bodies: bodies::Bodies::new(&make)?,
            long: long::Long::new(&make)?,
            watches: watches::Watches::new(&make)?,
            in_flight: in_flight::InFlight::new(&make)?,
            filters: filters::Filters::new(&make)?,
            connections: connections::Connections::new(&make)?,
            health: Checks::new(&Make { registry: &slis })?,
            addresses: Addresses::new(&make)?,
            process,
            registry: registry.clone(),
            slis,
        })
    }
}

/// Makes a metric and registers it.
struct Make<'r> {
    registry: &'r Registry,
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

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.add(IntGauge::new(name, help)?)
    }

    fn float(&self, name: &str, help: &str) -> prometheus::Result<Gauge> {
        self.add(Gauge::new(name, help)?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
        self.add(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn histograms(&self, name: &str, help: &str, buckets: &[f64], labels: &[&str]) -> prometheus::Result<HistogramVec> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.add(HistogramVec::new(options, labels)?)
    }
}

#[cfg(test)]
pub(crate) mod tests;
