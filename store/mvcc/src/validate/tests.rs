//! Requests that upstream refuses, and some that it lets pass.

use proto::etcd::request_op::Request;
use proto::etcd::{Compare, PutRequest, RangeRequest, RequestOp, TxnRequest};
use proto::fault::Fault;

use super::*;
use crate::testing::{bytes, delete, get, op, put_request, then};

fn nested(then: impl Into<Vec<RequestOp>>, otherwise: impl Into<Vec<RequestOp>>) -> RequestOp {
    op(Request::RequestTxn(TxnRequest {
        compare: vec![],
        success: then.into(),
        failure: otherwise.into(),
    }))
}

#[test]
fn single_requests() {
    assert_eq!(range(&get("", "")), Err(Fault::EmptyKey));
    assert_eq!(
        range(&RangeRequest {
            sort_order: 3,
            ..get("a", "")
        }),
        Err(Fault::InvalidSortOption)
    );
    assert_eq!(
        range(&RangeRequest {
            sort_target: 4,
            ..get("a", "")
        }),
        Ok(())
    );
    assert_eq!(put(&put_request("", "v")), Err(Fault::EmptyKey));
    assert_eq!(
        put(&PutRequest {
            ignore_value: true,
            ..put_request("a", "v")
        }),
        Err(Fault::ValueProvided)
    );
    assert_eq!(
        put(&PutRequest {
            ignore_lease: true,
            lease: 1,
            ..put_request("a", "v")
        }),
        Err(Fault::LeaseProvided)
    );
    assert_eq!(
        put(&PutRequest {
            ignore_value: true,
            ..put_request("a", "")
        }),
        Ok(())
    );
    assert_eq!(delete_range(&DeleteRangeRequest::default()), Err(Fault::EmptyKey));
}

#[test]
fn streams_take_no_sort_and_no_filter() {
    assert!(streamable(&RangeRequest {
        limit: 3,
        keys_only: true,
        count_only: true,
        ..get("a", "b")
    }));
    assert!(!streamable(&RangeRequest {
        sort_order: 1,
        ..get("a", "b")
    }));
    assert!(!streamable(&RangeRequest {
        sort_target: 1,
        ..get("a", "b")
    }));
    assert!(!streamable(&RangeRequest {
        min_mod_revision: 1,
        ..get("a", "b")
    }));
}

#[test]
fn operations_are_counted_down_the_nesting() {
    let request = then([crate::testing::put("a", ""), nested([crate::testing::put("b", "")], [])]);
    assert_eq!(txn(&request, 3), Ok(()));
    assert_eq!(txn(&request, 2), Err(Fault::TooManyOps));
    let compares = TxnRequest {
        compare: vec![
            Compare {
                key: bytes("a"),
                ..Compare::default()
            };
            5
        ],
        ..request.clone()
    };
    assert_eq!(txn(&compares, 4), Err(Fault::TooManyOps));
    let empty_key = TxnRequest {
        compare: vec![Compare::default()],
        ..TxnRequest::default()
    };
    assert_eq!(txn(&empty_key, 4), Err(Fault::EmptyKey));
    assert_eq!(txn(&then([RequestOp::default()]), 4), Err(Fault::KeyNotFound));
    assert_eq!(
        txn(&then([nested([crate::testing::put("", "")], [])]), 4),
        Err(Fault::EmptyKey)
    );
}

#[test]
fn a_branch_writes_a_key_once() {
    use crate::testing::put;
    let twice = |ops: Vec<RequestOp>| txn(&then(ops), 128);
    let refused = Err(Fault::DuplicateKey);
    assert_eq!(twice(vec![put("a", ""), put("b", "")]), Ok(()));
    assert_eq!(twice(vec![put("a", ""), put("a", "")]), refused);
    assert_eq!(twice(vec![put("a", ""), delete("a", "")]), refused);
    assert_eq!(twice(vec![delete("a", "c"), put("b", "")]), refused);
    assert_eq!(twice(vec![delete("a", "c"), put("c", "")]), Ok(()));
    assert_eq!(twice(vec![delete("a", "c"), delete("b", "d"), delete("a", "")]), Ok(()));
    assert_eq!(
        twice(vec![
            delete("a", "b"),
            delete("c", "d"),
            delete("b", "c"),
            put("c\0", "")
        ]),
        refused
    );
    // Open ends meet nothing, as upstream's.
    assert_eq!(twice(vec![delete("\0", "\0"), put("a", "")]), Ok(()));
    // Nested: either branch against the parent, never the branches against each other.
    assert_eq!(
        twice(vec![put("a", ""), nested([put("b", "")], [put("a", "")])]),
        refused
    );
    assert_eq!(twice(vec![nested([put("a", "")], [put("a", "")])]), Ok(()));
    assert_eq!(
        twice(vec![nested([put("a", "")], []), nested([], [put("a", "")])]),
        refused
    );
    assert_eq!(twice(vec![nested([delete("a", "c")], []), put("b", "")]), refused);
    assert_eq!(twice(vec![nested([delete("a", "c")], [put("b", "")])]), Ok(()));
    assert_eq!(
        twice(vec![nested([delete("a", "c")], []), nested([put("b", "")], [])]),
        refused
    );
    // A later sibling's deletion is not held against an earlier one's put.
    assert_eq!(
        twice(vec![nested([put("b", "")], []), nested([delete("a", "c")], [])]),
        Ok(())
    );
    let failure = TxnRequest {
        failure: vec![put("a", ""), put("a", "")],
        ..TxnRequest::default()
    };
    assert_eq!(txn(&failure, 128), refused);
}
