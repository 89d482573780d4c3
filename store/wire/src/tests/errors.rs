//! Every refusal that one member can give, by the request that provokes it: code and text as upstream's.

use proto::etcd::kv_client::KvClient;
use proto::etcd::{PutRequest, RangeRequest};
use serde_json::json;
use tonic::Code;

use super::{post, single, within};

/// Path, request, code, text. In order: later rows build on earlier ones.
const TABLE: &[(&str, &str, i32, &str)] = &[
    ("kv/range", "{}", 3, "etcdserver: key is not provided"),
    (
        "kv/range",
        r#"{"key":"YQ==","revision":"99"}"#,
        11,
        "etcdserver: mvcc: required revision is a future revision",
    ),
    (
        "kv/range",
        r#"{"key":"YQ==","sort_order":7}"#,
        3,
        "etcdserver: invalid sort option",
    ),
    (
        "kv/range",
        r#"{"key":"YQ==","sort_target":9}"#,
        3,
        "etcdserver: invalid sort option",
    ),
    ("kv/put", "{}", 3, "etcdserver: key is not provided"),
    (
        "kv/put",
        r#"{"key":"YQ==","lease":"5"}"#,
        5,
        "etcdserver: requested lease not found",
    ),
    (
        "kv/put",
        r#"{"key":"YQ==","value":"YQ==","ignore_value":true}"#,
        3,
        "etcdserver: value is provided",
    ),
    (
        "kv/put",
        r#"{"key":"YQ==","lease":"5","ignore_lease":true}"#,
        3,
        "etcdserver: lease is provided",
    ),
    (
        "kv/put",
        r#"{"key":"YQ==","ignore_value":true}"#,
        3,
        "etcdserver: key not found",
    ),
    ("kv/deleterange", "{}", 3, "etcdserver: key is not provided"),
    ("kv/txn", r#"{"success":[{}]}"#, 3, "etcdserver: key not found"),
    (
        "kv/txn",
        r#"{"success":[{"request_put":{"key":"YQ=="}},{"request_put":{"key":"YQ=="}}]}"#,
        3,
        "etcdserver: duplicate key given in txn request",
    ),
    (
        "kv/compaction",
        r#"{"revision":"99"}"#,
        11,
        "etcdserver: mvcc: required revision is a future revision",
    ),
    (
        "lease/grant",
        r#"{"TTL":"9000000001"}"#,
        11,
        "etcdserver: too large lease TTL",
    ),
    (
        "lease/revoke",
        r#"{"ID":"5"}"#,
        5,
        "etcdserver: requested lease not found",
    ),
    (
        "cluster/member/remove",
        r#"{"ID":"5"}"#,
        5,
        "etcdserver: member not found",
    ),
    (
        "cluster/member/update",
        r#"{"ID":"5","peerURLs":["http://127.0.0.1:1"]}"#,
        5,
        "etcdserver: member not found",
    ),
    (
        "cluster/member/promote",
        r#"{"ID":"5"}"#,
        5,
        "etcdserver: member not found",
    ),
    (
        "cluster/member/add",
        r#"{"peerURLs":["nothing"]}"#,
        3,
        "etcdserver: given member URLs are invalid",
    ),
    (
        "maintenance/transfer-leadership",
        r#"{"targetID":"5"}"#,
        9,
        "etcdserver: bad leader transferee",
    ),
    (
        "maintenance/downgrade",
        r#"{"action":"CANCEL"}"#,
        9,
        "etcdserver: no inflight downgrade job",
    ),
    (
        "maintenance/downgrade",
        r#"{"version":"x"}"#,
        3,
        "etcdserver: wrong downgrade target version format",
    ),
    (
        "maintenance/downgrade",
        r#"{"version":"3.0"}"#,
        3,
        "etcdserver: invalid downgrade target version",
    ),
    ("auth/enable", "{}", 9, "etcdserver: root user does not exist"),
    (
        "auth/authenticate",
        r#"{"name":"a","password":"b"}"#,
        9,
        "etcdserver: authentication is not enabled",
    ),
    ("auth/user/add", "{}", 3, "etcdserver: user name is empty"),
    ("auth/user/get", r#"{"name":"a"}"#, 9, "etcdserver: user name not found"),
    (
        "auth/user/delete",
        r#"{"name":"a"}"#,
        9,
        "etcdserver: user name not found",
    ),
    (
        "auth/user/changepw",
        r#"{"name":"a","password":"b"}"#,
        9,
        "etcdserver: user name not found",
    ),
    (
        "auth/user/grant",
        r#"{"user":"a","role":"b"}"#,
        9,
        "etcdserver: user name not found",
    ),
    (
        "auth/user/revoke",
        r#"{"name":"a","role":"b"}"#,
        9,
        "etcdserver: user name not found",
    ),
    ("auth/role/add", "{}", 3, "etcdserver: role name is empty"),
    ("auth/role/get", r#"{"role":"r"}"#, 9, "etcdserver: role name not found"),
    (
        "auth/role/delete",
        r#"{"role":"r"}"#,
        9,
        "etcdserver: role name not found",
    ),
    (
        "auth/role/grant",
        r#"{"name":"r","perm":{"key":"YQ=="}}"#,
        9,
        "etcdserver: role name not found",
    ),
    (
        "auth/role/revoke",
        r#"{"role":"r","key":"YQ=="}"#,
        9,
        "etcdserver: role name not found",
    ),
    ("election/proclaim", "{}", 2, "\"leader\" field must be provided"),
    ("election/resign", "{}", 2, "\"leader\" field must be provided"),
    ("election/leader", r#"{"name":"YQ=="}"#, 2, "election: no leader"),
    (
        "election/campaign",
        r#"{"name":"YQ==","lease":"5"}"#,
        2,
        "etcdserver: requested lease not found",
    ),
    (
        "lock/lock",
        r#"{"name":"YQ==","lease":"5"}"#,
        2,
        "etcdserver: requested lease not found",
    ),
];

/// The same once there is a user `a`, a role `r` and a lease 5, and a compaction at 2.
const LATER: &[(&str, &str, i32, &str)] = &[
    (
        "auth/user/add",
        r#"{"name":"a","password":"b"}"#,
        9,
        "etcdserver: user name already exists",
    ),
    (
        "auth/role/add",
        r#"{"name":"r"}"#,
        9,
        "etcdserver: role name already exists",
    ),
    (
        "auth/user/grant",
        r#"{"user":"a","role":"x"}"#,
        9,
        "etcdserver: role name not found",
    ),
    (
        "auth/user/revoke",
        r#"{"name":"a","role":"r"}"#,
        9,
        "etcdserver: role is not granted to the user",
    ),
    (
        "auth/role/revoke",
        r#"{"role":"r","key":"YQ=="}"#,
        9,
        "etcdserver: permission is not granted to the role",
    ),
    (
        "auth/role/grant",
        r#"{"name":"r"}"#,
        3,
        "etcdserver: permission not given",
    ),
    (
        "lease/grant",
        r#"{"TTL":"60","ID":"5"}"#,
        9,
        "etcdserver: lease already exists",
    ),
    (
        "kv/compaction",
        r#"{"revision":"2"}"#,
        11,
        "etcdserver: mvcc: required revision has been compacted",
    ),
    (
        "kv/range",
        r#"{"key":"YQ==","revision":"1"}"#,
        11,
        "etcdserver: mvcc: required revision has been compacted",
    ),
];

async fn check(url: &str, table: &[(&str, &str, i32, &str)]) {
    let mut wrong = Vec::new();
    for (path, request, code, text) in table {
        let (_, answer) = post(url, &format!("/v3/{path}"), request).await;
        if answer["code"] != json!(code) || answer["message"] != json!(text) || answer["error"] != json!(text) {
            wrong.push(format!("{path} {request}\n  wanted {code} {text:?}\n  got    {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_and_codes_are_upstreams() {
    let node = single().await;
    let url = &node.client;
    check(url, TABLE).await;
    for (path, request) in [
        ("auth/user/add", r#"{"name":"a","password":"b"}"#),
        ("auth/role/add", r#"{"name":"r"}"#),
        ("lease/grant", r#"{"TTL":"60","ID":"5"}"#),
        ("kv/put", r#"{"key":"YQ=="}"#),
        ("kv/put", r#"{"key":"YQ=="}"#),
        ("kv/compaction", r#"{"revision":"2"}"#),
    ] {
        let (status, answer) = post(url, &format!("/v3/{path}"), request).await;
        assert_eq!(status, 200, "{path}: {answer}");
    }
    check(url, LATER).await;

    let me = node.member.id();
    check(
        url,
        &[
            (
                "cluster/member/promote",
                &json!({"ID": me}).to_string(),
                9,
                "etcdserver: can only promote a learner member",
            ),
            (
                "cluster/member/add",
                &json!({"peerURLs": [node.peer]}).to_string(),
                9,
                "etcdserver: Peer URLs already exists",
            ),
            (
                "kv/txn",
                &many_puts(129).to_string(),
                3,
                "etcdserver: too many operations in txn request",
            ),
        ],
    )
    .await;
    node.stop().await;
}

fn many_puts(count: usize) -> serde_json::Value {
    let put = |n: usize| json!({"request_put": {"key": format!("{n:04}")}});
    json!({"success": (0..count).map(put).collect::<Vec<_>>()})
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_clients_see_them_too() {
    let node = single().await;
    let mut kv = KvClient::new(node.channel());
    let refused = kv.range(RangeRequest::default()).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::InvalidArgument, "etcdserver: key is not provided")
    );

    let mut request = tonic::Request::new(RangeRequest {
        key: "a".into(),
        ..RangeRequest::default()
    });
    let bad = tonic::metadata::MetadataValue::try_from(&[0xff, 0xfe][..]).unwrap();
    request.metadata_mut().insert("client-api-version", bad);
    let refused = kv.range(request).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::InvalidArgument, "etcdserver: invalid client api version")
    );

    let large = PutRequest {
        key: "a".into(),
        value: vec![7; 1_600_000].into(),
        ..PutRequest::default()
    };
    let refused = within(kv.put(large)).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::InvalidArgument, "etcdserver: request is too large")
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_above_the_limit_are_refused_as_by_go() {
    let node = single().await;
    let mut kv = KvClient::new(node.channel());
    let huge = PutRequest {
        key: "a".into(),
        value: vec![7; 3 << 20].into(),
        ..PutRequest::default()
    };
    let size = prost::Message::encoded_len(&huge);
    let refused = within(kv.put(huge)).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert_eq!(
        refused.message(),
        format!(
            "grpc: received message larger than max ({size} vs. {})",
            1_572_864 + 512 * 1024
        )
    );
    // The connection goes on.
    kv.put(PutRequest {
        key: "a".into(),
        ..PutRequest::default()
    })
    .await
    .unwrap();
    node.stop().await;
}
