//! `apiserver_request_timestamp_comparison_time`: how long it took to find out whether an update changes but times.

use std::time::Duration;

use apiserver_patch::apply::Compared;
use prometheus::Histogram;

use super::Make;

const BUCKETS: [f64; 10] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 5.0];

/// By how far it was looked.
pub(crate) struct Comparisons {
    fast: Histogram,
    slow: Histogram,
    equal: Histogram,
}

impl Comparisons {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let family = make.histograms(
            "apiserver_request_timestamp_comparison_time",
            "[ALPHA] How long it took to find out whether an update changes nothing but times, by how that was found.",
            &BUCKETS,
            &["code_path"],
        )?;
        Ok(Self {
            fast: family.with_label_values(&["unequal_objects_fast"]),
            slow: family.with_label_values(&["unequal_objects_slow"]),
            equal: family.with_label_values(&["equal_objects"]),
        })
    }

    /// Two objects were compared in this time.
    pub(crate) fn observe(&self, compared: Compared, took: Duration) {
        let histogram = match compared {
            Compared::ManagersDiffer => &self.fast,
            Compared::ObjectsDiffer => &self.slow,
            Compared::Equal => &self.equal,
        };
        histogram.observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use apiserver_patch::apply::Compared;

    use crate::metrics::tests::Trial;

    #[test]
    fn comparisons_are_told_apart_by_how_far_it_was_looked() {
        let trial = Trial::new();
        let comparisons = &trial.metrics.comparisons;
        comparisons.observe(Compared::ManagersDiffer, Duration::from_micros(50));
        comparisons.observe(Compared::Equal, Duration::from_micros(200));
        comparisons.observe(Compared::ObjectsDiffer, Duration::from_micros(200));
        let bucket = |path: &str, bound: &str, count: u32| {
            format!(r#"apiserver_request_timestamp_comparison_time_bucket{{code_path="{path}",le="{bound}"}} {count}"#)
        };
        trial.shows(&[
            &bucket("unequal_objects_fast", "0.0001", 1),
            &bucket("unequal_objects_slow", "0.0001", 0),
            &bucket("equal_objects", "0.0003", 1),
        ]);
    }
}
