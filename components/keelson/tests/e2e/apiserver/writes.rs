//! Writes that are refused for what they say of the object: which it is, its version, its name, and who manages it.

use serde_json::{Value, json};

use crate::apiserver::pair::{Answer, Pair};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn told(answer: &Answer) -> (u16, String) {
    let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
    (answer.status, message)
}

fn map(metadata: &Value) -> String {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}).to_string()
}

#[test]
fn a_scale_is_that_of_one_object() {
    let pair = Pair::start();
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let with = |kind: &str, version: &str, selector: Value| {
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"},
            "spec": {"replicas": 1, "selector": selector, "template": template}})
    };
    let labels = json!({"matchLabels": {"a": "b"}});
    for (path, group, plural, object) in [
        (
            "/apis/apps/v1",
            ".apps",
            "deployments",
            with("Deployment", "apps/v1", labels.clone()),
        ),
        (
            "/apis/apps/v1",
            ".apps",
            "replicasets",
            with("ReplicaSet", "apps/v1", labels.clone()),
        ),
        (
            "/apis/apps/v1",
            ".apps",
            "statefulsets",
            with("StatefulSet", "apps/v1", labels),
        ),
        (
            "/api/v1",
            "",
            "replicationcontrollers",
            with("ReplicationController", "v1", json!({"a": "b"})),
        ),
    ] {
        let folder = format!("{path}/namespaces/default/{plural}");
        let made = pair.create(&folder, &object);
        let uid = made["metadata"]["uid"].as_str().unwrap();
        let path = format!("{folder}/x/scale");
        let unmet = format!("Precondition failed: UID in precondition: other, UID in object meta: {uid}");
        let scale = json!({"metadata": {"name": "x", "namespace": "default", "uid": "other"}, "spec": {"replicas": 5}});
        let merge = ["Content-Type: application/merge-patch+json"];
        let patched = told(&pair.send("PATCH", &path, &merge, &scale.to_string()));
        let message = format!("Operation cannot be fulfilled on {plural}/scale{group} \"x\": {unmet}");
        assert_eq!(patched, (409, message));
        let (status, message) = told(&pair.send("PUT", &path, &[], &scale.to_string()));
        let head =
            format!("Operation cannot be fulfilled on {plural}{group} \"x\": StorageError: invalid object, Code: 4");
        assert!(
            status == 409 && message.starts_with(&head) && message.ends_with(&unmet),
            "{message}"
        );
        let mut scale = pair.send("GET", &path, &[], "").json();
        assert_eq!(
            (&scale["metadata"]["uid"], &scale["spec"]["replicas"]),
            (&json!(uid), &json!(1))
        );
        scale["spec"]["replicas"] = json!(3);
        let scaled = pair.send("PUT", &path, &[], &scale.to_string());
        assert_eq!((scaled.status, &scaled.json()["spec"]["replicas"]), (200, &json!(3)));
    }
}

#[test]
fn a_version_that_is_no_number_is_told_of_what_is_made_too() {
    let pair = Pair::start();
    let apply = |name: &str| {
        let body = map(&json!({"name": name, "resourceVersion": "x"}));
        let path = format!("{MAPS}/{name}?fieldManager=m");
        told(&pair.send("PATCH", &path, &["Content-Type: application/apply-patch+yaml"], &body))
    };
    pair.create(MAPS, &serde_json::from_str(&map(&json!({"name": "old"}))).unwrap());
    let message = "strconv.ParseUint: parsing \"x\": invalid syntax".to_owned();
    assert_eq!((apply("old"), apply("new")), ((500, message.clone()), (500, message)));
    assert_eq!(pair.send("GET", &format!("{MAPS}/new"), &[], "").status, 404);
}

#[test]
fn a_name_that_is_taken_is_told_as_one_that_was_generated_where_it_could_be() {
    let pair = Pair::start();
    let make = |metadata: &Value, query: &str| {
        pair.send(
            "POST",
            &format!("{MAPS}{query}"),
            &["Content-Type: application/json"],
            &map(metadata),
        )
    };
    let (plain, both) = (json!({"name": "c"}), json!({"name": "c", "generateName": "c-"}));
    assert_eq!(make(&both, "").status, 201);
    let taken = "configmaps \"c\" already exists".to_owned();
    let none = format!("{taken}, the server was not able to generate a unique name for the object");
    for query in ["", "?dryRun=All"] {
        assert_eq!(told(&make(&plain, query)), (409, taken.clone()));
        let refused = make(&both, query);
        assert_eq!(told(&refused), (409, none.clone()));
        assert_eq!(refused.json()["details"]["retryAfterSeconds"], 1);
    }
    // Its end has begun.
    let held = json!({"metadata": {"finalizers": ["example.com/held"]}}).to_string();
    let merge = ["Content-Type: application/merge-patch+json"];
    assert_eq!(pair.send("PATCH", &format!("{MAPS}/c"), &merge, &held).status, 200);
    assert_eq!(pair.send("DELETE", &format!("{MAPS}/c"), &[], "").status, 200);
    for query in ["", "?dryRun=All"] {
        let message = format!("object is being deleted: {taken}");
        assert_eq!(told(&make(&plain, query)), (409, message));
    }
}

#[test]
fn a_manager_has_a_name_that_can_be_seen() {
    let pair = Pair::start();
    for (sent, quoted, code) in [
        ("%E2%80%8B", "\\u200b", "U+200B"),
        ("%C2%AD", "\\u00ad", "U+00AD"),
        ("%EE%80%80", "\\ue000", "U+E000"),
        ("%E3%80%80", "\\u3000", "U+3000"),
    ] {
        let path = format!("{MAPS}?fieldManager={sent}");
        let refused = pair.send(
            "POST",
            &path,
            &["Content-Type: application/json"],
            &map(&json!({"name": "m"})),
        );
        let message = format!(
            "CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Invalid value: \"{quoted}\": invalid character {code} \
             (at position 0)"
        );
        assert_eq!(told(&refused), (422, message));
    }
}
