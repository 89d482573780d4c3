//! `apiserver_current_inflight_requests`: the most requests that were being answered at once within the last second.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use prometheus::IntGauge;

use super::Make;
use crate::request::Call;

/// The gauges are set this often, and tell of this time.
const EACH: Duration = Duration::from_secs(1);

pub(crate) struct InFlight {
    reading: Watermark,
    writing: Watermark,
}

/// How many there are, and the most that there were.
struct Watermark {
    now: AtomicI64,
    most: AtomicI64,
    shown: IntGauge,
}

/// A request that is being answered, for as long as it is held.
pub(crate) struct Entered<'w>(&'w Watermark);

impl InFlight {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let family = make.gauges(
            "apiserver_current_inflight_requests",
            "[STABLE] The most requests that were being answered at once within the last second, by kind.",
            &["request_kind"],
        )?;
        let watermark = |kind: &str| Watermark {
            now: AtomicI64::new(0),
            most: AtomicI64::new(0),
            shown: family.with_label_values(&[kind]),
        };
        Ok(Self {
            reading: watermark("readOnly"),
            writing: watermark("mutating"),
        })
    }

    /// A request is being answered from now on.
    pub(crate) fn enter(&self, call: &Call) -> Entered<'_> {
        let reads = matches!(call.info.verb.as_str(), "get" | "list" | "watch");
        let watermark = if reads { &self.reading } else { &self.writing };
        let now = watermark.now.fetch_add(1, Ordering::Relaxed) + 1;
        watermark.most.fetch_max(now, Ordering::Relaxed);
        Entered(watermark)
    }

    /// Shows what the last second was like, and begins the next.
    fn show(&self) {
        for watermark in [&self.reading, &self.writing] {
            let now = watermark.now.load(Ordering::Relaxed);
            let most = watermark.most.swap(now, Ordering::Relaxed);
            watermark.shown.set(most);
        }
    }

    /// Shows each second what it was like, until it is dropped.
    pub(crate) async fn run(&self) {
        loop {
            tokio::time::sleep(EACH).await;
            self.show();
        }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::tests::Trial;
    use crate::request::tests::call;

    const READING: &str = r#"apiserver_current_inflight_requests{request_kind="readOnly"}"#;

    #[test]
    fn the_most_of_the_last_second_is_shown() {
        let trial = Trial::new();
        let in_flight = &trial.metrics.in_flight;
        let list = call("GET", "/api/v1/pods");
        let first = in_flight.enter(&list);
        drop((in_flight.enter(&list), in_flight.enter(&list)));
        let _write = in_flight.enter(&call("POST", "/api/v1/namespaces"));
        in_flight.show();
        let writing = r#"apiserver_current_inflight_requests{request_kind="mutating"} 1"#;
        trial.shows(&[&format!("{READING} 3"), writing]);
        in_flight.show();
        trial.shows(&[&format!("{READING} 1"), writing]);
        drop(first);
        in_flight.show();
        in_flight.show();
        trial.shows(&[&format!("{READING} 0"), writing]);
    }
}
