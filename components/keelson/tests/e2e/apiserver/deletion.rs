//! How objects go: many at once, and by their leases.

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
