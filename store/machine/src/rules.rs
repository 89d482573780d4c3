//! What standing alarms forbid, before anyone asks who may do what (upstream's capped and corrupt appliers).

use proto::etcd::request_op::Request;
use proto::etcd::{RequestOp, TxnRequest};
use proto::fault::Fault;
use proto::store::command::Action;

use crate::Alarms;

/// Refuses what an alarm forbids.
///
/// Out of space: whatever may grow the store; deletions, compactions and revocations help. Corrupt: everything that
/// touches keys or leases; members, users and the alarm itself stay manageable, as that is how it is repaired.
pub(crate) fn check(alarms: &Alarms, action: &Action) -> Result<(), Fault> {
    if alarms.corrupt() && touches_data(action) {
        return Err(Fault::Corrupt);
    }
    if alarms.no_space() && grows(action) {
        return Err(Fault::NoSpace);
    }
    Ok(())
}

const fn touches_data(action: &Action) -> bool {
    matches!(
        action,
        Action::Put(_)
            | Action::DeleteRange(_)
            | Action::Txn(_)
            | Action::Compact(_)
            | Action::LeaseGrant(_)
            | Action::LeaseRevoke(_)
            | Action::LeaseExpire(_)
            | Action::LeaseCheckpoint(_)
    )
}

fn grows(action: &Action) -> bool {
    match action {
        Action::Put(_) | Action::LeaseGrant(_) => true,
        Action::Txn(txn) => puts(txn),
        _ => false,
    }
}

/// Whether any branch holds a put, nested ones too.
fn puts(txn: &TxnRequest) -> bool {
    let mut ops: Vec<&RequestOp> = txn.success.iter().chain(&txn.failure).collect();
    while let Some(op) = ops.pop() {
        match &op.request {
            Some(Request::RequestPut(_)) => return true,
            Some(Request::RequestTxn(nested)) => ops.extend(nested.success.iter().chain(&nested.failure)),
            _ => {}
        }
    }
    false
}
