//! Transcripts: a transaction a line, and what it answers.

use proto::etcd::compare::{CompareResult, CompareTarget, TargetUnion};
use proto::etcd::request_op::Request;
use proto::etcd::response_op::Response;
use proto::etcd::{Compare, PutRequest, RangeRequest, TxnRequest, TxnResponse};
use proto::fault::Fault;
use store_engine::Engine;

use super::{is_readonly, is_serializable};
use crate::testing::{Store, bytes, delete, get, op, put, put_request, then};

fn compare(key: &str, end: &str, target: CompareTarget, result: CompareResult, union: TargetUnion) -> Compare {
    Compare {
        result: result.into(),
        target: target.into(),
        key: bytes(key),
        range_end: bytes(end),
        target_union: Some(union),
    }
}

/// Writes a response down: operations in brackets, header revisions behind an `@`.
fn transcript(response: &TxnResponse) -> String {
    let revision = |header: &Option<proto::etcd::ResponseHeader>| header.as_ref().map_or(0, |header| header.revision);
    let ops: Vec<String> = response
        .responses
        .iter()
        .map(|op| match op.response.as_ref().unwrap() {
            Response::ResponseRange(range) => {
                let kvs: Vec<_> = range.kvs.iter().map(|kv| kv.decode().unwrap()).collect();
                let shown: Vec<_> = kvs
                    .iter()
                    .map(|kv| format!("{}={}", kv.key.escape_ascii(), kv.value.escape_ascii()))
                    .collect();
                format!("range {}@{}", shown.join(","), revision(&range.header))
            }
            Response::ResponsePut(put) => {
                let old = put.prev_kv.as_ref().map(|kv| kv.decode().unwrap().value);
                let old = old.map_or(String::new(), |old| format!(" was {}", old.escape_ascii()));
                format!("put{old}@{}", revision(&put.header))
            }
            Response::ResponseDeleteRange(delete) => format!("del {}@{}", delete.deleted, revision(&delete.header)),
            Response::ResponseTxn(txn) => format!("({})", transcript(txn)),
        })
        .collect();
    format!(
        "{} [{}]@{}",
        response.succeeded,
        ops.join("; "),
        revision(&response.header)
    )
}

/// A store with a=1, b=2, c=3 at revisions 2 to 4, and a again at 5 with the lease 7.
fn store() -> Store {
    let mut store = Store::new();
    for (key, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        store.put(key, value);
    }
    let leased = PutRequest {
        lease: 7,
        ..put_request("a", "one")
    };
    store.txn(&then([op(Request::RequestPut(leased))])).unwrap();
    store
}

fn run(store: &mut Store, request: &TxnRequest) -> String {
    match store.txn(request) {
        Ok((response, changes)) => {
            assert_eq!(
                changes.map_or(store.mvcc.revision(), |c| c.revision),
                response.header.unwrap().revision
            );
            transcript(&response)
        }
        Err(error) => format!("{:?}", error.fault().unwrap()),
    }
}

fn range(key: &str, end: &str) -> proto::etcd::RequestOp {
    op(Request::RequestRange(get(key, end)))
}

#[test]
fn reads_see_the_writes_before_them_and_headers_follow() {
    let mut store = store();
    let request = then([
        range("a", ""),
        put("d", "4"),
        range("a", "\0"),
        delete("a", "c"),
        range("a", "\0"),
        delete("x", ""),
    ]);
    assert_eq!(
        run(&mut store, &request),
        "true [range a=one@5; put@6; range a=one,b=2,c=3,d=4@6; del 2@6; range c=3,d=4@6; del 0@6]@6"
    );
    let subs: Vec<_> = store
        .mvcc
        .reader()
        .view()
        .get(b"d")
        .into_iter()
        .map(|meta| meta.modified.sub)
        .collect();
    assert_eq!(subs, [0]);
}

