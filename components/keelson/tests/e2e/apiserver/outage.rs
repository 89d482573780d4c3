//! The store goes and comes back; several apiservers on one store; an apiserver that is told to stop.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::apiserver::pair::Pair;
use crate::harness::{Kind, bound, run, until};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn map(name: &str) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
}

fn signal(name: &str, pair: &Pair) {
    run(Command::new("kill").arg(format!("-{name}")).arg(pair.id().to_string()));
}

/// Makes ten large maps at one apiserver, numbered from here, of which the other has yet to hear.
fn fall_behind(one: &Pair, other: &Pair, from: usize) {
    signal("STOP", other);
    let text = "x".repeat(900_000);
    for number in from..from + 10 {
        let mut large = map(&format!("large-{number}"));
        large["data"] = json!({"text": text});
        one.create(MAPS, &large);
    }
    signal("CONT", other);
}

/// A curl that watches, and writes what it sees into a file.
struct Watching {
    curl: Child,
    file: std::path::PathBuf,
}

impl Watching {
    fn start(pair: &Pair, path: &str) -> Self {
        let file = pair.folder().join("watched");
        let mut command = bound("/usr/bin/curl".as_ref());
        command.args(["-sSN", "--noproxy", "*", "-H", &Pair::credentials(), "--cacert"]);
        command.arg(pair.ca()).arg(format!("{}{path}", pair.url()));
        let out = std::fs::File::create(&file).unwrap();
        let curl = command.stdin(Stdio::null()).stdout(out).spawn().unwrap();
        Self { curl, file }
    }

    fn seen(&self) -> String {
        std::fs::read_to_string(&self.file).unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.curl.kill();
        let _ = self.curl.wait();
    }
}

