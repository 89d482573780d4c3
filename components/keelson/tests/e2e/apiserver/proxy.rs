//! `kubectl proxy`: the API without certificates and tokens, on a port of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::apiserver::clients::newest_kubectl;
use crate::apiserver::pair::Pair;
use crate::harness::{get, post, run, skip, until};

/// A running proxy.
struct Proxy {
    child: Child,
    port: u16,
}

impl Proxy {
    fn start(pair: &Pair, kubectl: &std::path::Path, flags: &[&str]) -> Self {
        let config = pair.folder().join("config");
        pair.kubeconfig(&config, "default");
        let mut command = Command::new(kubectl);
        command
            .args(["proxy", "--port=0"])
            .args(flags)
            .env("KUBECONFIG", config);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        Self {
            child,
            port: port.unwrap_or_else(|| panic!("it does not say its port: {line:?}")),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn kubectl_proxy_passes_reads_and_writes() {
    let kubectl = match newest_kubectl() {
        Ok(kubectl) => kubectl,
        Err(why) => return skip(&why),
    };
    let pair = Pair::start();
    let proxy = Proxy::start(&pair, &kubectl, &[]);
    let map = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}}"#;
    let (status, body) = post(proxy.port, "/api/v1/namespaces/default/configmaps", map).unwrap();
    assert_eq!(status, 201, "{body}");
    let (status, body) = get(proxy.port, "/api/v1/namespaces/default/configmaps/a").unwrap();
    assert_eq!((status, body.contains(r#""data":{"k":"v"}"#)), (200, true), "{body}");
    let (status, _) = get(proxy.port, "/api/v1/namespaces/default/configmaps/b").unwrap();
    assert_eq!(status, 404);
    let (status, body) = get(proxy.port, "/version").unwrap();
    assert_eq!((status, body.contains("gitVersion")), (200, true), "{body}");
    // A page of its own answers what it does not pass on.
    let (status, _) = get(proxy.port, "/api/v1/namespaces/default/pods/p/exec").unwrap();
    assert_eq!(status, 403);

    let other = Proxy::start(&pair, &kubectl, &["--api-prefix=/k8s/", "--reject-methods=POST"]);
    let (status, _) = get(other.port, "/k8s/api/v1/namespaces/default/configmaps/a").unwrap();
    assert_eq!(status, 200);
    let (status, _) = post(other.port, "/k8s/api/v1/namespaces/default/configmaps", map).unwrap();
    assert_eq!(status, 403);
}

#[test]
fn kubectl_proxy_serves_files_and_paths_as_it_is_told() {
    let kubectl = match newest_kubectl() {
        Ok(kubectl) => kubectl,
        Err(why) => return skip(&why),
    };
    let pair = Pair::start();
    let www = pair.folder().join("www");
    std::fs::create_dir(&www).unwrap();
    std::fs::write(www.join("a.txt"), "a file\n").unwrap();
    let www = format!("--www={}", www.display());
    let files = Proxy::start(&pair, &kubectl, &[&www, "--www-prefix=/files/", "--api-prefix=/k8s/"]);
    for (path, code, words) in [
        ("/files/a.txt", 200, "a file\n"),
        ("/files/b.txt", 404, "404 page not found\n"),
        ("/k8s/healthz", 200, "ok"),
        ("/healthz", 404, "404 page not found\n"),
    ] {
        assert_eq!(get(files.port, path), Some((code, words.to_owned())), "{path}");
    }

    let few = Proxy::start(
        &pair,
        &kubectl,
        &["--accept-paths=^/healthz$,^/api/v1/", "--reject-paths=.*/secrets.*"],
    );
    for (path, code) in [
        ("/healthz", 200),
        ("/version", 403),
        ("/api/v1/nodes", 200),
        ("/api/v1/secrets", 403),
    ] {
        assert_eq!(get(few.port, path).unwrap().0, code, "{path}");
    }

    let all = Proxy::start(&pair, &kubectl, &["--disable-filter"]);
    let (code, body) = get(all.port, "/api/v1/namespaces/default/pods/p/exec").unwrap();
    assert!(code == 404 && body.contains(r#"pods \"p\" not found"#), "{code} {body}");

    // A watch comes through as it goes on.
    let path = "/api/v1/namespaces?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Ddefault";
    let (code, body) = get(all.port, path).unwrap();
    assert!(code == 200 && body.starts_with(r#"{"type":"ADDED","#), "{code} {body}");
}

#[test]
fn kubectl_proxy_listens_at_a_socket_of_this_machine() {
    let kubectl = match newest_kubectl() {
        Ok(kubectl) => kubectl,
        Err(why) => return skip(&why),
    };
    let pair = Pair::start();
    let config = pair.folder().join("config");
    pair.kubeconfig(&config, "default");
    let socket = pair.folder().join("socket");
    let mut command = Command::new(kubectl);
    command
        .arg("proxy")
        .arg(format!("--unix-socket={}", socket.display()))
        .env("KUBECONFIG", config);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let _proxy = Proxy { child, port: 0 };
    let answer = until("it listens", || {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--noproxy", "*", "--unix-socket"])
            .arg(&socket)
            .arg("http://localhost/api/v1/namespaces/default");
        let output = run(&mut curl);
        (output.code == Some(0)).then_some(output.stdout)
    });
    assert!(answer.contains(r#""name": "default""#), "{answer}");
}
