//! The gRPC services of the client port, one file each, and the way to them.

mod auth;
mod cluster;
mod election;
mod health;
mod kv;
mod lease;
mod lock;
mod maintenance;
mod services;
mod stream;
mod watch;

pub(crate) use services::Services;

use std::sync::Arc;

use store_node::{Caller, Member};
use tokio_util::sync::CancellationToken;

/// What every service works on: the member. It implements the generated trait of each service, and holds no state.
#[derive(Clone)]
pub(crate) struct Rpc {
    pub(crate) member: Member,
    /// Once cancelled, streams end with "server stopped".
    pub(crate) draining: CancellationToken,
}

/// The caller that the front read from the head of the request.
pub(crate) fn caller<T>(request: &tonic::Request<T>) -> Arc<Caller> {
    request
        .extensions()
        .get::<Arc<Caller>>()
        .map_or_else(Arc::default, Arc::clone)
}

/// Implements a generated service trait: one line for each unary method, which the member has under the same name;
/// what streams is written out in the second block.
macro_rules! service {
    (impl $service:path { $($method:ident($request:path) -> $response:path;)* } $({ $($streams:tt)* })?) => {
        #[tonic::async_trait]
        impl $service for $crate::rpc::Rpc {
            $(
                async fn $method(
                    &self,
                    request: tonic::Request<$request>,
                ) -> Result<tonic::Response<$response>, tonic::Status> {
                    let caller = $crate::rpc::caller(&request);
                    match self.member.$method(&caller, request.into_inner()).await {
                        Ok(response) => Ok(tonic::Response::new(response)),
                        Err(error) => Err($crate::status::of_error(error)),
                    }
                }
            )*
            $($($streams)*)?
        }
    };
}
use service;
