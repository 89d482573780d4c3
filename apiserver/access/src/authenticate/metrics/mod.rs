//! What is counted of authentication, under upstream's names, in a registry that the program owns.

mod cache;
mod certificate;
mod request;
mod service_account;

pub(super) use request::Attempt;

use prometheus::core::Collector;
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

/// All families.
pub struct Metrics {
    pub(super) cache: cache::Cache,
    pub(super) certificates: certificate::Certificates,
    pub(super) requests: request::Requests,
    pub(super) service_accounts: service_account::ServiceAccounts,
}

impl Metrics {
    /// Registers every family.
    ///
    /// # Errors
    /// The registry already holds one of the names.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let make = Make { registry };
        Ok(Self {
            cache: cache::Cache::new(&make)?,
            certificates: certificate::Certificates::new(&make)?,
            requests: request::Requests::new(&make)?,
            service_accounts: service_account::ServiceAccounts::new(&make)?,
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

    fn counters(&self, name: &str, help: &str, label: &str) -> prometheus::Result<IntCounterVec> {
        self.add(IntCounterVec::new(Opts::new(name, help), &[label])?)
    }

    fn gauges(&self, name: &str, help: &str, label: &str) -> prometheus::Result<IntGaugeVec> {
        self.add(IntGaugeVec::new(Opts::new(name, help), &[label])?)
    }

    fn seconds(&self, options: HistogramOpts, label: &str) -> prometheus::Result<HistogramVec> {
        self.add(HistogramVec::new(options, &[label])?)
    }
}
