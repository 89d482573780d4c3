//! The way of a gRPC call: known method, head read, body watched, deadline kept, the service's own file, counted.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use proto::election::election_server::ElectionServer;
use proto::etcd::auth_server::AuthServer;
use proto::etcd::cluster_server::ClusterServer;
use proto::etcd::kv_server::KvServer;
use proto::etcd::lease_server::LeaseServer;
use proto::etcd::maintenance_server::MaintenanceServer;
use proto::etcd::watch_server::WatchServer;
use proto::fault::Fault;
use proto::lock::lock_server::LockServer;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_health::pb::health_server::HealthServer;
use tower::ServiceExt;

use super::Rpc;
use crate::caller::{caller, client_version};
use crate::frames::{Observer, Watched, status_in};
use crate::heads;
use crate::methods::METHODS;
use crate::metrics::{Method, Metrics};
use crate::status;

/// Upstream allows a message this much above `--max-request-bytes`, for what stands around the request.
const OVERHEAD_BYTES: usize = 512 * 1024;

/// All services of the client port.
#[derive(Clone)]
pub(crate) struct Services {
    rpc: Arc<Rpc>,
    metrics: Metrics,
    limit: usize,
}

impl Services {
    pub(crate) fn new(rpc: Rpc, metrics: Metrics, max_request_bytes: usize) -> Self {
        Self {
            rpc: Arc::new(rpc),
            metrics,
            limit: max_request_bytes.saturating_add(OVERHEAD_BYTES),
        }
    }

    /// The largest request message that is read.
    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// Answers one call. Its caller's connection stands in the extensions.
    pub(crate) async fn call(&self, request: Request<Body>) -> Response<Body> {
        let Some(method) = self.metrics.method(request.uri().path()) else {
            return unknown(request.uri().path()).into_http();
        };
        let method = Arc::clone(method);
        let mut running = Running::start(Arc::clone(&method));
        let response = match self.admit(request, &method) {
            Ok(request) => self.dispatch(request, &method).await,
            Err(refused) => refused.into_http(),
        };
        if let Some(code) = status_in(response.headers()) {
            running.end(code);
            return response;
        }
        response.map(|body| Body::new(Watched::new(body, usize::MAX, running)))
    }

    /// Reads the head, and puts what it says where the service finds it.
    fn admit(&self, mut request: Request<Body>, method: &Arc<Method>) -> Result<Request<Body>, Status> {
        let version = client_version(request.headers()).map_err(status::of_fault)?;
        self.metrics.request(method.kind.streams(), version);
        let caller = Arc::new(caller(&request));
        request.extensions_mut().insert(caller);
        let received = Received(Arc::clone(method));
        Ok(request.map(|body| Body::new(Watched::new(body, self.limit, received))))
    }

    async fn dispatch(&self, request: Request<Body>, method: &Method) -> Response<Body> {
        let limit = deadline(&request).filter(|_| !method.kind.streams());
        let answered = self.route(request);
        let Some(limit) = limit else { return answered.await };
        match tokio::time::timeout(limit, answered).await {
            Ok(response) => response,
            Err(_) => status::of_fault(Fault::DeadlineExceeded).into_http(),
        }
    }

    async fn route(&self, request: Request<Body>) -> Response<Body> {
        let service = request.uri().path().split('/').nth(1).unwrap_or_default();
        macro_rules! serve {
            ($server:ident) => {
                // The body is limited already, with Go's text.
                $server::from_arc(Arc::clone(&self.rpc))
                    .max_decoding_message_size(usize::MAX)
                    .oneshot(request)
                    .await
            };
        }
        let Ok(response) = match service {
            "etcdserverpb.KV" => serve!(KvServer),
            "etcdserverpb.Watch" => serve!(WatchServer),
            "etcdserverpb.Lease" => serve!(LeaseServer),
            "etcdserverpb.Cluster" => serve!(ClusterServer),
            "etcdserverpb.Maintenance" => serve!(MaintenanceServer),
            "etcdserverpb.Auth" => serve!(AuthServer),
            "v3electionpb.Election" => serve!(ElectionServer),
            "v3lockpb.Lock" => serve!(LockServer),
            "grpc.health.v1.Health" => serve!(HealthServer),
            _ => Ok(unknown(request.uri().path()).into_http()),
        };
        response
    }
}

/// What Go's server says of a method that nobody registered.
fn unknown(path: &str) -> Status {
    if let Some(odd) = heads::meant(path) {
        return Status::unimplemented(format!("malformed method name: {}", quoted(&odd)));
    }
    let Some((service, method)) = path.strip_prefix('/').and_then(|path| path.rsplit_once('/')) else {
        return Status::unimplemented(format!("malformed method name: {path:?}"));
    };
    let prefix = format!("/{service}/");
    if METHODS.iter().any(|(known, _)| known.starts_with(&prefix)) {
        return Status::unimplemented(format!("unknown method {method} for service {service}"));
    }
    Status::unimplemented(format!("unknown service {service}"))
}

/// A text in quotes, as Go writes it: what is not UTF-8 byte by byte.
fn quoted(text: &[u8]) -> String {
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

/// How long the client waits (`grpc-timeout`: digits and a unit).
fn deadline<B>(request: &Request<B>) -> Option<Duration> {
    let text = request.headers().get("grpc-timeout")?.to_str().ok()?;
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

/// Counts what arrives.
struct Received(Arc<Method>);

impl Observer for Received {
    fn message(&mut self, bytes: usize) {
        self.0.received.inc();
        self.0.received_bytes.inc_by(bytes as u64);
    }
}

/// A call under way; it is counted as cancelled if it is dropped before its status is known.
struct Running {
    method: Arc<Method>,
    since: Option<Instant>,
    ended: bool,
}

impl Running {
    fn start(method: Arc<Method>) -> Self {
        method.started.inc();
        let since = method.seconds.as_ref().map(|_| Instant::now());
        Self {
            method,
            since,
            ended: false,
        }
    }
}

impl Observer for Running {
    fn message(&mut self, bytes: usize) {
        self.method.sent.inc();
        self.method.sent_bytes.inc_by(bytes as u64);
    }

    fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.method.handled(code);
        if let (Some(seconds), Some(since)) = (&self.method.seconds, self.since) {
            seconds.observe(since.elapsed().as_secs_f64());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_methods_are_named_as_go_does() {
        for (path, text) in [
            (
                "/etcdserverpb.KV/Rang",
                "unknown method Rang for service etcdserverpb.KV",
            ),
            ("/etcdserverpb.KW/Range", "unknown service etcdserverpb.KW"),
            ("/etcdserverpb.KV", "malformed method name: \"/etcdserverpb.KV\""),
            ("*", "malformed method name: \"*\""),
        ] {
            assert_eq!(unknown(path).message(), text);
        }
        assert_eq!(quoted(b"a \"b\" \\ \xff\xc3\xa4"), "\"a \\\"b\\\" \\\\ \\xff\u{e4}\"");
    }

    #[test]
    fn deadlines_are_read() {
        let read = |text: &str| deadline(&Request::builder().header("grpc-timeout", text).body(()).unwrap());
        assert_eq!(read("5S"), Some(Duration::from_secs(5)));
        assert_eq!(read("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        assert_eq!(read("250m"), Some(Duration::from_millis(250)));
        for text in ["", "S", "5", "5x", "-5S", "123456789S"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
