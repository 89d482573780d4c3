//! Checks that need no state, done before a request is proposed. Texts and order are upstream's (`v3rpc/key.go`).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proto::etcd::request_op::Request;
use proto::etcd::{DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest};
use proto::fault::Fault;

use crate::read::{Sorting, has_filters};

/// Checks a range.
///
/// # Errors
/// `EmptyKey`, `InvalidSortOption`.
pub fn range(request: &RangeRequest) -> Result<(), Fault> {
    if request.key.is_empty() {
        return Err(Fault::EmptyKey);
    }
    Sorting::of(request).map(|_| ())
}

/// Whether the range can be streamed; upstream answers Unimplemented to a sort and to revision filters.
#[must_use]
pub fn streamable(request: &RangeRequest) -> bool {
    request.sort_order == 0 && request.sort_target == 0 && !has_filters(request)
}

/// Checks a put.
///
/// # Errors
/// `EmptyKey`, `ValueProvided`, `LeaseProvided`.
pub fn put(request: &PutRequest) -> Result<(), Fault> {
    if request.key.is_empty() {
        return Err(Fault::EmptyKey);
    }
    if request.ignore_value && !request.value.is_empty() {
        return Err(Fault::ValueProvided);
    }
    if request.ignore_lease && request.lease != 0 {
        return Err(Fault::LeaseProvided);
    }
    Ok(())
}

/// Checks a deletion.
///
/// # Errors
/// `EmptyKey`.
pub fn delete_range(request: &DeleteRangeRequest) -> Result<(), Fault> {
    if request.key.is_empty() {
        Err(Fault::EmptyKey)
    } else {
        Ok(())
    }
}

/// Checks a transaction and all that is nested in it.
///
/// # Errors
/// `TooManyOps`; `EmptyKey` and what the operations' own checks say; `KeyNotFound` for an operation that says nothing;
/// `DuplicateKey` where one branch writes a key twice.
pub fn txn(request: &TxnRequest, max_ops: usize) -> Result<(), Fault> {
    operations(request, max_ops)?;
    written(&request.success)?;
    written(&request.failure)?;
    Ok(())
}

fn operations(request: &TxnRequest, max_ops: usize) -> Result<(), Fault> {
    let widest = request
        .compare
        .len()
        .max(request.success.len())
        .max(request.failure.len());
    let left = max_ops.checked_sub(widest).ok_or(Fault::TooManyOps)?;
    if request.compare.iter().any(|compare| compare.key.is_empty()) {
        return Err(Fault::EmptyKey);
    }
    for op in request.success.iter().chain(&request.failure) {
        match &op.request {
            Some(Request::RequestRange(request)) => range(request)?,
            Some(Request::RequestPut(request)) => put(request)?,
            Some(Request::RequestDeleteRange(request)) => delete_range(request)?,
            Some(Request::RequestTxn(request)) => operations(request, left)?,
            None => return Err(Fault::KeyNotFound),
        }
    }
    Ok(())
}

/// What a branch writes, its nested transactions included.
#[derive(Default)]
struct Written {
    puts: BTreeSet<Bytes>,
    deletes: Intervals,
}

/// Keys in half-open intervals that do not touch; an end of `None` is open.
#[derive(Default)]
struct Intervals(BTreeMap<Bytes, Option<Bytes>>);

impl Intervals {
    fn insert(&mut self, start: Bytes, end: Option<Bytes>) {
        // Upstream takes "\0" as a literal end here, so an open-ended deletion meets no put. Clients rely on it.
        if end.as_ref().is_some_and(|end| *end <= start) {
            return;
        }
        let (mut start, mut end) = (start, end);
        if let Some((before, before_end)) = self.0.range(..=start.clone()).next_back()
            && before_end.as_ref().is_none_or(|before_end| *before_end >= start)
        {
            start = before.clone();
        }
        while let Some(key) = self.0.range(start.clone()..).next().map(|(key, _)| key.clone()) {
            if end.as_ref().is_some_and(|end| key > *end) {
                break;
            }
            let other = self.0.remove(&key).flatten();
            end = match (end, other) {
                (Some(end), Some(other)) => Some(end.max(other)),
                _ => None,
            };
        }
        self.0.insert(start, end);
    }

    fn contains(&self, key: &Bytes) -> bool {
        let before = self.0.range(..=key.clone()).next_back();
        before.is_some_and(|(_, end)| end.as_ref().is_none_or(|end| key < end))
    }

    fn extend(&mut self, other: Self) {
        for (start, end) in other.0 {
            self.insert(start, end);
        }
    }
}

impl Written {
    fn put(&mut self, key: Bytes) -> Result<(), Fault> {
        if self.deletes.contains(&key) || !self.puts.insert(key) {
            Err(Fault::DuplicateKey)
        } else {
            Ok(())
        }
    }
}

fn written(ops: &[RequestOp]) -> Result<Written, Fault> {
    let mut all = Written::default();
    for op in ops {
        if let Some(Request::RequestDeleteRange(delete)) = &op.request {
            let end = if delete.range_end.is_empty() {
                successor(&delete.key)
            } else {
                delete.range_end.clone()
            };
            all.deletes.insert(delete.key.clone(), Some(end));
        }
    }
    for op in ops {
        if let Some(Request::RequestTxn(txn)) = &op.request {
            let (then, otherwise) = (written(&txn.success)?, written(&txn.failure)?);
            // Only one of the two branches runs, so they may put the same key.
            for key in then.puts.union(&otherwise.puts) {
                all.put(key.clone())?;
            }
            all.deletes.extend(then.deletes);
            all.deletes.extend(otherwise.deletes);
        }
    }
    for op in ops {
        if let Some(Request::RequestPut(put)) = &op.request {
            all.put(put.key.clone())?;
        }
    }
    Ok(all)
}

fn successor(key: &[u8]) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next.into()
}

#[cfg(test)]
mod tests;
