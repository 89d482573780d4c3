//! The roles and bindings that stand in namespaces of the system.

use apiserver_api::tree::Tree;

use super::table::Subject::{self, Account, User};
use super::table::{EVENTS, READ, Role, binding, on, role};

/// To lead those of its kind.
const LEAD: &str = "create get list update watch";

/// The roles, each with its namespace.
const ROLES: &[(&str, Role)] = &[
    (
        "kube-public",
        role("system:controller:bootstrap-signer").may(&[
            on(READ, "core", "configmaps"),
            on("update", "core", "configmaps").named("cluster-info"),
            EVENTS,
        ]),
    ),
    (
        "kube-system",
        role("extension-apiserver-authentication-reader")
            .may(&[on(READ, "core", "configmaps").named("extension-apiserver-authentication")]),
    ),
    (
        "kube-system",
        role("system::leader-locking-kube-controller-manager").may(&[
            on(LEAD, "coordination.k8s.io", "leases"),
            on(LEAD, "coordination.k8s.io", "leasecandidates"),
        ]),
    ),
    (
        "kube-system",
        role("system::leader-locking-kube-scheduler").may(&[
            on(LEAD, "coordination.k8s.io", "leases"),
            on(LEAD, "coordination.k8s.io", "leasecandidates"),
        ]),
    ),
    (
        "kube-system",
        role("system:controller:bootstrap-signer").may(&[on(READ, "core", "secrets")]),
    ),
    (
        "kube-system",
        role("system:controller:cloud-provider").may(&[on("create get list watch", "core", "configmaps")]),
    ),
    (
        "kube-system",
        role("system:controller:token-cleaner").may(&[on("delete get list watch", "core", "secrets"), EVENTS]),
    ),
];

/// The bindings: namespace, name, role and whom they bind.
const BINDINGS: &[(&str, &str, &str, &[Subject])] = &[
    (
        "kube-public",
        "system:controller:bootstrap-signer",
        "system:controller:bootstrap-signer",
        &[Account("bootstrap-signer")],
    ),
    (
        "kube-system",
        "system::extension-apiserver-authentication-reader",
        "extension-apiserver-authentication-reader",
        &[User("system:kube-controller-manager"), User("system:kube-scheduler")],
    ),
    (
        "kube-system",
        "system::leader-locking-kube-controller-manager",
        "system::leader-locking-kube-controller-manager",
        &[
            User("system:kube-controller-manager"),
            Account("kube-controller-manager"),
            Account("leader-election-controller"),
        ],
    ),
    (
        "kube-system",
        "system::leader-locking-kube-scheduler",
        "system::leader-locking-kube-scheduler",
        &[User("system:kube-scheduler"), Account("kube-scheduler")],
    ),
    (
        "kube-system",
        "system:controller:bootstrap-signer",
        "system:controller:bootstrap-signer",
        &[Account("bootstrap-signer")],
    ),
    (
        "kube-system",
        "system:controller:cloud-provider",
        "system:controller:cloud-provider",
        &[Account("cloud-provider")],
    ),
    (
        "kube-system",
        "system:controller:token-cleaner",
        "system:controller:token-cleaner",
        &[Account("token-cleaner")],
    ),
];

/// The roles as objects.
pub(super) fn roles() -> impl Iterator<Item = Tree> {
    ROLES.iter().map(|(namespace, role)| role.object("", namespace))
}

/// The bindings as objects.
pub(super) fn bindings() -> impl Iterator<Item = Tree> {
    let objects = BINDINGS.iter();
    objects.map(|(namespace, name, role, subjects)| binding(namespace, name, role, subjects))
}
