//! Who may do what.

use bytes::Bytes;
use proto::auth::permission::Type;
use proto::etcd::request_op::Request;
use proto::etcd::{DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest};
use proto::fault::Fault;
use proto::store::command::Action;

use crate::Model;
use crate::auth::ROOT;

/// The auth revision of what the cluster asks of itself; no user has it.
pub const CLUSTER: u64 = u64::MAX;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The user's name, "" for nobody and for the cluster.
    pub user: &'a str,
    /// The auth revision at which the user was authenticated: 0 for nobody, [`CLUSTER`] for the cluster.
    pub revision: u64,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Wish<'a> {
    /// To apply a command.
    Do(&'a Action),
    /// To read a range, or to watch it.
    Range(&'a RangeRequest),
    /// To read by a transaction.
    Txn(&'a TxnRequest),
    /// To see what a lease has left.
    TimeToLive {
        /// The lease.
        id: i64,
        /// Whether to see its keys.
        keys: bool,
    },
    /// To see the roles of a user.
    User(&'a str),
    /// To see the permissions of a role.
    Role(&'a str),
    /// To manage the cluster.
    Manage,
    /// To be known.
    Known,
}

impl Model {
    /// Whether the caller may have the wish. Everybody may have any while authentication is off, and the cluster always.
    ///
    /// # Errors
    /// What the store refuses it with.
    pub fn may(&self, caller: Caller<'_>, wish: Wish<'_>) -> Result<(), Fault> {
        if !self.auth.enabled || (caller.user.is_empty() && caller.revision == CLUSTER) {
            return Ok(());
        }
        match wish {
            Wish::Do(action) => self.may_do(caller, action),
            Wish::Range(range) => self.touches(caller, Type::Read, &range.key, &range.range_end),
            Wish::Txn(txn) => self.may_txn(caller, txn),
            Wish::TimeToLive { id, keys: true } => self.touches_keys_of(caller, Type::Read, id),
            Wish::User(name) if name != caller.user => self.manages(caller),
            Wish::Role(name) if !self.auth.has_role(caller.user, name) => self.manages(caller),
            Wish::Manage => self.manages(caller),
            Wish::TimeToLive { .. } | Wish::User(_) | Wish::Role(_) | Wish::Known => self.is_known(caller),
        }
    }

    fn may_do(&self, caller: Caller<'_>, action: &Action) -> Result<(), Fault> {
        match action {
            Action::Put(put) => self.may_put(caller, put),
            Action::DeleteRange(delete) => self.may_delete(caller, delete),
            Action::Txn(txn) => self.may_txn(caller, txn),
            Action::LeaseGrant(_) => self.is_known(caller),
            Action::LeaseRevoke(revoke) => self.touches_keys_of(caller, Type::Write, revoke.id),
            // Only members propose these.
            Action::LeaseExpire(_)
            | Action::LeaseCheckpoint(_)
            | Action::ClusterVersion(_)
            | Action::MemberPublish(_) => Ok(()),
            _ => self.manages(caller),
        }
    }

    fn may_put(&self, caller: Caller<'_>, put: &PutRequest) -> Result<(), Fault> {
        self.touches(caller, Type::Write, &put.key, b"")?;
        if put.lease != 0 {
            // The caller could revoke it, and all its keys with it.
            self.touches_keys_of(caller, Type::Write, put.lease)?;
        }
        if put.prev_kv {
            self.touches(caller, Type::Read, &put.key, b"")?;
        }
        Ok(())
    }

    fn may_delete(&self, caller: Caller<'_>, delete: &DeleteRangeRequest) -> Result<(), Fault> {
        self.touches(caller, Type::Write, &delete.key, &delete.range_end)?;
        if delete.prev_kv {
            self.touches(caller, Type::Read, &delete.key, &delete.range_end)?;
        }
        Ok(())
    }

    /// Both branches have to be allowed, whichever is taken, and nested transactions as if they stood alone.
    fn may_txn(&self, caller: Caller<'_>, txn: &TxnRequest) -> Result<(), Fault> {
        self.is_known(caller)?;
        for compare in &txn.compare {
            self.touches(caller, Type::Read, &compare.key, &compare.range_end)?;
        }
        for RequestOp { request } in txn.success.iter().chain(&txn.failure) {
            match request {
                Some(Request::RequestRange(range)) => self.touches(caller, Type::Read, &range.key, &range.range_end)?,
                Some(Request::RequestPut(put)) => self.may_put(caller, put)?,
                Some(Request::RequestDeleteRange(delete)) => self.may_delete(caller, delete)?,
                Some(Request::RequestTxn(txn)) => self.may_txn(caller, txn)?,
                None => {}
            }
        }
        Ok(())
    }

    fn is_known(&self, caller: Caller<'_>) -> Result<(), Fault> {
        if caller.revision == 0 {
            Err(Fault::UserEmpty)
        } else if caller.revision < self.auth.revision {
            Err(Fault::AuthOldRevision)
        } else if self.auth.users.contains_key(caller.user) {
            Ok(())
        } else {
            Err(Fault::PermissionDenied)
        }
    }

    /// When the caller was authenticated does not matter: what it may do is looked up now.
    fn manages(&self, caller: Caller<'_>) -> Result<(), Fault> {
        if caller.user.is_empty() {
            Err(Fault::UserEmpty)
        } else if !self.auth.users.contains_key(caller.user) {
            Err(Fault::UserNotFound)
        } else if self.auth.has_role(caller.user, ROOT) {
            Ok(())
        } else {
            Err(Fault::PermissionDenied)
        }
    }

    fn touches(&self, caller: Caller<'_>, how: Type, key: &[u8], end: &[u8]) -> Result<(), Fault> {
        self.is_known(caller)?;
        if self.auth.has_role(caller.user, ROOT) || self.covered(caller.user, how, key, end) {
            Ok(())
        } else {
            Err(Fault::PermissionDenied)
        }
    }

    fn touches_keys_of(&self, caller: Caller<'_>, how: Type, lease: i64) -> Result<(), Fault> {
        self.is_known(caller)?;
        let keys = self.keys_of(lease);
        keys.iter().try_for_each(|key| self.touches(caller, how, key, b""))
    }

    /// Whether all permissions of a user together cover a range: one walks from the key, always as far as some permission
    /// reaches. A range that holds no key is taken as its first.
    fn covered(&self, user: &str, how: Type, key: &[u8], end: &[u8]) -> bool {
        let roles = self.auth.users.get(user).into_iter().flat_map(|user| &user.roles);
        let permissions = roles
            .filter_map(|role| self.auth.roles.get(role))
            .flat_map(|role| &role.key_permission)
            .filter(|held| [i32::from(how), i32::from(Type::Readwrite)].contains(&held.perm_type));
        // From a key up to another; to the end of all keys for `None`.
        let spans: Vec<(Bytes, Option<Bytes>)> = permissions
            .map(|held| match held.range_end.as_ref() {
                b"" => (held.key.clone(), Some(Bytes::from([&held.key[..], b"\0"].concat()))),
                b"\0" => (held.key.clone(), None),
                _ => (held.key.clone(), Some(held.range_end.clone())),
            })
            .collect();
        let mut at = Bytes::copy_from_slice(key);
        loop {
            let reached = spans.iter().filter(|(from, _)| *from <= at).map(|(_, to)| to);
            if reached.clone().any(Option::is_none) {
                return true;
            }
            let Some(to) = reached.flatten().filter(|to| **to > at).max() else {
                return false;
            };
            let is_enough = match end {
                b"" => true,
                b"\0" => false,
                _ => end <= &to[..],
            };
            if is_enough {
                return true;
            }
            at = to.clone();
        }
    }
}
