//! Who it is and what they may: reviews, tokens that are asked for, roles and bindings.

use serde_json::{Value, json};

use crate::apiserver::pair::{Answer, JANE, Pair};

const BEARER: &str = "Authorization: Bearer ";
const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
const TOKEN: &str = "/api/v1/namespaces/default/serviceaccounts/sa/token";

/// What is answered to a review.
fn review(pair: &Pair, group: &str, kind: &str, asked: &Value) -> Value {
    let mut object = json!({"apiVersion": format!("{group}/v1"), "kind": kind});
    for (field, value) in asked.as_object().unwrap() {
        object[field] = value.clone();
    }
    let path = format!("/apis/{group}/v1/{}s", kind.to_lowercase());
    pair.create(&path, &object)
}

fn role(verbs: &[&str]) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "gatherer"},
        "rules": [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": verbs}],
    })
}

/// Of a role to jane.
fn binding(role: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "to-jane"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}],
    })
}

/// A service account of which tokens can be asked for.
fn account(pair: &Pair) {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "sa"}});
    pair.create("/api/v1/namespaces/default/serviceaccounts", &account);
}

fn message(answer: &Answer) -> String {
    answer.json()["message"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn reviews_are_answered_without_what_is_empty() {
    let pair = Pair::start();
    let empty = json!({"metadata": {"labels": {}}, "spec": {"user": "u", "groups": [], "extra": {},
        "nonResourceAttributes": {"path": "/x", "verb": "get"}}});
    let answer = review(&pair, "authorization.k8s.io", "SubjectAccessReview", &empty);
    let asked = json!({"user": "u", "nonResourceAttributes": {"path": "/x", "verb": "get"}});
    assert_eq!(answer["spec"], asked);
    assert_eq!(answer["metadata"].get("labels"), None);
    let empty = json!({"spec": {"token": "nobody's", "audiences": []}});
    let answer = review(&pair, "authentication.k8s.io", "TokenReview", &empty);
    assert_eq!(answer["spec"], json!({"token": "nobody's"}));
    assert_eq!(answer["status"], json!({"error": "invalid bearer token", "user": {}}));
    // What may be done is told without the question.
    let asked = json!({"metadata": {"name": "x"}, "spec": {"namespace": "default"}});
    let answer = review(&pair, "authorization.k8s.io", "SelfSubjectRulesReview", &asked);
    assert_eq!((&answer["metadata"], &answer["spec"]), (&json!({}), &json!({})));
    assert!(!answer["status"]["resourceRules"].as_array().unwrap().is_empty());
}

#[test]
fn a_review_tells_all_reasons_why_a_token_is_no_good() {
    let pair = Pair::start();
    account(&pair);
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}});
    let token = pair.create(TOKEN, &request)["status"]["token"].clone();
    let asked = json!({"spec": {"token": token}});
    let good = review(&pair, "authentication.k8s.io", "TokenReview", &asked);
    assert_eq!(good["status"]["authenticated"], json!(true));
    let elsewhere = json!({"spec": {"token": token, "audiences": ["elsewhere"]}});
    let bad = review(&pair, "authentication.k8s.io", "TokenReview", &elsewhere);
    let told = "[invalid bearer token, token audiences [\"https://kubernetes.default.svc\"] is invalid for the target \
                audiences [\"elsewhere\"]]";
    assert_eq!(bad["status"]["error"], json!(told));
}

#[test]
fn an_object_that_is_named_by_nothing_is_asked_for_by_name() {
    let pair = Pair::start();
    account(&pair);
    for kind in ["Pod", "Secret", "Node"] {
        let bound = json!({"apiVersion": "v1", "kind": kind, "name": ""});
        let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"audiences": ["x"], "boundObjectRef": bound}});
        let answer = pair.send("POST", TOKEN, &[], &request.to_string());
        assert_eq!(
            (answer.status, message(&answer).as_str()),
            (400, "Name parameter required."),
            "{kind}"
        );
    }
    pair.create(ROLES, &role(&["create"]));
    pair.create(BINDINGS, &binding("gatherer"));
    let answer = pair.send(
        "POST",
        BINDINGS,
        &[&format!("{BEARER}{JANE}")],
        &binding("").to_string(),
    );
    assert_eq!(
        (answer.status, message(&answer).as_str()),
        (400, "Name parameter required.")
    );
}

