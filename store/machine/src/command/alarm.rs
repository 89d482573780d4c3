//! Alarms raised, lifted and listed.

use proto::etcd::alarm_request::AlarmAction;
use proto::etcd::{AlarmMember, AlarmRequest, AlarmResponse, AlarmType};
use proto::store::reply::Outcome;

use crate::effect::Effect;
use crate::run::Run;

/// Answers the alarm that was raised (also when it stood already), the one that was lifted, or those that stand.
pub(super) fn apply(run: &mut Run<'_>, request: &AlarmRequest) -> Outcome {
    let (kind, member) = (request.alarm(), request.member_id);
    let this = vec![AlarmMember {
        member_id: member,
        alarm: kind.into(),
    }];
    let (alarms, changed) = match request.action() {
        AlarmAction::Get => (run.core.alarms.list(kind), false),
        AlarmAction::Activate | AlarmAction::Deactivate if kind == AlarmType::None => (Vec::new(), false),
        AlarmAction::Activate => (this, run.core.alarms.raise(kind, member, &mut run.batch)),
        AlarmAction::Deactivate => {
            let lifted = run.core.alarms.lift(kind, member, &mut run.batch);
            (if lifted { this } else { Vec::new() }, lifted)
        }
    };
    if changed {
        run.notify(Effect::Alarms);
    }
    Outcome::Alarm(AlarmResponse {
        header: Some(run.header()),
        alarms,
    })
}
