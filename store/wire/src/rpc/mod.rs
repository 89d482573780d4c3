//! The gRPC services of the client port, one file each, and the way to them.
//!
//! `methods` names all methods, `services` finds the one that is called, `call` reads the head, `requests` the messages
//! of the client, and `reply` writes the answers. The HTTP/2 library is left with bytes alone: a generated server would
//! copy every answer into one buffer first, and could not refuse in Go's words.

mod auth;
mod call;
mod cluster;
mod election;
mod health;
mod kv;
mod lease;
mod lock;
mod maintenance;
mod methods;
mod reply;
mod requests;
mod services;
mod stream;
mod watch;

pub(crate) use call::Serve;
pub(crate) use methods::{Kind, METHODS};
pub(crate) use services::Services;

use store_node::Member;
use tokio_util::sync::CancellationToken;

/// What every service works on: the member. It holds no state.
#[derive(Clone)]
pub(crate) struct Rpc {
    pub(crate) member: Member,
    /// Once cancelled, streams end with "server stopped".
    pub(crate) draining: CancellationToken,
}

/// Serves unary methods: one line for each, which the member has under the same name. What is named behind the request
/// makes the answer of what the member gives.
macro_rules! unary {
    ($($method:ident($request:path) $(=> $answer:path)?;)*) => {
        $(
            pub(super) fn $method(
                rpc: std::sync::Arc<$crate::rpc::Rpc>,
                call: $crate::rpc::call::Call,
            ) -> futures_util::future::BoxFuture<'static, http::Response<tonic::body::Body>> {
                Box::pin(async move {
                    let $crate::rpc::call::Call { caller, mut requests, reply, deadline } = call;
                    let answered = async {
                        let request: $request = requests.only().await?;
                        let answered = rpc.member.$method(&caller, request).await;
                        answered $(.map($answer))? .map_err($crate::status::of_error)
                    };
                    let answered = $crate::rpc::call::within(deadline, answered).await;
                    reply.one(answered)
                })
            }
        )*
    };
}
use unary;

/// Serves methods of one request and many answers, which the member gives one by one.
macro_rules! streamed {
    ($($method:ident($request:path);)*) => {
        $(
            pub(super) fn $method(
                rpc: std::sync::Arc<$crate::rpc::Rpc>,
                call: $crate::rpc::call::Call,
            ) -> futures_util::future::BoxFuture<'static, http::Response<tonic::body::Body>> {
                Box::pin(async move {
                    let $crate::rpc::call::Call { caller, mut requests, reply, .. } = call;
                    let request: $request = match requests.only().await {
                        Ok(request) => request,
                        Err(status) => return reply.refuse(&status),
                    };
                    match rpc.member.$method(&caller, request).await {
                        Ok(source) => reply.many($crate::rpc::stream::pulled(source, &rpc.draining)),
                        Err(error) => reply.refuse(&$crate::status::of_error(error)),
                    }
                })
            }
        )*
    };
}
use streamed;
