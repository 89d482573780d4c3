//! Users, roles, permissions, and the commands that change them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use proto::auth::{Permission, Role, User, UserAddOptions};
use proto::etcd::{AuthUserAddRequest, AuthUserChangePasswordRequest};
use proto::fault::Fault;
use proto::store::command::Action;

/// The user that must exist, and the role that may do everything.
pub(crate) const ROOT: &str = "root";

/// Who is known, and who may do what.
#[derive(Clone, Debug, PartialEq)]
pub struct Auth {
    /// Whether anybody is asked.
    pub enabled: bool,
    /// Raised by each change but enabling.
    pub revision: u64,
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            enabled: false,
            revision: 1,
            users: BTreeMap::new(),
            roles: BTreeMap::new(),
        }
    }
}

impl Auth {
    pub(crate) fn has_role(&self, user: &str, role: &str) -> bool {
        self.users
            .get(user)
            .is_some_and(|user| user.roles.iter().any(|held| held == role))
    }

    pub(crate) fn apply(&mut self, action: &Action) -> Result<(), Fault> {
        if self.change(action)? {
            self.revision += 1;
        }
        Ok(())
    }

    /// Whether there is anything new to know.
    fn change(&mut self, action: &Action) -> Result<bool, Fault> {
        match action {
            Action::AuthEnable(_) => return self.enable(),
            Action::AuthDisable(_) => return Ok(std::mem::take(&mut self.enabled)),
            Action::AuthUserAdd(request) => self.user_add(request)?,
            Action::AuthUserDelete(request) => self.user_delete(&request.name)?,
            Action::AuthUserChangePassword(request) => self.user_change_password(request)?,
            Action::AuthUserGrantRole(request) => return self.user_grant(&request.user, &request.role),
            Action::AuthUserRevokeRole(request) => self.user_revoke(&request.name, &request.role)?,
            Action::AuthRoleAdd(request) => self.role_add(&request.name)?,
            Action::AuthRoleDelete(request) => self.role_delete(&request.role)?,
            Action::AuthRoleGrantPermission(request) => self.role_grant(&request.name, request.perm.as_ref())?,
            Action::AuthRoleRevokePermission(request) => {
                self.role_revoke(&request.role, &request.key, &request.range_end)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn enable(&mut self) -> Result<bool, Fault> {
        if !self.enabled && !self.users.contains_key(ROOT) {
            return Err(Fault::RootUserNotExist);
        }
        if !self.enabled && !self.has_role(ROOT, ROOT) {
            return Err(Fault::RootRoleNotExist);
        }
        self.enabled = true;
        Ok(false)
    }

    fn user_add(&mut self, request: &AuthUserAddRequest) -> Result<(), Fault> {
        let name = request.name.clone();
        if name.is_empty() {
            return Err(Fault::UserEmpty);
        }
        if self.users.contains_key(&name) {
            return Err(Fault::UserAlreadyExist);
        }
        let options = request.options.unwrap_or(UserAddOptions { no_password: false });
        let user = User {
            name: name.clone().into(),
            password: password(options, &request.password, &request.hashed_password)?,
            roles: Vec::new(),
            options: Some(options),
        };
        self.users.insert(name, user);
        Ok(())
    }

    fn user_delete(&mut self, name: &str) -> Result<(), Fault> {
        if self.enabled && name == ROOT {
            return Err(Fault::InvalidAuthManagement);
        }
        self.users.remove(name).ok_or(Fault::UserNotFound)?;
        Ok(())
    }

    fn user_change_password(&mut self, request: &AuthUserChangePasswordRequest) -> Result<(), Fault> {
        let user = self.users.get_mut(&request.name).ok_or(Fault::UserNotFound)?;
        let options = user.options.unwrap_or_default();
        user.password = password(options, &request.password, &request.hashed_password)?;
        Ok(())
    }

    /// Granting what is granted already changes nothing. The role root need not exist.
    fn user_grant(&mut self, name: &str, role: &str) -> Result<bool, Fault> {
        let user = self.users.get_mut(name).ok_or(Fault::UserNotFound)?;
        if role != ROOT && !self.roles.contains_key(role) {
            return Err(Fault::RoleNotFound);
        }
        if user.roles.iter().any(|held| held == role) {
            return Ok(false);
        }
        user.roles.push(role.to_owned());
        user.roles.sort();
        Ok(true)
    }

    fn user_revoke(&mut self, name: &str, role: &str) -> Result<(), Fault> {
        if self.enabled && name == ROOT && role == ROOT {
            return Err(Fault::InvalidAuthManagement);
        }
        let user = self.users.get_mut(name).ok_or(Fault::UserNotFound)?;
        if !user.roles.iter().any(|held| held == role) {
            return Err(Fault::RoleNotGranted);
        }
        user.roles.retain(|held| held != role);
        Ok(())
    }

    fn role_add(&mut self, name: &str) -> Result<(), Fault> {
        if name.is_empty() {
            return Err(Fault::RoleEmpty);
        }
        if self.roles.contains_key(name) {
            return Err(Fault::RoleAlreadyExist);
        }
        let role = Role {
            name: name.to_owned().into(),
            key_permission: Vec::new(),
        };
        self.roles.insert(name.to_owned(), role);
        Ok(())
    }

    fn role_delete(&mut self, name: &str) -> Result<(), Fault> {
        if self.enabled && name == ROOT {
            return Err(Fault::InvalidAuthManagement);
        }
        self.roles.remove(name).ok_or(Fault::RoleNotFound)?;
        for user in self.users.values_mut() {
            user.roles.retain(|held| held != name);
        }
        Ok(())
    }

    /// A permission on the very same range is replaced. They are sorted by their first key, later ones behind equals.
    fn role_grant(&mut self, name: &str, permission: Option<&Permission>) -> Result<(), Fault> {
        let new = permission.ok_or(Fault::PermissionNotGiven)?;
        let (key, end) = (&new.key, &new.range_end);
        let holds_a_key = end.is_empty() || end == &b"\0"[..] || key < end;
        if key.is_empty() || !holds_a_key {
            return Err(Fault::InvalidAuthManagement);
        }
        let role = self.roles.get_mut(name).ok_or(Fault::RoleNotFound)?;
        for held in &mut role.key_permission {
            if (&held.key, &held.range_end) == (key, end) {
                held.perm_type = new.perm_type;
                return Ok(());
            }
        }
        role.key_permission.push(new.clone());
        role.key_permission.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(())
    }

    fn role_revoke(&mut self, name: &str, key: &Bytes, end: &Bytes) -> Result<(), Fault> {
        let role = self.roles.get_mut(name).ok_or(Fault::RoleNotFound)?;
        let is_it = |held: &Permission| held.key == *key && held.range_end == *end;
        if !role.key_permission.iter().any(is_it) {
            return Err(Fault::PermissionNotGranted);
        }
        role.key_permission.retain(|held| !is_it(held));
        Ok(())
    }
}

/// What is kept of a password: its hash, which the proposer has made.
fn password(options: UserAddOptions, plain: &str, hashed: &str) -> Result<Bytes, Fault> {
    if options.no_password {
        return Ok(Bytes::new());
    }
    if hashed.is_empty() && !plain.is_empty() {
        return Err(Fault::AuthFailed);
    }
    STANDARD.decode(hashed).map(Bytes::from).map_err(|_| Fault::AuthFailed)
}
