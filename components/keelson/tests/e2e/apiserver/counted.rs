//! What `/metrics` shows of what was done: families that upstream shows after a short run.

use serde_json::json;

use crate::apiserver::pair::Pair;
use crate::harness::post;

/// The value of a line of `/metrics`; nothing where it is not there.
fn value(page: &str, line: &str) -> Option<f64> {
    let rest = page.lines().find_map(|one| one.strip_prefix(line))?;
    rest.trim().parse().ok()
}

#[test]
fn a_short_run_shows_what_upstream_would_show() {
    let mut pair = Pair::start();
    let restricted = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "strict", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    });
    pair.create("/api/v1/namespaces?fieldValidation=Strict", &restricted);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i"}]}
    });
    pair.create("/api/v1/namespaces/default/pods", &pod);
    let refused = pair.send("POST", "/api/v1/namespaces/strict/pods", &[], &pod.to_string());
    assert_eq!(refused.status, 403, "{refused:?}");
    let apply = |data: &str| {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"k": data}});
        let headers = ["Content-Type: application/apply-patch+yaml"];
        let path = "/api/v1/namespaces/default/configmaps/m?fieldManager=e2e";
        let applied = pair.send("PATCH", path, &headers, &map.to_string());
        assert!(matches!(applied.status, 200 | 201), "{applied:?}");
    };
    for data in ["a", "b", "b"] {
        apply(data);
    }
    pair.send("GET", "/openapi/v3", &[], "");
    // What others write beside the objects moves the store on: a list waits until the caches know of it.
    let port = pair.store().members[0].client_port;
    assert_eq!(
        post(port, "/v3/kv/put", r#"{"key":"YQ==","value":"YQ=="}"#).unwrap().0,
        200
    );
    assert_eq!(pair.send("GET", "/api/v1/configmaps", &[], "").status, 200);
    let page = pair.send("GET", "/metrics", &[], "").body;
    for (line, least) in [
        (
            r#"pod_security_evaluations_total{decision="allow",mode="enforce",policy_level="privileged",policy_version="latest",request_operation="create",resource="pod",subresource=""}"#,
            1.0,
        ),
        (
            r#"pod_security_evaluations_total{decision="deny",mode="enforce",policy_level="restricted",policy_version="latest",request_operation="create",resource="pod",subresource=""}"#,
            1.0,
        ),
        (
            r#"pod_security_exemptions_total{request_operation="create",resource="pod",subresource=""}"#,
            0.0,
        ),
        (
            r#"apiserver_admission_step_admission_duration_seconds_summary_count{operation="CREATE",rejected="true",type="validate"}"#,
            1.0,
        ),
        (
            r#"apiserver_admission_step_admission_duration_seconds_summary{operation="CREATE",rejected="false",type="admit",quantile="0.99"}"#,
            0.0,
        ),
        (
            r#"field_validation_request_duration_seconds_count{field_validation="Strict"}"#,
            1.0,
        ),
        (
            r#"apiserver_request_timestamp_comparison_time_count{code_path="unequal_objects_fast"}"#,
            0.0,
        ),
        ("apiserver_nodeport_repair_reconcile_errors_total", 0.0),
        (r#"etcd_bookmark_total{group="",resource="pods"}"#, 1.0),
        (
            r#"apiserver_request_total{code="200",component="",dry_run="",group="",resource="",scope="",subresource="openapi/v3",verb="GET",version=""}"#,
            1.0,
        ),
    ] {
        let found = value(&page, line);
        assert!(found.is_some_and(|found| found >= least), "{line}: {found:?}");
    }
}
