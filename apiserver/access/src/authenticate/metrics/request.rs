//! `authentication_*`: requests by whether it was found out who sent them, and how long that took.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, exponential_buckets};

use super::Make;

/// What became of a request.
#[derive(Clone, Copy)]
pub(in crate::authenticate) enum Attempt {
    Success,
    Failure,
    Error,
}

pub(in crate::authenticate) struct Requests {
    attempts: IntCounterVec,
    seconds: HistogramVec,
    users: IntCounterVec,
}

impl Requests {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let help = "[ALPHA] Authentication duration in seconds broken out by result.";
        let buckets = exponential_buckets(0.001, 2.0, 15)?;
        let seconds = HistogramOpts::new("authentication_duration_seconds", help).buckets(buckets);
        let help = "[ALPHA] Counter of authenticated requests broken out by username.";
        Ok(Self {
            attempts: make.counters(
                "authentication_attempts",
                "[ALPHA] Counter of authenticated attempts.",
                &["result"],
            )?,
            seconds: make.add(HistogramVec::new(seconds, &["result"])?)?,
            users: make.counters("authenticated_user_requests", help, &["username"])?,
        })
    }

    pub(in crate::authenticate) fn observe(&self, result: Attempt, seconds: f64) {
        let label = match result {
            Attempt::Success => "success",
            Attempt::Failure => "failure",
            Attempt::Error => "error",
        };
        self.attempts.with_label_values(&[label]).inc();
        self.seconds.with_label_values(&[label]).observe(seconds);
    }

    /// Counts a user. Names are not told but a few that are the same everywhere.
    pub(in crate::authenticate) fn count_user(&self, name: &str) {
        let label = match name {
            "admin" | "client" | "kube_proxy" | "kubelet" | "system:serviceaccount:kube-system:default" => name,
            _ if name.contains('@') => "email_id",
            _ => "other",
        };
        self.users.with_label_values(&[label]).inc();
    }
}
