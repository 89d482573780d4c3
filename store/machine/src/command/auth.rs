//! Users, roles and permissions; the rules are `store/auth`'s.

use proto::fault::Fault;
use proto::store::command::Action;
use proto::store::reply::Outcome;

use crate::effect::Effect;
use crate::error::Stop;
use crate::run::Run;

pub(super) fn apply(run: &mut Run<'_>, action: &Action) -> Result<Outcome, Stop> {
    let (auth, batch) = (&mut run.core.auth, &mut run.batch);
    let before = (auth.enabled(), auth.revision());
    match action {
        Action::AuthEnable(_) => auth.enable(batch),
        Action::AuthDisable(_) => {
            auth.disable(batch);
            Ok(())
        }
        Action::AuthUserAdd(request) => auth.user_add(request, batch),
        Action::AuthUserDelete(request) => auth.user_delete(request, batch),
        Action::AuthUserChangePassword(request) => auth.user_change_password(request, batch),
        Action::AuthUserGrantRole(request) => auth.user_grant_role(request, batch),
        Action::AuthUserRevokeRole(request) => auth.user_revoke_role(request, batch),
        Action::AuthRoleAdd(request) => auth.role_add(request, batch),
        Action::AuthRoleDelete(request) => auth.role_delete(request, batch),
        Action::AuthRoleGrantPermission(request) => auth.role_grant_permission(request, batch),
        Action::AuthRoleRevokePermission(request) => auth.role_revoke_permission(request, batch),
        _ => Err(Fault::NotCapable),
    }?;
    if (auth.enabled(), auth.revision()) != before {
        run.notify(Effect::Auth);
    }
    Ok(run.done())
}
