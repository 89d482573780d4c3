//! Everything that one run of one workload has measured.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Latency;
use crate::load::{Loaded, Plan};
use crate::process::Used;

/// Names of the figures that all workloads with requests have.
pub(crate) mod figure {
    /// Requests a second.
    pub(crate) const PER_SECOND: &str = "requests_per_second";
    /// Median latency of all requests, milliseconds.
    pub(crate) const P50: &str = "p50_ms";
    /// 99th percentile of all requests, milliseconds.
    pub(crate) const P99: &str = "p99_ms";
    /// CPU seconds of all servers for 1,000 requests.
    pub(crate) const CPU_PER_1000: &str = "server_cpu_seconds_per_1000_requests";
    /// CPU seconds of the generator for 1,000 requests.
    pub(crate) const GENERATOR_CPU_PER_1000: &str = "generator_cpu_seconds_per_1000_requests";
    /// Bytes that all servers wrote to disk for a byte of keys and values put.
    pub(crate) const WRITTEN_PER_BYTE: &str = "written_bytes_per_byte_put";
    /// Resident memory of the largest server at the end, bytes.
    pub(crate) const RSS: &str = "rss_bytes";
    /// Resident memory of the largest server at its most, bytes.
    pub(crate) const RSS_PEAK: &str = "rss_peak_bytes";
    /// Keys a second.
    pub(crate) const ITEMS_PER_SECOND: &str = "items_per_second";
    /// Events delivered a second.
    pub(crate) const EVENTS_PER_SECOND: &str = "events_per_second";
    /// CPU seconds of all servers for a million events delivered.
    pub(crate) const CPU_PER_MILLION_EVENTS: &str = "server_cpu_seconds_per_million_events";
}

/// A look at the load while it ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Since the measurement began.
    pub(crate) seconds: f64,
    /// Requests answered by then.
    pub(crate) done: u64,
    /// Memory of the largest server.
    pub(crate) rss_bytes: u64,
}

/// What one run of one workload has measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// The subcommand and its flags.
    pub(crate) command: String,
    /// How requests were paced, which says what the latencies mean.
    pub(crate) pacing: String,
    pub(crate) seconds: f64,
    pub(crate) requests: u64,
    /// Requests that were due and never sent.
    pub(crate) unsent: u64,
    /// Errors by text.
    pub(crate) errors: BTreeMap<String, u64>,
    /// Milliseconds by class of request.
    pub(crate) latency: BTreeMap<String, Latency>,
    /// The figures that are compared, by name.
    pub(crate) figures: BTreeMap<String, f64>,
    pub(crate) used: Used,
    pub(crate) series: Vec<Sample>,
}

impl Outcome {
    /// Of a load with these classes of requests.
    pub(crate) fn of(loaded: Loaded, plan: &Plan, classes: &[&str]) -> Self {
        let mut all = loaded.classes.first().cloned();
        let mut latency = BTreeMap::new();
        for (place, (class, histogram)) in classes.iter().zip(&loaded.classes).enumerate() {
            if let Some(all) = all.as_mut().filter(|_| place > 0) {
                // All have the same bounds.
                let _ = all.add(histogram);
            }
            latency.insert((*class).to_owned(), Latency::of(histogram));
        }
        let all = all.as_ref().map(Latency::of).unwrap_or_default();
        let mut outcome = Self {
            pacing: plan.describe(),
            seconds: loaded.seconds,
            requests: all.count - loaded.unsent,
            unsent: loaded.unsent,
            errors: loaded.errors,
            latency,
            used: loaded.used,
            series: loaded.series,
            ..Self::default()
        };
        outcome.set(figure::P50, all.p50);
        outcome.set(figure::P99, all.p99);
        outcome.set_load_figures(loaded.bytes_put, loaded.items);
        outcome
    }

