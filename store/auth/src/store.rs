//! The replicated state of authentication, and the questions asked of it.

use imbl::OrdMap;
use prost::Message;
use proto::auth::{Permission, Role, User};
use proto::etcd::{
    AuthRoleGetRequest, AuthRoleGetResponse, AuthRoleListResponse, AuthUserGetRequest, AuthUserGetResponse,
    AuthUserListResponse,
};
use proto::fault::Fault;
use store_engine::{Batch, Engine, Order, Space};

use crate::access::{Access, Allowed, Caller};

/// Where users, roles and the head are kept, in `authpb` encodings.
pub const SPACE: Space = Space(4);

/// The name of the user that must exist, and of the role that may do everything.
pub const ROOT: &str = "root";

/// Why the state cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] store_engine::Error),
    /// What is stored cannot be understood.
    #[error("auth store: {0}")]
    Corrupt(String),
}

/// What a password is checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The bcrypt hash, as text.
    pub hash: &'a [u8],
    /// The auth revision at which this hash holds.
    pub revision: u64,
}

/// Users, roles and whether they count. A clone is a snapshot and costs next to nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Auth {
    enabled: bool,
    revision: u64,
    pub(crate) users: OrdMap<String, User>,
    pub(crate) roles: OrdMap<String, Role>,
    /// What each user's roles allow, merged; follows from the two above.
    allowed: OrdMap<String, Allowed>,
}

impl Default for Auth {
    /// Authentication is off and nobody is known; the revision is 1, as upstream's first one.
    fn default() -> Self {
        Self {
            enabled: false,
            revision: 1,
            users: OrdMap::new(),
            roles: OrdMap::new(),
            allowed: OrdMap::new(),
        }
    }
}

impl Auth {
    /// Reads the state back; an empty engine is a disabled store.
    ///
    /// # Errors
    /// When the engine fails or holds something else.
    pub fn open(engine: &dyn Engine) -> Result<Self, OpenError> {
        let mut auth = Self::default();
        let mut cursor = engine.scan(SPACE, &[], None, Order::Ascending);
        while cursor.valid() {
            auth.read(cursor.key(), cursor.value())?;
            cursor.advance();
        }
        cursor.status()?;
        drop(cursor);
        auth.allow_all();
        Ok(auth)
    }

    fn read(&mut self, key: &[u8], value: &[u8]) -> Result<(), OpenError> {
        let corrupt = |what: &str| OpenError::Corrupt(format!("{what} under {}", key.escape_ascii()));
        if let Some(name) = key.strip_prefix(record::USER) {
            let user = User::decode(value).map_err(|_| corrupt("no user"))?;
            self.users
                .insert(text(name).ok_or_else(|| corrupt("a name that is no text"))?, user);
        } else if let Some(name) = key.strip_prefix(record::ROLE) {
            let role = Role::decode(value).map_err(|_| corrupt("no role"))?;
            self.roles
                .insert(text(name).ok_or_else(|| corrupt("a name that is no text"))?, role);
        } else if key == record::ENABLED {
            self.enabled = value == [1];
        } else if key == record::REVISION {
            self.revision = value
                .try_into()
                .map(u64::from_be_bytes)
                .map_err(|_| corrupt("no revision"))?;
        } else {
            return Err(corrupt("an unknown record"));
        }
        Ok(())
    }

    /// Whether requests need a user.
    pub const fn enabled(&self) -> bool {
        self.enabled
    }