#[test]
fn nothing_changed_is_no_revision() {
    let mut store = store();
    assert_eq!(
        run(&mut store, &then([delete("x", "z"), range("b", "")])),
        "true [del 0@5; range b=2@5]@5"
    );
    assert_eq!(run(&mut store, &then([])), "true []@5");
    // The same value again is a change.
    assert_eq!(run(&mut store, &then([put("b", "2")])), "true [put@6]@6");
}

#[test]
fn compares_decide() {
    use CompareResult::{Equal, Greater, Less, NotEqual};
    use TargetUnion::{CreateRevision, Lease, ModRevision, Value, Version};
    let mut store = store();
    let cases = [
        (compare("a", "", CompareTarget::Version, Equal, Version(2)), true),
        (compare("a", "", CompareTarget::Create, Equal, CreateRevision(2)), true),
        (compare("a", "", CompareTarget::Mod, Greater, ModRevision(4)), true),
        (compare("a", "", CompareTarget::Mod, Less, ModRevision(5)), false),
        (compare("a", "", CompareTarget::Lease, Equal, Lease(7)), true),
        (compare("a", "", CompareTarget::Value, Equal, Value(bytes("one"))), true),
        (
            compare("a", "", CompareTarget::Value, NotEqual, Value(bytes("one"))),
            false,
        ),
        (
            compare("a", "", CompareTarget::Value, Greater, Value(bytes("on"))),
            true,
        ),
        // Nothing there: numbers are 0, values never compare.
        (compare("x", "", CompareTarget::Mod, Equal, ModRevision(0)), true),
        (compare("x", "", CompareTarget::Version, Less, Version(1)), true),
        (
            compare("x", "", CompareTarget::Value, NotEqual, Value(bytes("y"))),
            false,
        ),
        (compare("x", "z", CompareTarget::Value, Equal, Value(bytes(""))), false),
        // All keys of the range must pass.
        (
            compare("a", "d", CompareTarget::Create, Greater, CreateRevision(1)),
            true,
        ),
        (
            compare("a", "d", CompareTarget::Create, Greater, CreateRevision(2)),
            false,
        ),
        (compare("b", "\0", CompareTarget::Value, Less, Value(bytes("4"))), true),
        (compare("b", "\0", CompareTarget::Value, Less, Value(bytes("3"))), false),
        // The union of another target is not read.
        (
            compare("a", "", CompareTarget::Version, Greater, ModRevision(100)),
            true,
        ),
    ];
    for (compare, expected) in cases {
        let shown = format!("{compare:?}");
        let request = TxnRequest {
            compare: vec![compare],
            success: vec![range("c", "")],
            failure: vec![],
        };
        let expected = if expected { "true [range c=3@5]@5" } else { "false []@5" };
        assert_eq!(run(&mut store, &request), expected, "{shown}");
        assert_eq!(transcript(&store.mvcc.reader().view().txn(&request).unwrap()), expected);
    }
    let odd = Compare {
        result: 9,
        target: 9,
        key: bytes("a"),
        ..Compare::default()
    };
    let request = TxnRequest {
        compare: vec![odd],
        ..TxnRequest::default()
    };
    assert_eq!(run(&mut store, &request), "true []@5");
}

#[test]
fn nested_compares_do_not_see_the_parent_and_nested_ranges_do() {
    let mut store = store();
    let nested = TxnRequest {
        compare: vec![compare(
            "new",
            "",
            CompareTarget::Version,
            CompareResult::Equal,
            TargetUnion::Version(0),
        )],
        success: vec![range("new", ""), put("b", "inner")],
        failure: vec![put("b", "wrong")],
    };
    let deeper = then([op(Request::RequestTxn(then([range("b", "")])))]);
    let request = then([
        put("new", "1"),
        op(Request::RequestTxn(nested)),
        op(Request::RequestTxn(deeper)),
    ]);
    assert_eq!(
        run(&mut store, &request),
        "true [put@6; (true [range new=1@6; put@6]@0); (true [(true [range b=inner@6]@0)]@0)]@6"
    );
}

