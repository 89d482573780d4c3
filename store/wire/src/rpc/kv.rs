//! `etcdserverpb.KV`: keys, ranges and transactions.

use proto::etcd::{CompactionRequest, DeleteRangeRequest, PutRequest, RangeRequest, TxnRequest};

use super::reply::Listed;
use super::{streamed, unary};

unary! {
    range(RangeRequest) => Listed::from;
    put(PutRequest);
    delete_range(DeleteRangeRequest);
    txn(TxnRequest);
    compact(CompactionRequest);
}

streamed! {
    range_stream(RangeRequest);
}
