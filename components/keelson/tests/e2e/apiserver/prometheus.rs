//! Prometheus: it discovers by watches of its own, and scrapes the apiserver with a token.

use std::fmt::Write as _;
use std::fs;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::apiserver::clients::fetched;
use crate::apiserver::pair::{ADMIN, Pair};
use crate::harness::{bound, free_ports, get, skip, until};

/// A running Prometheus.
struct Prometheus {
    child: Child,
    port: u16,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    fn start(pair: &Pair, program: &std::path::Path) -> Self {
        let folder = pair.folder();
        let config = folder.join("prometheus.yml");
        fs::write(&config, configuration(pair)).unwrap();
        let port = free_ports(1)[0];
        let log = fs::File::create(folder.join("prometheus.log")).unwrap();
        let mut command = bound(program);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("series").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Self {
            child: command.spawn().unwrap(),
            port,
        }
    }

    /// What its API says; nothing while it does not answer.
    fn ask(&self, path: &str) -> Option<Value> {
        let (status, body) = get(self.port, path)?;
        (status == 200).then(|| serde_json::from_str::<Value>(&body).unwrap()["data"].clone())
    }

    /// Targets of a job, with the labels that discovery gave them.
    fn discovered(&self, job: &str) -> Vec<Value> {
        let targets = self.ask("/api/v1/targets").unwrap_or_default();
        let all = ["activeTargets", "droppedTargets"].map(|sort| targets[sort].as_array().cloned().unwrap_or_default());
        let labels = all
            .into_iter()
            .flatten()
            .map(|target| target["discoveredLabels"].clone());
        labels.filter(|labels| labels["job"] == job).collect()
    }
}

fn configuration(pair: &Pair) -> String {
    let access = format!(
        "authorization: {{credentials: {ADMIN}}}, tls_config: {{ca_file: {}}}",
        pair.ca().display()
    );
    let mut text = "global: {scrape_interval: 1s}\nscrape_configs:\n".to_owned();
    for role in ["service", "endpoints", "endpointslice", "pod", "node", "ingress"] {
        // Only the apiserver is scraped; its own address is nobody's here.
        let keep = if role == "endpoints" {
            "default;kubernetes;https"
        } else {
            "nothing"
        };
        write!(
            text,
            "- job_name: {role}
  scheme: https
  authorization: {{credentials: {ADMIN}}}
  tls_config: {{ca_file: {ca}}}
  kubernetes_sd_configs: [{{role: {role}, api_server: \"{url}\", {access}}}]
  relabel_configs:
  - source_labels: [__meta_kubernetes_namespace, __meta_kubernetes_service_name, __meta_kubernetes_endpoint_port_name]
    action: keep
    regex: {keep}
  - {{source_labels: [__address__], regex: '.*:(.*)', replacement: '127.0.0.1:$1', target_label: __address__}}
",
            ca = pair.ca().display(),
            url = pair.url(),
        )
        .unwrap();
    }
    text
}

/// Objects of all roles.
fn objects(pair: &Pair) {
    pair.create(
        "/api/v1/nodes",
        &json!({"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n1", "labels": {"kubernetes.io/hostname": "n1"}}}),
    );
    let address = json!({"addresses": [{"type": "InternalIP", "address": "192.0.2.7"}]});
    let patched = pair.send(
        "PATCH",
        "/api/v1/nodes/n1/status",
        &["Content-Type: application/merge-patch+json"],
        &json!({"status": address}).to_string(),
    );
    assert_eq!(patched.status, 200, "{patched:?}");
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let rule =
        json!({"host": "a.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}});
    pair.create(
        "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
        &json!({"metadata": {"name": "web"}, "kind": "Ingress", "apiVersion": "networking.k8s.io/v1", "spec": {"rules": [rule]}}),
    );
    service(pair, "web");
}

fn service(pair: &Pair, name: &str) {
    pair.create(
        "/api/v1/namespaces/default/services",
        &json!({
            "kind": "Service", "apiVersion": "v1", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80}]}
        }),
    );
}

fn pod(pair: &Pair, name: &str) {
    pair.create(
        "/api/v1/namespaces/default/pods",
        &json!({
            "kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "annotations": {"prometheus.io/scrape": "true"}},
            "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"name": "http", "containerPort": 8080}]}]}
        }),
    );
    let status = json!({"status": {"phase": "Running", "podIP": "192.0.2.8"}});
    let path = format!("/api/v1/namespaces/default/pods/{name}/status");
    let patched = pair.send(
        "PATCH",
        &path,
        &["Content-Type: application/merge-patch+json"],
        &status.to_string(),
    );
    assert_eq!(patched.status, 200, "{patched:?}");
}

#[test]
fn prometheus_discovers_what_there_is_and_scrapes_the_apiserver() {
    let program = match fetched("prometheus") {
        Ok(folder) => folder.join("usr/bin/prometheus"),
        Err(why) => return skip(&why),
    };
    let pair = Pair::start();
    objects(&pair);
    let prometheus = Prometheus::start(&pair, &program);
    let seen = |job: &str, label: &str, value: &str| {
        let found = prometheus
            .discovered(job)
            .iter()
            .any(|labels| labels[format!("__meta_kubernetes_{label}")] == value);
        found.then_some(())
    };
    for (job, label, value) in [
        ("service", "service_name", "web"),
        ("service", "service_label_app", "web"),
        ("endpoints", "service_name", "kubernetes"),
        ("endpointslice", "endpointslice_port_name", "https"),
        ("node", "node_address_InternalIP", "192.0.2.7"),
        ("ingress", "ingress_host", "a.example.com"),
    ] {
        until(&format!("{label} of {value} is discovered"), || seen(job, label, value));
    }
    // It watches: what comes now is seen, and what goes is forgotten.
    service(&pair, "late");
    until("a new service is discovered", || {
        seen("service", "service_name", "late")
    });
    pod(&pair, "p");
    until("a new pod is discovered", || {
        seen("pod", "pod_annotation_prometheus_io_scrape", "true")
    });
    assert!(seen("pod", "pod_ip", "192.0.2.8").is_some());
    pair.send("DELETE", "/api/v1/namespaces/default/services/late", &[], "");
    until("a deleted service is forgotten", || {
        seen("service", "service_name", "late").is_none().then_some(())
    });

    let value = |query: &str| {
        let answer = prometheus.ask(&format!("/api/v1/query?query={query}"))?;
        answer.pointer("/result/0/value/1")?.as_str()?.parse::<f64>().ok()
    };
    until("the apiserver is scraped", || value("up").filter(|up| *up >= 1.0));
    until("what it counts is there", || {
        value("count(%7B__name__%3D~%22apiserver_.*%22%7D)").filter(|count| *count > 0.0)
    });
}