    /// Raised by every change to users, roles and permissions.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The user of this name.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    /// The role of this name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(name)
    }

    /// All users by name.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// All roles by name.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    /// Whether the user exists and holds the role.
    pub fn has_role(&self, user: &str, role: &str) -> bool {
        self.users
            .get(user)
            .is_some_and(|user| user.roles.iter().any(|held| held == role))
    }

    /// The roles of a user.
    ///
    /// # Errors
    /// `UserNotFound`.
    pub fn user_get(&self, request: &AuthUserGetRequest) -> Result<AuthUserGetResponse, Fault> {
        let user = self.users.get(&request.name).ok_or(Fault::UserNotFound)?;
        Ok(AuthUserGetResponse {
            header: None,
            roles: user.roles.clone(),
        })
    }

    /// The permissions of a role; root's is every key, though it is not stored.
    ///
    /// # Errors
    /// `RoleNotFound`.
    pub fn role_get(&self, request: &AuthRoleGetRequest) -> Result<AuthRoleGetResponse, Fault> {
        let role = self.roles.get(&request.role).ok_or(Fault::RoleNotFound)?;
        let perm = if request.role == ROOT {
            vec![everything()]
        } else {
            role.key_permission.clone()
        };
        Ok(AuthRoleGetResponse { header: None, perm })
    }

    /// The names of all users.
    pub fn user_list(&self) -> AuthUserListResponse {
        AuthUserListResponse {
            header: None,
            users: self.users.keys().cloned().collect(),
        }
    }

    /// The names of all roles.
    pub fn role_list(&self) -> AuthRoleListResponse {
        AuthRoleListResponse {
            header: None,
            roles: self.roles.keys().cloned().collect(),
        }
    }

    /// Whether the caller may do this to the keys of `[key, range_end)`, in etcd's convention of `range_end`.
    ///
    /// # Errors
    /// `UserEmpty` without a user, `AuthOldRevision` when something changed since the user was authenticated,
    /// `PermissionDenied`; in this order, which is upstream's.
    pub fn check(&self, caller: Caller<'_>, access: Access, key: &[u8], range_end: &[u8]) -> Result<(), Fault> {
        if !self.enabled {
            return Ok(());
        }
        self.check_user(caller)?;
        let allowed = self.has_role(caller.user, ROOT)
            || self
                .allowed
                .get(caller.user)
                .is_some_and(|allowed| allowed.covers(access, key, range_end));
        if allowed { Ok(()) } else { Err(Fault::PermissionDenied) }
    }

    /// Whether the caller is a known user, whatever it may do.
    ///
    /// # Errors
    /// `UserEmpty`, `AuthOldRevision`, `PermissionDenied` for a user that is gone.
    pub fn check_user(&self, caller: Caller<'_>) -> Result<(), Fault> {
        if !self.enabled {
            return Ok(());
        }
        if caller.revision == 0 {
            return Err(Fault::UserEmpty);
        }
        if caller.revision < self.revision {
            return Err(Fault::AuthOldRevision);
        }
        if self.users.contains_key(caller.user) {
            Ok(())
        } else {
            Err(Fault::PermissionDenied)
        }
    }

    /// Whether the caller may manage the cluster.
    ///
    /// # Errors
    /// `UserEmpty`, `UserNotFound`, `PermissionDenied`. The revision does not count, as upstream: what the user may do
    /// is looked up now.
    pub fn check_admin(&self, caller: Caller<'_>) -> Result<(), Fault> {
        if !self.enabled {
            return Ok(());
        }
        if caller.user.is_empty() {
            return Err(Fault::UserEmpty);
        }
        if !self.users.contains_key(caller.user) {
            return Err(Fault::UserNotFound);
        }
        if self.has_role(caller.user, ROOT) {
            Ok(())
        } else {
            Err(Fault::PermissionDenied)
        }
    }

    /// What the user's password is checked against.
    ///
    /// # Errors
    /// `AuthNotEnabled`; `AuthFailed` for users that do not exist or have no password.
    pub fn credentials(&self, user: &str) -> Result<Credentials<'_>, Fault> {
        if !self.enabled {
            return Err(Fault::AuthNotEnabled);
        }
        let user = self
            .users
            .get(user)
            .filter(|user| !no_password(user))
            .ok_or(Fault::AuthFailed)?;
        Ok(Credentials {
            hash: &user.password,
            revision: self.revision,
        })
    }

    /// Turns authentication on. No new revision, as upstream: nothing that was checked before becomes wrong.
    ///
    /// # Errors
    /// `RootUserNotExist`, `RootRoleNotExist`.
    pub fn enable(&mut self, batch: &mut Batch) -> Result<(), Fault> {
        if self.enabled {
            return Ok(());
        }
        if !self.users.contains_key(ROOT) {
            return Err(Fault::RootUserNotExist);
        }
        if !self.has_role(ROOT, ROOT) {
            return Err(Fault::RootRoleNotExist);
        }
        self.enabled = true;
        record::head(batch, self.enabled, self.revision);
        Ok(())
    }

    /// Turns authentication off.
    pub fn disable(&mut self, batch: &mut Batch) {
        if self.enabled {
            self.enabled = false;
            self.bump(batch);
        }
    }

    pub(crate) fn bump(&mut self, batch: &mut Batch) {
        self.revision = self.revision.saturating_add(1);
        record::head(batch, self.enabled, self.revision);
    }

    pub(crate) fn put_user(&mut self, name: &str, user: User, batch: &mut Batch) {
        record::user(batch, &user);
        self.users.insert(name.to_owned(), user);
        self.allow(name);
    }

    pub(crate) fn delete_user(&mut self, name: &str, batch: &mut Batch) {
        batch.delete(SPACE, &record::user_key(name.as_bytes()));
        self.users.remove(name);
        self.allowed.remove(name);
    }

    pub(crate) fn put_role(&mut self, name: &str, role: Role, batch: &mut Batch) {
        record::role(batch, &role);
        self.roles.insert(name.to_owned(), role);
        self.allow_all();
    }

    pub(crate) fn delete_role(&mut self, name: &str, batch: &mut Batch) {
        batch.delete(SPACE, &record::role_key(name.as_bytes()));
        self.roles.remove(name);
        self.allow_all();
    }

    fn allow(&mut self, name: &str) {
        let Some(user) = self.users.get(name) else { return };
        let permissions = user
            .roles
            .iter()
            .filter_map(|role| self.roles.get(role))
            .flat_map(|role| &role.key_permission);
        let allowed = Allowed::merge(permissions);
        self.allowed.insert(name.to_owned(), allowed);
    }

    fn allow_all(&mut self) {
        let names: Vec<String> = self.users.keys().cloned().collect();
        for name in &names {
            self.allow(name);
        }
    }
}

