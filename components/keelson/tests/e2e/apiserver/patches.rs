//! Patches whose values upstream reads in ways of its own.

use serde_json::json;

use crate::apiserver::pair::{Answer, Pair};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const MERGE: &str = "merge-patch+json";
const STRATEGIC: &str = "strategic-merge-patch+json";
const APPLY: &str = "apply-patch+yaml";

fn patch(pair: &Pair, kind: &str, path: &str, body: &str) -> Answer {
    pair.send("PATCH", path, &[&format!("Content-Type: application/{kind}")], body)
}

fn message(answer: &Answer) -> String {
    answer.json()["message"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_patch_that_takes_the_api_version_away_is_refused() {
    let pair = Pair::start();
    pair.create(MAPS, &json!({"metadata": {"name": "c"}, "data": {"a": "b"}}));
    let url = format!("{MAPS}/c");
    for (kind, body) in [
        (MERGE, r#"{"apiVersion":null}"#),
        (MERGE, r#"{"apiVersion":""}"#),
        ("json-patch+json", r#"[{"op":"remove","path":"/apiVersion"}]"#),
    ] {
        for validation in ["Ignore", "Warn"] {
            let refused = patch(&pair, kind, &format!("{url}?fieldValidation={validation}"), body);
            assert_eq!(
                (refused.status, message(&refused).as_str()),
                (
                    400,
                    "the name of the object (c based on URL) was undeterminable: name must be provided"
                )
            );
            let warned = refused.headers.contains(r#"unknown field \"metadata\""#);
            assert_eq!(warned, validation == "Warn", "{}", refused.headers);
        }
        let refused = patch(&pair, kind, &format!("{url}?fieldValidation=Strict"), body);
        let told = message(&refused);
        assert_eq!(refused.status, 422, "{told}");
        assert!(
            told.ends_with(r#"unknown field "data", unknown field "metadata""#),
            "{told}"
        );
    }
    assert_eq!(patch(&pair, STRATEGIC, &url, r#"{"apiVersion":null}"#).status, 200);
}

#[test]
fn bytes_may_be_a_list_of_numbers() {
    let pair = Pair::start();
    let secrets = "/api/v1/namespaces/default/secrets";
    let secret = pair.create(
        secrets,
        &json!({"metadata": {"name": "s"}, "data": {"a": [65, 66], "b": []}}),
    );
    assert_eq!(secret["data"], json!({"a": "QUI=", "b": ""}));
    let patched = patch(&pair, STRATEGIC, &format!("{secrets}/s"), r#"{"data":{"a":[300]}}"#);
    assert_eq!(patched.json()["data"]["a"], "LA==");
}

#[test]
fn numbers_are_taken_as_upstream_converts_them() {
    let pair = Pair::start();
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let selector = json!({"matchLabels": {"a": "b"}});
    let spec = json!({"selector": selector, "template": template});
    let mut deployment =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec});
    pair.create(DEPLOYMENTS, &deployment);
    let url = format!("{DEPLOYMENTS}/d");
    let surge = r#"{"spec":{"strategy":{"rollingUpdate":{"maxSurge":25.0}}}}"#;
    let surged = patch(&pair, STRATEGIC, &url, surge);
    let strategy = &surged.json()["spec"]["strategy"];
    assert_eq!(
        (surged.status, &strategy["rollingUpdate"]["maxSurge"]),
        (200, &json!(25))
    );
    let limits = r#"{"spec":{"template":{"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":1e3}}}]}}}}"#;
    let limited = patch(&pair, STRATEGIC, &url, limits).json();
    let container = &limited["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["resources"]["limits"]["cpu"], "1k");
    let refused = patch(&pair, STRATEGIC, &url, r#"{"foo":1e400}"#);
    assert_eq!(
        (refused.status, message(&refused).as_str()),
        (400, "json: cannot unmarshal number 1e400 into Go value of type float64")
    );
    let mut apply = |replicas: serde_json::Value| {
        deployment["spec"]["replicas"] = replicas;
        let url = format!("{url}?fieldManager=m&force=true");
        patch(&pair, APPLY, &url, &deployment.to_string())
    };
    let applied = apply(json!(4_294_967_297_u64));
    assert_eq!((applied.status, &applied.json()["spec"]["replicas"]), (200, &json!(1)));
    let refused = apply(json!(2_147_483_648_u64));
    let told = message(&refused);
    assert_eq!(refused.status, 422, "{told}");
    assert!(
        told.ends_with("spec.replicas: Invalid value: -2147483648: must be greater than or equal to 0"),
        "{told}"
    );
    let told = message(&apply(json!(1.5)));
    assert!(
        told.ends_with("Kind=Deployment: cannot convert float64 to int32"),
        "{told}"
    );
}

#[test]
fn kubectl_takes_over_only_what_it_applied_as_the_same_kind() {
    let pair = Pair::start();
    for (name, kind, status) in [("same", "ConfigMap", 200), ("other", "Secret", 409)] {
        let last = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "data": {"a": "1", "b": "2"}});
        let annotations = json!({"kubectl.kubernetes.io/last-applied-configuration": last.to_string()});
        let map = json!({"metadata": {"name": name, "annotations": annotations}, "data": {"a": "1", "b": "2"}});
        pair.create(&format!("{MAPS}?fieldManager=kubectl-client-side-apply"), &map);
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "3"}});
        let url = format!("{MAPS}/{name}?fieldManager=kubectl");
        let answer = patch(&pair, APPLY, &url, &config.to_string());
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}
