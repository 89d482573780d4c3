//! Everything for which a transaction can be refused, looked at before its first write.
//!
//! Upstream looks at the state before the transaction only, and dies at apply when a key that an operation relies on
//! was deleted by an earlier operation of the same transaction. Here the deletions are followed too.

use std::collections::BTreeMap;

use bytes::Bytes;
use proto::etcd::request_op::Request;
use proto::etcd::{PutRequest, RangeRequest, TxnRequest};
use proto::fault::Fault;

use super::Path;
use crate::KeyRange;
use crate::read::{Snapshot, Sorting};

/// Refuses the transaction, or promises that its operations will run.
pub(crate) fn check(
    snapshot: &Snapshot<'_>,
    request: &TxnRequest,
    path: &Path,
    lease_exists: &dyn Fn(i64) -> bool,
) -> Result<(), Fault> {
    Check {
        snapshot,
        lease_exists,
        put: BTreeMap::new(),
        deleted: Vec::new(),
    }
    .branch(request, path)
}

struct Check<'c> {
    snapshot: &'c Snapshot<'c>,
    lease_exists: &'c dyn Fn(i64) -> bool,
    /// Keys put so far, and whether they still live.
    put: BTreeMap<Bytes, bool>,
    deleted: Vec<KeyRange>,
}

impl Check<'_> {
    fn branch(&mut self, request: &TxnRequest, path: &Path) -> Result<(), Fault> {
        let mut nested = path.nested.iter();
        for op in path.branch(request) {
            match &op.request {
                Some(Request::RequestRange(range)) => self.range(range)?,
                Some(Request::RequestPut(put)) => self.put(put)?,
                Some(Request::RequestDeleteRange(delete)) => {
                    self.delete(KeyRange::new(&delete.key, &delete.range_end));
                }
                Some(Request::RequestTxn(txn)) => {
                    if let Some(path) = nested.next() {
                        self.branch(txn, path)?;
                    }
                }
                None => {}
            }
        }
        Ok(())
    }

    fn range(&self, request: &RangeRequest) -> Result<(), Fault> {
        Sorting::of(request)?;
        match request.revision {
            0 => Ok(()),
            revision if revision > self.snapshot.revision => Err(Fault::FutureRevision),
            revision if revision < self.snapshot.compacted => Err(Fault::Compacted),
            _ => Ok(()),
        }
    }

    fn put(&mut self, request: &PutRequest) -> Result<(), Fault> {
        if (request.ignore_value || request.ignore_lease) && !self.lives(&request.key) {
            return Err(Fault::KeyNotFound);
        }
        if request.lease != 0 && !(self.lease_exists)(request.lease) {
            return Err(Fault::LeaseNotFound);
        }
        self.put.insert(request.key.clone(), true);
        Ok(())
    }

    fn delete(&mut self, range: KeyRange) {
        if range.is_empty() {
            return;
        }
        for (key, lives) in self.put.range_mut(range.start().clone()..) {
            if range.is_past(key) {
                break;
            }
            *lives = false;
        }
        self.deleted.push(range);
    }

    fn lives(&self, key: &Bytes) -> bool {
        match self.put.get(key) {
            Some(lives) => *lives,
            None => self.snapshot.index.get(key).is_some() && !self.deleted.iter().any(|range| range.contains(key)),
        }
    }
}
