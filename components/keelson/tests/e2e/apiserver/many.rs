//! Bodies with as many items as fit, which cost no more than their length, and objects as large as the store takes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::apiserver::pair::Pair;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";

/// The most that an answer may take: a build without optimization needs a few seconds for what is in order.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends what took minutes or all memory where each item was held against each other.
fn quick(pair: &Pair, path: &str, content: &str, body: &str, code: u16) -> String {
    let before = pair.resident();
    let content = format!("Content-Type: {content}");
    let answer = pair.send("POST", path, &[&content], body);
    let head: String = answer.body.chars().take(300).collect();
    assert_eq!(answer.status, code, "{path}: {head}");
    let grown = pair.resident().saturating_sub(before) / 1024;
    assert!(grown < 600, "{path} took {grown} MiB: {head}");
    head
}

fn many<T>(count: usize, one: impl Fn(usize) -> T) -> Value
where
    Value: From<Vec<T>>,
{
    Value::from((0..count).map(one).collect::<Vec<T>>())
}

fn pod(spec: &Value) -> String {
    let mut spec = spec.clone();
    if spec["containers"].is_null() {
        spec["containers"] = json!([{"name": "c", "image": "i"}]);
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}).to_string()
}

#[test]
fn many_duplicates_are_no_more_work_than_many_keys() {
    let pair = Pair::start().patient(PATIENCE);
    let map = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
    let keys = format!("{}data: {{{}}}\n", map("a"), "a: b, ".repeat(60_000));
    quick(
        &pair,
        &format!("{MAPS}?fieldValidation=Warn"),
        "application/yaml",
        &keys,
        201,
    );
    let tags: Vec<String> = (0..100_000).map(|at| format!("%TAG !{at}! t\n")).collect();
    let tags = tags.concat();
    let tagged = format!("{tags}---\n{}", map("b"));
    quick(&pair, MAPS, "application/yaml", &tagged, 201);
    // Objects under one key, and a long key above many.
    let parts: Vec<String> = (0..50_000)
        .map(|at| format!(r#""data":{{"{:05}":""}}"#, at * 7919 % 50_000))
        .collect();
    let parted = format!(
        r#"{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"c"}},{}}}"#,
        parts.join(",")
    );
    quick(&pair, MAPS, "application/json", &parted, 201);
    let below: Vec<String> = (0..100_000).map(|at| format!(r#""{at}":1"#)).collect();
    let long = format!(
        r#"{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"d"}},"x":1,"y":{{"{}":{{{},"7":2}}}}}}"#,
        "k".repeat(1_400_000),
        below.join(",")
    );
    let said = quick(
        &pair,
        &format!("{MAPS}?fieldValidation=Strict"),
        "application/json",
        &long,
        400,
    );
    assert!(said.contains("strict decoding error"), "{said}");
}

#[test]
fn many_items_are_no_more_work_than_their_length() {
    let pair = Pair::start().patient(PATIENCE);
    let bad: serde_json::Map<_, _> = (0..100_000).map(|at| (format!("!{at}"), "".into())).collect();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": bad});
    quick(&pair, MAPS, "application/json", &map.to_string(), 422);
    let owners = many(
        20_000,
        |at| json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": format!("{at}")}),
    );
    let owned = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b", "ownerReferences": owners}});
    quick(&pair, MAPS, "application/json", &owned.to_string(), 201);
    let env = many(40_000, |_| json!({"name": "A", "value": "b"}));
    let spec = json!({"containers": [{"name": "c", "image": "i", "env": env}]});
    quick(
        &pair,
        &format!("{PODS}?dryRun=All"),
        "application/json",
        &pod(&spec),
        201,
    );
    let ports = many(40_000, |_| json!({"containerPort": 1}));
    let spec = json!({"containers": [{"name": "c", "image": "i", "ports": ports}]});
    quick(
        &pair,
        &format!("{PODS}?dryRun=All"),
        "application/json",
        &pod(&spec),
        201,
    );
    let items = many(40_000, |at| json!({"key": "k", "path": format!("f{at}")}));
    let spec = json!({"volumes": [{"name": "v", "configMap": {"name": "m", "items": items}}]});
    quick(
        &pair,
        &format!("{PODS}?dryRun=All"),
        "application/json",
        &pod(&spec),
        201,
    );
    let mounts = many(25_000, |at| json!({"name": "v", "mountPath": format!("/{at}")}));
    let devices = many(
        25_000,
        |at| json!({"name": format!("d{at}"), "devicePath": format!("/d{at}")}),
    );
    let spec = json!({"containers": [{"name": "c", "image": "i", "volumeMounts": mounts, "volumeDevices": devices}]});
    quick(&pair, PODS, "application/json", &pod(&spec), 422);
    // Each item is refused with a text that quotes all of them.
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"},
        "spec": {"scopes": many(60_000, |at| format!("s{at}"))}});
    let quotas = "/api/v1/namespaces/default/resourcequotas";
    quick(&pair, quotas, "application/json", &quota.to_string(), 422);
}

#[test]
fn a_page_takes_no_more_room_in_the_store_than_other_text() {
    let pair = Pair::start();
    let page = "<a href=\"b\">&amp;</a>\u{2028}".repeat(36_000);
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"page": page}});
    pair.create(MAPS, &map);
    let read = pair.send("GET", &format!("{MAPS}/a"), &[], "");
    assert!(
        read.body
            .contains("\\u003ca href=\\\"b\\\"\\u003e\\u0026amp;\\u003c/a\\u003e\\u2028")
    );
    assert_eq!(read.json()["data"]["page"], page);
}

