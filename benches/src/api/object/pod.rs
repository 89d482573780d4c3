//! Pods as a cluster has them: owned, labelled, bound to a node, and running.

use serde_json::{Value, json};

use super::{Changes, NAMESPACE, Resource};

/// Pods that are written and deleted again.
pub(crate) fn pods() -> Resource {
    resource("pods", NAMESPACE)
}

/// Pods that stay, spread over many namespaces.
pub(crate) fn many_pods() -> Resource {
    resource("many pods", &format!("{NAMESPACE}-<shard>"))
}

fn resource(name: &'static str, namespace: &str) -> Resource {
    // Of the specification of a pod that is there only images may change.
    let change = json!({
        "metadata": {"labels": {"revision": "r<turn>"}},
        "spec": {"containers": [{"name": "main", "image": "registry.example/shop/cart:2.4.<turn>"}]},
    });
    let changes = Changes {
        // It would replace the whole list of containers.
        merge: json!({"metadata": {"labels": {"revision": "r<turn>"}}}),
        ..Changes::all(change)
    };
    let folder = format!("/api/v1/namespaces/{namespace}/pods");
    Resource::of(name, &folder, pod(namespace), changes)
}

fn pod(namespace: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "cart-6d4b75cb6d-<number>",
            "namespace": namespace,
            "labels": {
                "app": "cart",
                "app.kubernetes.io/part-of": "shop",
                "pod-template-hash": "6d4b75cb6d",
                "revision": "r<turn>",
            },
            "ownerReferences": [{
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": "cart-6d4b75cb6d",
                "uid": "0f6f2a8e-6c1d-4c7e-8a42-1f0d3f1f7b11",
                "controller": true,
                "blockOwnerDeletion": true,
            }],
        },
        "spec": specification(),
        "status": status(),
    })
}

fn specification() -> Value {
    json!({
        "nodeName": "bench-node-<node>",
        "serviceAccountName": "default",
        "automountServiceAccountToken": false,
        "containers": [{
            "name": "main",
            "image": "registry.example/shop/cart:2.4.<turn>",
            "ports": [{"name": "http", "containerPort": 8080}],
            "env": [{"name": "LOG_LEVEL", "value": "info"}],
            "resources": {
                "requests": {"cpu": "100m", "memory": "64Mi"},
                "limits": {"memory": "128Mi"},
            },
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/cart", "readOnly": true}],
        }],
        "volumes": [{"name": "config", "configMap": {"name": "cart"}}],
    })
}

fn status() -> Value {
    let began = "2026-01-01T00:00:00Z";
    let condition = |kind| json!({"type": kind, "status": "True", "lastTransitionTime": began});
    json!({
        "phase": "Running",
        "conditions": [
            condition("PodScheduled"),
            condition("Initialized"),
            condition("ContainersReady"),
            condition("Ready"),
        ],
        "hostIP": "10.0.0.7",
        "podIP": "10.244.7.31",
        "startTime": began,
        "containerStatuses": [{
            "name": "main",
            "ready": true,
            "restartCount": 0,
            "image": "registry.example/shop/cart:2.4.<turn>",
            "imageID": "",
            "state": {"running": {"startedAt": began}},
        }],
    })
}
