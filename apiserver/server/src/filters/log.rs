//! A line of the log for each request, in upstream's words, for those who want to read so much.

use std::time::Duration;

use super::Arrival;
use crate::metrics;
use crate::request::Call;

/// What of a request's name is logged, in bytes; clients choose names.
const NAME_MAX: usize = 64;

/// Says what was asked for, by whom, and what was answered, where that is logged at all.
pub(crate) fn log(call: &Call, arrival: &Arrival, code: u16, took: Duration) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let name = arrival.audit_id.as_bytes();
    let name = String::from_utf8_lossy(&name[..name.len().min(NAME_MAX)]);
    let remote = arrival.remote.map(|remote| remote.to_string()).unwrap_or_default();
    tracing::debug!(
        verb = metrics::verb(call, metrics::scope(&call.info)),
        "URI" = %arrival.uri,
        latency = ?took,
        "userAgent" = call.header("user-agent"),
        "audit-ID" = %name,
        "srcIP" = remote,
        resp = code,
        "HTTP"
    );
}
