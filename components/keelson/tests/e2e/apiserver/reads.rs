//! What is read in the ways that a kind has of its own: fields to select by, rows in an order, parts that are asked.

use serde_json::{Value, json};

use crate::apiserver::pair::Pair;
use crate::harness::until;

const TABLE: &str = "Accept: application/json;as=Table;v=v1;g=meta.k8s.io";

/// What makes a list a watch that tells what is there, too.
const WATCH: &str = "&watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan\
                     &allowWatchBookmarks=true";

/// The names that a list has.
fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

fn event(name: &str, about: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name}, "reportingComponent": "e.com/c",
        "involvedObject": {"namespace": "default", "kind": "Pod", "name": about}, "type": "Normal"})
}

#[test]
fn each_group_selects_events_by_its_own_names() {
    let pair = Pair::start();
    let (old, new) = (
        "/api/v1/namespaces/default/events",
        "/apis/events.k8s.io/v1/namespaces/default/events",
    );
    for (name, about) in [("a", "one"), ("b", "two")] {
        pair.create(old, &event(name, about));
    }
    let of = |path: &str, selector: &str, more: &str| {
        pair.send("GET", &format!("{path}?fieldSelector={selector}{more}"), &[], "")
    };
    for (path, selector, found) in [
        (old, "involvedObject.name%3Dtwo", &["b"][..]),
        (new, "regarding.name%3Dtwo", &["b"]),
        (
            new,
            "reportingController%3De.com/c,type%3DNormal,regarding.kind%3DPod",
            &["a", "b"],
        ),
        (new, "reportingController%21%3De.com/c", &[]),
    ] {
        let list = of(path, selector, "");
        assert_eq!((list.status, names(&list.json())), (200, found.to_vec()), "{selector}");
        let watched = of(path, selector, WATCH);
        let told = watched.body.lines().filter(|line| line.contains("ADDED")).count();
        assert_eq!((watched.status, told), (200, found.len()), "{selector}");
    }
    for (path, name) in [
        (old, "regarding.name"),
        (new, "involvedObject.name"),
        (new, "reportingComponent"),
    ] {
        for (method, more) in [("GET", ""), ("GET", "&watch=1"), ("DELETE", "")] {
            let refused = pair.send(method, &format!("{path}?fieldSelector={name}%3Dtwo{more}"), &[], "");
            let message = format!("field label not supported: {name}");
            assert_eq!(
                (refused.status, refused.json()["message"].as_str()),
                (400, Some(&*message))
            );
        }
    }
    let deleted = pair.send("DELETE", &format!("{new}?fieldSelector=regarding.name%3Dtwo"), &[], "");
    assert_eq!(deleted.status, 200);
    until("the event is gone", || {
        (names(&of(old, "", "").json()) == ["a"]).then_some(())
    });
}

#[test]
fn pods_are_selected_by_what_old_clients_call_their_node() {
    let pair = Pair::start();
    let pods = "/api/v1/namespaces/default/pods";
    for (name, node) in [("here", "n1"), ("there", "n2")] {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
        pair.send(
            "POST",
            "/api/v1/namespaces/default/serviceaccounts",
            &["Content-Type: application/json"],
            &account.to_string(),
        );
        let spec = json!({"nodeName": node, "containers": [{"name": "c", "image": "i"}]});
        pair.create(
            pods,
            &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}),
        );
    }
    for (selector, found) in [
        ("spec.host%3Dn2", &["there"][..]),
        ("spec.host%21%3Dn2", &["here"]),
        ("status.podIPs%3D1.2.3.4", &[]),
        ("status.podIPs%3D", &["here", "there"]),
    ] {
        let list = pair.send("GET", &format!("{pods}?fieldSelector={selector}"), &[], "");
        assert_eq!((list.status, names(&list.json())), (200, found.to_vec()), "{selector}");
    }
    for (path, status) in [
        ("/api/v1/persistentvolumes?fieldSelector=metadata.namespace%3Da", 200),
        ("/api/v1/persistentvolumes?fieldSelector=name%3Da", 400),
        ("/api/v1/namespaces?fieldSelector=name%3Da", 400),
        ("/apis/apps/v1/replicasets?fieldSelector=status.replicas%3D1", 400),
    ] {
        assert_eq!(pair.send("GET", path, &[], "").status, status, "{path}");
    }
}

