//! How long requests took: a summary of a histogram.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The quantiles of a plotted curve.
const CURVE: &[f64] = &[
    0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1.0,
];

/// Milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
    /// Quantile and milliseconds.
    pub(crate) curve: Vec<(f64, f64)>,
}

impl Latency {
    /// Of a histogram of nanoseconds.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let at = |quantile| milliseconds(histogram.value_at_quantile(quantile) as f64);
        Self {
            count: histogram.len(),
            mean: milliseconds(histogram.mean()),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: milliseconds(histogram.max() as f64),
            curve: CURVE.iter().map(|&quantile| (quantile, at(quantile))).collect(),
        }
    }
}

fn milliseconds(nanoseconds: f64) -> f64 {
    // A nanosecond less or more is not known anyway, and makes for long texts.
    (nanoseconds / 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::new_histogram;

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut histogram = new_histogram().unwrap();
        assert_eq!(Latency::of(&histogram), Latency::default());
        for value in 1..=10_000_u64 {
            histogram.record(value * 10_000).unwrap();
        }
        let latency = Latency::of(&histogram);
        for (got, wanted) in [
            (latency.p50, 50.0),
            (latency.p90, 90.0),
            (latency.p99, 99.0),
            (latency.p999, 99.9),
            (latency.max, 100.0),
            (latency.mean, 50.0),
        ] {
            assert!((got - wanted).abs() < wanted * 0.002, "{got} {wanted}");
        }
        assert_eq!(latency.count, 10_000);
        assert!(latency.curve.is_sorted_by(|a, b| a.1 <= b.1));
    }
}