#[test]
fn an_object_that_is_too_large_with_its_managed_fields_is_kept_without() {
    let pair = Pair::start();
    let data: serde_json::Map<_, _> = (0..60_000).map(|at| (format!("k{at:09}"), "".into())).collect();
    let named = |name: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}).to_string()
    };
    let kept = pair.send("POST", MAPS, &[], &named("a"));
    assert_eq!(kept.status, 201);
    assert!(kept.json()["metadata"]["managedFields"].is_null());
    pair.create(
        MAPS,
        &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}}),
    );
    let one = format!("{MAPS}/b");
    let patch = json!({"data": data}).to_string();
    for (method, content, body) in [
        ("PATCH", "application/merge-patch+json", &patch),
        ("PUT", "application/json", &named("b")),
    ] {
        let kept = pair.send(method, &one, &[&format!("Content-Type: {content}")], body);
        assert_eq!(kept.status, 200, "{method}");
        assert!(kept.json()["metadata"]["managedFields"].is_null(), "{method}");
    }
    // Who applies wants them.
    let applied = pair.send(
        "PATCH",
        &format!("{MAPS}/c?fieldManager=m"),
        &["Content-Type: application/apply-patch+yaml"],
        &named("c"),
    );
    assert_eq!(applied.status, 500);
    assert!(
        applied.body.contains("etcdserver: request is too large"),
        "{}",
        applied.body
    );
}

#[test]
fn queries_and_content_types_are_read_as_go_reads_them() {
    let pair = Pair::start();
    for name in ["a", "b"] {
        pair.create(
            MAPS,
            &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}),
        );
    }
    let count = |query: &str| {
        let answer = pair.send("GET", &format!("{MAPS}?{query}"), &[], "");
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        answer.json()["items"].as_array().map_or(0, Vec::len)
    };
    let all = count("");
    assert_eq!(count("limit=1"), 1);
    for query in [
        "limit=1;x",
        "limit=%zz",
        "labelSelector=a%3Db;x=1",
        "resourceVersion=5;",
    ] {
        assert_eq!(count(query), all, "{query}");
    }
    let far = pair.send(
        "GET",
        &format!("{MAPS}/a?resourceVersion=18446744073709551615"),
        &[],
        "",
    );
    assert_eq!(far.status, 504);
    assert!(
        far.body
            .contains("Too large resource version: 18446744073709551615, current: "),
        "{}",
        far.body
    );
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}).to_string();
    let refused = pair.send("POST", MAPS, &["Content-Type: ;;;"], &map);
    assert_eq!(refused.status, 415);
    assert!(
        refused
            .body
            .contains("accepted media types include: application/json, "),
        "{}",
        refused.body
    );
}
