//! The space quota: live bytes against `--quota-backend-bytes`, checked before a write is proposed.

use proto::etcd::request_op::Request;
use proto::etcd::{AlarmRequest, AlarmType, PutRequest, RequestOp, TxnRequest, alarm_request::AlarmAction};
use proto::fault::Fault;
use proto::store::command::Action;

use crate::Member;
use crate::caller::Who;
use crate::error::Result;

/// What a key costs beside its own bytes; upstream's estimate.
const KEY_OVERHEAD: u64 = 256;
/// What a lease costs; upstream's estimate.
pub(crate) const LEASE_COST: u64 = 64;

/// What a put may add.
pub(crate) fn put_cost(request: &PutRequest) -> u64 {
    KEY_OVERHEAD + (request.key.len() + request.value.len()) as u64
}

/// What a transaction may add: its dearer branch.
pub(crate) fn txn_cost(request: &TxnRequest) -> u64 {
    let branch = |operations: &[RequestOp]| operations.iter().map(operation_cost).sum::<u64>();
    branch(&request.success).max(branch(&request.failure))
}

fn operation_cost(operation: &RequestOp) -> u64 {
    match &operation.request {
        Some(Request::RequestPut(put)) => put_cost(put),
        Some(Request::RequestTxn(txn)) => txn_cost(txn),
        _ => 0,
    }
}

impl Member {
    /// Refuses what does not fit, and raises the alarm that keeps refusing until it is disarmed.
    pub(crate) fn afford(&self, cost: u64) -> Result<()> {
        let Some(quota) = self.config.quota().filter(|_| cost > 0) else {
            return Ok(());
        };
        let state = self.reader.state();
        if state.alarms.no_space() {
            return Err(Fault::NoSpace.into());
        }
        if state.live_bytes + cost <= quota as u64 {
            return Ok(());
        }
        self.raise(AlarmType::Nospace, self.id());
        Err(Fault::NoSpace.into())
    }

    /// Raises an alarm for a member, in the background: whoever found the trouble is answered at once.
    pub(crate) fn raise(&self, alarm: AlarmType, member_id: u64) {
        let held = self.reader.state().alarms.list(alarm);
        if held.iter().any(|held| held.member_id == member_id) {
            return;
        }
        let member = self.clone();
        tracing::warn!(alarm = ?alarm, member_id = format!("{member_id:x}"), "raising an alarm");
        self.tasks.spawn_until("alarm", async move {
            let action = AlarmAction::Activate.into();
            let request = AlarmRequest {
                action,
                member_id,
                alarm: alarm.into(),
            };
            if let Err(error) = member.propose(&Who::own(), Action::Alarm(request)).await {
                tracing::warn!(%error, "failed to raise an alarm");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_txn_costs_its_dearer_branch() {
        let put = |size: usize| RequestOp {
            request: Some(Request::RequestPut(PutRequest {
                key: "k".into(),
                value: vec![0; size].into(),
                ..PutRequest::default()
            })),
        };
        let txn = TxnRequest {
            success: vec![put(10), put(20)],
            failure: vec![put(5)],
            ..TxnRequest::default()
        };
        assert_eq!(txn_cost(&txn), 2 * 257 + 30);
    }
}
