//! A Deployment of five containers between JSON and its tree, beside `serde_json`, whose maps are sorted by key too.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should say where")]

use std::hint::black_box;

use apiserver_api::tree::parse;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};

/// The object as it is stored, managed fields and all: 21 KiB.
fn deployment() -> String {
    let names: Vec<String> = (0..12).map(|at| format!("SETTING_{at}")).collect();
    let container = |at: usize| {
        let env: Vec<Value> = names
            .iter()
            .map(|name| json!({"name": name, "value": format!("--of={name} & <more>")}))
            .collect();
        json!({
            "name": format!("part-{at}"), "image": "registry.example.com/shop/part:2.4.0", "env": env,
            "imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log",
            "ports": [{"name": "http", "containerPort": 8080 + at, "protocol": "TCP"}],
            "resources": {"limits": {"cpu": "500m", "memory": "128Mi"}, "requests": {"cpu": "100m", "memory": "64Mi"}},
            "livenessProbe": {"httpGet": {"path": "/livez", "port": "http", "scheme": "HTTP"}, "periodSeconds": 10},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/config", "readOnly": true}],
        })
    };
    let owned = |_: usize| {
        let env: serde_json::Map<String, Value> = names
            .iter()
            .map(|name| {
                let key = format!(r#"k:{{"name":"{name}"}}"#);
                (key, json!({".": {}, "f:name": {}, "f:value": {}}))
            })
            .collect();
        json!({".": {}, "f:env": env, "f:image": {}, "f:imagePullPolicy": {}, "f:livenessProbe": {".": {}, "f:httpGet": {}}})
    };
    let owned: serde_json::Map<String, Value> = (0..5)
        .map(|at| (format!(r#"k:{{"name":"part-{at}"}}"#), owned(at)))
        .collect();
    let containers: Vec<Value> = (0..5).map(container).collect();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "shop", "namespace": "default", "uid": "0f0e0d0c-0b0a-0908-0706-050403020100", "resourceVersion": "123456",
            "managedFields": [{
                "manager": "kubectl", "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": owned}}}},
            }],
        },
        "spec": {"replicas": 5, "template": {"spec": {"containers": containers}}},
    })
    .to_string()
}

fn both(criterion: &mut Criterion) {
    let text = deployment();
    let tree = parse(text.as_bytes()).unwrap().tree;
    let value: Value = serde_json::from_str(&text).unwrap();
    let mut group = criterion.benchmark_group("a deployment");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("from JSON", |bencher| {
        bencher.iter(|| parse(black_box(text.as_bytes())).unwrap());
    });
    group.bench_function("from JSON, serde_json", |bencher| {
        bencher.iter(|| serde_json::from_slice::<Value>(black_box(text.as_bytes())).unwrap());
    });
    group.bench_function("to JSON", |bencher| bencher.iter(|| black_box(&tree).to_json()));
    group.bench_function("to JSON, serde_json", |bencher| {
        bencher.iter(|| serde_json::to_vec(black_box(&value)).unwrap());
    });
    group.bench_function("copied", |bencher| bencher.iter(|| black_box(&tree).clone()));
    group.finish();
}

criterion_group!(benches, both);
criterion_main!(benches);
