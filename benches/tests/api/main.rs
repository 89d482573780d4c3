//! `keelson-bench api` as a program, against small apiservers that run in this one.

#![expect(clippy::unwrap_used, reason = "this is a test")]

mod fake;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use base::certs::{Authority, CertOptions, Usage};
use fake::{Manner, State, TOKEN, serve};
use parking_lot::Mutex;
use serde_json::Value;

/// Everything, as small as it can be.
const SMALL: &str = "--rounds 2 --duration 50ms --concurrency 1,4 --rich-concurrency 2 --nodes 5 --lease-nodes 20 \
    --lease-clients 3 --watchers 30 --watch-events 600 --watches-per-connection 20 --list-pods 700 --threads 2";

/// A server and its certificates, which are gone when it is dropped.
struct Fake {
    dir: tempfile::TempDir,
    url: String,
    state: Arc<Mutex<State>>,
}

impl Fake {
    fn start(manner: Manner) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::create("test", 1).unwrap();
        authority.save(dir.path(), "ca").unwrap();
        for (name, usage) in [("server", Usage::Server), ("client", Usage::Client)] {
            let options = CertOptions {
                common_name: name.to_owned(),
                organizations: Vec::new(),
                hosts: vec!["127.0.0.1".to_owned()],
                validity_days: 1,
                usage,
            };
            authority.issue(&options).unwrap().save(dir.path(), name).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let state = Arc::default();
        let fake = Self { dir, url, state };
        let manner = Manner {
            client_ca: manner.client_ca.map(|_| fake.file("ca.crt")),
            ..manner
        };
        serve(
            listener,
            &fake.file("server.crt"),
            &fake.file("server.key"),
            manner,
            Arc::clone(&fake.state),
        );
        fake
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn flags(&self) -> Vec<String> {
        let ca = self.file("ca.crt").display().to_string();
        ["--server", &self.url, "--token", TOKEN, "--certificate-authority", &ca]
            .map(str::to_owned)
            .into()
    }
}

fn run(flags: &[String], more: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keelson-bench"))
        .arg("api")
        .args(flags)
        .args(more.split_whitespace())
        .output()
        .unwrap()
}

/// Runs it and reads the report; the tables are the second value.
fn measure(flags: &[String], more: &str) -> (Value, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.json");
    let output = run(flags, &format!("{more} --json {}", path.display()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{more}: {errors}");
    let report: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let tables = String::from_utf8(output.stdout).unwrap();
    let shown = run(&[], &format!("--render {}", path.display()));
    assert_eq!(String::from_utf8_lossy(&shown.stdout), tables, "{errors}");
    (report, tables)
}

fn runs(report: &Value) -> &[Value] {
    report["runs"].as_array().unwrap()
}

fn phase<'r>(report: &'r Value, phase: &str) -> &'r Value {
    let found = runs(report).iter().find(|run| run["phase"] == phase);
    found.unwrap_or_else(|| panic!("there is no {phase}: {report}"))
}

fn figure(report: &Value, name: &str, figure: &str) -> f64 {
    let value = &phase(report, name)["outcome"]["Ok"]["figures"][figure];
    value.as_f64().unwrap_or_else(|| panic!("{name} has no {figure}"))
}

#[test]
fn every_phase_is_measured_without_errors() {
    let server = Fake::start(Manner::default());
    let own = format!("{SMALL} --server-pid {}", std::process::id());
    let (report, tables) = measure(&server.flags(), &own);
    for run in runs(&report) {
        assert_eq!(run["outcome"]["Ok"]["errors"], serde_json::json!({}), "{run}");
        assert!(
            run["outcome"]["Ok"]["used"]["servers"][0]["rss_bytes"]
                .as_u64()
                .unwrap()
                > 0
        );
    }
    for name in [
        "configmaps create, 1 client",
        "pods strategic patch, 4 clients",
        "pods delete, 4 clients",
        "deployments apply, 2 clients",
        "renewals of 20 leases, 3 clients",
        "heartbeats of 20 nodes, one each 10s",
        "fill to 700 pods",
        "700 pods, table",
        "700 pods, selector that matches nothing",
    ] {
        assert!(figure(&report, name, "requests_per_second") > 0.0, "{name}");
        assert!(tables.contains(&format!("| {name} ")), "{name}: {tables}");
    }
    for (name, events) in [
        ("30 watchers of all pods", 600.0),
        ("30 watchers of pods of a node each", 600.0),
    ] {
        let of = |name_of_figure| figure(&report, name, name_of_figure);
        assert_eq!(
            (of("watches_opened"), of("watches_cut_off"), of("events_missing")),
            (30.0, 0.0, 0.0)
        );
        assert!(
            (of("events_delivered") - events).abs() < 0.5,
            "{name}: {}",
            of("events_delivered")
        );
        assert!(of("event_p99_ms") >= of("event_p50_ms") && of("event_p50_ms") > 0.0);
    }
    let bytes = |name| figure(&report, name, "bytes_per_answer");
    assert!(bytes("700 pods, JSON") > 700.0 * 1500.0);
    assert!(bytes("700 pods, JSON, gzip") < 0.5 * bytes("700 pods, JSON"));
    assert!(bytes("700 pods, metadata") < bytes("700 pods, JSON"));
    // Two pages hold what one list holds.
    let pages = ["700 pods, pages of 500", "700 pods, pages of 500, gzip"].map(bytes);
    assert!((pages[0] / bytes("700 pods, JSON") - 1.0).abs() < 0.01, "{pages:?}");
    assert!(
        pages[1] < 0.5 * pages[0] && pages[1] > 0.9 * bytes("700 pods, JSON, gzip"),
        "{pages:?}"
    );
    assert!(bytes("700 pods, selector that matches nothing") < 200.0);
    assert!(!tables.contains("start with"), "it was not started here: {tables}");
}

#[test]
fn what_an_interrupted_run_left_is_not_in_the_way() {
    let server = Fake::start(Manner::default());
    let slow = "--only verbs --kinds configmaps --concurrency 1 --duration 60s";
    let mut interrupted = Command::new(env!("CARGO_BIN_EXE_keelson-bench"))
        .arg("api")
        .args(server.flags())
        .args(slow.split_whitespace())
        .spawn()
        .unwrap();
    let began = std::time::Instant::now();
    while server.state.lock().count("/configmaps/") < 5 {
        assert!(began.elapsed() < Duration::from_secs(30), "nothing was created");
        std::thread::sleep(Duration::from_millis(5));
    }
    interrupted.kill().unwrap();
    interrupted.wait().unwrap();
    let short = slow.replace("60s", "50ms --rounds 1");
    let (report, _) = measure(&server.flags(), &short);
    for run in runs(&report) {
        assert_eq!(run["outcome"]["Ok"]["errors"], serde_json::json!({}), "{run}");
    }
    assert_eq!(server.state.lock().count("/configmaps/"), 0, "all is deleted");
    assert!(server.state.lock().count("/namespaces/") > 10, "the namespaces stay");
}

#[test]
fn two_servers_take_turns() {
    let (server, peer) = (Fake::start(Manner::default()), Fake::start(Manner::default()));
    let ca = peer.file("ca.crt");
    let flags = format!(
        "--name one --peer {} --peer-name two --peer-token {TOKEN} --peer-certificate-authority {} --only leases \
         --rounds 2 --duration 50ms --lease-nodes 4 --lease-clients 2",
        peer.url,
        ca.display()
    );
    let (report, tables) = measure(&server.flags(), &flags);
    let order: Vec<(u64, u64)> = runs(&report)
        .iter()
        .filter(|run| run["phase"].as_str().unwrap().starts_with("renewals"))
        .map(|run| (run["round"].as_u64().unwrap(), run["server"].as_u64().unwrap()))
        .collect();
    assert_eq!(order, [(0, 0), (0, 1), (1, 1), (1, 0)]);
    let summary = report["summary"].as_array().unwrap();
    let row = summary
        .iter()
        .find(|row| row["figure"] == "requests_per_second")
        .unwrap();
    let [one, two] = [0, 1].map(|server| row["medians"][server].as_f64().unwrap());
    assert!((row["ratio"].as_f64().unwrap() - one / two).abs() < 1e-9, "{row}");
    assert!(
        tables.contains("Each cell: one, two, and the first over the second"),
        "{tables}"
    );
    assert_eq!(report["servers"][1]["version"], "v1.36.0-fake");
}

#[test]
fn watches_that_are_cut_off_and_their_events_are_counted() {
    let server = Fake::start(Manner {
        cut_after: Some(5),
        ..Manner::default()
    });
    let flags =
        "--only watches --rounds 1 --watchers 10 --watch-events 200 --nodes 1 --watch-writers 1 --duration 50ms";
    let (report, tables) = measure(&server.flags(), flags);
    let of = |figure_of| figure(&report, "10 watchers of all pods", figure_of);
    assert_eq!((of("watches_opened"), of("watches_cut_off")), (10.0, 10.0));
    assert_eq!((of("events_delivered"), of("events_missing")), (50.0, 150.0));
    assert!(
        tables.contains("10 x a watch was cut off: the stream ended"),
        "{tables}"
    );
}

#[test]
fn a_list_that_lacks_pods_is_a_failure() {
    let server = Fake::start(Manner {
        forgets_after: Some(10),
        ..Manner::default()
    });
    let (report, tables) = measure(
        &server.flags(),
        "--only lists --rounds 1 --duration 50ms --list-pods 20",
    );
    let error = phase(&report, "20 pods, JSON")["outcome"]["Err"].as_str().unwrap();
    assert!(error.contains("a list held 10 of the 20 pods"), "{error}");
    assert!(tables.contains("20 pods, JSON, server: a run failed"), "{tables}");
}

#[test]
fn credentials_are_shown_or_missed() {
    let server = Fake::start(Manner::default());
    let flags = server.flags();
    let output = run(&flags, "--only leases --token-file /nowhere/token");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && errors.contains("/nowhere/token"),
        "{errors}"
    );
    let wrong = flags
        .iter()
        .map(|flag| flag.replace(TOKEN, "wrong"))
        .collect::<Vec<_>>();
    let errors = run(&wrong, "--only leases").stderr;
    let errors = String::from_utf8_lossy(&errors);
    assert!(errors.contains("Unauthorized (code 401)"), "{errors}");
    let other = Fake::start(Manner::default());
    let strange = flags
        .iter()
        .map(|flag| flag.replace(server.dir.path().to_str().unwrap(), other.dir.path().to_str().unwrap()))
        .collect::<Vec<_>>();
    let errors = run(&strange, "--only leases").stderr;
    let errors = String::from_utf8_lossy(&errors);
    assert!(
        errors.contains("cannot connect") && errors.contains("certificate"),
        "{errors}"
    );
}

