//! The JSON gateway, in shapes seen from etcd 3.4.23; what the newer gateway changed is marked.

use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use http::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Node, Wanted, one, post, send, single, whole, within};
use crate::Options;
use crate::address::Address;

/// Takes out what differs from start to start.
fn bare(mut value: Value) -> Value {
    if let Some(header) = value.get_mut("header").and_then(Value::as_object_mut) {
        for name in ["cluster_id", "member_id", "raft_term"] {
            let id = header.remove(name);
            assert!(
                id.is_some_and(|id| id.as_str().is_some_and(|id| id.parse::<u64>().is_ok())),
                "{name}"
            );
        }
    }
    value
}

async fn says(node: &Node, path: &str, request: &str, answer: Value) {
    let (status, got) = post(&node.client, path, request).await;
    assert_eq!((status, bare(got)), (200, answer), "{path} {request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_upstreams_shape() {
    let node = single().await;
    let kv = |revision: &str, version: &str| json!({"key": "Zm9v", "create_revision": "2", "mod_revision": revision, "version": version, "value": "YmFy"});
    says(
        &node,
        "/v3/kv/put",
        r#"{"key":"Zm9v","value":"YmFy"}"#,
        json!({"header": {"revision": "2"}}),
    )
    .await;
    let found = json!({"header": {"revision": "2"}, "kvs": [kv("2", "1")], "count": "1"});
    says(&node, "/v3/kv/range", r#"{"key":"Zm9v"}"#, found.clone()).await;
    says(&node, "/v3beta/kv/range", r#"{"key":"Zm9v","unknown":1}"#, found).await;
    says(
        &node,
        "/v3/kv/txn",
        r#"{"compare":[{"result":"EQUAL","target":"CREATE","key":"Zm9v","createRevision":"2"}],
            "success":[{"requestPut":{"key":"Zm9v","value":"YmFy"}}]}"#,
        json!({"header": {"revision": "3"}, "succeeded": true,
               "responses": [{"response_put": {"header": {"revision": "3"}}}]}),
    )
    .await;
    says(
        &node,
        "/v3/kv/txn",
        r#"{"compare":[{"target":"VERSION","key":"Zm9v","version":"99"}],
            "failure":[{"request_range":{"key":"Zm9v"}}]}"#,
        json!({"header": {"revision": "3"}, "responses": [
            {"response_range": {"header": {"revision": "3"}, "kvs": [kv("3", "2")], "count": "1"}}]}),
    )
    .await;
    let granted = json!({"header": {"revision": "3"}, "ID": "77", "TTL": "100"});
    says(&node, "/v3/lease/grant", r#"{"TTL":100,"ID":77}"#, granted).await;
    says(
        &node,
        "/v3/lease/leases",
        "{}",
        json!({"header": {"revision": "3"}, "leases": [{"ID": "77"}]}),
    )
    .await;
    let unknown = json!({"header": {"revision": "3"}, "ID": "78", "TTL": "-1"});
    says(&node, "/v3/kv/lease/timetolive", r#"{"ID":78}"#, unknown).await;
    let (_, status) = post(&node.client, "/v3/maintenance/status", "").await;
    assert_eq!(status["leader"], json!(node.member.id().to_string()));
    let (_, members) = post(&node.client, "/v3/cluster/member/list", "{}").await;
    assert_eq!(members["members"][0]["peerURLs"], json!([node.peer]));
    assert_eq!(members["members"][0]["name"], json!("default"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_http_codes() {
    let node = single().await;
    for (path, request, http, code) in [
        ("/v3/kv/range", r#"{"key":"Zm9v","revision":"99"}"#, 400, 11),
        ("/v3/kv/range", "{bad", 400, 3),
        ("/v3/kv/range", "", 400, 3),
        ("/v3/kv/nothing", "{}", 404, 5),
        ("/v3/lease/revoke", r#"{"ID":78}"#, 404, 5),
        // 412 before grpc-gateway 2.
        ("/v3/auth/user/get", r#"{"name":"x"}"#, 400, 9),
        ("/v3/election/leader", r#"{"name":"eA=="}"#, 500, 2),
    ] {
        let (status, answer) = post(&node.client, path, request).await;
        assert_eq!(
            (status, &answer["code"]),
            (http, &json!(code)),
            "{path} {request}: {answer}"
        );
        assert_eq!(answer["error"], answer["message"]);
        assert_eq!(answer["details"], json!([]));
    }
    let (status, _) = whole(send(&node.client, Request::get("/v3/kv/range"), "").await).await;
    assert_eq!(status, 405);
    node.stop().await;
}

/// Lines of an answer that streams.
struct Lines {
    body: Incoming,
    buffer: BytesMut,
}

impl Lines {
    async fn open(node: &Node, path: &str, request: &str) -> Self {
        let response = send(&node.client, Request::post(path), request).await;
        assert_eq!(response.status(), 200);
        Self {
            body: response.into_body(),
            buffer: BytesMut::new(),
        }
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(at) = self.buffer.iter().position(|byte| *byte == b'\n') {
                return Some(serde_json::from_slice(&self.buffer.split_to(at + 1)).unwrap());
            }
            let frame = within(self.body.frame()).await?.unwrap();
            self.buffer.extend_from_slice(&frame.into_data().unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_lines() {
    let node = single().await;
    post(&node.client, "/v3/kv/put", r#"{"key":"Zm9v","value":"YmFy"}"#).await;
    let mut watch = Lines::open(
        &node,
        "/v3/watch",
        r#"{"create_request":{"key":"Zm9v","start_revision":"1"}}"#,
    )
    .await;
    let created = watch.next().await.unwrap();
    assert_eq!(
        bare(created["result"].clone()),
        json!({"header": {"revision": "2"}, "created": true})
    );
    let event = watch.next().await.unwrap();
    assert_eq!(event["result"]["events"][0]["kv"]["value"], json!("YmFy"));
    assert_eq!(event["result"]["events"][0].get("type"), None);
    post(&node.client, "/v3/kv/deleterange", r#"{"key":"Zm9v"}"#).await;
    let event = watch.next().await.unwrap();
    assert_eq!(
        event["result"]["events"],
        json!([{"type": "DELETE", "kv": {"key": "Zm9v", "mod_revision": "3"}}])
    );

    post(&node.client, "/v3/lease/grant", r#"{"TTL":100,"ID":77}"#).await;
    let mut alive = Lines::open(&node, "/v3/lease/keepalive", "{\"ID\":77}\n{\"ID\":78}").await;
    assert_eq!(alive.next().await.unwrap()["result"]["TTL"], json!("100"));
    let unknown = alive.next().await.unwrap();
    assert_eq!(
        bare(unknown["result"].clone()),
        json!({"header": {"revision": "3"}, "ID": "78"})
    );
    assert_eq!(alive.next().await, None);

    let mut snapshot = Lines::open(&node, "/v3/maintenance/snapshot", "{}").await;
    let mut blobs = 0;
    while let Some(line) = snapshot.next().await {
        assert!(line["result"]["blob"].is_string(), "{line}");
        blobs += 1;
    }
    assert!(blobs >= 2, "the data and its hash");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watches_go_over_websockets() {
    let node = single().await;
    let socket = Address::parse(&node.client).unwrap().dial().await.unwrap();
    let url = format!("{}/v3/watch", node.client.replace("http://", "ws://"));
    let (mut ws, _) = within(tokio_tungstenite::client_async(url, socket)).await.unwrap();
    ws.send(Message::text(r#"{"create_request":{"key":"Zm9v"}}"#))
        .await
        .unwrap();
    let next = async |ws: &mut tokio_tungstenite::WebSocketStream<_>| {
        let message = within(ws.next()).await.unwrap().unwrap();
        serde_json::from_str::<Value>(message.to_text().unwrap()).unwrap()
    };
    assert_eq!(next(&mut ws).await["result"]["created"], json!(true));
    post(&node.client, "/v3/kv/put", r#"{"key":"Zm9v","value":"YmFy"}"#).await;
    assert_eq!(next(&mut ws).await["result"]["events"][0]["kv"]["value"], json!("YmFy"));
    ws.send(Message::text(r#"{"create_request":{"key":"YQ=="}}"#))
        .await
        .unwrap();
    assert_eq!(next(&mut ws).await["result"]["watch_id"], json!("1"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_come_in_the_authorization_header() {
    let node = single().await;
    let url = &node.client;
    post(url, "/v3/auth/user/add", r#"{"name":"root","password":"p"}"#).await;
    post(url, "/v3/auth/role/add", r#"{"name":"root"}"#).await;
    post(url, "/v3/auth/user/grant", r#"{"user":"root","role":"root"}"#).await;
    assert_eq!(post(url, "/v3/auth/enable", "{}").await.0, 200);
    let (status, refused) = post(url, "/v3/kv/put", r#"{"key":"Zm9v"}"#).await;
    assert_eq!(
        (status, &refused["message"]),
        (400, &json!("etcdserver: user name is empty"))
    );
    let (_, answer) = post(url, "/v3/auth/authenticate", r#"{"name":"root","password":"p"}"#).await;
    let token = answer["token"].as_str().unwrap();
    let request = || Request::post("/v3/kv/put");
    let put = |token: &str| {
        send(
            url,
            request().header("authorization", token.to_owned()),
            r#"{"key":"Zm9v"}"#,
        )
    };
    assert_eq!(put(token).await.status(), 200);
    let (status, text) = whole(put("nonsense").await).await;
    let refused: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (status, &refused["message"]),
        (401, &json!("etcdserver: invalid auth token"))
    );
    let by_metadata = send(url, request().header("grpc-metadata-token", token), r#"{"key":"Zm9v"}"#).await;
    assert_eq!(by_metadata.status(), 200);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_kept_in_bounds() {
    let options = Options {
        cors: vec!["http://good.example".into()],
        host_whitelist: vec!["127.0.0.1".into()],
        ..Options::default()
    };
    let node = one(Wanted {
        options,
        ..Wanted::default()
    })
    .await;
    let origin = |name: &'static str| Request::get("/health").header("origin", name);
    let good = send(&node.client, origin("http://good.example"), "").await;
    assert_eq!(good.headers()["access-control-allow-origin"], "http://good.example");
    let bad = send(&node.client, origin("http://bad.example"), "").await;
    assert!(!bad.headers().contains_key("access-control-allow-origin"));
    let asked = send(&node.client, Request::options("/v3/kv/put"), "").await;
    assert_eq!(asked.status(), 200);
    let stranger = send(&node.client, Request::get("/health").header("host", "evil.example"), "").await;
    assert_eq!(stranger.status(), 421);
    node.stop().await;
}
