//! Deployments with as many fields as a real one has that many hands have worked on.

use serde_json::{Value, json};

use super::{Changes, NAMESPACE, Resource};

/// Containers of a pod of a rich Deployment.
const CONTAINERS: usize = 5;
/// Environment variables of each.
const VARIABLES: usize = 12;
/// Volumes of the pod.
const VOLUMES: usize = 8;

/// Rich Deployments; what is applied is the whole of one.
pub(crate) fn deployments() -> Resource {
    let object = deployment();
    let change = json!({
        "metadata": {"labels": object["metadata"]["labels"]},
        "spec": object["spec"],
    });
    let folder = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments");
    Resource::of("deployments", &folder, object, Changes::all(change))
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "rich-<number>",
            "namespace": NAMESPACE,
            "labels": {
                "app.kubernetes.io/name": "shop",
                "app.kubernetes.io/instance": "shop-<number>",
                "app.kubernetes.io/version": "2.4.<turn>",
                "app.kubernetes.io/managed-by": "bench",
            },
        },
        "spec": {
            "replicas": 5,
            "revisionHistoryLimit": 4,
            "progressDeadlineSeconds": 300,
            "minReadySeconds": 10,
            "selector": {
                "matchLabels": {"app.kubernetes.io/instance": "shop-<number>"},
                "matchExpressions": [{"key": "tier", "operator": "In", "values": ["front", "middle"]}],
            },
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}},
            "template": {
                "metadata": {
                    "labels": {"app.kubernetes.io/instance": "shop-<number>", "tier": "front"},
                    "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9090"},
                },
                "spec": pod_specification(),
            },
        },
    })
}

fn pod_specification() -> Value {
    let containers: Vec<Value> = (0..CONTAINERS).map(container).collect();
    json!({
        "serviceAccountName": "default",
        "terminationGracePeriodSeconds": 60,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 10_001,
            "fsGroup": 10_001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "affinity": affinity(),
        "tolerations": [
            {"key": "dedicated", "operator": "Equal", "value": "shop", "effect": "NoSchedule"},
            {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60},
        ],
        "topologySpreadConstraints": [{
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app.kubernetes.io/instance": "shop-<number>"}},
        }],
        "hostAliases": [{"ip": "10.0.0.9", "hostnames": ["ledger.local", "ledger"]}],
        "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]},
        "imagePullSecrets": [{"name": "registry"}],
        "initContainers": [{
            "name": "migrate",
            "image": "registry.example/shop/migrate:2.4.0",
            "command": ["/bin/migrate", "--to=latest"],
            "resources": {"requests": {"cpu": "50m", "memory": "32Mi"}},
        }],
        "containers": containers,
        "volumes": volumes(),
    })
}

fn affinity() -> Value {
    json!({
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{
                "matchExpressions": [
                    {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64", "arm64"]},
                    {"key": "node.example/pool", "operator": "NotIn", "values": ["batch"]},
                ],
            }]},
        },
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [{
                "weight": 50,
                "podAffinityTerm": {
                    "topologyKey": "kubernetes.io/hostname",
                    "labelSelector": {"matchLabels": {"app.kubernetes.io/instance": "shop-<number>"}},
                },
            }],
        },
    })
}

fn container(place: usize) -> Value {
    let name = format!("part-{place}");
    let port = 8080 + place;
    let variables: Vec<Value> = (0..VARIABLES).map(variable).collect();
    let mounts: Vec<Value> = (0..VOLUMES)
        .map(|volume| json!({"name": format!("volume-{volume}"), "mountPath": format!("/mnt/{volume}"), "readOnly": true}))
        .collect();
    let probe = |path: &str, period: u32| {
        json!({
            "httpGet": {"path": path, "port": "http", "scheme": "HTTP"},
            "periodSeconds": period,
            "failureThreshold": 3,
            "timeoutSeconds": 2,
        })
    };
    json!({
        "name": name,
        "image": format!("registry.example/shop/{name}:2.4.<turn>"),
        "imagePullPolicy": "IfNotPresent",
        "args": ["--verbose", format!("--listen=:{port}")],
        "ports": [
            {"name": "http", "containerPort": port, "protocol": "TCP"},
            {"name": format!("metrics-{place}"), "containerPort": 9090 + place, "protocol": "TCP"},
        ],
        "env": variables,
        "envFrom": [{"configMapRef": {"name": "shop-settings", "optional": true}}],
        "resources": {
            "requests": {"cpu": "250m", "memory": "256Mi"},
            "limits": {"cpu": "1", "memory": "512Mi"},
        },
        "readinessProbe": probe("/ready", 5),
        "livenessProbe": probe("/live", 20),
        "startupProbe": probe("/live", 2),
        "lifecycle": {"preStop": {"exec": {"command": ["/bin/sleep", "5"]}}},
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        },
        "volumeMounts": mounts,
    })
}

fn variable(place: usize) -> Value {
    let name = format!("SHOP_VARIABLE_{place}");
    match place % 4 {
        0 => json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
        1 => json!({"name": name, "valueFrom": {"secretKeyRef": {"name": "shop", "key": format!("key-{place}")}}}),
        2 => json!({"name": name, "valueFrom": {"configMapKeyRef": {"name": "shop", "key": "k", "optional": true}}}),
        _ => json!({"name": name, "value": format!("value of the variable {place}")}),
    }
}

fn volumes() -> Vec<Value> {
    let volume = |place: usize| {
        let name = format!("volume-{place}");
        match place % 4 {
            0 => json!({"name": name, "configMap": {"name": "shop", "items": [{"key": "k", "path": "settings.yaml"}]}}),
            1 => json!({"name": name, "secret": {"secretName": "shop", "defaultMode": 288}}),
            2 => json!({"name": name, "emptyDir": {"sizeLimit": "64Mi", "medium": "Memory"}}),
            _ => json!({"name": name, "projected": {"sources": [
                {"secret": {"name": "tls", "items": [{"key": "tls.crt", "path": "tls.crt", "mode": 256}]}},
                {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
            ]}}),
        }
    };
    (0..VOLUMES).map(volume).collect()
}
