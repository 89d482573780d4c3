//! `etcdserverpb.KV`: ranges, puts, deletes, transactions, compaction.

use proto::etcd::{
    CompactionRequest, CompactionResponse, DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse,
    RangeRequest, RangeResponse, RangeStreamResponse, TxnRequest, TxnResponse, kv_server,
};
use tonic::{Request, Response, Status};

use super::stream::{Answers, pulled};
use super::{caller, service};
use crate::status;

service! {
    impl kv_server::Kv {
        range(RangeRequest) -> RangeResponse;
        put(PutRequest) -> PutResponse;
        delete_range(DeleteRangeRequest) -> DeleteRangeResponse;
        txn(TxnRequest) -> TxnResponse;
        compact(CompactionRequest) -> CompactionResponse;
    }
    {
        type RangeStreamStream = Answers<RangeStreamResponse>;

        async fn range_stream(
            &self,
            request: Request<RangeRequest>,
        ) -> Result<Response<Self::RangeStreamStream>, Status> {
            let caller = caller(&request);
            let pages = self.member.range_stream(&caller, request.into_inner()).await.map_err(status::of_error)?;
            Ok(Response::new(pulled(pages, &self.draining)))
        }
    }
}
