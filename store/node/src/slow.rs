//! Times requests: feeds the histograms, and writes a warning with sizes and the reason when one was slow.

use std::time::Duration;

use crate::caller::Caller;
use crate::error::Error;
use crate::{Member, quota};
use proto::etcd;

/// One request on its way.
pub(crate) struct Trace {
    kind: &'static str,
    started: Duration,
    last: Duration,
    steps: Vec<(&'static str, Duration)>,
}

/// How a request went, as far as the log is concerned.
pub(crate) struct Ended<'a> {
    pub(crate) error: Option<&'a Error>,
    pub(crate) request_bytes: usize,
    pub(crate) response_count: usize,
    pub(crate) response_bytes: usize,
    /// Lower than the general threshold for reads, as upstream's `--warning-apply-duration`.
    pub(crate) limit: Duration,
}

impl Trace {
    /// Closes a step: what the request did since the last one.
    pub(crate) fn step(&mut self, member: &Member, what: &'static str) {
        let now = member.clock.monotonic();
        self.steps.push((what, now.saturating_sub(self.last)));
        self.last = now;
    }

    /// Ends the trace; `describe` is only called when the request was slow.
    pub(crate) fn end(self, member: &Member, caller: &Caller, ended: &Ended<'_>, describe: impl FnOnce() -> String) {
        let took = member.clock.monotonic().saturating_sub(self.started);
        member.metrics.server.request(self.kind, ended.error.is_none(), took);
        if took < ended.limit {
            return;
        }
        member.metrics.server.slow_apply.inc();
        let why = self
            .steps
            .iter()
            .map(|(what, took)| format!("{what} {took:?}"))
            .collect::<Vec<_>>()
            .join(", ");
        tracing::warn!(
            took = ?took,
            expected_duration = ?ended.limit,
            remote = caller.remote.map(|at| at.to_string()).unwrap_or_default(),
            request = describe(),
            request_size = ended.request_bytes,
            response_count = ended.response_count,
            response_size = ended.response_bytes,
            error = ended.error.map(Error::text),
            why,
            "apply request took too long"
        );
    }
}

impl Member {
    /// Starts the clock for a request.
    pub(crate) fn trace(&self, kind: &'static str) -> Trace {
        let started = self.clock.monotonic();
        Trace {
            kind,
            started,
            last: started,
            steps: Vec::new(),
        }
    }
}

/// A key as the log shows it, cut so that one line stays one line.
fn key(bytes: &[u8]) -> String {
    const SHOWN: usize = 128;
    String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)])
        .escape_debug()
        .to_string()
}

/// A range without anything secret: keys and options, no values.
pub(crate) fn range(request: &etcd::RangeRequest) -> String {
    format!(
        "key:\"{}\" range_end:\"{}\" limit:{} revision:{} serializable:{} keys_only:{} count_only:{}",
        key(&request.key),
        key(&request.range_end),
        request.limit,
        request.revision,
        request.serializable,
        request.keys_only,
        request.count_only
    )
}

/// A put, its value only as a size.
pub(crate) fn put(request: &etcd::PutRequest) -> String {
    format!(
        "key:\"{}\" value_size:{} lease:{}",
        key(&request.key),
        request.value.len(),
        request.lease
    )
}

/// A deletion.
pub(crate) fn delete(request: &etcd::DeleteRangeRequest) -> String {
    format!(
        "key:\"{}\" range_end:\"{}\"",
        key(&request.key),
        key(&request.range_end)
    )
}

/// A transaction: its shape and the first key it compares.
pub(crate) fn txn(request: &etcd::TxnRequest) -> String {
    format!(
        "compare_first_key:\"{}\" compare_len:{} success_len:{} failure_len:{} put_size:{}",
        request
            .compare
            .first()
            .map(|compare| key(&compare.key))
            .unwrap_or_default(),
        request.compare.len(),
        request.success.len(),
        request.failure.len(),
        quota::txn_cost(request)
    )
}
