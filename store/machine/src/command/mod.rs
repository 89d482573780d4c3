//! Which file applies which command.

mod alarm;
mod auth;
mod cluster;
mod kv;
mod lease;
mod version;

use proto::store::command::Action;
use proto::store::reply::Outcome;

use crate::error::Stop;
use crate::run::Run;
use crate::stamp::Stamp;

/// Applies an action that no alarm forbids and whose caller may ask for it.
pub(crate) fn dispatch(run: &mut Run<'_>, stamp: Stamp, action: &Action) -> Result<Outcome, Stop> {
    match action {
        Action::Put(request) => kv::put(run, request),
        Action::DeleteRange(request) => kv::delete_range(run, request),
        Action::Txn(request) => kv::txn(run, request),
        Action::Compact(request) => kv::compact(run, request),
        Action::LeaseGrant(request) => lease::grant(run, request),
        Action::LeaseRevoke(request) => lease::revoke(run, *request),
        Action::LeaseExpire(expired) => lease::expire(run, stamp, expired),
        Action::LeaseCheckpoint(request) => Ok(lease::checkpoint(run, request)),
        Action::Alarm(request) => Ok(alarm::apply(run, request)),
        Action::ClusterVersion(version) => version::set(run, version),
        Action::Downgrade(downgrade) => version::downgrade(run, downgrade),
        Action::MemberAdd(member) => cluster::add(run, member),
        Action::MemberRemove(request) => cluster::remove(run, *request),
        Action::MemberUpdate(request) => cluster::update(run, request),
        Action::MemberPromote(request) => cluster::promote(run, *request),
        Action::MemberPublish(member) => cluster::publish(run, member),
        Action::AuthEnable(_)
        | Action::AuthDisable(_)
        | Action::AuthUserAdd(_)
        | Action::AuthUserDelete(_)
        | Action::AuthUserChangePassword(_)
        | Action::AuthUserGrantRole(_)
        | Action::AuthUserRevokeRole(_)
        | Action::AuthRoleAdd(_)
        | Action::AuthRoleDelete(_)
        | Action::AuthRoleGrantPermission(_)
        | Action::AuthRoleRevokePermission(_) => auth::apply(run, action),
    }
}