    /// The figures that follow from the counts and from what was used.
    fn set_load_figures(&mut self, bytes_put: u64, items: u64) {
        let (seconds, thousands) = (self.seconds, self.requests as f64 / 1000.0);
        self.set(figure::PER_SECOND, self.requests as f64 / seconds);
        self.set(
            figure::GENERATOR_CPU_PER_1000,
            self.used.generator_cpu_seconds / thousands,
        );
        if items > 0 {
            self.set(figure::ITEMS_PER_SECOND, items as f64 / seconds);
        }
        if self.used.servers.is_empty() {
            return;
        }
        self.set(figure::CPU_PER_1000, self.used.cpu_seconds() / thousands);
        if bytes_put > 0 {
            self.set(
                figure::WRITTEN_PER_BYTE,
                self.used.written_bytes() as f64 / bytes_put as f64,
            );
        }
        self.set_memory_figures();
    }

    /// The figures of memory, if the servers' processes are known.
    pub(crate) fn set_memory_figures(&mut self) {
        if !self.used.servers.is_empty() {
            self.set(figure::RSS, self.used.rss_bytes() as f64);
            self.set(figure::RSS_PEAK, self.used.rss_peak_bytes() as f64);
        }
    }

    /// Keeps a figure; one that is no number, such as a division by no requests, is left out.
    pub(crate) fn set(&mut self, name: &str, value: f64) {
        if value.is_finite() {
            self.figures.insert(name.to_owned(), value);
        }
    }

    /// Keeps one class of latencies with its p50 and p99 as figures `NAME_p50_ms` and `NAME_p99_ms`.
    pub(crate) fn set_latency(&mut self, name: &str, latency: Latency) {
        self.set(&format!("{name}_p50_ms"), latency.p50);
        self.set(&format!("{name}_p99_ms"), latency.p99);
        self.latency.insert(name.to_owned(), latency);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::new_histogram;
    use crate::process::ServerUse;

    #[test]
    fn figures_follow_from_the_load() {
        let (mut fast, mut slow) = (new_histogram().unwrap(), new_histogram().unwrap());
        fast.record_n(1_000_000, 1900).unwrap();
        slow.record_n(9_000_000, 100).unwrap();
        let server = |pid, cpu_seconds| ServerUse {
            pid,
            cpu_seconds,
            rss_bytes: 100 * u64::from(pid),
            rss_peak_bytes: 200,
            written_bytes: 5000,
        };
        let loaded = Loaded {
            seconds: 4.0,
            classes: vec![fast, slow],
            errors: BTreeMap::new(),
            unsent: 0,
            bytes_put: 2000,
            items: 0,
            used: Used {
                servers: vec![server(1, 1.0), server(2, 3.0)],
                generator_cpu_seconds: 1.0,
                others_cpu_seconds: 0.0,
            },
            series: Vec::new(),
        };
        let plan = Plan {
            total: None,
            duration: Some(Duration::from_secs(4)),
            warmup: Duration::ZERO,
            rate: None,
        };
        let outcome = Outcome::of(loaded, &plan, &["get", "put"]);
        let wanted = [
            (figure::PER_SECOND, 500.0),
            (figure::CPU_PER_1000, 2.0),
            (figure::GENERATOR_CPU_PER_1000, 0.5),
            (figure::WRITTEN_PER_BYTE, 5.0),
            (figure::RSS, 200.0),
            (figure::RSS_PEAK, 200.0),
        ];
        for (name, value) in wanted {
            assert!(
                (outcome.figures[name] - value).abs() < 1e-9,
                "{name}: {:?}",
                outcome.figures
            );
        }
        assert_eq!(outcome.latency["put"].count, 100);
        assert!(outcome.figures[figure::P99] > 8.9 && outcome.figures[figure::P50] < 1.1);
        assert!(!outcome.figures.contains_key(figure::ITEMS_PER_SECOND));
        let text = serde_json::to_string(&outcome).unwrap();
        assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), outcome);
    }
}
