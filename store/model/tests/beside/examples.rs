//! What is known of etcd, said to the model alone; and sequences that once told the store and the model apart.

use bytes::Bytes;
use proto::auth::Permission;
use proto::auth::permission::Type;
use proto::etcd::compare::TargetUnion;
use proto::etcd::request_op::Request;
use proto::etcd::response_op::Response;
use proto::etcd::{
    AuthEnableRequest, AuthRoleAddRequest, AuthRoleGrantPermissionRequest, AuthUserAddRequest,
    AuthUserGrantRoleRequest, CompactionRequest, Compare, DeleteRangeRequest, LeaseGrantRequest, PutRequest,
    RangeRequest, RequestOp, TxnRequest, WatchCreateRequest,
};
use proto::fault::Fault;
use proto::mvcc::Event;
use proto::store::command::Action;
use proto::store::reply::Outcome;
use proto::store::{Command, LeaseExpire};
use store_model::{CLUSTER, Caller, Model, Wish};

use crate::generate::{Step, Who};
use crate::pair::{play, right};

fn apply(model: &mut Model, action: Action) -> Result<Outcome, Fault> {
    let command = Command {
        auth_revision: CLUSTER,
        action: Some(action),
        ..Command::default()
    };
    match model.step(1, &command).unwrap() {
        Outcome::Fault(fault) => Err(Fault::try_from(fault).unwrap()),
        outcome => Ok(outcome),
    }
}

fn put(key: &'static str, value: &'static str, lease: i64) -> PutRequest {
    PutRequest {
        key: key.into(),
        value: value.into(),
        lease,
        ..PutRequest::default()
    }
}

fn delete(key: &'static str, range_end: &'static str) -> DeleteRangeRequest {
    DeleteRangeRequest {
        key: key.into(),
        range_end: range_end.into(),
        prev_kv: false,
    }
}

fn get(key: &'static str, range_end: &'static str) -> RangeRequest {
    RangeRequest {
        key: key.into(),
        range_end: range_end.into(),
        ..RangeRequest::default()
    }
}

fn then(requests: Vec<Request>) -> TxnRequest {
    let ops = requests.into_iter().map(|request| RequestOp { request: Some(request) });
    TxnRequest {
        success: ops.collect(),
        ..TxnRequest::default()
    }
}

fn count(model: &Model, key: &'static str, range_end: &'static str) -> i64 {
    model.range(&get(key, range_end)).unwrap().count
}

/// A store with `a` to `c`, at revision 4.
fn abc() -> Model {
    let mut model = Model::default();
    for key in ["a", "b", "c"] {
        apply(&mut model, Action::Put(put(key, "1", 0))).unwrap();
    }
    assert_eq!(model.revision(), 4);
    model
}

#[test]
fn a_deletion_of_nothing_is_no_revision() {
    let mut model = abc();
    apply(&mut model, Action::DeleteRange(delete("x", ""))).unwrap();
    apply(&mut model, Action::DeleteRange(delete("c", "a"))).unwrap();
    assert_eq!((model.revision(), count(&model, "\0", "\0")), (4, 3));
    apply(&mut model, Action::DeleteRange(delete("b", "\0"))).unwrap();
    assert_eq!((model.revision(), count(&model, "\0", "\0")), (5, 1));
}

/// A nested compare does not see what its parent put, a nested range does.
#[test]
fn compares_see_the_state_before() {
    let mut model = Model::default();
    let nested = TxnRequest {
        compare: vec![Compare {
            key: "a".into(),
            target_union: Some(TargetUnion::Version(0)),
            ..Compare::default()
        }],
        ..then(vec![Request::RequestRange(get("a", ""))])
    };
    let txn = then(vec![Request::RequestPut(put("a", "1", 0)), Request::RequestTxn(nested)]);
    let Outcome::Txn(answer) = apply(&mut model, Action::Txn(txn)).unwrap() else {
        panic!("no answer of a transaction");
    };
    let Some(Response::ResponseTxn(nested)) = &answer.responses[1].response else {
        panic!("no answer of the nested one");
    };
    assert!(nested.succeeded);
    let Some(Response::ResponseRange(range)) = &nested.responses[0].response else {
        panic!("no answer of the range");
    };
    assert_eq!(range.count, 1);
}

