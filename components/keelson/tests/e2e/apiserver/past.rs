//! Revisions that are not there any more, or not yet: what lists and watches of them are told.

use serde_json::json;

use crate::apiserver::pair::{Answer, Pair};
use crate::harness::{Kind, until};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn create(pair: &Pair, names: &[&str]) {
    for name in names {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        pair.create(MAPS, &map);
    }
}

fn names(list: &serde_json::Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

fn get(pair: &Pair, query: &str) -> Answer {
    pair.send("GET", &format!("{MAPS}?{query}"), &[], "")
}

#[test]
fn what_one_apiserver_compacts_expires_at_all_and_a_list_can_go_on_after_it() {
    let one = Pair::start_with(Kind::Keelson, &["--etcd-compaction-interval=1s"]);
    let other = one.beside();
    create(&one, &["a", "b", "c"]);
    let page = get(&one, "limit=2").json();
    let token = page["metadata"]["continue"].as_str().unwrap();
    let version = page["metadata"]["resourceVersion"].as_str().unwrap();
    create(&one, &["d"]);
    for pair in [&one, &other] {
        let expired = until("the page expires", || {
            let next = get(pair, &format!("limit=2&continue={token}"));
            (next.status != 200).then_some(next)
        });
        let told = expired.json();
        assert_eq!((expired.status, &told["reason"]), (410, &"Expired".into()), "{told}");
        let message = told["message"].as_str().unwrap();
        assert!(
            message.starts_with("The provided continue parameter is too old"),
            "{told}"
        );
        // Goes on, with what is there now.
        let token = told["metadata"]["continue"].as_str().unwrap();
        let rest = get(pair, &format!("limit=2&continue={token}"));
        assert_eq!((rest.status, names(&rest.json())), (200, vec!["c", "d"]));
        let exact = get(pair, &format!("resourceVersion={version}&resourceVersionMatch=Exact"));
        let told = exact.json();
        let message = "The resourceVersion for the provided list is too old.";
        assert_eq!((exact.status, &told["message"]), (410, &message.into()), "{told}");
        // Watches remember what lists do not.
        let watch = get(pair, &format!("watch=1&resourceVersion={version}&timeoutSeconds=1"));
        assert_eq!(watch.status, 200);
        let event: serde_json::Value = serde_json::from_str(watch.body.lines().next().unwrap()).unwrap();
        assert_eq!(
            (&event["type"], &event["object"]["metadata"]["name"]),
            (&"ADDED".into(), &"d".into())
        );
    }
}

#[test]
fn a_watch_of_a_revision_that_is_not_there_yet_tells_so() {
    let pair = Pair::start();
    let query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let watch = get(&pair, &format!("{query}&resourceVersion=1000000000"));
    assert_eq!(watch.status, 200, "{watch:?}");
    let event = watch.json();
    assert_eq!(
        (&event["type"], &event["object"]["code"]),
        (&"ERROR".into(), &504.into())
    );
    let message = event["object"]["message"].as_str().unwrap();
    let expected = "Timeout: Too large resource version: 1000000000, current: ";
    assert!(message.starts_with(expected), "{event}");
    // One that can be no revision is refused.
    let refused = get(&pair, &format!("{query}&resourceVersion=x"));
    assert_ne!(refused.status, 200, "{refused:?}");
}
