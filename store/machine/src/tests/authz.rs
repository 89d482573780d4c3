//! Whatever is wrapped around an operation, the same callers may do it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use proptest::prelude::*;
use proto::auth::Permission;
use proto::etcd::request_op::Request;
use proto::etcd::{
    AuthRoleAddRequest, AuthRoleGrantPermissionRequest, AuthUserAddRequest, AuthUserGrantRoleRequest, RangeRequest,
    RequestOp, TxnRequest,
};
use proto::fault::Fault;
use proto::store::command::Action;
use store_auth::{Auth, Caller};
use store_engine::Batch;
use store_lease::Leases;

use super::arbitrary::{key, plain_op, range_end, txn};
use crate::{Ask, OWN, authorize};

fn allowed() -> impl Strategy<Value = Vec<Permission>> {
    let one = (0_i32..3, key(), range_end()).prop_map(|(perm_type, key, range_end)| Permission {
        perm_type,
        key,
        range_end,
    });
    prop::collection::vec(one, 0..5)
}

/// Root, and a user `u` with these permissions.
fn auth(permissions: Vec<Permission>) -> Auth {
    let (mut auth, mut batch) = (Auth::default(), Batch::new());
    let batch = &mut batch;
    for name in ["root", "u"] {
        let hashed_password = STANDARD.encode("hash");
        auth.user_add(
            &AuthUserAddRequest {
                name: name.into(),
                hashed_password,
                ..Default::default()
            },
            batch,
        )
        .unwrap();
    }
    auth.role_add(&AuthRoleAddRequest { name: "r".into() }, batch).unwrap();
    for (user, role) in [("root", "root"), ("u", "r")] {
        auth.user_grant_role(
            &AuthUserGrantRoleRequest {
                user: user.into(),
                role: role.into(),
            },
            batch,
        )
        .unwrap();
    }
    for perm in permissions {
        // Ranges that hold nothing cannot be granted.
        auth.role_grant_permission(
            &AuthRoleGrantPermissionRequest {
                name: "r".into(),
                perm: Some(perm),
            },
            batch,
        )
        .ok();
    }
    auth.enable(batch).unwrap();
    auth
}

fn leases(attached: &[(Bytes, i64)]) -> Leases {
    let mut leases = Leases::default();
    for id in 1..4 {
        leases.grant(id, 10, 1, &mut Batch::new()).unwrap();
    }
    for (key, id) in attached {
        leases.attach(key, *id);
    }
    leases
}

fn alone(op: Request) -> Action {
    match op {
        Request::RequestPut(put) => Action::Put(put),
        Request::RequestDeleteRange(delete) => Action::DeleteRange(delete),
        op => Action::Txn(TxnRequest {
            success: vec![RequestOp { request: Some(op) }],
            ..Default::default()
        }),
    }
}

fn nest(op: Request, into: &[bool]) -> TxnRequest {
    let wrap = |op: Request, success: bool| {
        let branch = vec![RequestOp { request: Some(op) }];
        if success {
            TxnRequest {
                success: branch,
                ..Default::default()
            }
        } else {
            TxnRequest {
                failure: branch,
                ..Default::default()
            }
        }
    };
    let (last, inner) = into.split_last().unwrap();
    let op = inner
        .iter()
        .fold(op, |op, success| Request::RequestTxn(wrap(op, *success)));
    wrap(op, *last)
}

/// All plain operations of a transaction, and its compares as reads.
fn parts(txn: &TxnRequest) -> Vec<Action> {
    let read = |key: &Bytes, range_end: &Bytes| {
        let range = RangeRequest {
            key: key.clone(),
            range_end: range_end.clone(),
            ..Default::default()
        };
        alone(Request::RequestRange(range))
    };
    let mut parts: Vec<Action> = txn
        .compare
        .iter()
        .map(|compare| read(&compare.key, &compare.range_end))
        .collect();
    for op in txn.success.iter().chain(&txn.failure) {
        match &op.request {
            None => {}
            Some(Request::RequestTxn(nested)) => parts.extend(self::parts(nested)),
            Some(op) => parts.push(alone(op.clone())),
        }
    }
    parts
}

