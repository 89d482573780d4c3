//! How objects go: many at once, and by their leases.

use std::collections::BTreeSet;

use serde_json::json;

use crate::apiserver::pair::Pair;
use crate::harness::Kind;

#[test]
fn a_collection_is_deleted_by_several_at_once() {
    let pair = Pair::start_with(Kind::Keelson, &["--delete-collection-workers=10"]);
    let maps = "/api/v1/namespaces/default/configmaps";
    for number in 0..25 {
        let name = format!("map-{number}");
        let map =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"of": "many"}}});
        pair.create(maps, &map);
    }
    let many = format!("{maps}?labelSelector=of%3Dmany");
    let deleted = pair.send("DELETE", &many, &[], "");
    assert_eq!(
        (deleted.status, deleted.json()["items"].as_array().unwrap().len()),
        (200, 25)
    );
    assert_eq!(pair.send("GET", &many, &[], "").json()["items"], json!([]));
}

/// Creates and deletes objects of one name, now at one server and now at the other; the uids of what it made and of what it
/// deleted.
fn make_and_delete(servers: [&Pair; 2], rounds: usize) -> (Vec<String>, Vec<String>) {
    let maps = "/api/v1/namespaces/default/configmaps";
    let map = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fought-for"}}"#;
    let (mut made, mut deleted) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let answer = servers[round % 2].send("POST", maps, &["Content-Type: application/json"], map);
        match answer.status {
            201 => made.push(answer.json()["metadata"]["uid"].to_string()),
            status => assert_eq!(status, 409, "{answer:?}"),
        }
        let answer = servers[(round + 1) % 2].send("DELETE", &format!("{maps}/fought-for"), &[], "");
        match answer.status {
            200 => deleted.push(answer.json()["details"]["uid"].to_string()),
            status => assert_eq!(status, 404, "{answer:?}"),
        }
    }
    (made, deleted)
}

#[test]
fn an_object_is_deleted_once_whichever_server_made_it() {
    let one = Pair::start();
    let other = one.beside();
    let all: Vec<_> = std::thread::scope(|scope| {
        let begun = [[&one, &other], [&other, &one], [&one, &other], [&other, &one]];
        let begun = begun.map(|servers| scope.spawn(move || make_and_delete(servers, 25)));
        begun.map(|fight| fight.join().unwrap()).into_iter().collect()
    });
    let (made, deleted): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let (made, deleted) = (made.concat(), deleted.concat());
    let once: BTreeSet<&String> = deleted.iter().collect();
    assert_eq!(once.len(), deleted.len(), "something was deleted twice");
    assert!(once.iter().all(|uid| made.contains(uid)));
    // At most the last of them is left.
    assert!(
        made.len() - deleted.len() <= 1,
        "{} made, {} deleted",
        made.len(),
        deleted.len()
    );
}

#[test]
fn a_query_says_which_object_is_deleted() {
    let pair = Pair::start();
    let maps = "/api/v1/namespaces/default/configmaps";
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "meant", "labels": {"of": "two"}}});
    let made = pair.create(maps, &map);
    let [uid, version] = ["uid", "resourceVersion"].map(|field| made["metadata"][field].as_str().unwrap());
    let refused = |path: &str, why: &str| {
        let refused = pair.send("DELETE", path, &[], "");
        let message = format!("Operation cannot be fulfilled on ConfigMap \"meant\": the {why}");
        let told = refused.json();
        let told = told["message"].as_str().unwrap();
        assert!(refused.status == 409 && told.starts_with(&message), "{path}: {told}");
    };
    let other_uid = format!("UID in the precondition (other) does not match the UID in record ({uid})");
    let other = |wanted: &str| {
        format!(
            "ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version})"
        )
    };
    refused(&format!("{maps}/meant?uid=other&resourceVersion={version}"), &other_uid);
    refused(&format!("{maps}/meant?uid={uid}&resourceVersion=1"), &other("1"));
    refused(&format!("{maps}?labelSelector=of%3Dtwo&uid=other"), &other_uid);
    refused(&format!("{maps}?labelSelector=of%3Dtwo&resourceVersion=0"), &other("0"));
    // A list of nothing names no version that could be wrong.
    let none = pair.send(
        "DELETE",
        &format!("{maps}?labelSelector=of%3Dnone&resourceVersion=0"),
        &[],
        "",
    );
    assert_eq!(none.status, 200, "{none:?}");
    // What a body says, it says alone.
    let kept = pair.send(
        "DELETE",
        &format!("{maps}/meant?uid=other"),
        &[],
        r#"{"dryRun": ["All"]}"#,
    );
    assert_eq!(kept.status, 200, "{kept:?}");
    let path = format!("{maps}/meant?uid={uid}&resourceVersion={version}");
    assert_eq!(pair.send("DELETE", &path, &[], "").status, 200);
}

#[test]
fn the_last_answer_of_a_pod_has_the_finalizers_that_held_it() {
    let pair = Pair::start();
    let pods = "/api/v1/namespaces/default/pods";
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    pair.create("/api/v1/namespaces/default/serviceaccounts", &account);
    for finalizer in ["orphan", "foregroundDeletion"] {
        let metadata = json!({"name": finalizer.to_lowercase(), "finalizers": [finalizer]});
        let spec = json!({"containers": [{"name": "c", "image": "i"}]});
        pair.create(
            pods,
            &json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}),
        );
        let path = format!("{pods}/{}", finalizer.to_lowercase());
        let waits = pair.send("DELETE", &path, &[], "");
        assert_eq!(waits.json()["metadata"]["finalizers"], json!([finalizer]), "{waits:?}");
        let gone = pair.send(
            "DELETE",
            &format!("{path}?propagationPolicy=Background&gracePeriodSeconds=2"),
            &[],
            "",
        );
        let last = gone.json();
        assert_eq!(
            (gone.status, &last["metadata"]["finalizers"]),
            (200, &json!([finalizer])),
            "{last}"
        );
        assert_eq!(pair.send("GET", &path, &[], "").status, 404);
    }
}

/// How many leases were given to no more events, since the next had one of its own.
fn leases_that_are_full(flags: &[&str]) -> f64 {
    let pair = Pair::start_with(Kind::Keelson, flags);
    for number in 0..12 {
        let event = json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("event-{number}")},
            "involvedObject": {"kind": "Namespace", "name": "default", "namespace": "default"},
        });
        pair.create("/api/v1/namespaces/default/events", &event);
    }
    let metrics = pair.send("GET", "/metrics", &[], "").body;
    let count = metrics
        .lines()
        .find_map(|line| line.strip_prefix("etcd_lease_object_counts_count"));
    count.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn events_share_leases_for_as_long_as_is_said() {
    // What the server itself writes with another lease may come between.
    assert!(leases_that_are_full(&[]) < 6.0);
    assert!(leases_that_are_full(&["--lease-reuse-duration-seconds=0"]) > 10.0);
}
