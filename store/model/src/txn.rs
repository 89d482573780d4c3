//! Transactions: the compares choose a branch, its operations run, and all of it is taken back if one is refused.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use bytes::Bytes;
use proto::etcd::compare::{CompareResult, CompareTarget, TargetUnion};
use proto::etcd::request_op::Request;
use proto::etcd::response_op::Response;
use proto::etcd::{
    Compare, PutRequest, PutResponse, RangeRequest, RangeResponse, ResponseHeader, ResponseOp, TxnRequest, TxnResponse,
};
use proto::fault::Fault;
use proto::mvcc::KeyValue;

use crate::keys::{Keys, header};
use crate::model::Lease;

type Leases = BTreeMap<i64, Lease>;

impl Keys {
    /// Runs a transaction as one revision.
    ///
    /// Upstream looks for refusals before the first operation, and dies where one appears later: an operation may rely on
    /// a key that an earlier one deleted. Here, as in the store, that is one more refusal.
    pub(crate) fn txn(&mut self, request: &TxnRequest, leases: &Leases) -> Result<TxnResponse, Fault> {
        match self.run(request, leases) {
            Ok(mut response) => {
                response.header = Some(header(self.now()));
                self.finish();
                Ok(response)
            }
            Err(fault) => {
                self.undo();
                Err(fault)
            }
        }
    }

    fn run(&mut self, request: &TxnRequest, leases: &Leases) -> Result<TxnResponse, Fault> {
        let succeeded = request.compare.iter().all(|compare| self.holds(compare));
        let branch = if succeeded { &request.success } else { &request.failure };
        let mut responses = Vec::new();
        for op in branch {
            let response = match &op.request {
                Some(Request::RequestRange(range)) => Response::ResponseRange(self.range_within(range)?),
                Some(Request::RequestPut(put)) => Response::ResponsePut(self.put_within(put, leases)?),
                Some(Request::RequestDeleteRange(delete)) => Response::ResponseDeleteRange(self.delete(delete)),
                Some(Request::RequestTxn(txn)) => Response::ResponseTxn(self.run(txn, leases)?),
                None => return Err(Fault::KeyNotFound),
            };
            responses.push(ResponseOp {
                response: Some(response),
            });
        }
        // Only the outermost header says a revision.
        Ok(TxnResponse {
            header: Some(ResponseHeader::default()),
            succeeded,
            responses,
        })
    }

    /// Unlike a range alone, one in a transaction may not ask for what the transaction itself writes, and a negative
    /// revision is one long compacted.
    fn range_within(&self, range: &RangeRequest) -> Result<RangeResponse, Fault> {
        if range.revision != 0 && range.revision > self.revision {
            return Err(Fault::FutureRevision);
        }
        if range.revision != 0 && range.revision < self.compacted {
            return Err(Fault::Compacted);
        }
        self.range(range)
    }

    /// Unlike a put alone, one in a transaction is asked first whether its key lives, then whether its lease does.
    fn put_within(&mut self, put: &PutRequest, leases: &Leases) -> Result<PutResponse, Fault> {
        let response = self.put(put)?;
        if put.lease != 0 && !leases.contains_key(&put.lease) {
            return Err(Fault::LeaseNotFound);
        }
        Ok(response)
    }

    /// Compares see the state before the transaction, those of nested ones too.
    fn holds(&self, compare: &Compare) -> bool {
        let found = self.live(&compare.key, &compare.range_end, self.revision);
        if found.is_empty() {
            // On the wire no value is the empty value, so what is not there has none to compare.
            return compare.target != i32::from(CompareTarget::Value) && accepts(compare, &KeyValue::default());
        }
        found.iter().all(|kv| accepts(compare, kv))
    }
}

fn accepts(compare: &Compare, kv: &KeyValue) -> bool {
    // A target that nobody knows is equal to everything.
    let target = CompareTarget::try_from(compare.target);
    let found = target.map_or(Ordering::Equal, |target| order(compare, target, kv));
    match CompareResult::try_from(compare.result) {
        Ok(CompareResult::Equal) => found.is_eq(),
        Ok(CompareResult::NotEqual) => found.is_ne(),
        Ok(CompareResult::Greater) => found.is_gt(),
        Ok(CompareResult::Less) => found.is_lt(),
        Err(_) => true,
    }
}

/// What is not sent, or sent for another target, is 0 or empty.
fn order(compare: &Compare, target: CompareTarget, kv: &KeyValue) -> Ordering {
    let number = match (target, &compare.target_union) {
        (CompareTarget::Version, Some(TargetUnion::Version(number)))
        | (CompareTarget::Create, Some(TargetUnion::CreateRevision(number)))
        | (CompareTarget::Mod, Some(TargetUnion::ModRevision(number)))
        | (CompareTarget::Lease, Some(TargetUnion::Lease(number))) => *number,
        _ => 0,
    };
    match target {
        CompareTarget::Version => kv.version.cmp(&number),
        CompareTarget::Create => kv.create_revision.cmp(&number),
        CompareTarget::Mod => kv.mod_revision.cmp(&number),
        CompareTarget::Lease => kv.lease.cmp(&number),
        CompareTarget::Value => match &compare.target_union {
            Some(TargetUnion::Value(value)) => kv.value.cmp(value),
            _ => kv.value.cmp(&Bytes::new()),
        },
    }
}