#[test]
fn what_the_garbage_collector_writes_gives_nobody_rights() {
    let pair = Pair::start();
    // Jane may change roles, and has no right that this one gives.
    pair.create(ROLES, &role(&["get", "update", "patch"]));
    pair.create(BINDINGS, &binding("gatherer"));
    let mut other = role(&["delete"]);
    other["metadata"] = json!({"name": "other", "finalizers": ["example.com/x"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "u"}]});
    pair.create(ROLES, &other);
    let jane = format!("{BEARER}{JANE}");
    let patch = |path: String, body: &Value| {
        let headers = [jane.as_str(), "Content-Type: application/merge-patch+json"];
        pair.send("PATCH", &path, &headers, &body.to_string())
    };
    let labels = patch(format!("{ROLES}/other"), &json!({"metadata": {"labels": {"a": "b"}}}));
    assert_eq!(labels.status, 403, "{labels:?}");
    for manager in ["", "?fieldManager=another"] {
        let finalizers = json!({"metadata": {"finalizers": [format!("example.com/y{}", manager.len())]}});
        let answer = patch(format!("{ROLES}/other{manager}"), &finalizers);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let gone = json!({"metadata": {"finalizers": null, "ownerReferences": null}});
    let answer = patch(format!("{ROLES}/other"), &gone);
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut bound = binding("other");
    bound["metadata"] = json!({"name": "other", "finalizers": ["example.com/x"]});
    pair.create(BINDINGS, &bound);
    let answer = patch(format!("{BINDINGS}/other"), &json!({"metadata": {"finalizers": null}}));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn rights_in_a_namespace_are_none_over_namespaces() {
    let pair = Pair::start();
    for name in ["own", "other"] {
        pair.namespace(name);
    }
    let mut all = binding("cluster-admin");
    all["roleRef"]["kind"] = json!("ClusterRole");
    pair.create("/apis/rbac.authorization.k8s.io/v1/namespaces/own/rolebindings", &all);
    let jane = format!("{BEARER}{JANE}");
    let ask = |method: &str, path: &str, kind: &str, body: &str| {
        pair.send(
            method,
            path,
            &[&jane, &format!("Content-Type: application/{kind}")],
            body,
        )
    };
    let seen = ask("GET", "/api/v1/namespaces/own/configmaps", "json", "");
    assert_eq!(seen.status, 200, "{seen:?}");
    let labels = r#"{"metadata":{"labels":{"a":"b"}}}"#;
    let other = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"other"}}"#;
    for (method, rest, kind, body) in [
        ("GET", "namespaces", "json", ""),
        ("GET", "namespaces?watch=1&timeoutSeconds=1", "json", ""),
        ("GET", "namespaces/other", "json", ""),
        ("POST", "namespaces", "json", r#"{"metadata":{"name":"made"}}"#),
        ("PUT", "namespaces/other", "json", other),
        ("PATCH", "namespaces/other", "merge-patch+json", labels),
        ("PATCH", "namespaces/other?fieldManager=m", "apply-patch+yaml", other),
        ("PUT", "namespaces/other/status", "json", other),
        ("PUT", "namespaces/other/finalize", "json", other),
        ("DELETE", "namespaces/other", "json", ""),
        ("DELETE", "namespaces", "json", ""),
        ("GET", "nodes", "json", ""),
    ] {
        for before in ["", "watch/"] {
            let answer = ask(method, &format!("/api/v1/{before}namespaces/own/{rest}"), kind, body);
            let is_verb = !before.is_empty() && answer.status == 405;
            assert!(answer.status == 404 || is_verb, "{method} {before}{rest}: {answer:?}");
        }
    }
    let other = pair.send("GET", "/api/v1/namespaces/other", &[], "").json();
    let untouched = (&other["status"]["phase"], &other["metadata"]["labels"]);
    assert_eq!(
        untouched,
        (&json!("Active"), &json!({"kubernetes.io/metadata.name": "other"}))
    );
    assert_eq!(pair.send("GET", "/api/v1/namespaces/made", &[], "").status, 404);
    // What is asked of its own namespace is answered.
    assert_eq!(ask("GET", "/api/v1/namespaces/own", "json", "").status, 200);
}
