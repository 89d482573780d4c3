//! `authentication_token_cache_*`: how often whose a token is was known already.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec};

use super::Make;

pub(in crate::authenticate) struct Cache {
    requests: IntCounterVec,
    seconds: HistogramVec,
    fetches: IntCounterVec,
    active: IntGaugeVec,
}

impl Cache {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let seconds = HistogramOpts::new(
            "authentication_token_cache_request_duration_seconds",
            "[ALPHA] How long it took to tell whose a token is, by whether it was known.",
        );
        Ok(Self {
            requests: make.counters(
                "authentication_token_cache_request_total",
                "[ALPHA] Tokens asked for, by whether it was known whose they are.",
                &["status"],
            )?,
            seconds: make.add(HistogramVec::new(seconds, &["status"])?)?,
            fetches: make.counters(
                "authentication_token_cache_fetch_total",
                "[ALPHA] Tokens that were found out about, by whether that went well.",
                &["status"],
            )?,
            active: make.gauges(
                "authentication_token_cache_active_fetch_count",
                "[ALPHA] Tokens that are being found out about.",
                &["status"],
            )?,
        })
    }

    pub(in crate::authenticate) fn observe(&self, hit: bool, seconds: f64) {
        let label = if hit { "hit" } else { "miss" };
        self.requests.with_label_values(&[label]).inc();
        self.seconds.with_label_values(&[label]).observe(seconds);
    }

    pub(in crate::authenticate) fn fetched(&self, well: bool) {
        let label = if well { "ok" } else { "error" };
        self.fetches.with_label_values(&[label]).inc();
    }

    /// Counts a token as being found out about, for as long as what is returned lives.
    pub(in crate::authenticate) fn fetching(&self) -> Active {
        let gauge = self.active.with_label_values(&["in_flight"]);
        gauge.inc();
        Active(gauge)
    }
}

/// A token that is being found out about. It is so no longer when this is dropped, also when the client went away.
pub(in crate::authenticate) struct Active(IntGauge);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.dec();
    }
}
