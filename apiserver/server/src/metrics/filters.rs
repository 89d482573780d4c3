//! `apiserver_request_filter_duration_seconds`: how long requests took on their way to whom they are for.

use prometheus::Histogram;

use super::Make;

const BUCKETS: [f64; 13] = [
    0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 5.0, 10.0, 15.0, 30.0,
];

pub(crate) struct Filters {
    /// Finding out who asks.
    pub(crate) authentication: Histogram,
    /// Finding out whether they may.
    pub(crate) authorization: Histogram,
}

impl Filters {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let family = make.histograms(
            "apiserver_request_filter_duration_seconds",
            "[ALPHA] How long a part of the way took that all requests go.",
            &BUCKETS,
            &["filter"],
        )?;
        Ok(Self {
            authentication: family.with_label_values(&["authentication"]),
            authorization: family.with_label_values(&["authorization"]),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::tests::Trial;

    #[test]
    fn each_part_of_the_way_has_its_times() {
        let trial = Trial::new();
        trial.metrics.filters.authorization.observe(0.002);
        trial.shows(&[
            r#"apiserver_request_filter_duration_seconds_bucket{filter="authorization",le="0.001"} 0"#,
            r#"apiserver_request_filter_duration_seconds_bucket{filter="authorization",le="0.003"} 1"#,
            r#"apiserver_request_filter_duration_seconds_count{filter="authentication"} 0"#,
        ]);
    }
}
