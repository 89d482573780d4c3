//! The metrics of the ports, under upstream's names.
//!
//! The number of series is bounded whatever clients send: only known methods have labels, and only the first few
//! client versions.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};
use tonic::Code;

use crate::rpc::{Kind, METHODS, Serve};

/// Labels of `grpc_code`, by number, as Go's names are.
const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// How many different client versions get a label of their own.
const MAX_VERSIONS: usize = 32;
/// A version text longer than this is not a version.
const MAX_VERSION_BYTES: usize = 24;
/// The version of clients that do not say theirs, and of those that are too many.
pub(crate) const UNKNOWN: &str = "unknown";

/// Everything the ports count. Clones count together.
#[derive(Clone)]
pub(crate) struct Metrics {
    methods: Arc<HashMap<&'static str, Arc<Method>>>,
    requests: IntCounterVec,
    /// The counters of `requests` by client version, of unary calls and of streams.
    versions: Arc<[RwLock<HashMap<String, IntCounter>>; 2]>,
    /// Connections open now, by port.
    pub(crate) connections: IntGaugeVec,
    /// Connections that did not finish their TLS handshake, by port.
    pub(crate) handshake_failures: IntCounterVec,
    /// Everything that `/metrics` shows.
    pub(crate) registry: Registry,
}

/// The counters of one method.
pub(crate) struct Method {
    pub(crate) kind: Kind,
    pub(crate) serve: Serve,
    pub(crate) started: IntCounter,
    pub(crate) received: IntCounter,
    pub(crate) sent: IntCounter,
    pub(crate) received_bytes: IntCounter,
    pub(crate) sent_bytes: IntCounter,
    handled: Vec<IntCounter>,
    pub(crate) seconds: Option<Histogram>,
}

impl Method {
    /// Counts the end of a call.
    pub(crate) fn handled(&self, code: Code) {
        if let Some(counter) = self.handled.get(code as usize) {
            counter.inc();
        }
    }
}

/// Registers a collector and hands it back.
fn registered<C: prometheus::core::Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

impl Metrics {
    /// Registers all of them; `extensive` adds the histogram of handling times.
    pub(crate) fn new(registry: &Registry, extensive: bool) -> Result<Self, prometheus::Error> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            registered(registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
        };
        Ok(Self {
            methods: Arc::new(methods(registry, extensive)?),
            requests: counters(
                "etcd_server_client_requests_total",
                "The total number of client requests per client version.",
                &["type", "client_api_version"],
            )?,
            versions: Arc::default(),
            connections: gauges("keelson_wire_connections", "Connections open now.", &["port"])?,
            handshake_failures: counters(
                "keelson_wire_handshake_failures_total",
                "Connections that did not finish their TLS handshake.",
                &["port"],
            )?,
            registry: registry.clone(),
        })
    }

    /// The counters of a method by its path, `/package.Service/Method`.
    pub(crate) fn method(&self, path: &str) -> Option<&Arc<Method>> {
        self.methods.get(path)
    }

    /// Counts a request by the version its client says it speaks.
    pub(crate) fn request(&self, kind: Kind, version: &str) {
        let counters = &self.versions[usize::from(kind.streams())];
        let known = counters.read();
        let countless =
            version.len() > MAX_VERSION_BYTES || known.len() >= MAX_VERSIONS && !known.contains_key(version);
        let version = if countless { UNKNOWN } else { version };
        if let Some(counter) = known.get(version) {
            return counter.inc();
        }
        drop(known);
        let counter = self
            .requests
            .with_label_values(&[if kind.streams() { "stream" } else { "unary" }, version]);
        counters.write().entry(version.to_owned()).or_insert(counter).inc();
    }
}

fn methods(registry: &Registry, extensive: bool) -> Result<HashMap<&'static str, Arc<Method>>, prometheus::Error> {
    const LABELS: &[&str] = &["grpc_type", "grpc_service", "grpc_method"];
    let family = |name: &str, help: &str| registered(registry, IntCounterVec::new(Opts::new(name, help), LABELS)?);
    let started = family(
        "grpc_server_started_total",
        "Total number of RPCs started on the server.",
    )?;
    let received = family(
        "grpc_server_msg_received_total",
        "Total number of RPC stream messages received on the server.",
    )?;
    let sent = family(
        "grpc_server_msg_sent_total",
        "Total number of gRPC stream messages sent by the server.",
    )?;
    let handled = registered(
        registry,
        IntCounterVec::new(
            Opts::new(
                "grpc_server_handled_total",
                "Total number of RPCs completed on the server, regardless of success or failure.",
            ),
            &["grpc_type", "grpc_service", "grpc_method", "grpc_code"],
        )?,
    )?;
    let bytes = |name: &str, help: &str| registered(registry, IntCounter::new(name, help)?);
    let received_bytes = bytes(
        "etcd_network_client_grpc_received_bytes_total",
        "The total number of bytes received from grpc clients.",
    )?;
    let sent_bytes = bytes(
        "etcd_network_client_grpc_sent_bytes_total",
        "The total number of bytes sent to grpc clients.",
    )?;
    let seconds = if extensive {
        // With the library's own buckets, as upstream's.
        let options = HistogramOpts::new(
            "grpc_server_handling_seconds",
            "Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.",
        );
        Some(registered(registry, HistogramVec::new(options, LABELS)?)?)
    } else {
        None
    };

    let mut all = HashMap::new();
    for (path, kind, serve) in METHODS {
        let mut parts = path.trim_start_matches('/').splitn(2, '/');
        let (service, method) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let labels = [kind.label(), service, method];
        let counters = Method {
            kind: *kind,
            serve: *serve,
            started: started.with_label_values(&labels),
            received: received.with_label_values(&labels),
            sent: sent.with_label_values(&labels),
            received_bytes: received_bytes.clone(),
            sent_bytes: sent_bytes.clone(),
            handled: CODES
                .iter()
                .map(|code| handled.with_label_values(&[labels[0], labels[1], labels[2], code]))
                .collect(),
            seconds: seconds.as_ref().map(|family| family.with_label_values(&labels)),
        };
        all.insert(*path, Arc::new(counters));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_versions_cannot_make_series_without_end() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, true).unwrap();
        for n in 0..1000 {
            metrics.request(Kind::Unary, &format!("3.7.{n}"));
        }
        metrics.request(Kind::Unary, &"9".repeat(500));
        let families = registry.gather();
        let family = families
            .iter()
            .find(|f| f.name() == "etcd_server_client_requests_total")
            .unwrap();
        assert_eq!(family.get_metric().len(), MAX_VERSIONS + 1);
    }

    #[test]
    fn codes_have_go_names() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, false).unwrap();
        let put = metrics.method("/etcdserverpb.KV/Put").unwrap();
        put.handled(Code::Cancelled);
        put.handled(Code::Unauthenticated);
        assert_eq!(put.handled[1].get(), 1);
        assert_eq!(put.handled[16].get(), 1);
    }
}