#[test]
fn a_store_that_is_lost_costs_no_cached_reads_and_nothing_written() {
    let mut pair = Pair::start();
    let before = pair.create(MAPS, &map("before"));
    pair.store().members[0].kill();

    // What may be old comes from the cache.
    let cached = pair.send("GET", &format!("{MAPS}/before?resourceVersion=0"), &[], "");
    assert_eq!((cached.status, cached.json()), (200, before.clone()));
    let list = pair.send("GET", &format!("{MAPS}?resourceVersion=0"), &[], "");
    assert!(list.status == 200 && list.body.contains("before"), "{list:?}");
    // What must be new says that it cannot be had, and so do writes.
    for (method, path, body) in [
        ("GET", format!("{MAPS}/before"), String::new()),
        ("GET", MAPS.to_owned(), String::new()),
        ("POST", MAPS.to_owned(), map("during").to_string()),
        ("DELETE", format!("{MAPS}/before"), String::new()),
    ] {
        let refused = pair.send(method, &path, &[], &body);
        assert!(matches!(refused.status, 500 | 503 | 504), "{method}: {refused:?}");
        let told = refused.json();
        assert_eq!(told["kind"], "Status");
        assert!(!told["message"].as_str().unwrap().is_empty(), "{told}");
    }
    let ready = pair.send("GET", "/readyz", &[], "");
    assert!(
        ready.status == 500 && ready.body.contains("[-]etcd failed"),
        "{ready:?}"
    );

    // It is back: all of it, without a restart.
    pair.store().restart(0);
    until("writes work again", || {
        let made = pair.send("POST", MAPS, &[], &map("after").to_string());
        matches!(made.status, 201 | 409).then_some(())
    });
    let kept = pair.send("GET", &format!("{MAPS}/before"), &[], "");
    assert_eq!((kept.status, kept.json()), (200, before));
    until("the server is ready again", || {
        (pair.send("GET", "/readyz", &[], "").body == "ok").then_some(())
    });
    // Who watches from before sees what came since.
    let version = kept.json()["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let watching = Watching::start(&pair, &format!("{MAPS}?watch=1&resourceVersion={version}"));
    until("the watch tells of it", || {
        let seen = watching.seen();
        assert!(!seen.contains("\"ERROR\"") || seen.contains("Expired"), "{seen}");
        (seen.contains(r#""name":"after""#) || seen.contains("Expired")).then_some(())
    });
}

#[test]
fn a_watch_outlives_a_store_that_does_not_answer_for_a_while() {
    // Whoever asks the store for its health waits longer for it than a client here waits for an answer; readiness does not.
    let mut pair = Pair::start_with(Kind::Keelson, &["--etcd-healthcheck-timeout=60s"]);
    let watching = Watching::start(&pair, &format!("{MAPS}?watch=1"));
    pair.create(MAPS, &map("first"));
    until("the watch has begun", || {
        watching.seen().contains(r#""name":"first""#).then_some(())
    });
    pair.store().members[0].freeze();
    // It lasts until the apiserver feels it.
    until("the server is not ready", || {
        pair.send("GET", "/readyz?exclude=etcd", &[], "")
            .body
            .contains("[-]etcd-readiness failed")
            .then_some(())
    });
    // What is not about the store does not wait for it.
    for path in ["/healthz/ping", "/livez?exclude=etcd"] {
        assert_eq!(pair.curl(&[path]).stdout, "ok", "{path}");
    }
    let failed = pair.send("GET", "/readyz/etcd-readiness", &[], "");
    assert!(
        failed.status == 500 && failed.body.starts_with("internal server error: ") && !failed.body.contains("withheld"),
        "{failed:?}"
    );
    let list = pair.send("GET", &format!("{MAPS}?resourceVersion=0"), &[], "");
    assert!(list.status == 200 && list.body.contains("first"), "{list:?}");
    let refused = pair.send("GET", &format!("{MAPS}?timeout=1s"), &[], "");
    assert!(matches!(refused.status, 500 | 503 | 504), "{refused:?}");
    pair.store().members[0].thaw();
    until("writes work again", || {
        let made = pair.send("POST", MAPS, &[], &map("second").to_string());
        matches!(made.status, 201 | 409).then_some(())
    });
    until("the watch tells of it", || {
        watching.seen().contains(r#""name":"second""#).then_some(())
    });
}

#[test]
fn a_watch_does_not_wait_longer_for_the_store_than_it_may_last() {
    let mut pair = Pair::start();
    pair.store().members[0].freeze();
    let began = Instant::now();
    let watch = pair.send("GET", &format!("{MAPS}?watch=1&timeoutSeconds=3"), &[], "");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(watch.status, 200, "{watch:?}");
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "context deadline exceeded", "reason": "InternalError", "code": 500,
    });
    assert_eq!(watch.json(), json!({"type": "ERROR", "object": status}));
    pair.store().members[0].thaw();
}

#[test]
fn apiservers_on_one_store_tell_the_same() {
    let one = Pair::start();
    let other = one.beside();
    let made = one.create(MAPS, &map("shared"));
    // At once: what is read is as new as the store.
    let read = other.send("GET", &format!("{MAPS}/shared"), &[], "");
    assert_eq!((read.status, read.json()), (200, made.clone()));
    let version = made["metadata"]["resourceVersion"].as_str().unwrap();
    // Even where the other has much to catch up with.
    fall_behind(&one, &other, 0);
    let read = other.send("GET", &format!("{MAPS}/large-9"), &[], "");
    assert_eq!(read.status, 200);
    fall_behind(&one, &other, 10);
    let newest = format!("{MAPS}?fieldSelector=metadata.name%3Dlarge-19");
    let list = until("the other has caught up", || {
        let list = other.send("GET", &newest, &[], "");
        // It says so where that takes too long, and never tells what is old.
        (list.status != 504).then_some(list)
    });
    assert_eq!(list.json()["items"][0]["metadata"]["name"], "large-19");
    let path = format!("{MAPS}?resourceVersion={version}&resourceVersionMatch=Exact");
    let lists = [&one, &other].map(|server| server.send("GET", &path, &[], "").json());
    assert_eq!(lists[0], lists[1]);
    // A write at one is a conflict at the other for who has not seen it.
    let mut changed = made.clone();
    changed["data"] = json!({"a": "1"});
    let path = format!("{MAPS}/shared");
    assert_eq!(one.send("PUT", &path, &[], &changed.to_string()).status, 200);
    assert_eq!(other.send("PUT", &path, &[], &changed.to_string()).status, 409);
    let watching = Watching::start(&other, &format!("{MAPS}?watch=1&resourceVersion={version}"));
    until("the other tells what happened at the one", || {
        let seen = watching.seen();
        (seen.contains("MODIFIED") && seen.contains(r#""data":{"a":"1"}"#)).then_some(())
    });
}

#[test]
fn a_dry_run_begins_with_what_the_store_has() {
    let one = Pair::start();
    let other = one.beside();
    let made = one.create(MAPS, &map("shared"));
    let shared = format!("{MAPS}/shared");
    let merge = ["Content-Type: application/merge-patch+json"];
    until("the other has seen it", || {
        let cached = other.send("GET", &format!("{shared}?resourceVersion=0"), &[], "");
        (cached.status == 200).then_some(())
    });
    fall_behind(&one, &other, 0);
    signal("STOP", &other);
    let changed = one.send("PATCH", &shared, &merge, r#"{"data":{"a":"1"}}"#);
    assert_eq!(changed.status, 200);
    signal("CONT", &other);
    let dry = other.send(
        "PATCH",
        &format!("{shared}?dryRun=All"),
        &merge,
        r#"{"data":{"b":"2"}}"#,
    );
    assert_eq!(dry.json()["data"], json!({"a": "1", "b": "2"}), "{dry:?}");
    signal("STOP", &other);
    let changed = one.send("PATCH", &shared, &merge, r#"{"data":{"a":"3"}}"#);
    assert_eq!(changed.status, 200);
    signal("CONT", &other);
    let mut old = made.clone();
    old["data"] = json!({"c": "4"});
    let dry = other.send("PUT", &format!("{shared}?dryRun=All"), &[], &old.to_string());
    assert_eq!(dry.status, 409, "{dry:?}");
}

#[test]
fn a_store_that_went_back_is_read_anew() {
    const NAMESPACES: &str = "/api/v1/namespaces";
    let mut pair = Pair::start();
    for number in 0..20 {
        pair.create(NAMESPACES, &json!({"metadata": {"name": format!("old-{number}")}}));
    }
    // Another store, which is at an earlier revision.
    let member = &mut pair.store().members[0];
    member.kill();
    std::fs::remove_dir_all(&member.data).unwrap();
    pair.store().restart(0);
    until("what was there before is not told any more", || {
        let list = pair.send("GET", NAMESPACES, &[], "");
        (list.status == 200 && !list.body.contains("old-")).then_some(())
    });
    until("writes work again", || {
        let made = pair.send("POST", NAMESPACES, &[], r#"{"metadata": {"name": "new"}}"#);
        matches!(made.status, 201 | 409).then_some(())
    });
    let new = pair.send("GET", &format!("{NAMESPACES}/new"), &[], "").json();
    let listed = pair.send("GET", NAMESPACES, &[], "").json();
    let version = |object: &serde_json::Value| object["metadata"]["resourceVersion"].clone();
    let mut items = listed["items"].as_array().into_iter().flatten();
    assert!(items.any(|item| version(item) == version(&new)), "{listed}");
}

#[test]
fn an_apiserver_that_is_told_to_stop_ends_its_watches_and_then_itself() {
    let mut pair = Pair::start();
    let mut watching = Watching::start(&pair, &format!("{MAPS}?watch=1"));
    pair.create(MAPS, &map("seen"));
    until("the watch has begun", || {
        watching.seen().contains("ADDED").then_some(())
    });
    signal("TERM", &pair);
    let code = until("the watch has ended", || watching.curl.try_wait().unwrap()).code();
    assert_eq!(code, Some(0), "the stream has an end");
    let ended = until("it has ended", || pair.ended());
    assert_eq!(ended.code(), Some(0));
}
