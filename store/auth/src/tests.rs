//! The management operations with upstream's refusals and revisions, and the state read back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proto::auth::permission::Type;
use proto::auth::{Permission, UserAddOptions};
use proto::etcd::{
    AuthRoleAddRequest, AuthRoleDeleteRequest, AuthRoleGetRequest, AuthRoleGrantPermissionRequest,
    AuthRoleRevokePermissionRequest, AuthUserAddRequest, AuthUserChangePasswordRequest, AuthUserDeleteRequest,
    AuthUserGetRequest, AuthUserGrantRoleRequest, AuthUserRevokeRoleRequest,
};
use proto::fault::Fault;
use store_engine::{Batch, Engine as _, Memory};

use crate::{Access, Auth, Caller, SPACE};

/// An operation in one word, so that a test reads as a list.
#[derive(Clone, Debug)]
enum Op {
    Enable,
    Disable,
    UserAdd(&'static str),
    UserDelete(&'static str),
    Grant(&'static str, &'static str),
    Revoke(&'static str, &'static str),
    Password(&'static str, &'static str),
    RoleAdd(&'static str),
    RoleDelete(&'static str),
    Allow(&'static str, Type, &'static str, &'static str),
    Forbid(&'static str, &'static str, &'static str),
}

fn apply(auth: &mut Auth, batch: &mut Batch, op: &Op) -> Result<(), Fault> {
    match op.clone() {
        Op::Enable => auth.enable(batch),
        Op::Disable => {
            auth.disable(batch);
            Ok(())
        }
        Op::UserAdd(name) => {
            let hashed_password = STANDARD.encode(format!("hash of {name}"));
            auth.user_add(
                &AuthUserAddRequest {
                    name: name.into(),
                    hashed_password,
                    ..Default::default()
                },
                batch,
            )
        }
        Op::UserDelete(name) => auth.user_delete(&AuthUserDeleteRequest { name: name.into() }, batch),
        Op::Grant(user, role) => auth.user_grant_role(
            &AuthUserGrantRoleRequest {
                user: user.into(),
                role: role.into(),
            },
            batch,
        ),
        Op::Revoke(name, role) => auth.user_revoke_role(
            &AuthUserRevokeRoleRequest {
                name: name.into(),
                role: role.into(),
            },
            batch,
        ),
        Op::Password(name, hash) => {
            let hashed_password = STANDARD.encode(hash);
            let request = AuthUserChangePasswordRequest {
                name: name.into(),
                hashed_password,
                ..Default::default()
            };
            auth.user_change_password(&request, batch)
        }
        Op::RoleAdd(name) => auth.role_add(&AuthRoleAddRequest { name: name.into() }, batch),
        Op::RoleDelete(role) => auth.role_delete(&AuthRoleDeleteRequest { role: role.into() }, batch),
        Op::Allow(name, kind, key, end) => {
            let perm = Some(Permission {
                perm_type: kind.into(),
                key: key.into(),
                range_end: end.into(),
            });
            auth.role_grant_permission(
                &AuthRoleGrantPermissionRequest {
                    name: name.into(),
                    perm,
                },
                batch,
            )
        }
        Op::Forbid(role, key, end) => {
            let request = AuthRoleRevokePermissionRequest {
                role: role.into(),
                key: key.into(),
                range_end: end.into(),
            };
            auth.role_revoke_permission(&request, batch)
        }
    }
}

/// Applies each operation and compares its refusal and whether it raised the revision (by one).
fn run(auth: &mut Auth, steps: &[(Op, Result<u64, Fault>)]) {
    for (op, expected) in steps {
        let (before, mut batch) = (auth.clone(), Batch::default());
        let got = apply(auth, &mut batch, op).map(|()| auth.revision() - before.revision());
        assert_eq!(&got, expected, "{op:?}");
        if got.is_err() {
            assert_eq!(
                (&before, batch.is_empty()),
                (&*auth, true),
                "{op:?} is refused and changes nothing"
            );
        }
    }
}

fn at<'a>(auth: &Auth, user: &'a str) -> Caller<'a> {
    Caller {
        user,
        revision: auth.revision(),
    }
}

#[test]
fn refusals_and_revisions() {
    use Op::*;
    run(
        &mut Auth::default(),
        &[
            (Enable, Err(Fault::RootUserNotExist)),
            (UserAdd(""), Err(Fault::UserEmpty)),
            (UserAdd("root"), Ok(1)),
            (UserAdd("root"), Err(Fault::UserAlreadyExist)),
            (Enable, Err(Fault::RootRoleNotExist)),
            (Grant("root", "root"), Ok(1)),
            (Grant("root", "root"), Ok(0)),
            (Grant("nobody", "root"), Err(Fault::UserNotFound)),
            (Grant("root", "r"), Err(Fault::RoleNotFound)),
            (RoleAdd(""), Err(Fault::RoleEmpty)),
            (RoleAdd("r"), Ok(1)),
            (RoleAdd("r"), Err(Fault::RoleAlreadyExist)),
            (Allow("x", Type::Read, "a", ""), Err(Fault::RoleNotFound)),
            (Allow("r", Type::Read, "", ""), Err(Fault::InvalidAuthManagement)),
            (Allow("r", Type::Read, "b", "a"), Err(Fault::InvalidAuthManagement)),
            (Allow("r", Type::Read, "b", "\0"), Ok(1)),
            (Allow("r", Type::Write, "a", ""), Ok(1)),
            (Forbid("r", "a", "b"), Err(Fault::PermissionNotGranted)),
            (Forbid("x", "a", ""), Err(Fault::RoleNotFound)),
            (Forbid("r", "a", ""), Ok(1)),
            (Password("nobody", "h"), Err(Fault::UserNotFound)),
            (Password("root", "h"), Ok(1)),
            (Enable, Ok(0)),
            (Enable, Ok(0)),
            (UserDelete("root"), Err(Fault::InvalidAuthManagement)),
            (Revoke("root", "root"), Err(Fault::InvalidAuthManagement)),
            (RoleDelete("root"), Err(Fault::InvalidAuthManagement)),
            (UserDelete("nobody"), Err(Fault::UserNotFound)),
            (Revoke("nobody", "r"), Err(Fault::UserNotFound)),
            (Revoke("root", "r"), Err(Fault::RoleNotGranted)),
            (RoleDelete("x"), Err(Fault::RoleNotFound)),
            (UserAdd("u"), Ok(1)),
            (Grant("u", "r"), Ok(1)),
            (RoleDelete("r"), Ok(1)),
            (Revoke("u", "r"), Err(Fault::RoleNotGranted)),
            (UserDelete("u"), Ok(1)),
            (Disable, Ok(1)),
            (Disable, Ok(0)),
            (Revoke("root", "root"), Ok(1)),
            (UserDelete("root"), Ok(1)),
        ],
    );
}

#[test]
fn passwords_come_hashed() {
    let (mut auth, mut batch) = (Auth::default(), Batch::default());
    let clear = AuthUserAddRequest {
        name: "u".into(),
        password: "secret".into(),
        ..Default::default()
    };
    assert_eq!(auth.user_add(&clear, &mut batch), Err(Fault::AuthFailed));
    let broken = AuthUserAddRequest {
        name: "u".into(),
        hashed_password: "!".into(),
        ..Default::default()
    };
    assert_eq!(auth.user_add(&broken, &mut batch), Err(Fault::AuthFailed));
    let without = AuthUserAddRequest {
        name: "certificate".into(),
        password: "ignored".into(),
        options: Some(UserAddOptions { no_password: true }),
        ..Default::default()
    };
    assert_eq!(auth.user_add(&without, &mut batch), Ok(()));
    assert_eq!(auth.credentials("certificate"), Err(Fault::AuthNotEnabled));
    for op in [
        Op::UserAdd("root"),
        Op::Grant("root", "root"),
        Op::Enable,
        Op::Password("certificate", "x"),
    ] {
        apply(&mut auth, &mut batch, &op).unwrap();
    }
    assert_eq!(auth.credentials("certificate"), Err(Fault::AuthFailed));
    assert_eq!(auth.credentials("nobody"), Err(Fault::AuthFailed));
    let root = auth.credentials("root").unwrap();
    assert_eq!(
        (root.hash, root.revision),
        (b"hash of root".as_slice(), auth.revision())
    );
}

#[test]
fn checks_callers() {
    let (mut auth, mut batch) = (Auth::default(), Batch::default());
    let nobody = Caller { user: "", revision: 0 };
    assert_eq!(
        (auth.check(nobody, Access::Write, b"k", b""), auth.check_admin(nobody)),
        (Ok(()), Ok(()))
    );
    for op in [
        Op::UserAdd("root"),
        Op::Grant("root", "root"),
        Op::UserAdd("u"),
        Op::RoleAdd("r"),
        Op::RoleAdd("s"),
        Op::Allow("r", Type::Read, "a", "b"),
        Op::Allow("s", Type::Readwrite, "b", "c"),
        Op::Grant("u", "r"),
        Op::Grant("u", "s"),
        Op::Enable,
    ] {
        apply(&mut auth, &mut batch, &op).unwrap();
    }
    assert_eq!(auth.check(nobody, Access::Read, b"a", b""), Err(Fault::UserEmpty));
    assert_eq!(auth.check_admin(nobody), Err(Fault::UserEmpty));
    let u = at(&auth, "u");
    assert_eq!(auth.check(u, Access::Read, b"a", b"c"), Ok(()));
    assert_eq!(auth.check(u, Access::Write, b"a", b"c"), Err(Fault::PermissionDenied));
    assert_eq!(auth.check(u, Access::Write, b"b", b""), Ok(()));
    assert_eq!(auth.check_admin(u), Err(Fault::PermissionDenied));
    assert_eq!(auth.check_user(u), Ok(()));
    assert_eq!(auth.check_admin(at(&auth, "x")), Err(Fault::UserNotFound));
    assert_eq!(
        auth.check(at(&auth, "x"), Access::Read, b"a", b""),
        Err(Fault::PermissionDenied)
    );
    assert_eq!(auth.check(at(&auth, "root"), Access::Write, b"\0", b"\0"), Ok(()));
    apply(&mut auth, &mut batch, &Op::Forbid("r", "a", "b")).unwrap();
    assert_eq!(auth.check(u, Access::Read, b"b", b""), Err(Fault::AuthOldRevision));
    assert_eq!(
        auth.check(at(&auth, "u"), Access::Read, b"a", b""),
        Err(Fault::PermissionDenied)
    );
    apply(&mut auth, &mut batch, &Op::RoleDelete("s")).unwrap();
    assert_eq!(
        auth.check(at(&auth, "u"), Access::Read, b"b", b""),
        Err(Fault::PermissionDenied)
    );
}

#[test]
fn answers_questions() {
    let (mut auth, mut batch) = (Auth::default(), Batch::default());
    for op in [
        Op::UserAdd("u"),
        Op::RoleAdd("root"),
        Op::RoleAdd("r"),
        Op::Allow("r", Type::Read, "b", ""),
        Op::Allow("r", Type::Read, "a", "z"),
        Op::Allow("r", Type::Read, "a", ""),
        Op::Allow("r", Type::Write, "a", "z"),
        Op::Grant("u", "r"),
        Op::Grant("u", "root"),
    ] {
        apply(&mut auth, &mut batch, &op).unwrap();
    }
    assert_eq!(auth.user_list().users, ["u"]);
    assert_eq!(auth.role_list().roles, ["r", "root"]);
    assert_eq!(
        auth.user_get(&AuthUserGetRequest { name: "u".into() }).unwrap().roles,
        ["r", "root"]
    );
    assert_eq!(
        auth.user_get(&AuthUserGetRequest { name: "x".into() }),
        Err(Fault::UserNotFound)
    );
    assert_eq!(
        auth.role_get(&AuthRoleGetRequest { role: "x".into() }),
        Err(Fault::RoleNotFound)
    );
    let held = auth.role_get(&AuthRoleGetRequest { role: "r".into() }).unwrap().perm;
    let held: Vec<_> = held
        .iter()
        .map(|held| (held.perm_type(), &held.key[..], &held.range_end[..]))
        .collect();
    let expected: [(Type, &[u8], &[u8]); 3] = [
        (Type::Write, b"a", b"z"),
        (Type::Read, b"a", b""),
        (Type::Read, b"b", b""),
    ];
    assert_eq!(held, expected);
    let root = auth.role_get(&AuthRoleGetRequest { role: "root".into() }).unwrap().perm;
    assert_eq!((&root[0].key[..], &root[0].range_end[..]), (&b""[..], &b"\0"[..]));
}

fn op() -> impl Strategy<Value = Op> {
    let user = prop::sample::select(vec!["root", "u", "v", ""]);
    let role = prop::sample::select(vec!["root", "r", "s", ""]);
    let key = prop::sample::select(vec!["", "a", "b", "\0"]);
    let kind = prop::sample::select(vec![Type::Read, Type::Write, Type::Readwrite]);
    prop_oneof![
        Just(Op::Enable),
        Just(Op::Disable),
        user.clone().prop_map(Op::UserAdd),
        user.clone().prop_map(Op::UserDelete),
        (user.clone(), role.clone()).prop_map(|(user, role)| Op::Grant(user, role)),
        (user.clone(), role.clone()).prop_map(|(user, role)| Op::Revoke(user, role)),
        user.prop_map(|user| Op::Password(user, "new")),
        role.clone().prop_map(Op::RoleAdd),
        role.clone().prop_map(Op::RoleDelete),
        (role.clone(), kind, key.clone(), key.clone())
            .prop_map(|(role, kind, key, end)| Op::Allow(role, kind, key, end)),
        (role, key.clone(), key).prop_map(|(role, key, end)| Op::Forbid(role, key, end)),
    ]
}

proptest! {
    /// Whatever was applied is there again after reading it back, the merged ranges too.
    #[test]
    fn reads_back(ops in prop::collection::vec(op(), 0..60)) {
        let (engine, mut auth) = (Memory::new(), Auth::default());
        for op in ops {
            let mut batch = Batch::default();
            let before = auth.clone();
            if apply(&mut auth, &mut batch, &op).is_err() {
                prop_assert_eq!(&before, &auth);
            }
            engine.write(&batch).unwrap();
            prop_assert_eq!(&Auth::open(&engine).unwrap(), &auth);
        }
    }
}

#[test]
fn refuses_what_it_does_not_know() {
    for (key, value) in [
        (&b"user/u"[..], &[0xff_u8][..]),
        (b"user/\xff", b""),
        (b"revision", b"1"),
        (b"other", b""),
    ] {
        let (engine, mut batch) = (Memory::new(), Batch::default());
        batch.put(SPACE, key, value);
        engine.write(&batch).unwrap();
        assert!(Auth::open(&engine).is_err(), "{}", key.escape_ascii());
    }
}
