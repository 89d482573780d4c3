//! The management operations on roles. Each checks all before it writes anything.

use bytes::Bytes;
use proto::auth::Role;
use proto::etcd::{
    AuthRoleAddRequest, AuthRoleDeleteRequest, AuthRoleGrantPermissionRequest, AuthRoleRevokePermissionRequest,
};
use proto::fault::Fault;
use store_engine::Batch;

use crate::access::is_valid;
use crate::store::{Auth, ROOT};

impl Auth {
    /// Adds a role without permissions.
    ///
    /// # Errors
    /// `RoleEmpty`, `RoleAlreadyExist`.
    pub fn role_add(&mut self, request: &AuthRoleAddRequest, batch: &mut Batch) -> Result<(), Fault> {
        if request.name.is_empty() {
            return Err(Fault::RoleEmpty);
        }
        if self.roles.contains_key(&request.name) {
            return Err(Fault::RoleAlreadyExist);
        }
        let name = Bytes::copy_from_slice(request.name.as_bytes());
        self.put_role(
            &request.name,
            Role {
                name,
                key_permission: Vec::new(),
            },
            batch,
        );
        self.bump(batch);
        Ok(())
    }

    /// Removes a role, also from all users that hold it.
    ///
    /// # Errors
    /// `InvalidAuthManagement` for root while authentication is on, `RoleNotFound`.
    pub fn role_delete(&mut self, request: &AuthRoleDeleteRequest, batch: &mut Batch) -> Result<(), Fault> {
        if self.enabled() && request.role == ROOT {
            return Err(Fault::InvalidAuthManagement);
        }
        if !self.roles.contains_key(&request.role) {
            return Err(Fault::RoleNotFound);
        }
        self.delete_role(&request.role, batch);
        let holders: Vec<String> = self
            .users
            .iter()
            .filter(|(_, user)| user.roles.contains(&request.role))
            .map(|(name, _)| name.clone())
            .collect();
        for name in holders {
            if let Some(mut user) = self.users.get(&name).cloned() {
                user.roles.retain(|role| *role != request.role);
                self.put_user(&name, user, batch);
            }
        }
        self.bump(batch);
        Ok(())
    }

    /// Gives a role a permission; one on exactly the same range is replaced.
    ///
    /// # Errors
    /// `PermissionNotGiven`, `InvalidAuthManagement` for a range that cannot hold a key, `RoleNotFound`.
    pub fn role_grant_permission(
        &mut self,
        request: &AuthRoleGrantPermissionRequest,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let permission = request.perm.clone().ok_or(Fault::PermissionNotGiven)?;
        if !is_valid(&permission) {
            return Err(Fault::InvalidAuthManagement);
        }
        let mut role = self.roles.get(&request.name).cloned().ok_or(Fault::RoleNotFound)?;
        let same = role
            .key_permission
            .iter_mut()
            .find(|held| held.key == permission.key && held.range_end == permission.range_end);
        if let Some(held) = same {
            held.perm_type = permission.perm_type;
        } else {
            let at = role.key_permission.partition_point(|held| held.key <= permission.key);
            role.key_permission.insert(at, permission);
        }
        self.put_role(&request.name, role, batch);
        self.bump(batch);
        Ok(())
    }

    /// Takes the permission on exactly this range from a role.
    ///
    /// # Errors
    /// `RoleNotFound`, `PermissionNotGranted`.
    pub fn role_revoke_permission(
        &mut self,
        request: &AuthRoleRevokePermissionRequest,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let mut role = self.roles.get(&request.role).cloned().ok_or(Fault::RoleNotFound)?;
        let held = role.key_permission.len();
        role.key_permission
            .retain(|held| held.key != request.key || held.range_end != request.range_end);
        if role.key_permission.len() == held {
            return Err(Fault::PermissionNotGranted);
        }
        self.put_role(&request.role, role, batch);
        self.bump(batch);
        Ok(())
    }
}