#[test]
fn a_table_of_flow_schemas_has_them_in_the_order_in_which_they_count() {
    let pair = Pair::start();
    let path = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas";
    until("there is the last of those that come with the server", || {
        (pair.send("GET", &format!("{path}/catch-all"), &[], "").status == 200).then_some(())
    });
    for (name, precedence) in [("z", 2), ("b", 7777), ("a", 7777)] {
        let spec = json!({"matchingPrecedence": precedence, "priorityLevelConfiguration": {"name": "exempt"}});
        let (group, meta) = ("flowcontrol.apiserver.k8s.io/v1", json!({"name": name}));
        let schema = json!({"apiVersion": group, "kind": "FlowSchema", "metadata": meta, "spec": spec});
        pair.create(path, &schema);
    }
    let table = pair.send("GET", path, &[TABLE], "").json();
    let rows = table["rows"].as_array().unwrap().iter();
    let rows: Vec<(i64, &str)> = rows
        .map(|row| (row["cells"][2].as_i64().unwrap(), row["cells"][0].as_str().unwrap()))
        .collect();
    assert!(rows.is_sorted(), "{rows:?}");
    assert!(rows.contains(&(7777, "a")) && rows[0].0 == 1, "{rows:?}");
    assert!(names(&pair.send("GET", path, &[], "").json()).is_sorted());
}

#[test]
fn the_parts_of_the_control_plane_are_asked_whether_they_are_well() {
    let pair = Pair::start();
    let list = pair.send("GET", "/api/v1/componentstatuses", &[], "").json();
    assert_eq!(names(&list), ["controller-manager", "etcd-0", "scheduler"]);
    assert_eq!(list["metadata"], json!({}));
    let store = pair.send("GET", "/api/v1/componentstatuses/etcd-0", &[], "").json();
    let condition = json!({"type": "Healthy", "status": "True", "message": "ok"});
    assert_eq!(
        (&store["conditions"], &store["metadata"]),
        (&json!([condition]), &json!({"name": "etcd-0"}))
    );
    assert_eq!(
        pair.send("GET", "/api/v1/componentstatuses/etcd-1", &[], "").status,
        404
    );
    assert_eq!(
        pair.send("DELETE", "/api/v1/componentstatuses/etcd-0", &[], "").status,
        405
    );
}

#[test]
fn a_version_that_is_none_is_refused_and_half_of_one_is_made_whole() {
    let pair = Pair::start();
    let maps = "/api/v1/namespaces/default/configmaps";
    let object =
        |version: &str, kind: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": "m"}}).to_string();
    for (version, kind, message) in [
        (
            "a/b/c",
            "ConfigMap",
            "the object provided is unrecognized (must be of type ConfigMap): unexpected GroupVersion string: a/b/c \
             ({\"apiVersion\":\"a/b/c\",\"kind\":\" ...)",
        ),
        (
            "v1",
            "DeleteOptions",
            "DeleteOptions in version \"v1\" cannot be handled as a ConfigMap: converting (v1.DeleteOptions) to \
             (core.ConfigMap): unknown conversion",
        ),
    ] {
        let refused = pair.send("POST", maps, &[], &object(version, kind));
        assert_eq!(
            (refused.status, refused.json()["message"].as_str()),
            (400, Some(message))
        );
    }
    let made = pair.send("POST", maps, &[], &object("/", "ConfigMap"));
    assert_eq!((made.status, &made.json()["apiVersion"]), (201, &"v1".into()));
}

