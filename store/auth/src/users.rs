//! The management operations on users. Each checks all before it writes anything.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use proto::auth::{User, UserAddOptions};
use proto::etcd::{
    AuthUserAddRequest, AuthUserChangePasswordRequest, AuthUserDeleteRequest, AuthUserGrantRoleRequest,
    AuthUserRevokeRoleRequest,
};
use proto::fault::Fault;
use store_engine::Batch;

use crate::store::{Auth, ROOT, no_password};

impl Auth {
    /// Adds a user without roles.
    ///
    /// # Errors
    /// `UserEmpty`, `UserAlreadyExist`, `AuthFailed` for a password that was not hashed before it was proposed.
    pub fn user_add(&mut self, request: &AuthUserAddRequest, batch: &mut Batch) -> Result<(), Fault> {
        if request.name.is_empty() {
            return Err(Fault::UserEmpty);
        }
        if self.users.contains_key(&request.name) {
            return Err(Fault::UserAlreadyExist);
        }
        let options = request.options.unwrap_or(UserAddOptions { no_password: false });
        let password = if options.no_password {
            Bytes::new()
        } else {
            hashed(&request.password, &request.hashed_password)?
        };
        let name = Bytes::copy_from_slice(request.name.as_bytes());
        self.put_user(
            &request.name,
            User {
                name,
                password,
                roles: Vec::new(),
                options: Some(options),
            },
            batch,
        );
        self.bump(batch);
        Ok(())
    }

    /// Removes a user.
    ///
    /// # Errors
    /// `InvalidAuthManagement` for root while authentication is on, `UserNotFound`.
    pub fn user_delete(&mut self, request: &AuthUserDeleteRequest, batch: &mut Batch) -> Result<(), Fault> {
        if self.enabled() && request.name == ROOT {
            return Err(Fault::InvalidAuthManagement);
        }
        if !self.users.contains_key(&request.name) {
            return Err(Fault::UserNotFound);
        }
        self.delete_user(&request.name, batch);
        self.bump(batch);
        Ok(())
    }

    /// Gives a user another password; one without a password stays without.
    ///
    /// # Errors
    /// `UserNotFound`, `AuthFailed` for a password that was not hashed before it was proposed.
    pub fn user_change_password(
        &mut self,
        request: &AuthUserChangePasswordRequest,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let mut user = self.users.get(&request.name).cloned().ok_or(Fault::UserNotFound)?;
        user.password = if no_password(&user) {
            Bytes::new()
        } else {
            hashed(&request.password, &request.hashed_password)?
        };
        self.put_user(&request.name, user, batch);
        self.bump(batch);
        Ok(())
    }

    /// Gives a user a role; nothing happens, and no new revision, when it has it. The root role need not exist.
    ///
    /// # Errors
    /// `UserNotFound`, `RoleNotFound`.
    pub fn user_grant_role(&mut self, request: &AuthUserGrantRoleRequest, batch: &mut Batch) -> Result<(), Fault> {
        let mut user = self.users.get(&request.user).cloned().ok_or(Fault::UserNotFound)?;
        if request.role != ROOT && !self.roles.contains_key(&request.role) {
            return Err(Fault::RoleNotFound);
        }
        let Err(at) = user.roles.binary_search(&request.role) else {
            return Ok(());
        };
        user.roles.insert(at, request.role.clone());
        self.put_user(&request.user, user, batch);
        self.bump(batch);
        Ok(())
    }

    /// Takes a role from a user.
    ///
    /// # Errors
    /// `InvalidAuthManagement` for root's root while authentication is on, `UserNotFound`, `RoleNotGranted`.
    pub fn user_revoke_role(&mut self, request: &AuthUserRevokeRoleRequest, batch: &mut Batch) -> Result<(), Fault> {
        if self.enabled() && request.name == ROOT && request.role == ROOT {
            return Err(Fault::InvalidAuthManagement);
        }
        let mut user = self.users.get(&request.name).cloned().ok_or(Fault::UserNotFound)?;
        let held = user.roles.len();
        user.roles.retain(|role| *role != request.role);
        if user.roles.len() == held {
            return Err(Fault::RoleNotGranted);
        }
        self.put_user(&request.name, user, batch);
        self.bump(batch);
        Ok(())
    }
}

/// The bcrypt text out of its base64. Hashing here would need randomness, and every member would get another hash.
fn hashed(password: &str, hashed_password: &str) -> Result<Bytes, Fault> {
    if !password.is_empty() && hashed_password.is_empty() {
        return Err(Fault::AuthFailed);
    }
    STANDARD
        .decode(hashed_password)
        .map(Bytes::from)
        .map_err(|_| Fault::AuthFailed)
}