/// Upstream dies of this one.
#[test]
fn a_refusal_takes_all_back() {
    let mut model = abc();
    let before = model.clone();
    let keep = PutRequest {
        ignore_value: true,
        ..put("a", "", 0)
    };
    let txn = then(vec![
        Request::RequestPut(put("x", "1", 0)),
        Request::RequestDeleteRange(delete("\0", "\0")),
        Request::RequestPut(keep),
    ]);
    assert_eq!(apply(&mut model, Action::Txn(txn)), Err(Fault::KeyNotFound));
    assert_eq!(model, before);
}

#[test]
fn duplicates_are_refused() {
    let mut model = abc();
    let twice = then(vec![
        Request::RequestPut(put("a", "1", 0)),
        Request::RequestPut(put("a", "2", 0)),
    ]);
    let deleted = then(vec![
        Request::RequestPut(put("b", "1", 0)),
        Request::RequestDeleteRange(delete("a", "c")),
    ]);
    for txn in [twice, deleted] {
        assert_eq!(apply(&mut model, Action::Txn(txn)), Err(Fault::DuplicateKey));
    }
    // The open end is no end that a key could lie before, and each branch of a nested transaction may put the key.
    let open = then(vec![
        Request::RequestDeleteRange(delete("a", "\0")),
        Request::RequestPut(put("b", "2", 0)),
    ]);
    let either = TxnRequest {
        failure: vec![RequestOp {
            request: Some(Request::RequestPut(put("a", "2", 0))),
        }],
        ..then(vec![Request::RequestPut(put("a", "1", 0))])
    };
    for txn in [open, then(vec![Request::RequestTxn(either)])] {
        apply(&mut model, Action::Txn(txn)).unwrap();
    }
}

#[test]
fn leases_take_their_keys_along() {
    let mut model = abc();
    apply(&mut model, Action::LeaseGrant(LeaseGrantRequest { id: 7, ttl: 5 })).unwrap();
    for key in ["c", "a"] {
        apply(&mut model, Action::Put(put(key, "2", 7))).unwrap();
    }
    assert_eq!(model.keys_of(7), [Bytes::from("a"), Bytes::from("c")]);
    let expire = |term| Action::LeaseExpire(LeaseExpire { term, ids: vec![7, 7] });
    apply(&mut model, expire(2)).unwrap();
    assert_eq!((model.revision(), model.leases.len()), (6, 1), "of another term");
    apply(&mut model, expire(1)).unwrap();
    assert_eq!((model.revision(), model.leases.len()), (7, 0), "one revision for all");
    assert_eq!(count(&model, "\0", "\0"), 1);
}

fn seen(model: &Model, start_revision: i64, filters: Vec<i32>) -> Result<Vec<(i64, String)>, Fault> {
    let request = WatchCreateRequest {
        key: "a".into(),
        range_end: "z".into(),
        start_revision,
        filters,
        prev_kv: true,
        ..WatchCreateRequest::default()
    };
    let event = |event: &Event| {
        let sign = if event.r#type == 0 { "+" } else { "-" };
        let key = event.kv.as_ref().map(|kv| kv.key.escape_ascii().to_string());
        let old = event.prev_kv.as_ref().map(|kv| format!("<{}", kv.value.escape_ascii()));
        format!("{sign}{}{}", key.unwrap_or_default(), old.unwrap_or_default())
    };
    let told = model.watch(&request)?.into_iter();
    Ok(told
        .map(|(revision, events)| (revision, events.iter().map(event).collect::<Vec<_>>().join(" ")))
        .collect())
}

