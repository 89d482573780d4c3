//! `kubernetes_healthcheck` and `kubernetes_healthchecks_total`: what the checks of health found. `/metrics/slis` shows them.

use prometheus::{IntCounterVec, IntGaugeVec};

use super::Make;

/// What the checks found.
pub(crate) struct Checks {
    last: IntGaugeVec,
    total: IntCounterVec,
}

impl Checks {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            last: make.gauges(
                "kubernetes_healthcheck",
                "[STABLE] What a check found last: 1 where all was well, else 0.",
                &["name", "type"],
            )?,
            total: make.counters(
                "kubernetes_healthchecks_total",
                "[STABLE] Checks by what they found.",
                &["name", "type", "status"],
            )?,
        })
    }

    /// Forgets all that was found.
    pub(super) fn reset(&self) {
        self.last.reset();
        self.total.reset();
    }

    /// A check of this name found this, for one of `healthz`, `livez` and `readyz`.
    pub(crate) fn observe(&self, name: &str, sort: &str, is_well: bool) {
        self.last.with_label_values(&[name, sort]).set(is_well.into());
        let status = if is_well { "success" } else { "error" };
        self.total.with_label_values(&[name, sort, status]).inc();
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::tests::Trial;
    use crate::metrics::text;

    #[test]
    fn a_check_tells_what_it_found_last_and_how_often() {
        let trial = Trial::new();
        let checks = &trial.metrics.health;
        checks.observe("etcd", "livez", true);
        checks.observe("etcd", "livez", false);
        checks.observe("ping", "readyz", true);
        let text = text::encode(&trial.metrics.slis.gather());
        for line in [
            r#"kubernetes_healthcheck{name="etcd",type="livez"} 0"#,
            r#"kubernetes_healthcheck{name="ping",type="readyz"} 1"#,
            r#"kubernetes_healthchecks_total{name="etcd",status="error",type="livez"} 1"#,
            r#"kubernetes_healthchecks_total{name="etcd",status="success",type="livez"} 1"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(text.contains("process_start_time_seconds"));
        trial.lacks(&["kubernetes_healthcheck"]);
    }
}
