//! `etcdserverpb.Lease`: keys that die with their holder.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::Response;
use proto::etcd::{
    LeaseGrantRequest, LeaseKeepAliveResponse, LeaseLeasesRequest, LeaseRevokeRequest, LeaseTimeToLiveRequest,
};
use store_node::Caller;
use tonic::Status;
use tonic::body::Body;

use super::call::Call;
use super::requests::Requests;
use super::stream::{Source, pulled};
use super::{Rpc, unary};
use crate::status;

unary! {
    lease_grant(LeaseGrantRequest);
    lease_revoke(LeaseRevokeRequest);
    lease_time_to_live(LeaseTimeToLiveRequest);
    lease_leases(LeaseLeasesRequest);
}

pub(super) fn lease_keep_alive(rpc: Arc<Rpc>, call: Call) -> BoxFuture<'static, Response<Body>> {
    let draining = rpc.draining.clone();
    let open = Open {
        rpc,
        caller: call.caller,
        requests: call.requests,
    };
    Box::pin(std::future::ready(call.reply.many(pulled(open, &draining))))
}

/// A keep-alive stream: one answer to each request, in order.
struct Open {
    rpc: Arc<Rpc>,
    caller: Caller,
    requests: Requests,
}

impl Source for Open {
    type Answer = LeaseKeepAliveResponse;

    async fn pull(&mut self) -> Option<Result<LeaseKeepAliveResponse, Status>> {
        let request = match self.requests.next().await? {
            Ok(request) => request,
            Err(status) => return Some(Err(status)),
        };
        let answered = self.rpc.member.lease_keep_alive(&self.caller, request).await;
        Some(answered.map_err(status::of_error))
    }
}
