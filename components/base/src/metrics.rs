//! Metrics, made and registered in one step.

use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, Result,
};

/// Makes metrics of one registry. Each fails if the registry has its name already, or if the name can be none.
#[derive(Debug)]
pub struct Make<'r> {
    registry: &'r Registry,
}

#[expect(clippy::missing_errors_doc, reason = "the type says it for all of them")]
impl<'r> Make<'r> {
    /// For this registry.
    pub const fn new(registry: &'r Registry) -> Self {
        Self { registry }
    }

    /// Registers a metric that was made.
    pub fn add<M: Collector + Clone + 'static>(&self, metric: M) -> Result<M> {
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    /// A whole number that only grows.
    pub fn counter(&self, name: &str, help: &str) -> Result<IntCounter> {
        self.add(IntCounter::new(name, help)?)
    }

    /// Counters by these labels.
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    /// A whole number.
    pub fn gauge(&self, name: &str, help: &str) -> Result<IntGauge> {
        self.add(IntGauge::new(name, help)?)
    }

    /// Gauges by these labels.
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec> {
        self.add(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    /// Any number.
    pub fn float(&self, name: &str, help: &str) -> Result<Gauge> {
        self.add(Gauge::new(name, help)?)
    }

    /// Any numbers by these labels.
    pub fn floats(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec> {
        self.add(GaugeVec::new(Opts::new(name, help), labels)?)
    }

    /// What was observed, by these upper bounds.
    pub fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.add(Histogram::with_opts(options)?)
    }

    /// Histograms by these labels.
    pub fn histograms(&self, name: &str, help: &str, buckets: &[f64], labels: &[&str]) -> Result<HistogramVec> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.add(HistogramVec::new(options, labels)?)
    }
}

#[cfg(test)]
mod tests {
    use prometheus::Registry;

    use super::Make;

    #[test]
    fn what_is_made_is_registered_and_a_name_is_taken_once() {
        let registry = Registry::new();
        let make = Make::new(&registry);
        make.counter("a", "h").unwrap().inc();
        make.histograms("b", "h", &[1.0], &["l"])
            .unwrap()
            .with_label_values(&["x"])
            .observe(0.5);
        let names: Vec<String> = registry
            .gather()
            .iter()
            .map(|family| family.name().to_owned())
            .collect();
        assert_eq!(names, ["a", "b"]);
        assert!(make.gauge("a", "h").is_err());
    }
}
