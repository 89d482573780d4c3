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
    assert!(made.len() - deleted.len() <= 1, "{} made, {} deleted", made.len(), deleted.len());
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
