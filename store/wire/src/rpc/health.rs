//! `grpc.health.v1.Health`: whether this port serves.
//!
//! Upstream knows one service, the empty name for all of them; their own names are answered alike.

use futures_util::stream::unfold;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_server};

use super::Rpc;
use super::stream::Answers;
use crate::methods::METHODS;

fn known(service: &str) -> bool {
    service.is_empty()
        || METHODS.iter().any(|(path, _)| {
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

#[tonic::async_trait]
impl health_server::Health for Rpc {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        if !known(&request.get_ref().service) {
            return Err(Status::not_found("unknown service"));
        }
        Ok(Response::new(serving(&self.draining)))
    }

    type WatchStream = Answers<HealthCheckResponse>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let first = if known(&request.get_ref().service) {
            serving(&self.draining)
        } else {
            says(ServingStatus::ServiceUnknown)
        };
        let state = (Some(first), Some(self.draining.clone()));
        Ok(Response::new(Box::pin(unfold(state, |(first, draining)| async move {
            if let Some(first) = first {
                return Some((Ok(first), (None, draining)));
            }
            let draining = draining?;
            draining.cancelled().await;
            Some((Ok(says(ServingStatus::NotServing)), (None, None)))
        }))))
    }
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
