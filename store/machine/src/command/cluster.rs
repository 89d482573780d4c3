//! Members added, removed, changed, promoted, and what they say of themselves.

use proto::etcd::{Member, MemberPromoteRequest, MemberRemoveRequest, MemberUpdateRequest};
use proto::store::reply::Outcome;
use proto::store::{MemberPublish, Members};

use crate::effect::Effect;
use crate::error::Stop;
use crate::run::Run;

/// The new member comes last in the answer.
pub(super) fn add(run: &mut Run<'_>, member: &Member) -> Result<Outcome, Stop> {
    run.core.members.add(member, run.limits.max_learners, &mut run.batch)?;
    run.notify(Effect::Members);
    let (new, mut members): (Vec<Member>, Vec<Member>) = run
        .core
        .members
        .iter()
        .cloned()
        .partition(|known| known.id == member.id);
    members.extend(new);
    Ok(Outcome::Members(Members { members }))
}

pub(super) fn remove(run: &mut Run<'_>, request: MemberRemoveRequest) -> Result<Outcome, Stop> {
    run.core.members.remove(request.id, &mut run.batch)?;
    Ok(changed(run))
}

pub(super) fn update(run: &mut Run<'_>, request: &MemberUpdateRequest) -> Result<Outcome, Stop> {
    run.core
        .members
        .update(request.id, &request.peer_ur_ls, &mut run.batch)?;
    Ok(changed(run))
}

pub(super) fn promote(run: &mut Run<'_>, request: MemberPromoteRequest) -> Result<Outcome, Stop> {
    run.core.members.promote(request.id, &mut run.batch)?;
    Ok(changed(run))
}

pub(super) fn publish(run: &mut Run<'_>, member: &MemberPublish) -> Result<Outcome, Stop> {
    run.core
        .members
        .publish(member.id, &member.name, &member.client_urls, &mut run.batch)?;
    Ok(changed(run))
}

fn changed(run: &mut Run<'_>) -> Outcome {
    run.notify(Effect::Members);
    Outcome::Members(Members {
        members: run.core.members.list(),
    })
}
