//! The way of a gRPC call: known method, head read, the service's own file.

use std::sync::Arc;

use http::{HeaderMap, Request, Response};
use tonic::Status;
use tonic::body::Body;

use super::Rpc;
use super::call::{Call, packs, quoted};
use super::methods::METHODS;
use super::reply::{Reply, Running};
use crate::caller::client_version;
use crate::heads;
use crate::listen::Connection;
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

    /// Answers one call.
    pub(crate) async fn call(&self, request: Request<Body>, connection: &Connection) -> Response<Body> {
        let Some(method) = self.metrics.method(request.uri().path()) else {
            return unknown(request.uri().path()).into_http();
        };
        let running = Running::start(Arc::clone(method));
        match self.admit(request.headers(), method) {
            Ok(gzip) => {
                (method.serve)(
                    Arc::clone(&self.rpc),
                    Call::read(request, connection, self.limit, gzip, running),
                )
                .await
            }
            Err(refused) => Reply::new(running, false).refuse(&refused),
        }
    }

    /// Whether the client packs its messages, unless its call is refused at once.
    fn admit(&self, headers: &HeaderMap, method: &Method) -> Result<bool, Status> {
        let version = client_version(headers).map_err(status::of_fault)?;
        self.metrics.request(method.kind, version);
        packs(headers)
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
    if METHODS.iter().any(|(known, ..)| known.starts_with(&prefix)) {
        return Status::unimplemented(format!("unknown method {method} for service {service}"));
    }
    Status::unimplemented(format!("unknown service {service}"))
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
    }
}