proptest! {
    #[test]
    fn nesting_changes_nothing(
        permissions in allowed(),
        op in plain_op(),
        into in prop::collection::vec(any::<bool>(), 1..5),
        attached in prop::collection::vec((key(), 1_i64..4), 0..4),
    ) {
        let (auth, leases) = (auth(permissions), leases(&attached));
        for user in ["root", "u", "gone"] {
            let caller = Caller { user, revision: auth.revision() };
            let single = authorize(&auth, &leases, caller, Ask::Action(&alone(op.clone())));
            let nested = authorize(&auth, &leases, caller, Ask::Action(&Action::Txn(nest(op.clone(), &into))));
            prop_assert_eq!(single, nested);
        }
    }

    #[test]
    fn a_transaction_needs_what_its_parts_need(
        permissions in allowed(),
        txn in txn(),
        attached in prop::collection::vec((key(), 1_i64..4), 0..4),
    ) {
        let (auth, leases) = (auth(permissions), leases(&attached));
        let caller = Caller { user: "u", revision: auth.revision() };
        let parts = parts(&txn);
        let whole = authorize(&auth, &leases, caller, Ask::Txn(&txn)).is_ok();
        let each = parts.iter().all(|part| authorize(&auth, &leases, caller, Ask::Action(part)).is_ok());
        prop_assert_eq!(whole, each);
    }
}

#[test]
fn questions_that_are_no_commands() {
    let read = Permission {
        perm_type: 0,
        key: "a".into(),
        range_end: "c".into(),
    };
    let (auth, leases) = (auth(vec![read]), leases(&[("a".into(), 1), ("x".into(), 2)]));
    let ask = |user: &str, ask: Ask<'_>| {
        authorize(
            &auth,
            &leases,
            Caller {
                user,
                revision: auth.revision(),
            },
            ask,
        )
    };
    let denied = Err(Fault::PermissionDenied);
    assert_eq!(ask("u", Ask::LeaseTimeToLive { id: 1, keys: true }), Ok(()));
    assert_eq!(ask("u", Ask::LeaseTimeToLive { id: 2, keys: true }), denied);
    assert_eq!(ask("u", Ask::LeaseTimeToLive { id: 2, keys: false }), Ok(()));
    assert_eq!(ask("root", Ask::LeaseTimeToLive { id: 2, keys: true }), Ok(()));
    assert_eq!(
        (ask("u", Ask::UserGet("u")), ask("u", Ask::UserGet("root"))),
        (Ok(()), denied)
    );
    assert_eq!(
        (ask("u", Ask::RoleGet("r")), ask("u", Ask::RoleGet("root"))),
        (Ok(()), denied)
    );
    assert_eq!(
        (ask("u", Ask::User), ask("u", Ask::Admin), ask("root", Ask::Admin)),
        (Ok(()), denied, Ok(()))
    );
    assert_eq!(
        (ask("gone", Ask::User), ask("gone", Ask::Admin)),
        (denied, Err(Fault::UserNotFound))
    );
    let open = RangeRequest {
        key: "a".into(),
        range_end: Bytes::from_static(&[0]),
        ..Default::default()
    };
    assert_eq!(
        (ask("u", Ask::Range(&open)), ask("root", Ask::Range(&open))),
        (denied, Ok(()))
    );
    for (caller, expected) in [
        (Caller { user: "", revision: 0 }, Err(Fault::UserEmpty)),
        (Caller { user: "u", revision: 1 }, Err(Fault::AuthOldRevision)),
        (
            Caller {
                user: "",
                revision: OWN,
            },
            Ok(()),
        ),
    ] {
        assert_eq!(authorize(&auth, &leases, caller, Ask::Range(&open)), expected);
    }
    assert_eq!(
        authorize(&Auth::default(), &leases, Caller { user: "", revision: 0 }, Ask::Admin),
        Ok(())
    );
}
