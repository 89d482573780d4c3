//! The Leases that kubelets renew to say that their nodes live.

use serde_json::{Value, json};

use super::{Changes, Resource, Template, mark};

/// Where they are.
pub(super) const NAMESPACE: &str = "kube-node-lease";

/// One Lease a node, as a kubelet writes it.
pub(crate) fn leases() -> Resource {
    let change = json!({"spec": {"renewTime": renew_time()}});
    let folder = format!("/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases");
    Resource::of("leases", &folder, lease(), Changes::all(change))
}

/// The body of a renewal: the whole Lease with the revision that it must still have, as no other update is taken.
pub(crate) fn renewal() -> Template {
    let mut lease = lease();
    lease["metadata"]["resourceVersion"] = "<revision>".into();
    mark(&mut lease);
    Template::json(&lease)
}

fn lease() -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": "bench-node-<number>",
            "namespace": NAMESPACE,
            "ownerReferences": [{
                "apiVersion": "v1",
                "kind": "Node",
                "name": "bench-node-<number>",
                "uid": "5e1c0f8e-7f0b-4a53-9f51-000<number>",
            }],
        },
        "spec": {
            "holderIdentity": "bench-node-<number>",
            "leaseDurationSeconds": 40,
            "renewTime": renew_time(),
        },
    })
}

fn renew_time() -> &'static str {
    "2026-01-01T00:00:00.<micros>Z"
}
