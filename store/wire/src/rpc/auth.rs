//! `etcdserverpb.Auth`: users, roles, and tokens for them.

use proto::etcd::{
    AuthDisableRequest, AuthEnableRequest, AuthRoleAddRequest, AuthRoleDeleteRequest, AuthRoleGetRequest,
    AuthRoleGrantPermissionRequest, AuthRoleListRequest, AuthRoleRevokePermissionRequest, AuthStatusRequest,
    AuthUserAddRequest, AuthUserChangePasswordRequest, AuthUserDeleteRequest, AuthUserGetRequest,
    AuthUserGrantRoleRequest, AuthUserListRequest, AuthUserRevokeRoleRequest, AuthenticateRequest,
};

use super::unary;

unary! {
    auth_enable(AuthEnableRequest);
    auth_disable(AuthDisableRequest);
    auth_status(AuthStatusRequest);
    authenticate(AuthenticateRequest);
    user_add(AuthUserAddRequest);
    user_get(AuthUserGetRequest);
    user_list(AuthUserListRequest);
    user_delete(AuthUserDeleteRequest);
    user_change_password(AuthUserChangePasswordRequest);
    user_grant_role(AuthUserGrantRoleRequest);
    user_revoke_role(AuthUserRevokeRoleRequest);
    role_add(AuthRoleAddRequest);
    role_get(AuthRoleGetRequest);
    role_list(AuthRoleListRequest);
    role_delete(AuthRoleDeleteRequest);
    role_grant_permission(AuthRoleGrantPermissionRequest);
    role_revoke_permission(AuthRoleRevokePermissionRequest);
}
