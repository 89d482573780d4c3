//! `etcd_request*`: what the store was asked for, and how long its answers took.

use std::time::Instant;

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};

use super::lazy::Lazy;
use super::{Labels, Make};

const LABELS: [&str; 3] = ["operation", "group", "resource"];
/// The same as those of requests to the apiserver.
const BUCKETS: [f64; 23] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0,
];

pub(super) struct Requests {
    seconds: HistogramVec,
    total: IntCounterVec,
    errors: IntCounterVec,
}

/// Those about one resource.
pub(crate) struct Counts {
    pub(crate) get: Operation,
    pub(crate) create: Operation,
    pub(crate) update: Operation,
    pub(crate) delete: Operation,
    pub(crate) list: Operation,
}

/// One sort of request about one resource.
pub(crate) struct Operation {
    seconds: Lazy<Histogram>,
    total: Lazy<IntCounter>,
    errors: Lazy<IntCounter>,
}

impl Requests {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let help = "[ALPHA] How long requests to the store took, by operation and resource.";
        Ok(Self {
            seconds: make.histograms("etcd_request_duration_seconds", help, &BUCKETS, &LABELS)?,
            total: make.counters(
                "etcd_requests_total",
                "[ALPHA] Requests to the store by operation and resource.",
                &LABELS,
            )?,
            errors: make.counters(
                "etcd_request_errors_total",
                "[ALPHA] Requests that the store did not answer or refused, by operation and resource.",
                &LABELS,
            )?,
        })
    }

    pub(super) fn of(&self, labels: &Labels) -> Counts {
        let operation = |name| Operation {
            seconds: Lazy::between(&self.seconds, Some(name), labels, &[]),
            total: Lazy::between(&self.total, Some(name), labels, &[]),
            errors: Lazy::between(&self.errors, Some(name), labels, &[]),
        };
        Counts {
            get: operation("get"),
            create: operation("create"),
            update: operation("update"),
            delete: operation("delete"),
            list: operation("list"),
        }
    }
}

impl Operation {
    /// Waits for an answer of the store, and counts it. One that nobody waits for any more is not counted.
    pub(crate) async fn count<T, E>(&self, asking: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let begun = Instant::now();
        let answer = asking.await;
        self.seconds.get().observe(begun.elapsed().as_secs_f64());
        self.total.get().inc();
        if answer.is_err() {
            self.errors.get().inc();
        }
        answer
    }
}
