//! `authorization_*` and `apiserver_authorization_decisions_total`: how often users may, how long it took to find out, and who
//! decided.

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::user::User;
use async_trait::async_trait;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, exponential_buckets};

use super::{Attributes, Authorizer, Decision, Rules, Verdict};

/// All families.
pub struct Metrics {
    attempts: IntCounterVec,
    seconds: HistogramVec,
    decisions: IntCounterVec,
}

impl Metrics {
    /// Registers every family.
    ///
    /// # Errors
    /// The registry already holds one of the names.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let help = "[ALPHA] Requests by whether they were allowed: allowed, denied, no-opinion or error.";
        let attempts = IntCounterVec::new(Opts::new("authorization_attempts_total", help), &["result"])?;
        let help = "[ALPHA] How long it took to find out whether requests are allowed, by what was found.";
        let seconds = HistogramOpts::new("authorization_duration_seconds", help);
        let seconds = HistogramVec::new(seconds.buckets(exponential_buckets(0.001, 2.0, 15)?), &["result"])?;
        let help = "[ALPHA] Requests that an authorizer allowed or denied so that no other was asked.";
        let decisions = Opts::new("apiserver_authorization_decisions_total", help);
        let decisions = IntCounterVec::new(decisions, &["type", "name", "decision"])?;
        registry.register(Box::new(attempts.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(decisions.clone()))?;
        Ok(Self {
            attempts,
            seconds,
            decisions,
        })
    }

    /// Counts what all authorizers together said of a request.
    pub fn observe(&self, verdict: &Verdict, took: Duration) {
        let result = match verdict.decision {
            Decision::Allow => "allowed",
            _ if !verdict.error.is_empty() => "error",
            Decision::Deny => "denied",
            Decision::NoOpinion => "no-opinion",
        };
        self.attempts.with_label_values(&[result]).inc();
        self.seconds.with_label_values(&[result]).observe(took.as_secs_f64());
    }

    /// An authorizer whose decisions are counted. One that flags asked for has its mode's name in small letters.
    pub(super) fn counted(&self, mode: &'static str, inner: Arc<dyn Authorizer>) -> Arc<dyn Authorizer> {
        Arc::new(Counted {
            inner,
            mode,
            name: mode.to_lowercase(),
            decisions: self.decisions.clone(),
        })
    }
}

/// An authorizer whose decisions are counted.
struct Counted {
    inner: Arc<dyn Authorizer>,
    mode: &'static str,
    name: String,
    decisions: IntCounterVec,
}

#[async_trait]
impl Authorizer for Counted {
    async fn authorize(&self, asked: &Attributes<'_>) -> Verdict {
        let verdict = self.inner.authorize(asked).await;
        let decision = match verdict.decision {
            Decision::NoOpinion => return verdict,
            Decision::Allow => "allowed",
            Decision::Deny => "denied",
        };
        self.decisions
            .with_label_values(&[self.mode, &self.name, decision])
            .inc();
        verdict
    }

    async fn rules(&self, user: &User, namespace: &str) -> Rules {
        self.inner.rules(user, namespace).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use apiserver_api::user::User;
    use prometheus::{Registry, TextEncoder};

    use super::super::fixed::{AlwaysAllow, AlwaysDeny};
    use super::super::{Attributes, On, Verdict};
    use super::Metrics;

    #[tokio::test]
    async fn only_decisions_are_counted_for_the_one_who_made_them() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        let user = User::default();
        let asked = Attributes {
            user: &user,
            verb: "get",
            on: On::Path("/"),
        };
        let unsure = metrics.counted("AlwaysDeny", Arc::new(AlwaysDeny));
        assert!(!unsure.authorize(&asked).await.is_allowed());
        let sure = metrics.counted("AlwaysAllow", Arc::new(AlwaysAllow));
        metrics.observe(&sure.authorize(&asked).await, Duration::from_millis(3));
        metrics.observe(&Verdict::no_opinion(), Duration::ZERO);
        let failed = Verdict {
            error: "e".to_owned(),
            ..Verdict::no_opinion()
        };
        metrics.observe(&failed, Duration::ZERO);
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for line in [
            r#"decisions_total{decision="allowed",name="alwaysallow",type="AlwaysAllow"} 1"#,
            r#"authorization_attempts_total{result="allowed"} 1"#,
            r#"authorization_attempts_total{result="no-opinion"} 1"#,
            r#"authorization_attempts_total{result="error"} 1"#,
            r#"authorization_duration_seconds_bucket{result="allowed",le="0.002"} 0"#,
            r#"authorization_duration_seconds_bucket{result="allowed",le="0.004"} 1"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.contains(r#"type="AlwaysDeny""#));
    }
}
