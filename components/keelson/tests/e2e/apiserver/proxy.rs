//! `kubectl proxy`: the API without certificates and tokens, on a port of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::apiserver::clients::newest_kubectl;
use crate::apiserver::pair::Pair;
use crate::harness::{get, post, skip};

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