#[test]
fn watches_are_told_whole_revisions() {
    let mut model = abc();
    let txn = then(vec![
        Request::RequestDeleteRange(delete("a", "c")),
        Request::RequestPut(put("c", "2", 0)),
    ]);
    apply(&mut model, Action::Txn(txn)).unwrap();
    let told = |revision: i64, events: &str| (revision, events.to_owned());
    let all = vec![told(4, "+c"), told(5, "-a<1 -b<1 +c<1")];
    assert_eq!(seen(&model, 4, vec![]), Ok(all));
    assert_eq!(seen(&model, 5, vec![0]), Ok(vec![told(5, "-a<1 -b<1")]));
    assert_eq!(seen(&model, 5, vec![1]), Ok(vec![told(5, "+c<1")]));
    assert_eq!(seen(&model, 0, vec![]), Ok(vec![]));
    apply(
        &mut model,
        Action::Compact(CompactionRequest {
            revision: 5,
            physical: false,
        }),
    )
    .unwrap();
    assert_eq!(seen(&model, 4, vec![]), Err(Fault::Compacted));
    assert_eq!(seen(&model, 5, vec![]), Ok(vec![told(5, "-a -b +c")]));
}

/// A request may be covered by several permissions together.
#[test]
fn permissions_add_up() {
    let mut model = Model::default();
    let mut apply = |action| apply(&mut model, action).unwrap();
    for name in ["root", "u"] {
        apply(Action::AuthUserAdd(AuthUserAddRequest {
            name: name.into(),
            ..AuthUserAddRequest::default()
        }));
    }
    apply(Action::AuthRoleAdd(AuthRoleAddRequest { name: "r".into() }));
    for (user, role) in [("root", "root"), ("u", "r")] {
        apply(Action::AuthUserGrantRole(AuthUserGrantRoleRequest {
            user: user.into(),
            role: role.into(),
        }));
    }
    for (key, range_end) in [("a", "c"), ("b", "e"), ("x", "\0")] {
        apply(Action::AuthRoleGrantPermission(AuthRoleGrantPermissionRequest {
            name: "r".into(),
            perm: Some(Permission {
                perm_type: Type::Read.into(),
                key: key.into(),
                range_end: range_end.into(),
            }),
        }));
    }
    apply(Action::AuthEnable(AuthEnableRequest {}));
    let caller = Caller {
        user: "u",
        revision: model.auth.revision,
    };
    let may = |key, end| model.may(caller, Wish::Range(&get(key, end)));
    for (key, end) in [("a", ""), ("a", "e"), ("b", "d"), ("x", "\0"), ("y", "z"), ("d", "b")] {
        assert_eq!(may(key, end), Ok(()), "{key}..{end}");
    }
    for (key, end) in [("e", ""), ("a", "f"), ("a", "\0"), ("d", "y"), ("e", "a")] {
        assert_eq!(may(key, end), Err(Fault::PermissionDenied), "{key}..{end}");
    }
}

/// The collector takes the put, which nobody can read any more; a watch may still start at its revision.
#[test]
fn a_key_that_came_and_went_in_the_compacted_revision() {
    let own = |action| Step::Run(1, vec![(Who::Cluster, Some(action))]);
    let came = then(vec![Request::RequestPut(put("a", "1", 0))]);
    let went = then(vec![Request::RequestDeleteRange(delete("a", ""))]);
    let both = then(vec![Request::RequestTxn(came), Request::RequestTxn(went)]);
    let steps = [
        own(Action::Txn(both)),
        own(Action::Compact(CompactionRequest {
            revision: 2,
            physical: false,
        })),
        Step::Collect(5),
        Step::Watch(WatchCreateRequest {
            key: "a".into(),
            start_revision: 2,
            ..WatchCreateRequest::default()
        }),
    ];
    play(right, &steps).unwrap();
}
