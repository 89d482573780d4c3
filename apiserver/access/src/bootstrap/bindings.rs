//! Who has the roles of the cluster from its first moment.

use apiserver_api::tree::Tree;
use apiserver_api::user::{AUTHENTICATED, MASTERS, UNAUTHENTICATED};

use super::controllers;
use super::table::Subject::{self, Account, Group, User};
use super::table::binding;

/// The bindings, each named as the role that it binds.
const BINDINGS: &[(&str, &[Subject])] = &[
    ("cluster-admin", &[Group(MASTERS)]),
    ("system:monitoring", &[Group("system:monitoring")]),
    ("system:discovery", &[Group(AUTHENTICATED)]),
    ("system:basic-user", &[Group(AUTHENTICATED)]),
    (
        "system:public-info-viewer",
        &[Group(AUTHENTICATED), Group(UNAUTHENTICATED)],
    ),
    ("system:node-proxier", &[User("system:kube-proxy")]),
    (
        "system:kube-controller-manager",
        &[User("system:kube-controller-manager")],
    ),
    ("system:kube-dns", &[Account("kube-dns")]),
    ("system:kube-scheduler", &[User("system:kube-scheduler")]),
    ("system:volume-scheduler", &[User("system:kube-scheduler")]),
    // Nodes are let do what they need by their own authorizer, each for itself.
    ("system:node", &[]),
    (
        "system:service-account-issuer-discovery",
        &[Group("system:serviceaccounts")],
    ),
];

/// What stands before the names of the roles of controllers.
pub(super) const CONTROLLER: &str = "system:controller:";

/// The bindings as objects; each controller has its role.
pub(super) fn all() -> impl Iterator<Item = Tree> {
    let controllers = controllers::ROLES.iter().map(|role| {
        let name = format!("{CONTROLLER}{}", role.name);
        binding("", &name, &name, &[Account(role.name)])
    });
    named().chain(controllers)
}

/// Those that are of no controller.
fn named() -> impl Iterator<Item = Tree> {
    BINDINGS
        .iter()
        .map(|(name, subjects)| binding("", name, name, subjects))
}

/// The binding to a role, made anew.
pub(super) fn of(role: &str) -> Option<Tree> {
    let (name, subjects) = BINDINGS.iter().find(|(name, _)| *name == role)?;
    Some(binding("", name, name, subjects))
}
