//! The requests of kube-apiserver, in the shapes that it sends.

use bytes::Bytes;
use proto::etcd::compare::{CompareResult, CompareTarget, TargetUnion};
use proto::etcd::request_op::Request;
use proto::etcd::{Compare, DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest};

/// Keys on one page of a list.
pub(super) const PAGE: i64 = 500;

fn unchanged_since(key: &Bytes, revision: i64) -> Compare {
    Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Mod.into(),
        key: key.clone(),
        target_union: Some(TargetUnion::ModRevision(revision)),
        ..Compare::default()
    }
}

fn op(request: Request) -> RequestOp {
    RequestOp { request: Some(request) }
}

fn put(key: &Bytes, value: &Bytes) -> RequestOp {
    op(Request::RequestPut(PutRequest {
        key: key.clone(),
        value: value.clone(),
        ..PutRequest::default()
    }))
}

/// Reads one object.
pub(super) fn get(key: &Bytes) -> RangeRequest {
    RangeRequest {
        key: key.clone(),
        limit: 1,
        ..RangeRequest::default()
    }
}

/// Puts an object that must not be there.
pub(super) fn create(key: &Bytes, value: &Bytes) -> TxnRequest {
    TxnRequest {
        compare: vec![unchanged_since(key, 0)],
        success: vec![put(key, value)],
        failure: Vec::new(),
    }
}

/// Puts many objects at once; apiserver does not, but it makes no difference to what follows.
pub(super) fn create_many(objects: &[(Bytes, Bytes)]) -> TxnRequest {
    TxnRequest {
        success: objects.iter().map(|(key, value)| put(key, value)).collect(),
        ..TxnRequest::default()
    }
}

/// Puts an object that must be as it was at `revision`, or reads it.
pub(super) fn update(key: &Bytes, value: &Bytes, revision: i64) -> TxnRequest {
    TxnRequest {
        compare: vec![unchanged_since(key, revision)],
        success: vec![put(key, value)],
        failure: vec![op(Request::RequestRange(get(key)))],
    }
}

/// Deletes an object that must be as it was at `revision`, or reads it.
pub(super) fn delete(key: &Bytes, revision: i64) -> TxnRequest {
    let delete = DeleteRangeRequest {
        key: key.clone(),
        ..DeleteRangeRequest::default()
    };
    TxnRequest {
        compare: vec![unchanged_since(key, revision)],
        success: vec![op(Request::RequestDeleteRange(delete))],
        failure: vec![op(Request::RequestRange(get(key)))],
    }
}

/// One page of a list: from `key`, as of `revision`, or as of now for the first page.
pub(super) fn page(key: Bytes, end: Bytes, revision: i64) -> RangeRequest {
    RangeRequest {
        key,
        range_end: end,
        limit: PAGE,
        revision,
        ..RangeRequest::default()
    }
}
