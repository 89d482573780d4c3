//! The seventeen calls of the Auth service.

use proto::etcd::{
    AuthDisableRequest, AuthDisableResponse, AuthEnableRequest, AuthEnableResponse, AuthRoleAddRequest,
    AuthRoleAddResponse, AuthRoleDeleteRequest, AuthRoleDeleteResponse, AuthRoleGetRequest, AuthRoleGetResponse,
    AuthRoleGrantPermissionRequest, AuthRoleGrantPermissionResponse, AuthRoleListRequest, AuthRoleListResponse,
    AuthRoleRevokePermissionRequest, AuthRoleRevokePermissionResponse, AuthStatusRequest, AuthStatusResponse,
    AuthUserAddRequest, AuthUserAddResponse, AuthUserChangePasswordRequest, AuthUserChangePasswordResponse,
    AuthUserDeleteRequest, AuthUserDeleteResponse, AuthUserGetRequest, AuthUserGetResponse, AuthUserGrantRoleRequest,
    AuthUserGrantRoleResponse, AuthUserListRequest, AuthUserListResponse, AuthUserRevokeRoleRequest,
    AuthUserRevokeRoleResponse, AuthenticateRequest, AuthenticateResponse, ResponseHeader,
};
use proto::fault::Fault;
use proto::store::command::Action;
use proto::store::reply::Outcome;
use store_machine::Ask;

use crate::Member;
use crate::admit::Learner;
use crate::caller::Caller;
use crate::error::Result;
use crate::kv::unexpected;

/// A call that is one command and answers with a head only. Whether the caller may do it is decided at apply.
macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident($request:ident) -> $response:ident = $action:ident;)*) => {
        impl Member {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// As upstream's table says for it; auth, timeouts.
                pub async fn $name(&self, caller: &Caller, request: $request) -> Result<$response> {
                    Ok($response { header: self.manage(caller, Action::$action(request)).await? })
                }
            )*
        }
    };
}

commands! {
    /// Turns authentication on. Root must exist and have its role.
    auth_enable(AuthEnableRequest) -> AuthEnableResponse = AuthEnable;
    /// Turns authentication off.
    auth_disable(AuthDisableRequest) -> AuthDisableResponse = AuthDisable;
    /// Deletes a user.
    user_delete(AuthUserDeleteRequest) -> AuthUserDeleteResponse = AuthUserDelete;
    /// Gives a user a role.
    user_grant_role(AuthUserGrantRoleRequest) -> AuthUserGrantRoleResponse = AuthUserGrantRole;
    /// Takes a role from a user.
    user_revoke_role(AuthUserRevokeRoleRequest) -> AuthUserRevokeRoleResponse = AuthUserRevokeRole;
    /// Adds a role.
    role_add(AuthRoleAddRequest) -> AuthRoleAddResponse = AuthRoleAdd;
    /// Deletes a role.
    role_delete(AuthRoleDeleteRequest) -> AuthRoleDeleteResponse = AuthRoleDelete;
    /// Gives a role a permission.
    role_grant_permission(AuthRoleGrantPermissionRequest) -> AuthRoleGrantPermissionResponse = AuthRoleGrantPermission;
    /// Takes a permission from a role.
    role_revoke_permission(AuthRoleRevokePermissionRequest) -> AuthRoleRevokePermissionResponse = AuthRoleRevokePermission;
}

