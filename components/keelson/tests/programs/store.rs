//! One member as a process: its flags, its restart, its TLS and its mistakes.

use crate::common::{Program, free_ports, member, output};
use std::time::Duration;

use base::task::Tasks;
use base::tls::ClientOptions;
use etcd_client::Client;

const READY: &str = "ready to serve clients";

async fn connect(port: u16) -> Client {
    Client::connect([format!("http://127.0.0.1:{port}")], None)
        .await
        .unwrap()
}

async fn value(client: &mut Client, key: &str) -> Option<String> {
    let answer = client.get(key, None).await.unwrap();
    answer.kvs().first().map(|kv| kv.value_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_was_written_is_there_after_a_kill_and_after_an_orderly_end() {
    let dir = tempfile::tempdir().unwrap();
    let ports = free_ports(2);
    let flags = member(&dir.path().join("data"), "http", ports[0], ports[1]);

    let mut program = Program::start(&flags);
    program.wait_for(READY);
    let mut client = connect(ports[0]).await;
    client.put("a", "1", None).await.unwrap();
    program.kill();

    let mut program = Program::start(&flags);
    program.wait_for(READY);
    let mut client = connect(ports[0]).await;
    assert_eq!(value(&mut client, "a").await.as_deref(), Some("1"));
    client.put("b", "2", None).await.unwrap();
    assert!(program.terminate().success());

    let mut program = Program::start(&flags);
    program.wait_for(READY);
    let mut client = connect(ports[0]).await;
    assert_eq!(value(&mut client, "b").await.as_deref(), Some("2"));
    assert_eq!(client.status().await.unwrap().header().unwrap().revision(), 3);
    assert!(program.terminate().success());

    let data = dir.path().join("data").display().to_string();
    let checked = output(&["store-ctl", "check", &data]);
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success() && text.contains("revision 3"), "{checked:?}");
    let hash = output(&["store-ctl", "hashkv", &data, "-w", "json"]);
    assert!(
        String::from_utf8_lossy(&hash.stdout).contains("\"hashRevision\":3"),
        "{hash:?}"
    );
}

#[tokio::test]
async fn the_certificates_of_certs_are_those_that_store_takes() {
    let dir = tempfile::tempdir().unwrap();
    let certs = dir.path().join("certs");
    let made = output(&["certs", "--dir", &certs.display().to_string()]);
    assert!(made.status.success(), "{made:?}");
    let ports = free_ports(2);
    let mut flags = member(&dir.path().join("data"), "https", ports[0], ports[1]);
    for (flag, file) in [
        ("cert-file", "server.crt"),
        ("key-file", "server.key"),
        ("trusted-ca-file", "ca.crt"),
        ("peer-cert-file", "peer.crt"),
        ("peer-key-file", "peer.key"),
        ("peer-trusted-ca-file", "ca.crt"),
    ] {
        flags.push(format!("--{flag}={}", certs.join(file).display()));
    }
    flags.extend(["--client-cert-auth".to_owned(), "--peer-client-cert-auth".to_owned()]);
    let mut program = Program::start(&flags);
    program.wait_for(READY);
    let tasks = Tasks::new();
    let client = |name: Option<&str>| {
        let file = |kind: &str| name.map(|name| certs.join(format!("{name}.{kind}")));
        let tls = ClientOptions {
            cert_file: file("crt"),
            key_file: file("key"),
            trusted_ca_file: Some(certs.join("ca.crt")),
            ..ClientOptions::default()
        };
        let options = store_client::Options::new([format!("https://127.0.0.1:{}", ports[0])]).with_tls(tls);
        let options = store_client::Options {
            retry_for: Duration::from_secs(1),
            ..options
        };
        store_client::Client::new(options, &tasks).unwrap()
    };
    let known = client(Some("client"));
    known.put(store_client::Put::new("a", "1")).await.unwrap();
    assert!(known.get_key("a").await.unwrap().is_some());
    assert!(client(None).get_key("a").await.is_err());
    assert!(program.terminate().success());
}

#[test]
fn mistakes_end_with_one_line_and_upstreams_codes() {
    for (args, code, text) in [
        (
            &["store", "--nmae=x"][..],
            2,
            "error: flag provided but not defined: -nmae; did you mean --name?\n",
        ),
        (
            &["store", "--listen-client-urls=http://127.0.0.1:1"],
            1,
            "error: --advertise-client-urls is required when",
        ),
        (
            &["store", "--config-file=/nowhere.yml"],
            1,
            "error: cannot read the configuration file /nowhere.yml: ",
        ),
        (
            &["store", "--discovery-srv=example.com"],
            1,
            "error: --discovery-srv=example.com cannot be used: discovery",
        ),
        (&["store", "--cert-file=/nowhere", "--key-file=/nowhere"], 1, "error: "),
        (&["up", "--members=0"], 1, "error: --members 0 cannot be"),
        (
            &["store-ctl", "check", "/nowhere"],
            1,
            "error: /nowhere is not the data folder of a member",
        ),
    ] {
        // The data folder of a mistake that goes further than the flags.
        let dir = tempfile::tempdir().unwrap();
        let mut args = args.to_vec();
        let data = format!("--data-dir={}", dir.path().join("data").display());
        if args[0] == "store" {
            args.push(&data);
        }
        let ended = output(&args);
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(code), "{args:?}: {said}");
        assert!(
            said.lines().any(|line| format!("{line}\n").starts_with(text)),
            "{args:?}: {said}"
        );
    }
}

#[test]
fn a_taken_port_is_told_with_the_flag() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let flags = member(&dir.path().join("data"), "http", port, free_ports(1)[0]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let ended = output(&flags);
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1));
    let expected = format!(
        "error: cannot listen on http://127.0.0.1:{port}: another process has the port; stop it, or give another \
         --listen-client-urls"
    );
    assert!(said.contains(&expected), "{said}");
    assert!(!dir.path().join("data").exists());
}

#[test]
fn the_version_is_upstreams_form() {
    let said = output(&["store", "--version"]);
    assert!(String::from_utf8_lossy(&said.stdout).starts_with("etcd Version: 3."));
}
