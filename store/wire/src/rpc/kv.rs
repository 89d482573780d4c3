//! `etcdserverpb.KV`: keys, ranges and transactions.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::Response;
use proto::etcd::{CompactionRequest, DeleteRangeRequest, PutRequest, RangeRequest, TxnRequest};
use store_node::RangeAnswer;
use tonic::body::Body;

use super::call::{Call, within};
use super::reply::Listed;
use super::{Rpc, streamed, unary};
use crate::status;

unary! {
    put(PutRequest);
    delete_range(DeleteRangeRequest);
    txn(TxnRequest);
    compact(CompactionRequest);
}

streamed! {
    range_stream(RangeRequest);
}

pub(super) fn range(rpc: Arc<Rpc>, call: Call) -> BoxFuture<'static, Response<Body>> {
    Box::pin(async move {
        let Call {
            caller,
            mut requests,
            reply,
            deadline,
        } = call;
        let answered = async {
            let request: RangeRequest = requests.only().await?;
            if reply.packs() {
                let whole = rpc.member.range(&caller, request).await;
                return whole.map(Listed::from).map_err(status::of_error);
            }
            let answer = rpc.member.list(&caller, request).await.map_err(status::of_error)?;
            Ok(match answer {
                RangeAnswer::Whole(response) => Listed::from(response),
                RangeAnswer::Pieces(pieces) => Listed::from(pieces),
            })
        };
        let answered = within(deadline, answered).await;
        reply.one(answered)
    })
}
