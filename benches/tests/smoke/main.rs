//! Every workload for a moment, against a member of Keelson that runs; and what is started here ends with it.

#![expect(clippy::unwrap_used, reason = "this is a test")]

mod server;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use server::{Server, keelson};

const SHORT: &str = "--duration 200ms --warmup 50ms --clients 4 --keys 200 --value-size 64";

fn bench() -> Command {
    Command::new(env!("CARGO_BIN_EXE_keelson-bench"))
}

/// Runs a workload and reads what it measured.
fn measure(arguments: &str, server: &[String]) -> Value {
    let output = bench()
        .args(arguments.split_whitespace())
        .args(server)
        .args(["--json", "-"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {errors}");
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["errors"], serde_json::json!({}), "{arguments}");
    outcome
}

/// How many requests of a class there were.
fn count(outcome: &Value, class: &str) -> u64 {
    outcome["latency"][class]["count"].as_u64().unwrap_or(0)
}

#[test]
fn every_workload_runs_against_a_running_server() {
    let Some(keelson) = keelson() else { return };
    let server = Server::start(&keelson, &[]);
    let flags = server.flags();
    for (workload, classes) in [
        ("put", &["put"][..]),
        ("put --rate 200 --sequential --leader", &["put"]),
        ("range", &["range"]),
        ("range --serializable --single-key --filled", &["range"]),
        ("txn-put --operations 10", &["txn-put"]),
        ("mixed --reads 50", &["range", "put"]),
        ("watch-latency --watchers 6 --streams 2 --rate 100", &["put", "event"]),
        ("watch-fanout --watchers 20 --streams 2 --prev-kv", &["put", "event"]),
        ("watch-fanout --watchers 20 --watched-keys 5", &["put", "event"]),
        ("lease-keepalive", &["keepalive"]),
        ("large-range", &["range"]),
        ("range-stream --filled", &["range"]),
        ("kube --objects 100 --prefix other/", &["update", "get", "event"]),
        ("datascale --settle 10ms --total 1", &["put"]),
        ("compaction --revisions 300 --rate 100", &["quiet", "during"]),
    ] {
        let command = if workload.contains("--rate") || workload.starts_with("datascale") {
            format!("{workload} {SHORT}").replace("200ms", "1s")
        } else {
            format!("{workload} {SHORT}")
        };
        let outcome = measure(&command, &flags);
        for class in classes {
            assert!(count(&outcome, class) > 0, "{command}: no {class}: {outcome}");
        }
        assert!(
            outcome["used"]["servers"][0]["rss_bytes"].as_u64().unwrap() > 0,
            "{command}"
        );
    }
}

#[test]
fn every_watcher_gets_every_event() {
    let Some(keelson) = keelson() else { return };
    let server = Server::start(&keelson, &[]);
    let fanout = "watch-fanout --watchers 30 --streams 3 --total 40 --clients 2 --keys 10";
    assert_eq!(count(&measure(fanout, &server.flags()), "event"), 30 * 40);
    let by_key = "watch-fanout --watchers 30 --streams 3 --watched-keys 10 --total 40";
    assert_eq!(count(&measure(by_key, &server.flags()), "event"), 3 * 40);
}

#[test]
fn servers_with_tls_are_measured_too() {
    let Some(keelson) = keelson() else { return };
    let dir = tempfile::tempdir().unwrap();
    let made = Command::new(&keelson)
        .args(["certs", "--dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let file = |name: &str| dir.path().join(name).display().to_string();
    let server = Server::start(
        &keelson,
        &[
            format!("--cert-file={}", file("server.crt")),
            format!("--key-file={}", file("server.key")),
            format!("--trusted-ca-file={}", file("ca.crt")),
            "--client-cert-auth".to_owned(),
        ],
    );
    let mut flags = server.flags();
    for (flag, name) in [
        ("--cacert", "ca.crt"),
        ("--cert", "client.crt"),
        ("--key", "client.key"),
    ] {
        flags.extend([flag.to_owned(), file(name)]);
    }
    assert!(count(&measure(&format!("put {SHORT}"), &flags), "put") > 0);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let output = bench()
        .args(["put", "--endpoints", "http://127.0.0.1:1"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("cannot connect to http://127.0.0.1:1"), "{errors}");
}

#[test]
fn members_that_are_started_can_be_started_again() {
    let Some(keelson) = keelson() else { return };
    let flags = ["--start", "keelson", "--keelson", keelson.to_str().unwrap()].map(str::to_owned);
    let outcome = measure("recovery --gigabytes 0.001 --starts 2 --cold", &flags);
    assert!(
        outcome["figures"]["recovery_seconds"].as_f64().unwrap() > 0.0,
        "{outcome}"
    );
}

#[test]
fn an_interrupted_run_leaves_nothing() {
    let Some(keelson) = keelson() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut run = bench()
        .args("put --start keelson --duration 60s --keelson".split(' '))
        .arg(&keelson)
        .arg("--data")
        .arg(dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let began = std::time::Instant::now();
    while !has_data(dir.path()) {
        assert!(began.elapsed().as_secs() < 30, "no member was started");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let id = rustix::process::Pid::from_raw(run.id() as i32).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let left = Command::new("pgrep").arg("-f").arg(dir.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "", "members are left");
}

/// Whether a member has begun to write below this folder.
fn has_data(folder: &Path) -> bool {
    let folders = std::fs::read_dir(folder).unwrap().flatten();
    let mut members = folders.map(|folder| folder.path().join("m0/member"));
    members.any(|member| member.exists())
}

#[test]
fn a_comparison_of_one_line_gives_a_report() {
    let Some(keelson) = keelson() else { return };
    if Command::new("etcd").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no etcd on the search path; `deploy/setup.sh test` fetches one, `. deploy/env.sh` adds it");
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let output = bench()
        .args("compare --only lease-keepalive --rounds 1 --out".split(' '))
        .arg(out.path())
        .arg("--keelson")
        .arg(&keelson)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| std::fs::read_to_string(out.path().join(name)).unwrap();
    let report = read("report.md");
    assert!(
        report.contains("| lease keepalive, 100 clients | 3 | requests/s |"),
        "{report}"
    );
    assert!(!report.contains("a run failed"), "{report}");
    let runs: Value = serde_json::from_str(&read("runs.json")).unwrap();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2);
    let again = bench()
        .args("compare --render --out".split(' '))
        .arg(out.path())
        .output()
        .unwrap();
    assert!(again.status.success());
    assert_eq!(read("report.md"), report);
}
