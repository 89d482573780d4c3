//! `grpc.health.v1.Health`: whether this port serves.
//!
//! Upstream knows one service, the empty name for all of them; their own names are answered alike.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use http::Response;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::Rpc;
use super::call::Call;
use super::methods::METHODS;

fn known(service: &str) -> bool {
    service.is_empty()
        || METHODS.iter().any(|(path, ..)| {
            path.strip_prefix('/')
                .and_then(|path| path.strip_prefix(service))
                .is_some_and(|rest| rest.starts_with('/'))
        })
}

fn says(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status as i32 }
}

fn serving(draining: &CancellationToken) -> HealthCheckResponse {
    says(if draining.is_cancelled() {
        ServingStatus::NotServing
    } else {
        ServingStatus::Serving
    })
}

pub(super) fn check(rpc: Arc<Rpc>, mut call: Call) -> BoxFuture<'static, Response<Body>> {
    Box::pin(async move {
        let answered = call.requests.only().await.and_then(|request: HealthCheckRequest| {
            if known(&request.service) {
                Ok(serving(&rpc.draining))
            } else {
                Err(Status::not_found("unknown service"))
            }
        });
        call.reply.one(answered)
    })
}

pub(super) fn watch(rpc: Arc<Rpc>, mut call: Call) -> BoxFuture<'static, Response<Body>> {
    Box::pin(async move {
        let request: HealthCheckRequest = match call.requests.only().await {
            Ok(request) => request,
            Err(status) => return call.reply.refuse(&status),
        };
        let first = if known(&request.service) {
            serving(&rpc.draining)
        } else {
            says(ServingStatus::ServiceUnknown)
        };
        let drained = rpc.draining.clone().cancelled_owned();
        let last = drained.map(|()| says(ServingStatus::NotServing)).into_stream();
        call.reply.many(stream::iter([first]).chain(last).map(Ok).boxed())
    })
}

#[cfg(test)]
mod tests {
    use super::known;

    #[test]
    fn services_are_known_by_their_whole_name() {
        for name in ["", "etcdserverpb.KV", "v3lockpb.Lock", "grpc.health.v1.Health"] {
            assert!(known(name), "{name}");
        }
        for name in ["etcdserverpb", "etcdserverpb.K", "etcdserverpb.KV/Range", "nothing"] {
            assert!(!known(name), "{name}");
        }
    }
}
