//! Health, version and metrics pages, in upstream's forms.

use http::Request;
use serde_json::{Value, json};

use super::{get, post, send, single, whole};
use crate::{Serves, bind};

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told() {
    let node = single().await;
    let url = &node.client;
    let (status, text) = get(url, "/health").await;
    assert_eq!(
        (status, serde_json::from_str(&text).unwrap()),
        (200, json!({"health": "true", "reason": ""}))
    );
    assert_eq!(get(url, "/health?serializable=true").await.0, 200);
    assert_eq!(get(url, "/livez").await, (200, "ok\n".into()));
    assert_eq!(get(url, "/readyz").await, (200, "ok\n".into()));
    assert_eq!(get(url, "/readyz/linearizable_read").await, (200, "ok\n".into()));
    assert_eq!(get(url, "/readyz/nothing").await.0, 404);
    let (_, verbose) = get(url, "/readyz?verbose").await;
    for check in [
        "data_corruption",
        "serializable_read",
        "linearizable_read",
        "non_learner",
    ] {
        assert!(verbose.contains(&format!("[+]{check} ok\n")), "{verbose}");
    }
    assert!(verbose.ends_with("ok\n"), "{verbose}");
    let (_, verbose) = get(url, "/readyz?verbose&exclude=non_learner").await;
    assert!(!verbose.contains("non_learner"), "{verbose}");

    let refused = send(url, Request::post("/health"), "").await;
    assert_eq!(
        (refused.status().as_u16(), refused.headers()["allow"].to_str().unwrap()),
        (405, "GET")
    );
    assert_eq!(get(url, "/nothing").await, (404, "404 page not found\n".into()));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_make_it_unhealthy() {
    let node = single().await;
    let url = &node.client;
    let alarm = |action: &str| json!({"action": action, "memberID": node.member.id(), "alarm": "NOSPACE"}).to_string();
    post(url, "/v3/maintenance/alarm", &alarm("ACTIVATE")).await;
    let (status, text) = get(url, "/health").await;
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (status, body),
        (503, json!({"health": "false", "reason": "ALARM NOSPACE"}))
    );
    assert_eq!(get(url, "/health?exclude=NOSPACE").await.0, 200);
    assert_eq!(get(url, "/readyz").await.0, 200);
    post(url, "/v3/maintenance/alarm", &alarm("DEACTIVATE")).await;
    assert_eq!(get(url, "/health").await.0, 200);

    let corrupt = json!({"action": "ACTIVATE", "memberID": node.member.id(), "alarm": "CORRUPT"}).to_string();
    post(url, "/v3/maintenance/alarm", &corrupt).await;
    let (status, text) = get(url, "/readyz").await;
    assert_eq!(status, 503);
    assert!(
        text.contains("[-]data_corruption failed: alarm activated: CORRUPT\n"),
        "{text}"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_variables_and_metrics_are_shown() {
    let node = single().await;
    let url = &node.client;
    let (_, version) = get(url, "/version").await;
    let version: Value = serde_json::from_str(&version).unwrap();
    assert!(version["etcdserver"].as_str().unwrap().starts_with("3."), "{version}");
    assert!(version["etcdcluster"].is_string());
    let (_, variables) = get(url, "/debug/vars").await;
    let variables: Value = serde_json::from_str(&variables).unwrap();
    assert_eq!(variables["raft.status"]["raftState"], json!("StateLeader"));

    post(url, "/v3/kv/range", "{}").await;
    post(url, "/v3/kv/put", r#"{"key":"Zm9v"}"#).await;
    let (_, metrics) = get(url, "/metrics").await;
    let labels = |code: &str, method: &str| {
        format!(
            "grpc_server_handled_total{{grpc_code=\"{code}\",grpc_method=\"{method}\",\
             grpc_service=\"etcdserverpb.KV\",grpc_type=\"unary\"}} 1"
        )
    };
    for line in [
        &labels("InvalidArgument", "Range"),
        &labels("OK", "Put"),
        "etcd_server_has_leader 1",
        "etcd_server_client_requests_total{client_api_version=\"unknown\",type=\"unary\"} 2",
        "keelson_wire_connections{port=\"client\"} ",
    ] {
        assert!(metrics.contains(line), "no {line} in\n{metrics}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_can_be_told_apart() {
    let node = single().await;
    let http = bind("http://127.0.0.1:0").await.unwrap();
    let metrics = bind("http://127.0.0.1:0").await.unwrap();
    let (http_url, metrics_url) = (http.url().to_owned(), metrics.url().to_owned());
    node.server.client(http, None, Serves::Http);
    node.server.metrics(metrics, None);
    assert_eq!(post(&http_url, "/v3/kv/put", r#"{"key":"Zm9v"}"#).await.0, 200);
    assert_eq!(get(&metrics_url, "/health").await.0, 200);
    assert_eq!(get(&metrics_url, "/metrics").await.0, 200);
    assert_eq!(
        whole(send(&metrics_url, Request::post("/v3/kv/put"), "{}").await)
            .await
            .0,
        404
    );

    let (_, members) = get(&node.peer, "/members").await;
    let members: Value = serde_json::from_str(&members).unwrap();
    assert_eq!(members[0]["peerURLs"], json!([node.peer]));
    assert_eq!(members[0]["id"], json!(node.member.id()));
    assert_eq!(get(&node.peer, "/version").await.0, 200);

    let dir = tempfile::tempdir().unwrap();
    let path = format!("unix://{}", dir.path().join("client.sock").display());
    node.server.client(bind(&path).await.unwrap(), None, Serves::Everything);
    assert_eq!(get(&path, "/health").await.0, 200);
    node.stop().await;
}
