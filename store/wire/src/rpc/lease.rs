//! `etcdserverpb.Lease`: keys that die with their holder.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::unfold;
use proto::etcd::{
    LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveRequest, LeaseKeepAliveResponse, LeaseLeasesRequest,
    LeaseLeasesResponse, LeaseRevokeRequest, LeaseRevokeResponse, LeaseTimeToLiveRequest, LeaseTimeToLiveResponse,
    lease_server,
};
use proto::fault::Fault;
use store_node::Caller;
use tonic::{Request, Response, Status, Streaming};

use super::stream::Answers;
use super::{Rpc, caller, service};
use crate::status;

service! {
    impl lease_server::Lease {
        lease_grant(LeaseGrantRequest) -> LeaseGrantResponse;
        lease_revoke(LeaseRevokeRequest) -> LeaseRevokeResponse;
        lease_time_to_live(LeaseTimeToLiveRequest) -> LeaseTimeToLiveResponse;
        lease_leases(LeaseLeasesRequest) -> LeaseLeasesResponse;
    }
    {
        type LeaseKeepAliveStream = Answers<LeaseKeepAliveResponse>;

        async fn lease_keep_alive(
            &self,
            request: Request<Streaming<LeaseKeepAliveRequest>>,
        ) -> Result<Response<Self::LeaseKeepAliveStream>, Status> {
            let open = Open { rpc: self.clone(), caller: caller(&request), requests: request.into_inner() };
            Ok(Response::new(Box::pin(unfold(Some(open), |open| async move {
                let mut open = open?;
                match open.next().await? {
                    Ok(answer) => Some((Ok(answer), Some(open))),
                    Err(status) => Some((Err(status), None)),
                }
            }))))
        }
    }
}

/// A keep-alive stream: one answer to each request, in order.
struct Open {
    rpc: Rpc,
    caller: Arc<Caller>,
    requests: Streaming<LeaseKeepAliveRequest>,
}

impl Open {
    async fn next(&mut self) -> Option<Result<LeaseKeepAliveResponse, Status>> {
        let request = tokio::select! {
            biased;
            request = self.requests.next() => request?,
            () = self.rpc.draining.cancelled() => return Some(Err(status::of_fault(Fault::Stopped))),
        };
        let answered = match request {
            Ok(request) => self.rpc.member.lease_keep_alive(&self.caller, request).await,
            Err(status) => return Some(Err(status)),
        };
        Some(answered.map_err(status::of_error))
    }
}
