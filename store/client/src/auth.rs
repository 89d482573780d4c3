//! Users, roles and permissions.

use proto::auth::{Permission, UserAddOptions, permission};
use proto::etcd::{
    AuthDisableRequest, AuthEnableRequest, AuthRoleAddRequest, AuthRoleDeleteRequest, AuthRoleGetRequest,
    AuthRoleGrantPermissionRequest, AuthRoleListRequest, AuthRoleRevokePermissionRequest, AuthUserAddRequest,
    AuthUserChangePasswordRequest, AuthUserDeleteRequest, AuthUserGetRequest, AuthUserGrantRoleRequest,
    AuthUserListRequest, AuthUserRevokeRoleRequest,
};

use crate::channel::Link;
use crate::op::Span;
use crate::retry::Repeat;
use crate::{Client, Result};

impl Client {
    /// Switches authentication on. User and role `root` must exist.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn auth_enable(&self) -> Result<()> {
        let request = AuthEnableRequest {};
        let rpc = |link: Link, request| async move { link.auth().auth_enable(request).await };
        self.core().call(Repeat::Unsent, request, rpc).await?;
        Ok(())
    }

    /// Switches authentication off.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn auth_disable(&self) -> Result<()> {
        let request = AuthDisableRequest {};
        let rpc = |link: Link, request| async move { link.auth().auth_disable(request).await };
        self.core().call(Repeat::Unsent, request, rpc).await?;
        Ok(())
    }

    /// Adds a user. Without a password the user can only be proved by a certificate.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn user_add(&self, name: impl Into<String>, password: Option<&str>) -> Result<()> {
        let request = AuthUserAddRequest {
            name: name.into(),
            password: password.unwrap_or_default().to_owned(),
            options: Some(UserAddOptions {
                no_password: password.is_none(),
            }),
            hashed_password: String::new(),
        };
        let rpc = |link: Link, request| async move { link.auth().user_add(request).await };
        self.core().call(Repeat::Unsent, request, rpc).await?;
        Ok(())
    }

    /// Removes a user.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn user_delete(&self, name: impl Into<String>) -> Result<()> {
        let request = AuthUserDeleteRequest { name: name.into() };
        let rpc = |link: Link, request| async move { link.auth().user_delete(request).await };
        self.core().call(Repeat::Unsent, request, rpc).await?;
        Ok(())
    }

    /// Gives a user another password.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn user_change_password(&self, name: impl Into<String>, password: impl Into<String>) -> Result<()> {
        let request = AuthUserChangePasswordRequest {
            name: name.into(),
            password: password.into(),
            hashed_password: String::new(),
        };
        let rpc = |link: Link, request| async move { link.auth().user_change_password(request).await };
        self.core().call(Repeat::Unsent, request, rpc).await?;
        Ok(())
    }

    /// Gives a user a role.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn user_grant_role(&self, user: impl Into<String>, role: impl Into<String>) -> Result<()> {
        let request = AuthUserGrantRoleRequest {
            user: user.into(),
            role: role.into(),
        };
        let rpc = |link: Link, request| async move { link.auth().user_grant_role(request).await };
        self.core().call(Repeat::Unsent, request, rpc).await?;
        Ok(())
    }

    /// Takes a role from a user.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn user_revoke_role(&self, name: impl Into<String>, role: impl Into<String>) -> Result<()> {
        let request = AuthUserRevokeRoleRequest {
            name: name.into(),
            role: role.into(),
        };
        let rpc = |link: Link, request| async move { link.auth().user_revoke_role(request).await };
        self.core().call(Repeat::Unsent, request, rpc).await?;
        Ok(())
    }

    /// Adds a role without permissions.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn role_add(&self, name: impl Into<String>) -> Result<()> {
        let request = AuthRoleAddRequest { name: name.into() };
        let rpc = |link: Link, request| async move { link.auth().role_add(request).await };
        self.core().call(Repeat::Unsent, request, rpc).await?;
        Ok(())
    }

    /// Removes a role, also from the users who have it.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn role_delete(&self, role: impl Into<String>) -> Result<()> {
        let request = AuthRoleDeleteRequest { role: role.into() };
        let rpc = |link: Link, request| async move { link.auth().role_delete(request).await };
        self.core().call(Repeat::Unsent, request, rpc).await?;
        Ok(())
    }

    /// Allows a role to read, write or both.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn role_grant_permission(
        &self,
        role: impl Into<String>,
        kind: permission::Type,
        span: impl Into<Span>,
    ) -> Result<()> {
        let request = {
            let Span { key, range_end } = span.into();
            let perm = Some(Permission {
                perm_type: kind.into(),
                key,
                range_end,
            });
            AuthRoleGrantPermissionRequest {
                name: role.into(),
                perm,
            }
        };
        let rpc = |link: Link, request| async move { link.auth().role_grant_permission(request).await };
        self.core().call(Repeat::Unsent, request, rpc).await?;
        Ok(())
    }

    /// Takes a permission from a role; the span must be exactly the granted one.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn role_revoke_permission(&self, role: impl Into<String>, span: impl Into<Span>) -> Result<()> {
        let request = {
            let Span { key, range_end } = span.into();
            AuthRoleRevokePermissionRequest {
                role: role.into(),
                key,
                range_end,
            }
        };
        let rpc = |link: Link, request| async move { link.auth().role_revoke_permission(request).await };
        self.core().call(Repeat::Unsent, request, rpc).await?;
        Ok(())
    }

    /// The roles of a user.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn user_roles(&self, name: impl Into<String>) -> Result<Vec<String>> {
        let request = AuthUserGetRequest { name: name.into() };
        let rpc = |link: Link, request| async move { link.auth().user_get(request).await };
        Ok(self.core().call(Repeat::Safe, request, rpc).await?.roles)
    }

    /// The names of all users.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn users(&self) -> Result<Vec<String>> {
        let request = AuthUserListRequest {};
        let rpc = |link: Link, request| async move { link.auth().user_list(request).await };
        Ok(self.core().call(Repeat::Safe, request, rpc).await?.users)
    }

    /// What a role allows.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn role_permissions(&self, role: impl Into<String>) -> Result<Vec<Permission>> {
        let request = AuthRoleGetRequest { role: role.into() };
        let rpc = |link: Link, request| async move { link.auth().role_get(request).await };
        Ok(self.core().call(Repeat::Safe, request, rpc).await?.perm)
    }

    /// The names of all roles.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn roles(&self) -> Result<Vec<String>> {
        let request = AuthRoleListRequest {};
        let rpc = |link: Link, request| async move { link.auth().role_list(request).await };
        Ok(self.core().call(Repeat::Safe, request, rpc).await?.roles)
    }
}
