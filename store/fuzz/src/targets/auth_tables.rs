//! Users, roles and permissions as they are stored, and what they allow.
//!
//! An input: a byte that says whether authentication is on, then pieces, each a letter and an encoded user or role.

use std::collections::BTreeSet;

use bytes::Bytes;
use prost::Message;
use proto::auth::permission::Type;
use proto::auth::{Permission, Role, User, UserAddOptions};
use store_auth::{Access, Auth, Caller, ROOT, record};
use store_engine::{Batch, Engine, Memory};

use crate::support::must;
use crate::{Verdict, pieces};

/// Keys that rights are asked about.
const KEYS: usize = 24;

/// Reads the tables back and asks about every user and key in them.
///
/// # Panics
/// Where tables of texts are refused, or where a right is given or denied against the plain meaning of permissions.
pub fn run(data: &[u8]) -> Verdict {
    let Some((enabled, rest)) = data.split_first() else {
        return Verdict::Refused;
    };
    let mut batch = Batch::new();
    record::head(&mut batch, enabled & 1 == 1, 3);
    let mut texts = true;
    for piece in pieces::split(rest) {
        match piece.split_first() {
            Some((b'u', user)) => {
                if let Ok(user) = User::decode(user) {
                    texts &= std::str::from_utf8(&user.name).is_ok();
                    record::user(&mut batch, &user);
                }
            }
            Some((b'r', role)) => {
                if let Ok(role) = Role::decode(role) {
                    texts &= std::str::from_utf8(&role.name).is_ok();
                    record::role(&mut batch, &role);
                }
            }
            _ => {}
        }
    }
    let engine = Memory::new();
    must("write to an engine in memory", engine.write(&batch));
    let opened = Auth::open(&engine);
    assert_eq!(
        opened.is_ok(),
        texts,
        "tables are refused for names that are no text, and for nothing else"
    );
    let Ok(auth) = opened else { return Verdict::Refused };
    ask(&auth);
    Verdict::of(auth.roles().next().is_some())
}

fn ask(auth: &Auth) {
    let mut keys: BTreeSet<Bytes> = [Bytes::new(), Bytes::from_static(b"k")].into();
    for permission in auth.roles().flat_map(|role| &role.key_permission) {
        keys.extend([permission.key.clone(), permission.range_end.clone()]);
        keys.insert([permission.key.as_ref(), &[0]].concat().into());
    }
    for user in auth.user_list().users {
        let caller = Caller {
            user: &user,
            revision: u64::MAX,
        };
        for key in keys.iter().take(KEYS) {
            for access in [Access::Read, Access::Write] {
                let allowed = !auth.enabled() || allowed(auth, &user, access, key);
                let said = auth.check(caller, access, key, &[]).is_ok();
                assert_eq!(said, allowed, "{user} {access:?} {key:?}");
                // A range is no more than its first key.
                assert!(
                    said || auth.check(caller, access, key, &[0]).is_err(),
                    "{user} {access:?} {key:?} and on"
                );
            }
        }
    }
}

/// The plain meaning: any permission of any role of the user.
fn allowed(auth: &Auth, user: &str, access: Access, key: &Bytes) -> bool {
    let roles = auth.user(user).map(|user| user.roles.as_slice()).unwrap_or_default();
    roles.iter().any(|role| role == ROOT)
        || roles
            .iter()
            .filter_map(|role| auth.role(role))
            .flat_map(|role| &role.key_permission)
            .any(|permission| gives(permission, access) && covers(permission, key))
}

fn gives(permission: &Permission, access: Access) -> bool {
    match Type::try_from(permission.perm_type) {
        Ok(Type::Read) => access == Access::Read,
        Ok(Type::Write) => access == Access::Write,
        Ok(Type::Readwrite) => true,
        Err(_) => false,
    }
}

fn covers(permission: &Permission, key: &Bytes) -> bool {
    match permission.range_end.as_ref() {
        [] => *key == permission.key,
        [0] => *key >= permission.key,
        _ => *key >= permission.key && *key < permission.range_end,
    }
}

/// Tables with one user of each kind, and with permissions of each kind.
pub fn seeds() -> Vec<Vec<u8>> {
    let user = |name: &'static str, roles: &[&str], no_password| User {
        name: name.into(),
        password: "hash".into(),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        options: Some(UserAddOptions { no_password }),
    };
    let permission = |perm_type: Type, key: &'static str, range_end: &'static str| Permission {
        perm_type: perm_type.into(),
        key: key.into(),
        range_end: range_end.into(),
    };
    let role = |name: &'static str, key_permission| Role {
        name: name.into(),
        key_permission,
    };
    let piece = |letter: u8, record: Vec<u8>| [&[letter][..], &record].concat();
    let reads = vec![permission(Type::Read, "a", "c"), permission(Type::Read, "c", "d")];
    let writes = vec![
        permission(Type::Write, "b", ""),
        permission(Type::Readwrite, "x", "\0"),
        permission(Type::Write, "z", "y"),
    ];
    let records = [
        piece(b'u', user("root", &["root"], false).encode_to_vec()),
        piece(b'u', user("alice", &["reader", "writer", "gone"], true).encode_to_vec()),
        piece(b'r', role("reader", reads).encode_to_vec()),
        piece(b'r', role("writer", writes).encode_to_vec()),
    ];
    [0, 1]
        .into_iter()
        .map(|enabled| [&[enabled][..], &pieces::join(&records)].concat())
        .collect()
}