pub(crate) fn no_password(user: &User) -> bool {
    user.options.as_ref().is_some_and(|options| options.no_password)
}

fn everything() -> Permission {
    let perm_type = proto::auth::permission::Type::Readwrite.into();
    Permission {
        perm_type,
        key: bytes::Bytes::new(),
        range_end: bytes::Bytes::from_static(&[0]),
    }
}

fn text(name: &[u8]) -> Option<String> {
    std::str::from_utf8(name).ok().map(ToOwned::to_owned)
}

/// How the state is laid out in [`SPACE`]; public so that a restored store can be filled record by record.
pub mod record {
    use prost::Message;
    use proto::auth::{Role, User};
    use store_engine::Batch;

    use super::SPACE;

    pub(super) const ENABLED: &[u8] = b"enabled";
    pub(super) const REVISION: &[u8] = b"revision";
    pub(super) const ROLE: &[u8] = b"role/";
    pub(super) const USER: &[u8] = b"user/";

    /// Writes whether authentication is on, and its revision.
    pub fn head(batch: &mut Batch, enabled: bool, revision: u64) {
        batch.put(SPACE, ENABLED, &[u8::from(enabled)]);
        batch.put(SPACE, REVISION, &revision.to_be_bytes());
    }

    /// Writes a user.
    pub fn user(batch: &mut Batch, user: &User) {
        batch.put(SPACE, &user_key(&user.name), &user.encode_to_vec());
    }

    /// Writes a role.
    pub fn role(batch: &mut Batch, role: &Role) {
        batch.put(SPACE, &role_key(&role.name), &role.encode_to_vec());
    }

    pub(super) fn user_key(name: &[u8]) -> Vec<u8> {
        [USER, name].concat()
    }

    pub(super) fn role_key(name: &[u8]) -> Vec<u8> {
        [ROLE, name].concat()
    }
}
