//! What is wrong with a request whatever the state, as etcd says it before it proposes anything.

use std::collections::BTreeSet;

use bytes::Bytes;
use proto::etcd::range_request::{SortOrder, SortTarget};
use proto::etcd::request_op::Request;
use proto::etcd::{DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest};
use proto::fault::Fault;

pub(crate) fn range(request: &RangeRequest) -> Result<(), Fault> {
    key(&request.key)?;
    let order = SortOrder::try_from(request.sort_order);
    let target = SortTarget::try_from(request.sort_target);
    if order.is_err() || target.is_err() {
        return Err(Fault::InvalidSortOption);
    }
    Ok(())
}

pub(crate) fn put(request: &PutRequest) -> Result<(), Fault> {
    key(&request.key)?;
    if request.ignore_value && !request.value.is_empty() {
        return Err(Fault::ValueProvided);
    }
    if request.ignore_lease && request.lease != 0 {
        return Err(Fault::LeaseProvided);
    }
    Ok(())
}

pub(crate) fn delete(request: &DeleteRangeRequest) -> Result<(), Fault> {
    key(&request.key)
}

/// How many operations there may be is a flag of the proposer, and not checked here.
pub(crate) fn txn(request: &TxnRequest) -> Result<(), Fault> {
    operations(request)?;
    written(&request.success)?;
    written(&request.failure)?;
    Ok(())
}

fn key(key: &[u8]) -> Result<(), Fault> {
    if key.is_empty() { Err(Fault::EmptyKey) } else { Ok(()) }
}

fn operations(request: &TxnRequest) -> Result<(), Fault> {
    request.compare.iter().try_for_each(|compare| key(&compare.key))?;
    for op in request.success.iter().chain(&request.failure) {
        match &op.request {
            Some(Request::RequestRange(request)) => range(request)?,
            Some(Request::RequestPut(request)) => put(request)?,
            Some(Request::RequestDeleteRange(request)) => delete(request)?,
            Some(Request::RequestTxn(request)) => operations(request)?,
            None => return Err(Fault::KeyNotFound),
        }
    }
    Ok(())
}

/// What a branch puts, and the ranges that it deletes.
#[derive(Default)]
struct Written {
    puts: BTreeSet<Bytes>,
    deletes: Vec<(Bytes, Bytes)>,
}

impl Written {
    fn put(&mut self, key: &Bytes) -> Result<(), Fault> {
        let deleted = self.deletes.iter().any(|(start, end)| key >= start && key < end);
        if deleted || !self.puts.insert(key.clone()) {
            return Err(Fault::DuplicateKey);
        }
        Ok(())
    }
}

/// Collects what a branch writes, in etcd's order: its own deletions, nested transactions one after the other, its own
/// puts. A put meets only the deletions that were collected before it.
fn written(ops: &[RequestOp]) -> Result<Written, Fault> {
    let mut all = Written::default();
    let requests = || ops.iter().filter_map(|op| op.request.as_ref());
    for request in requests() {
        if let Request::RequestDeleteRange(delete) = request {
            // The end "\0" is taken literally here, so an open-ended deletion meets no put at all.
            let end = if delete.range_end.is_empty() {
                Bytes::from([&delete.key[..], b"\0"].concat())
            } else {
                delete.range_end.clone()
            };
            all.deletes.push((delete.key.clone(), end));
        }
    }
    for request in requests() {
        if let Request::RequestTxn(txn) = request {
            let (then, otherwise) = (written(&txn.success)?, written(&txn.failure)?);
            // One of the two runs, so both may put the same key.
            let puts: BTreeSet<&Bytes> = then.puts.iter().chain(&otherwise.puts).collect();
            puts.into_iter().try_for_each(|key| all.put(key))?;
            all.deletes.extend(then.deletes);
            all.deletes.extend(otherwise.deletes);
        }
    }
    for request in requests() {
        if let Request::RequestPut(put) = request {
            all.put(&put.key)?;
        }
    }
    Ok(all)
}
