//! The roles of the parts of a cluster, and of those who approve certificates.

use super::table::{ALL, EVENTS, Grant, READ, Role, on, role};

/// What every node may do. The authorizer of nodes knows it without the role, and looks closer.
pub(super) const NODE: &[Grant] = &[
    on("create", "authentication.k8s.io", "tokenreviews"),
    on(
        "create",
        "authorization.k8s.io",
        "localsubjectaccessreviews subjectaccessreviews",
    ),
    on(READ, "core", "services"),
    on("create get list watch", "core", "nodes"),
    on("patch update", "core", "nodes/status"),
    on("patch update", "core", "nodes"),
    EVENTS,
    on(READ, "core", "pods"),
    on("create delete", "core", "pods"),
    on("patch update", "core", "pods/status"),
    on("create", "core", "pods/eviction"),
    on(READ, "core", "configmaps secrets"),
    on("get", "core", "persistentvolumeclaims persistentvolumes"),
    on("get", "core", "endpoints"),
    on(
        "create get list watch",
        "certificates.k8s.io",
        "certificatesigningrequests",
    ),
    on("create delete get patch update", "coordination.k8s.io", "leases"),
    on("get", "storage.k8s.io", "volumeattachments"),
    on("create", "core", "serviceaccounts/token"),
    on("get patch update", "core", "persistentvolumeclaims/status"),
    on(READ, "storage.k8s.io", "csidrivers"),
    on("create delete get patch update", "storage.k8s.io", "csinodes"),
    on(READ, "node.k8s.io", "runtimeclasses"),
    on("get", "resource.k8s.io", "resourceclaims"),
    on("deletecollection", "resource.k8s.io", "resourceslices"),
    on("get", "core", "serviceaccounts"),
];

/// The roles.
pub(super) const ROLES: &[Role] = &[
    role("system:node").may(NODE),
    role("system:auth-delegator").may(&[
        on("create", "authentication.k8s.io", "tokenreviews"),
        on("create", "authorization.k8s.io", "subjectaccessreviews"),
    ]),
    role("system:certificates.k8s.io:certificatesigningrequests:nodeclient").may(&[on(
        "create",
        "certificates.k8s.io",
        "certificatesigningrequests/nodeclient",
    )]),
    role("system:certificates.k8s.io:certificatesigningrequests:selfnodeclient").may(&[on(
        "create",
        "certificates.k8s.io",
        "certificatesigningrequests/selfnodeclient",
    )]),
    role("system:certificates.k8s.io:kube-apiserver-client-approver").may(&[on(
        "approve",
        "certificates.k8s.io",
        "signers",
    )
    .named("kubernetes.io/kube-apiserver-client")]),
    role("system:certificates.k8s.io:kube-apiserver-client-kubelet-approver").may(&[on(
        "approve",
        "certificates.k8s.io",
        "signers",
    )
    .named("kubernetes.io/kube-apiserver-client-kubelet")]),
    role("system:certificates.k8s.io:kubelet-serving-approver")
        .may(&[on("approve", "certificates.k8s.io", "signers").named("kubernetes.io/kubelet-serving")]),
    role("system:certificates.k8s.io:legacy-unknown-approver")
        .may(&[on("approve", "certificates.k8s.io", "signers").named("kubernetes.io/legacy-unknown")]),
    role("system:heapster").may(&[
        on(READ, "core", "events namespaces nodes pods"),
        on(READ, "extensions", "deployments"),
    ]),
    role("system:kube-aggregator").may(&[on(READ, "core", "endpoints services")]),
    role("system:kube-controller-manager").may(&[
        EVENTS,
        on("create", "coordination.k8s.io", "leases"),
        on("get update", "coordination.k8s.io", "leases").named("kube-controller-manager"),
        on("create", "core", "secrets serviceaccounts"),
        on("delete", "core", "secrets"),
        on("get", "core", "configmaps namespaces secrets serviceaccounts"),
        on("update", "core", "secrets serviceaccounts"),
        on("create", "authentication.k8s.io", "tokenreviews"),
        on("create", "authorization.k8s.io", "subjectaccessreviews"),
        on("list watch", "*", "*"),
        on("create", "core", "serviceaccounts/token"),
    ]),
    role("system:kube-dns").may(&[on("list watch", "core", "endpoints services")]),
    role("system:kube-scheduler").may(&[
        EVENTS,
        on("create", "coordination.k8s.io", "leases"),
        on("get list update watch", "coordination.k8s.io", "leases").named("kube-scheduler"),
        on(ALL, "coordination.k8s.io", "leasecandidates"),
        on(READ, "core", "nodes"),
        on("delete get list watch", "core", "pods"),
        on("create", "core", "bindings pods/binding"),
        on("patch update", "core", "pods/status"),
        on(READ, "core", "replicationcontrollers services"),
        on(READ, "apps extensions", "replicasets"),
        on(READ, "apps", "statefulsets"),
        on(READ, "policy", "poddisruptionbudgets"),
        on(READ, "core", "persistentvolumeclaims persistentvolumes"),
        on("create", "authentication.k8s.io", "tokenreviews"),
        on("create", "authorization.k8s.io", "subjectaccessreviews"),
        on(READ, "storage.k8s.io", "csinodes"),
        on(READ, "storage.k8s.io", "volumeattachments"),
        on(READ, "core", "namespaces"),
        on(READ, "storage.k8s.io", "csidrivers"),
        on(READ, "storage.k8s.io", "csistoragecapacities"),
        on(READ, "resource.k8s.io", "deviceclasses"),
        on("get list patch update watch", "resource.k8s.io", "resourceclaims"),
        on(
            "get list patch update watch",
            "resource.k8s.io",
            "resourceclaims/status",
        ),
        on("update", "core", "pods/finalizers"),
        on(READ, "resource.k8s.io", "resourceslices"),
        on("create delete", "resource.k8s.io", "resourceclaims"),
        on("patch update", "resource.k8s.io", "resourceclaims/binding"),
    ]),
    role("system:kubelet-api-admin").may(&[
        on(READ, "core", "nodes"),
        on("proxy", "core", "nodes"),
        on("*", "core", "nodes/log nodes/metrics nodes/proxy nodes/stats"),
        on("*", "core", "nodes/configz nodes/healthz nodes/pods"),
    ]),
    role("system:node-bootstrapper").may(&[on(
        "create get list watch",
        "certificates.k8s.io",
        "certificatesigningrequests",
    )]),
    role("system:node-problem-detector").may(&[
        on("get", "core", "nodes"),
        on("patch", "core", "nodes/status"),
        EVENTS,
    ]),
    role("system:node-proxier").may(&[
        on("list watch", "core", "endpoints services"),
        on(READ, "core", "nodes"),
        EVENTS,
        on("list watch", "networking.k8s.io", "servicecidrs"),
        on("list watch", "discovery.k8s.io", "endpointslices"),
    ]),
    role("system:persistent-volume-provisioner").may(&[
        on("create delete get list watch", "core", "persistentvolumes"),
        on("get list update watch", "core", "persistentvolumeclaims"),
        on(READ, "storage.k8s.io", "storageclasses"),
        on("watch", "core", "events"),
        EVENTS,
    ]),
    role("system:volume-scheduler").may(&[
        on("get list patch update watch", "core", "persistentvolumes"),
        on(READ, "storage.k8s.io", "storageclasses"),
        on("get list patch update watch", "core", "persistentvolumeclaims"),
    ]),
];