impl Member {
    async fn manage(&self, caller: &Caller, action: Action) -> Result<Option<ResponseHeader>> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        match self.propose(&admitted.who, action).await? {
            Outcome::Done(done) => Ok(Some(self.header_at(done.revision))),
            other => Err(unexpected(&other)),
        }
    }

    /// Adds a user. The password is hashed here: the log never sees it.
    ///
    /// # Errors
    /// [`Fault::UserAlreadyExist`], [`Fault::UserEmpty`], auth, timeouts.
    pub async fn user_add(&self, caller: &Caller, mut request: AuthUserAddRequest) -> Result<AuthUserAddResponse> {
        let no_password = request.options.as_ref().is_some_and(|options| options.no_password);
        let password = std::mem::take(&mut request.password);
        if !no_password {
            self.allowed_to_hash(caller).await?;
            request.hashed_password = self.hash_password(password).await?;
        }
        Ok(AuthUserAddResponse {
            header: self.manage(caller, Action::AuthUserAdd(request)).await?,
        })
    }

    /// Changes a user's password.
    ///
    /// # Errors
    /// [`Fault::UserNotFound`], auth, timeouts.
    pub async fn user_change_password(
        &self,
        caller: &Caller,
        mut request: AuthUserChangePasswordRequest,
    ) -> Result<AuthUserChangePasswordResponse> {
        let password = std::mem::take(&mut request.password);
        if !password.is_empty() {
            self.allowed_to_hash(caller).await?;
            request.hashed_password = self.hash_password(password).await?;
        }
        let header = self.manage(caller, Action::AuthUserChangePassword(request)).await?;
        Ok(AuthUserChangePasswordResponse { header })
    }

    /// Hashing costs much time, so nobody may ask for it who would be refused anyway.
    async fn allowed_to_hash(&self, caller: &Caller) -> Result<()> {
        self.admit_admin(caller, Learner::Refuses).await.map(drop)
    }

    /// Checks a password and gives a token.
    ///
    /// # Errors
    /// [`Fault::AuthNotEnabled`], [`Fault::AuthFailed`], timeouts.
    pub async fn authenticate(&self, caller: &Caller, request: AuthenticateRequest) -> Result<AuthenticateResponse> {
        // Whoever asks for a new token may bring an old one along.
        let anonymous = Caller {
            token: None,
            ..caller.clone()
        };
        let _admitted = self.admit(&anonymous, Learner::Refuses).await?;
        self.barrier().await?;
        loop {
            let state = self.reader.state();
            let credentials = state.auth.credentials(&request.name)?;
            let (hash, revision) = (credentials.hash.to_vec(), credentials.revision);
            if let Err(error) = self.check_password(request.password.clone(), hash).await {
                tracing::warn!(user = request.name, %error, "invalid authentication was requested");
                return Err(error);
            }
            let state = self.reader.state();
            // The password may have been changed while it was checked.
            if state.auth.revision() == revision {
                let token = self.issue(&state, &request.name)?;
                return Ok(AuthenticateResponse {
                    header: Some(self.header()),
                    token,
                });
            }
            if !state.auth.enabled() {
                return Err(Fault::AuthNotEnabled.into());
            }
        }
    }

    /// Whether authentication is on. Anybody may ask.
    ///
    /// # Errors
    /// Timeouts.
    pub async fn auth_status(&self, caller: &Caller, _request: AuthStatusRequest) -> Result<AuthStatusResponse> {
        let anonymous = Caller {
            token: None,
            ..caller.clone()
        };
        let _admitted = self.admit(&anonymous, Learner::Refuses).await?;
        self.barrier().await?;
        let auth = &self.reader.state().auth;
        Ok(AuthStatusResponse {
            header: Some(self.header()),
            enabled: auth.enabled(),
            auth_revision: auth.revision(),
        })
    }

    /// A user's roles.
    ///
    /// # Errors
    /// [`Fault::UserNotFound`], auth, timeouts.
    pub async fn user_get(&self, caller: &Caller, request: AuthUserGetRequest) -> Result<AuthUserGetResponse> {
        self.read_auth(caller, Ask::UserGet(&request.name)).await?;
        let response = self.reader.state().auth.user_get(&request)?;
        Ok(AuthUserGetResponse {
            header: Some(self.header()),
            ..response
        })
    }

    /// All users.
    ///
    /// # Errors
    /// Auth, timeouts.
    pub async fn user_list(&self, caller: &Caller, _request: AuthUserListRequest) -> Result<AuthUserListResponse> {
        self.read_auth(caller, Ask::Admin).await?;
        Ok(AuthUserListResponse {
            header: Some(self.header()),
            ..self.reader.state().auth.user_list()
        })
    }

    /// A role's permissions.
    ///
    /// # Errors
    /// [`Fault::RoleNotFound`], auth, timeouts.
    pub async fn role_get(&self, caller: &Caller, request: AuthRoleGetRequest) -> Result<AuthRoleGetResponse> {
        self.read_auth(caller, Ask::RoleGet(&request.role)).await?;
        let response = self.reader.state().auth.role_get(&request)?;
        Ok(AuthRoleGetResponse {
            header: Some(self.header()),
            ..response
        })
    }

    /// All roles.
    ///
    /// # Errors
    /// Auth, timeouts.
    pub async fn role_list(&self, caller: &Caller, _request: AuthRoleListRequest) -> Result<AuthRoleListResponse> {
        self.read_auth(caller, Ask::Admin).await?;
        Ok(AuthRoleListResponse {
            header: Some(self.header()),
            ..self.reader.state().auth.role_list()
        })
    }

    async fn read_auth(&self, caller: &Caller, ask: Ask<'_>) -> Result<()> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        self.barrier().await?;
        self.allowed(&admitted.who, ask)
    }
}
