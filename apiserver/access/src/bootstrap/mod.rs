//! The roles and bindings that every cluster has from its first moment, and how they come into it.
//!
//! They are upstream's of 1.36 with the feature gates that are on by default. Each file of roles is a table; `table` says
//! how it is written. [`ensure`] brings them into the store at every start.

mod bindings;
mod components;
mod controllers;
mod namespaces;
mod plan;
mod prime;
mod reconcile;
mod table;
mod users;

use apiserver_api::gvk::GroupResource;
use apiserver_api::tree::Tree;

use crate::rbac::rule::Rule;
use crate::rbac::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES};
pub use reconcile::{Done, Error, ensure};

/// What every node may do, whichever it is.
pub fn node_rules() -> Vec<Rule> {
    components::NODE.iter().map(table::Grant::rule).collect()
}

/// All roles and bindings, in the order in which they are written.
pub fn objects() -> Vec<(&'static GroupResource, Tree)> {
    let roles = users::ROLES
        .iter()
        .chain(components::ROLES)
        .map(|role| role.object("", ""));
    let controllers = controllers::ROLES
        .iter()
        .map(|role| role.object(bindings::CONTROLLER, ""));
    let of = |resource| move |object| (resource, object);
    let cluster = roles.chain(controllers).map(of(&CLUSTER_ROLES));
    cluster
        .chain(bindings::all().map(of(&CLUSTER_ROLE_BINDINGS)))
        .chain(namespaces::roles().map(of(&ROLES)))
        .chain(namespaces::bindings().map(of(&ROLE_BINDINGS)))
        .collect()
}

#[cfg(test)]
mod tests;