#[test]
fn some_kinds_can_be_made_where_they_are_to_be() {
    let pair = Pair::start();
    let limits = json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}, "spec": {"limits": []}})
        .to_string();
    let path = "/api/v1/namespaces/default/limitranges/l";
    for status in [201, 200] {
        assert_eq!(pair.send("PUT", path, &[], &limits).status, status);
    }
    let class =
        json!({"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "r"}, "handler": "h"})
            .to_string();
    for status in [201, 422] {
        let put = pair.send("PUT", "/apis/node.k8s.io/v1/runtimeclasses/r", &[], &class);
        assert_eq!(put.status, status, "{put:?}");
    }
}

#[test]
fn an_old_number_that_is_none_is_refused_however_it_comes() {
    let pair = Pair::start();
    let object = |kind: &str, annotations: &Value| {
        let template =
            json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
        json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "x", "annotations": annotations},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}})
    };
    for (kind, plural, name, why) in [
        (
            "DaemonSet",
            "daemonsets",
            "deprecated.daemonset.template.generation",
            "",
        ),
        (
            "Deployment",
            "deployments",
            "deprecated.deployment.rollback.to",
            "failed to parse annotation[deprecated.deployment.rollback.to]=zz as int64: ",
        ),
    ] {
        let path = format!("/apis/apps/v1/namespaces/default/{plural}");
        let why = format!("{why}strconv.ParseInt: parsing \"zz\": invalid syntax");
        let refused = pair.send("POST", &path, &[], &object(kind, &json!({name: "zz"})).to_string());
        let message = format!("{kind} in version \"v1\" cannot be handled as a {kind}: {why}");
        assert_eq!(
            (refused.status, refused.json()["message"].as_str()),
            (400, Some(&*message))
        );
        pair.create(&path, &object(kind, &json!({name: "3"})));
        let patch = json!({"metadata": {"annotations": {name: "zz"}}}).to_string();
        for (sort, status) in [("merge-patch", 422), ("strategic-merge-patch", 400)] {
            let header = format!("Content-Type: application/{sort}+json");
            let refused = pair.send("PATCH", &format!("{path}/x"), &[&header], &patch);
            assert_eq!(refused.status, status, "{refused:?}");
            assert!(
                refused.json()["message"].as_str().unwrap().ends_with(&why),
                "{refused:?}"
            );
        }
    }
}

#[test]
fn nothing_comes_after_the_one_object_that_is_named() {
    let pair = Pair::start();
    let maps = "/api/v1/namespaces/default/configmaps";
    for name in ["a", "b", "c"] {
        pair.create(
            maps,
            &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}),
        );
    }
    let list = |path: &str| {
        let answer = pair.send("GET", path, &[], "");
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    };
    let version = list(maps)["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let exact = format!("&resourceVersion={version}&resourceVersionMatch=Exact");
    let since = format!("&resourceVersion={version}");
    for more in ["", "&resourceVersion=0", &since, &exact] {
        for path in [
            format!("{maps}?limit=1&fieldSelector=metadata.name%3Db{more}"),
            format!("/api/v1/configmaps?limit=1&fieldSelector=metadata.name%3Db,metadata.namespace%3Ddefault{more}"),
        ] {
            let list = list(&path);
            assert_eq!(
                (names(&list), &list["metadata"]["continue"]),
                (vec!["b"], &Value::Null),
                "{path}"
            );
        }
    }
    // In which namespace it is, nobody says: the list is walked.
    let walked = list("/api/v1/configmaps?limit=1&fieldSelector=metadata.name%3Da");
    assert_eq!(names(&walked), ["a"]);
    assert!(walked["metadata"]["continue"].is_string(), "{walked}");
}

#[test]
fn what_is_wrong_with_a_token_is_told_before_anything_else() {
    let pair = Pair::start();
    let maps = "/api/v1/namespaces/default/configmaps";
    for name in ["a", "b"] {
        pair.create(
            maps,
            &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}),
        );
    }
    let send = |query: &str| pair.send("GET", &format!("{maps}?limit=1&{query}"), &[], "");
    let told = |query: &str| {
        let refused = send(query);
        assert_eq!(refused.status, 400, "{query}: {refused:?}");
        refused.json()["message"].as_str().unwrap().to_owned()
    };
    let page = send("").json();
    let token = page["metadata"]["continue"].as_str().unwrap();
    let invalid = "invalid continue token: continue key is not valid: illegal base64 data at input byte 3";
    for version in ["", "&resourceVersion=5", "&resourceVersion=x"] {
        assert_eq!(told(&format!("continue=e30%3D{version}")), invalid);
    }
    let not_both = "specifying resource version is not allowed when using continue";
    for version in ["5", "x"] {
        assert_eq!(told(&format!("continue={token}&resourceVersion={version}")), not_both);
    }
    let rest = send(&format!("continue={token}")).json();
    assert_eq!(names(&rest), ["b"]);
}
