//! Transactions: which way the compares lead, what could be refused, then the operations of that way.
//!
//! All compares, those of nested transactions too, are evaluated before the first operation runs: upstream does the
//! same, so a nested compare does not see its parent's writes, while a nested range does.

mod check;
mod compare;
#[cfg(test)]
mod tests;

pub(crate) use check::check;
pub(crate) use compare::path;

use proto::etcd::request_op::Request;
use proto::etcd::response_op::Response;
use proto::etcd::{DeleteRangeResponse, PutResponse, RequestOp, ResponseHeader, ResponseOp, TxnRequest, TxnResponse};
use store_planted::{Bug, planted};

use crate::Result;
use crate::read::{Snapshot, header};
use crate::store::{Session, Writing};

/// Which branch a transaction takes, and which those nested in that branch take, in order.
pub(crate) struct Path {
    pub(crate) succeeded: bool,
    pub(crate) nested: Vec<Self>,
}

impl Path {
    pub(crate) fn branch<'t>(&self, request: &'t TxnRequest) -> &'t [RequestOp] {
        if self.succeeded {
            &request.success
        } else {
            &request.failure
        }
    }
}

/// Whether the transaction has only ranges: upstream answers those without the log.
#[must_use]
pub fn is_readonly(request: &TxnRequest) -> bool {
    let range = |op: &RequestOp| matches!(op.request, Some(Request::RequestRange(_)));
    request.success.iter().chain(&request.failure).all(range)
}

/// Whether all ranges of the transaction may be answered by any member without asking the leader.
#[must_use]
pub fn is_serializable(request: &TxnRequest) -> bool {
    let serializable = |op: &RequestOp| match &op.request {
        Some(Request::RequestRange(range)) => range.serializable,
        _ => true,
    };
    request.success.iter().chain(&request.failure).all(serializable)
}

/// Where the operations of a transaction run.
trait Target {
    fn snapshot(&self) -> Snapshot<'_>;
    fn put(&mut self, request: &proto::etcd::PutRequest) -> Result<PutResponse>;
    fn delete(&mut self, request: &proto::etcd::DeleteRangeRequest) -> Result<DeleteRangeResponse>;
}

/// Runs a transaction's operations in a session. The header is the caller's to fill.
pub(crate) fn write(
    session: &mut Session<'_>,
    writing: &mut Writing,
    request: &TxnRequest,
    path: &Path,
) -> Result<TxnResponse> {
    run(&mut Write { session, writing }, request, path)
}

/// Runs a transaction that only reads.
pub(crate) fn read(snapshot: &Snapshot<'_>, request: &TxnRequest) -> Result<TxnResponse> {
    let path = path(snapshot, request)?;
    check(snapshot, request, &path, &|_| true)?;
    let mut response = run(&mut Read(snapshot), request, &path)?;
    response.header = header(snapshot.revision);
    Ok(response)
}

struct Write<'w, 's> {
    session: &'w mut Session<'s>,
    writing: &'w mut Writing,
}

impl Target for Write<'_, '_> {
    fn snapshot(&self) -> Snapshot<'_> {
        self.session.snapshot(Some(self.writing))
    }

    fn put(&mut self, request: &proto::etcd::PutRequest) -> Result<PutResponse> {
        self.session.execute_put(self.writing, request)
    }

    fn delete(&mut self, request: &proto::etcd::DeleteRangeRequest) -> Result<DeleteRangeResponse> {
        self.session.execute_delete(self.writing, request)
    }
}

struct Read<'r, 's>(&'r Snapshot<'s>);

impl Target for Read<'_, '_> {
    fn snapshot(&self) -> Snapshot<'_> {
        *self.0
    }

    fn put(&mut self, _: &proto::etcd::PutRequest) -> Result<PutResponse> {
        Ok(PutResponse::default())
    }

    fn delete(&mut self, _: &proto::etcd::DeleteRangeRequest) -> Result<DeleteRangeResponse> {
        Ok(DeleteRangeResponse::default())
    }
}

fn run(target: &mut dyn Target, request: &TxnRequest, path: &Path) -> Result<TxnResponse> {
    let mut nested = path.nested.iter();
    let mut responses = Vec::with_capacity(path.branch(request).len());
    let whole = path.branch(request).len();
    for (place, op) in path.branch(request).iter().enumerate() {
        if planted(Bug::HalfTxn) && place > 0 && place >= whole.div_ceil(2) {
            responses.push(ResponseOp {
                response: Some(Response::ResponsePut(PutResponse::default())),
            });
            continue;
        }
        let response = match &op.request {
            Some(Request::RequestRange(range)) => Some(Response::ResponseRange(target.snapshot().range(range)?)),
            Some(Request::RequestPut(put)) => Some(Response::ResponsePut(target.put(put)?)),
            Some(Request::RequestDeleteRange(delete)) => Some(Response::ResponseDeleteRange(target.delete(delete)?)),
            Some(Request::RequestTxn(txn)) => match nested.next() {
                Some(path) => Some(Response::ResponseTxn(run(target, txn, path)?)),
                None => None,
            },
            None => None,
        };
        responses.push(ResponseOp { response });
    }
    // Only the outermost header has a revision, as upstream's.
    Ok(TxnResponse {
        header: Some(ResponseHeader::default()),
        succeeded: path.succeeded,
        responses,
    })
}