#[test]
fn a_kubeconfig_leads_to_a_server_that_wants_certificates() {
    let server = Fake::start(Manner {
        client_ca: Some(PathBuf::new()),
        ..Manner::default()
    });
    let config = format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n\
         clusters: [{{name: k, cluster: {{server: '{}', certificate-authority: ca.crt}}}}]\n\
         users: [{{name: u, user: {{client-certificate: client.crt, client-key: client.key}}}}]\n",
        server.url
    );
    let path = server.file("config");
    std::fs::write(&path, config).unwrap();
    let flags = ["--kubeconfig".to_owned(), path.display().to_string()];
    let (report, _) = measure(
        &flags,
        "--only leases --rounds 1 --duration 50ms --lease-nodes 4 --lease-clients 2",
    );
    assert!(figure(&report, "renewals of 4 leases, 2 clients", "requests_per_second") > 0.0);
    let bare = ["--server".to_owned(), server.url.clone()];
    let output = run(
        &bare,
        &format!(
            "--only leases --certificate-authority {}",
            server.file("ca.crt").display()
        ),
    );
    assert!(!output.status.success());
}

/// Not a test: the program that the next test has started as its server.
#[test]
#[ignore = "serves until it is killed"]
fn serve_as_a_program() {
    let value = |name| std::env::var(name).unwrap();
    let listener = TcpListener::bind(format!("127.0.0.1:{}", value("FAKE_PORT"))).unwrap();
    let manner = Manner::default();
    serve(
        listener,
        value("FAKE_CERT").as_ref(),
        value("FAKE_KEY").as_ref(),
        manner,
        Arc::default(),
    );
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn a_server_is_started_and_started_again() {
    let program = std::env::current_exe().unwrap();
    let command = format!(
        "env FAKE_PORT={{port}} FAKE_CERT={{cert}} FAKE_KEY={{key}} '{}' --ignored --exact serve_as_a_program",
        program.display()
    );
    let store = "sleep 600".to_owned();
    let flags = [
        "--server-command".to_owned(),
        command,
        "--store-command".to_owned(),
        store,
    ];
    let more = format!("--token {TOKEN} --only start --rounds 2 --start-pods 30 --duration 50ms");
    let (report, tables) = measure(&flags, &more);
    let name = "start with 30 pods";
    assert!(figure(&report, name, "ready_seconds") > 0.0);
    assert!(figure(&report, name, "first_list_seconds") >= figure(&report, name, "ready_seconds"));
    assert!(figure(&report, name, "rss_bytes") > 0.0 && figure(&report, name, "store_rss_bytes") > 0.0);
    assert_eq!(runs(&report).iter().filter(|run| run["phase"] == name).count(), 2);
    assert!(tables.contains(&format!("| {name} ")), "{tables}");
}