#[test]
fn a_refusal_changes_nothing() {
    let ignoring = |key: &str| {
        op(Request::RequestPut(PutRequest {
            key: bytes(key),
            ignore_value: true,
            ..PutRequest::default()
        }))
    };
    let leased = op(Request::RequestPut(PutRequest {
        lease: 404,
        ..put_request("n", "v")
    }));
    let at = |revision| {
        op(Request::RequestRange(RangeRequest {
            revision,
            ..get("a", "")
        }))
    };
    let nested = op(Request::RequestTxn(then([ignoring("a")])));
    let badly_sorted = op(Request::RequestRange(RangeRequest {
        sort_target: 9,
        ..get("a", "")
    }));
    let cases = [
        (vec![put("n", "v"), at(6)], Fault::FutureRevision),
        (vec![put("n", "v"), at(2)], Fault::Compacted),
        (vec![put("n", "v"), ignoring("missing")], Fault::KeyNotFound),
        (vec![put("n", "v"), leased], Fault::LeaseNotFound),
        (vec![put("n", "v"), badly_sorted], Fault::InvalidSortOption),
        // Deleted by the same transaction: upstream dies here.
        (vec![delete("\0", "\0"), ignoring("a")], Fault::KeyNotFound),
        (vec![delete("a", ""), nested], Fault::KeyNotFound),
        (
            vec![put("n", "v"), delete("n", "\0"), ignoring("n")],
            Fault::KeyNotFound,
        ),
    ];
    for (ops, fault) in cases {
        let mut store = store();
        store.compact(3).unwrap();
        let before = (
            store.mvcc.hash(),
            store.mvcc.live_bytes(),
            store.engine.stats().unwrap(),
        );
        assert_eq!(run(&mut store, &then(ops)), format!("{fault:?}"));
        assert_eq!(
            (
                store.mvcc.hash(),
                store.mvcc.live_bytes(),
                store.engine.stats().unwrap()
            ),
            before
        );
    }
}

#[test]
fn keys_put_again_after_a_deletion_are_there() {
    let mut store = store();
    let again = op(Request::RequestPut(PutRequest {
        key: bytes("b"),
        ignore_value: true,
        prev_kv: true,
        ..PutRequest::default()
    }));
    let request = then([delete("\0", "\0"), put("b", "back"), again]);
    assert_eq!(run(&mut store, &request), "true [del 3@6; put@6; put was back@6]@6");
    let meta = store.mvcc.reader().view().get(b"b").unwrap();
    assert_eq!((meta.create, meta.version, meta.modified.sub), (6, 2, 4));
}

#[test]
fn ignoring_keeps_value_or_lease() {
    let mut store = store();
    let keep = |ignore_value, ignore_lease, value| {
        let request = PutRequest {
            ignore_value,
            ignore_lease,
            ..put_request("a", value)
        };
        then([op(Request::RequestPut(request))])
    };
    let shown = |store: &Store| {
        let response = store.mvcc.reader().view().range(&get("a", "")).unwrap();
        let kv = response.kvs[0].decode().unwrap();
        (String::from_utf8(kv.value.to_vec()).unwrap(), kv.lease, kv.version)
    };
    run(&mut store, &keep(false, true, "two"));
    assert_eq!(shown(&store), ("two".into(), 7, 3));
    run(&mut store, &keep(true, false, ""));
    assert_eq!(shown(&store), ("two".into(), 0, 4));
}

#[test]
fn only_flat_ranges_are_readonly() {
    assert!(is_readonly(&then([range("a", "")])));
    assert!(!is_readonly(&then([range("a", ""), put("a", "")])));
    assert!(!is_readonly(&TxnRequest {
        failure: vec![put("a", "")],
        ..then([range("a", "")])
    }));
    assert!(!is_readonly(&then([op(Request::RequestTxn(then([])))])));
    let serializable = op(Request::RequestRange(RangeRequest {
        serializable: true,
        ..get("a", "")
    }));
    assert!(is_serializable(&then([serializable.clone()])));
    assert!(!is_serializable(&then([serializable, range("b", "")])));
}
