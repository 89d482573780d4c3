//! `apiserver_watch_events_*` and `apiserver_watch_list_duration_seconds`: what watches are told, and how soon they know all.

use std::time::Instant;

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, exponential_buckets};

use super::Make;
use super::requests::float;
use crate::catalog::Resource;

const LIST: [f64; 17] = [
    0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
];
const RESOURCE: [&str; 3] = ["group", "version", "resource"];

pub(crate) struct Watches {
    events: IntCounterVec,
    sizes: HistogramVec,
    listed: HistogramVec,
}

/// What one watch is told. Labels are looked up once, when it begins.
pub(crate) struct Meter {
    events: IntCounter,
    sizes: Histogram,
    listed: HistogramVec,
    scope: &'static str,
    since: Instant,
}

impl Watches {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            events: make.counters(
                "apiserver_watch_events_total",
                "[ALPHA] Events that watches were told, by resource.",
                &RESOURCE,
            )?,
            sizes: make.histograms(
                "apiserver_watch_events_sizes",
                "[ALPHA] How many bytes those events have, by resource.",
                &exponential_buckets(1024.0, 2.0, 8)?,
                &RESOURCE,
            )?,
            listed: make.histograms(
                "apiserver_watch_list_duration_seconds",
                "[BETA] How long it took until watches were told of all that was there at first, by resource and scope.",
                &LIST,
                &["group", "version", "resource", "scope"],
            )?,
        })
    }

    /// A watch begins that was asked for then.
    pub(crate) fn begin(&self, resource: &Resource, scope: &'static str, since: Instant) -> Meter {
        let labels = labels(resource);
        Meter {
            events: self.events.with_label_values(&labels),
            sizes: self.sizes.with_label_values(&labels),
            listed: self.listed.clone(),
            scope,
            since,
        }
    }
}

impl Meter {
    /// The watch is told an event of so many bytes.
    pub(crate) fn told(&self, bytes: usize) {
        self.events.inc();
        self.sizes.observe(float(bytes as u64));
    }

    /// The watch knows all that was there at first.
    pub(crate) fn listed(&self, resource: &Resource) {
        let [group, version, plural] = labels(resource);
        let listed = self.listed.with_label_values(&[group, version, plural, self.scope]);
        listed.observe(self.since.elapsed().as_secs_f64());
    }
}

const fn labels(resource: &Resource) -> [&'static str; 3] {
    [resource.kind.group, resource.version.name, resource.kind.plural]
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use crate::catalog::Catalog;
    use crate::discovery::Served;
    use crate::metrics::tests::Trial;

    #[test]
    fn events_are_counted_and_weighed_and_the_first_state_is_timed() {
        let trial = Trial::new();
        let catalog = Catalog::new(&Served::default(), |_| None);
        let deployments = catalog.find("apps", "v1", "deployments").unwrap();
        let meter = trial.metrics.watches.begin(deployments, "namespace", Instant::now());
        meter.told(1000);
        meter.told(3000);
        trial.lacks(&["apiserver_watch_list_duration_seconds"]);
        meter.listed(deployments);
        let labels = r#"group="apps",resource="deployments",version="v1""#;
        let scoped = r#"group="apps",resource="deployments",scope="namespace",version="v1""#;
        trial.shows(&[
            &format!("apiserver_watch_events_total{{{labels}}} 2"),
            &format!(r#"apiserver_watch_events_sizes_bucket{{{labels},le="1024"}} 1"#),
            &format!(r#"apiserver_watch_events_sizes_bucket{{{labels},le="4096"}} 2"#),
            &format!("apiserver_watch_events_sizes_sum{{{labels}}} 4000"),
            &format!(r#"apiserver_watch_list_duration_seconds_bucket{{{scoped},le="60"}} 1"#),
        ]);
    }
}
