//! Who may do what: one function over the whole tree of a request.
//!
//! Upstream had holes wherever a check was written a second time (transactions in transactions, previous values, lease
//! attachments, open-ended watches), so there is no second place here: apply asks it for every command, and so does
//! everyone who reads.

use proto::etcd::request_op::Request;
use proto::etcd::{DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest};
use proto::fault::Fault;
use proto::store::command::Action;
use store_auth::{Access, Auth, Caller};
use store_lease::Leases;

use crate::OWN;

/// What someone wants to do.
#[derive(Clone, Copy, Debug)]
pub enum Ask<'a> {
    /// A command.
    Action(&'a Action),
    /// A range, or a watch of the same keys.
    Range(&'a RangeRequest),
    /// A transaction that only reads.
    Txn(&'a TxnRequest),
    /// How long a lease has left, and which keys hang on it.
    LeaseTimeToLive {
        /// The lease.
        id: i64,
        /// Whether its keys are to be named.
        keys: bool,
    },
    /// A user's roles: one's own, or as an administrator.
    UserGet(&'a str),
    /// A role's permissions: of a role one has, or as an administrator.
    RoleGet(&'a str),
    /// What is for administrators: maintenance, members, lists of users and roles.
    Admin,
    /// What every known user may do: see members and leases, keep a lease alive.
    User,
}

/// Decides. Everything is allowed while authentication is off.
///
/// # Errors
/// `UserEmpty` for nobody, `AuthOldRevision` for a user authenticated before the last change, `PermissionDenied`.
pub fn authorize(auth: &Auth, leases: &Leases, caller: Caller<'_>, ask: Ask<'_>) -> Result<(), Fault> {
    if !auth.enabled() || (caller.user.is_empty() && caller.revision == OWN) {
        return Ok(());
    }
    let judge = Judge { auth, leases, caller };
    match ask {
        Ask::Action(action) => judge.action(action),
        Ask::Range(range) => judge.range(range),
        Ask::Txn(txn) => judge.txn(txn),
        Ask::LeaseTimeToLive { id, keys } => judge.time_to_live(id, keys),
        Ask::UserGet(name) if name == caller.user => auth.check_user(caller),
        Ask::RoleGet(name) if auth.has_role(caller.user, name) => auth.check_user(caller),
        Ask::UserGet(_) | Ask::RoleGet(_) | Ask::Admin => auth.check_admin(caller),
        Ask::User => auth.check_user(caller),
    }
}

struct Judge<'a> {
    auth: &'a Auth,
    leases: &'a Leases,
    caller: Caller<'a>,
}

impl Judge<'_> {
    fn action(&self, action: &Action) -> Result<(), Fault> {
        match action {
            Action::Put(put) => self.put(put),
            Action::DeleteRange(delete) => self.delete(delete),
            Action::Txn(txn) => self.txn(txn),
            Action::LeaseGrant(_) => self.auth.check_user(self.caller),
            Action::LeaseRevoke(revoke) => self.write_keys_of(revoke.id),
            // No client call becomes one of these: a member proposes them, and apply checks what they say.
            Action::LeaseExpire(_)
            | Action::LeaseCheckpoint(_)
            | Action::ClusterVersion(_)
            | Action::MemberPublish(_) => Ok(()),
            Action::Compact(_)
            | Action::Alarm(_)
            | Action::Downgrade(_)
            | Action::MemberAdd(_)
            | Action::MemberRemove(_)
            | Action::MemberUpdate(_)
            | Action::MemberPromote(_)
            | Action::AuthEnable(_)
            | Action::AuthDisable(_)
            | Action::AuthUserAdd(_)
            | Action::AuthUserDelete(_)
            | Action::AuthUserChangePassword(_)
            | Action::AuthUserGrantRole(_)
            | Action::AuthUserRevokeRole(_)
            | Action::AuthRoleAdd(_)
            | Action::AuthRoleDelete(_)
            | Action::AuthRoleGrantPermission(_)
            | Action::AuthRoleRevokePermission(_) => self.auth.check_admin(self.caller),
        }
    }

    fn check(&self, access: Access, key: &[u8], range_end: &[u8]) -> Result<(), Fault> {
        self.auth.check(self.caller, access, key, range_end)
    }

    fn range(&self, range: &RangeRequest) -> Result<(), Fault> {
        self.check(Access::Read, &range.key, &range.range_end)
    }

    fn put(&self, put: &PutRequest) -> Result<(), Fault> {
        self.check(Access::Write, &put.key, &[])?;
        if put.lease != 0 {
            // Whoever attaches a key to a lease may later revoke it, and with it all its keys.
            self.write_keys_of(put.lease)?;
        }
        if put.prev_kv {
            self.check(Access::Read, &put.key, &[])
        } else {
            Ok(())
        }
    }

    fn delete(&self, delete: &DeleteRangeRequest) -> Result<(), Fault> {
        self.check(Access::Write, &delete.key, &delete.range_end)?;
        if delete.prev_kv {
            self.check(Access::Read, &delete.key, &delete.range_end)
        } else {
            Ok(())
        }
    }

    /// Both branches count, whichever is taken: the answer would tell which. No recursion, as the depth is the client's.
    fn txn(&self, txn: &TxnRequest) -> Result<(), Fault> {
        self.auth.check_user(self.caller)?;
        let mut txns = vec![txn];
        while let Some(txn) = txns.pop() {
            for compare in &txn.compare {
                self.check(Access::Read, &compare.key, &compare.range_end)?;
            }
            for RequestOp { request } in txn.success.iter().chain(&txn.failure) {
                match request {
                    Some(Request::RequestRange(range)) => self.range(range)?,
                    Some(Request::RequestPut(put)) => self.put(put)?,
                    Some(Request::RequestDeleteRange(delete)) => self.delete(delete)?,
                    Some(Request::RequestTxn(nested)) => txns.push(nested),
                    None => {}
                }
            }
        }
        Ok(())
    }

    fn write_keys_of(&self, lease: i64) -> Result<(), Fault> {
        self.auth.check_user(self.caller)?;
        self.all_keys_of(lease, Access::Write)
    }

    fn time_to_live(&self, lease: i64, keys: bool) -> Result<(), Fault> {
        self.auth.check_user(self.caller)?;
        if keys {
            self.all_keys_of(lease, Access::Read)
        } else {
            Ok(())
        }
    }

    fn all_keys_of(&self, lease: i64, access: Access) -> Result<(), Fault> {
        if self.auth.has_role(self.caller.user, store_auth::ROOT) {
            return Ok(());
        }
        let Some(lease) = self.leases.get(lease) else {
            return Ok(());
        };
        lease.keys().try_for_each(|key| self.check(access, key, &[]))
    }
}
