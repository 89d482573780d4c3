//! A call: its head read, its messages still to come, its answer still to be given.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use proto::fault::Fault;
use store_node::Caller;
use tonic::Status;
use tonic::body::Body;

use super::Rpc;
use super::reply::{Reply, Running};
use super::requests::Requests;
use crate::caller::caller;
use crate::listen::Connection;
use crate::status;

/// Serves one method.
pub(crate) type Serve = fn(Arc<Rpc>, Call) -> BoxFuture<'static, Response<Body>>;

/// A call under way.
pub(crate) struct Call {
    pub(super) caller: Caller,
    pub(super) requests: Requests,
    pub(super) reply: Reply,
    /// How long the client waits.
    pub(super) deadline: Option<Duration>,
}

impl Call {
    /// Reads the head of a request. Messages above `limit` bytes are refused; with `gzip` they may be packed.
    pub(super) fn read(
        request: Request<Body>,
        connection: &Connection,
        limit: usize,
        gzip: bool,
        running: Running,
    ) -> Self {
        let method = Arc::clone(running.method());
        Self {
            caller: caller(request.headers(), connection),
            deadline: deadline(request.headers()),
            requests: Requests::new(request.into_body(), limit, gzip, method),
            reply: Reply::new(running, gzip),
        }
    }
}

/// Runs what answers a call for as long as its client waits.
pub(super) async fn within<T>(
    deadline: Option<Duration>,
    answered: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    let Some(deadline) = deadline else {
        return answered.await;
    };
    match tokio::time::timeout(deadline, answered).await {
        Ok(answered) => answered,
        Err(_) => Err(status::of_fault(Fault::DeadlineExceeded)),
    }
}

/// Whether the client packs its messages. Upstream knows gzip, which comes in with its tracing.
pub(super) fn packs(headers: &HeaderMap) -> Result<bool, Status> {
    match headers.get("grpc-encoding").map(http::HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(false),
        Some(b"gzip") => Ok(true),
        Some(other) => Err(Status::unimplemented(format!(
            "grpc: Decompressor is not installed for grpc-encoding {}",
            quoted(other)
        ))),
    }
}

/// How long the client waits (`grpc-timeout`: digits and a unit).
fn deadline(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    // The protocol allows at most eight digits.
    let value: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    Some(match unit {
        "H" => Duration::from_secs(value * 3600),
        "M" => Duration::from_secs(value * 60),
        "S" => Duration::from_secs(value),
        "m" => Duration::from_millis(value),
        "u" => Duration::from_micros(value),
        "n" => Duration::from_nanos(value),
        _ => return None,
    })
}

/// A text in quotes, as Go writes it: what is not UTF-8 byte by byte.
pub(super) fn quoted(text: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for chunk in text.utf8_chunks() {
        let valid = format!("{:?}", chunk.valid());
        quoted.push_str(&valid[1..valid.len() - 1]);
        for byte in chunk.invalid() {
            // A string takes whatever is written.
            let _ = write!(quoted, "\\x{byte:02x}");
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_read() {
        let read = |text: &str| {
            deadline(&HeaderMap::from_iter([(
                "grpc-timeout".try_into().unwrap(),
                text.try_into().unwrap(),
            )]))
        };
        assert_eq!(read("5S"), Some(Duration::from_secs(5)));
        assert_eq!(read("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        assert_eq!(read("250m"), Some(Duration::from_millis(250)));
        for text in ["", "S", "5", "5x", "-5S", "123456789S"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn texts_are_quoted_as_go_does() {
        assert_eq!(quoted(b"a \"b\" \\ \xff\xc3\xa4"), "\"a \\\"b\\\" \\\\ \\xff\u{e4}\"");
    }
}
