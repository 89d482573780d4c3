//! Leases granted, ended and checkpointed.

use proto::etcd::{
    LeaseCheckpointRequest, LeaseGrantRequest, LeaseGrantResponse, LeaseRevokeRequest, LeaseRevokeResponse,
};
use proto::store::LeaseExpire;
use proto::store::reply::Outcome;
use store_planted::{Bug, planted};

use crate::effect::Effect;
use crate::error::Stop;
use crate::run::Run;
use crate::stamp::Stamp;

/// The proposer raises times to live to what its election timeout asks for; this only keeps them above nothing.
const MIN_TTL: i64 = 1;

pub(super) fn grant(run: &mut Run<'_>, request: &LeaseGrantRequest) -> Result<Outcome, Stop> {
    let ttl = run
        .core
        .leases
        .grant(request.id, request.ttl, MIN_TTL, &mut run.batch)?;
    run.effect(Effect::LeaseGranted { id: request.id, ttl });
    let header = Some(run.header());
    Ok(Outcome::LeaseGrant(LeaseGrantResponse {
        header,
        id: request.id,
        ttl,
        error: String::new(),
    }))
}

pub(super) fn revoke(run: &mut Run<'_>, request: LeaseRevokeRequest) -> Result<Outcome, Stop> {
    end(run, request.id)?;
    run.effect(Effect::LeaseRevoked(vec![request.id]));
    Ok(Outcome::LeaseRevoke(LeaseRevokeResponse {
        header: Some(run.header()),
    }))
}

/// Ends the leases that the leader saw expire, unless it no longer led when this was written: its successor may have
/// renewed them.
pub(super) fn expire(run: &mut Run<'_>, stamp: Stamp, expired: &LeaseExpire) -> Result<Outcome, Stop> {
    let leads = expired.term == stamp.term || planted(Bug::DeposedExpiry);
    let mut ended = Vec::new();
    for id in expired.ids.iter().copied().filter(|_| leads) {
        if run.core.leases.contains(id) {
            end(run, id)?;
            ended.push(id);
        }
    }
    if !ended.is_empty() {
        run.effect(Effect::LeaseRevoked(ended));
    }
    Ok(run.done())
}

/// One revision per lease, its keys in order.
fn end(run: &mut Run<'_>, id: i64) -> Result<(), Stop> {
    let keys = run.core.leases.revoke(id, &mut run.batch)?;
    let changes = run.session.delete_keys(keys)?;
    run.changed(changes);
    Ok(())
}

/// Leases that ended meanwhile are passed over.
pub(super) fn checkpoint(run: &mut Run<'_>, request: &LeaseCheckpointRequest) -> Outcome {
    for checkpoint in &request.checkpoints {
        let (id, remaining) = (checkpoint.id, checkpoint.remaining_ttl.max(0));
        if run.core.leases.checkpoint(id, remaining, &mut run.batch) {
            run.effect(Effect::LeaseCheckpointed { id, remaining });
        }
    }
    run.done()
}
