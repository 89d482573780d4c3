//! A pod between its tree and the wire, in protobuf and as JSON.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should say where")]

use std::hint::black_box;

use apiserver_api::tree::{Tree, parse};
use apiserver_schema::{built_in, protobuf};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// A pod as a kubelet has it: two containers, their states, conditions and managed fields.
fn pod() -> Tree {
    let container = |name: &str| {
        format!(
            r#"{{"name":"{name}","image":"registry.example.com/{name}:1.2.3","args":["--port=8080","--verbose"],
                "env":[{{"name":"NODE","valueFrom":{{"fieldRef":{{"apiVersion":"v1","fieldPath":"spec.nodeName"}}}}}}],
                "ports":[{{"name":"http","containerPort":8080,"protocol":"TCP"}}],
                "resources":{{"limits":{{"cpu":"500m","memory":"128Mi"}},"requests":{{"cpu":"100m","memory":"64Mi"}}}},
                "livenessProbe":{{"httpGet":{{"path":"/livez","port":"http","scheme":"HTTP"}},"periodSeconds":10}},
                "volumeMounts":[{{"name":"config","mountPath":"/etc/config","readOnly":true}}],
                "terminationMessagePath":"/dev/termination-log","imagePullPolicy":"IfNotPresent"}}"#
        )
    };
    let state = |name: &str| {
        format!(
            r#"{{"name":"{name}","ready":true,"started":true,"restartCount":1,"image":"registry.example.com/{name}:1.2.3",
                "imageID":"sha256:0123456789abcdef","containerID":"containerd://0123456789abcdef",
                "state":{{"running":{{"startedAt":"2026-01-02T03:04:05Z"}}}},"lastState":{{}}}}"#
        )
    };
    let condition = |name: &str| {
        format!(
            r#"{{"type":"{name}","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-02T03:04:05Z"}}"#
        )
    };
    let conditions = ["Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .map(condition)
        .join(",");
    let text = format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"web-7d4b9c-x2x8z","namespace":"shop","uid":"0f0e0d0c",
            "resourceVersion":"123456","creationTimestamp":"2026-01-02T03:04:00Z","labels":{{"app":"web","tier":"front"}},
            "ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-7d4b9c","uid":"1","controller":true}}],
            "managedFields":[{{"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"2026-01-02T03:04:05Z",
                "fieldsType":"FieldsV1","fieldsV1":{{"f:status":{{"f:conditions":{{"k:{{\"type\":\"Ready\"}}":{{}}}},"f:phase":{{}}}}}},
                "subresource":"status"}}]}},
            "spec":{{"containers":[{},{}],"volumes":[{{"name":"config","configMap":{{"name":"web","defaultMode":420}}}}],
                "restartPolicy":"Always","nodeName":"node-1","serviceAccountName":"default","securityContext":{{}},
                "tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute"}}]}},
            "status":{{"phase":"Running","podIP":"10.1.2.3","hostIP":"10.0.0.1","startTime":"2026-01-02T03:04:01Z",
                "conditions":[{conditions}],"containerStatuses":[{},{}],"qosClass":"Burstable"}}}}"#,
        container("web"),
        container("proxy"),
        state("web"),
        state("proxy")
    );
    parse(text.as_bytes()).unwrap().tree
}

fn both_forms(criterion: &mut Criterion) {
    let (id, pod) = (protobuf::type_of("v1", "Pod").unwrap(), pod());
    let (wire, json) = (protobuf::encode(id, &pod), pod.to_json());
    let mut group = criterion.benchmark_group("a pod");
    group.throughput(Throughput::Elements(1));
    group.bench_function("to protobuf", |bencher| {
        bencher.iter(|| protobuf::encode(id, black_box(&pod)));
    });
    group.bench_function("to JSON", |bencher| bencher.iter(|| black_box(&pod).to_json()));
    group.bench_function("from protobuf", |bencher| {
        bencher.iter(|| protobuf::decode(id, black_box(&wire)).unwrap());
    });
    group.bench_function("from JSON", |bencher| {
        bencher.iter(|| parse(black_box(&json)).unwrap().tree);
    });
    // What every write pays after either.
    group.bench_function("to its normal form", |bencher| {
        bencher.iter_batched_ref(
            || pod.clone(),
            |tree| built_in().read(id, tree).unknown.len(),
            criterion::BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, both_forms);
criterion_main!(benches);
