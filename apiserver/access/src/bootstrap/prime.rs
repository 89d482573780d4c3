//! What older clusters call otherwise is carried over before anything is made, so that what somebody changed is not lost.

use apiserver_api::meta;
use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;
use apiserver_storage::cluster::Cluster;
use tracing::info;

use super::bindings;
use crate::rbac::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES};

/// Roles that had rules of their own before they gathered others, and where these rules are now.
const MOVED: [(&str, &str); 3] = [
    ("admin", "system:aggregate-to-admin"),
    ("edit", "system:aggregate-to-edit"),
    ("view", "system:aggregate-to-view"),
];

/// A binding whose subjects another one has got, too.
const SPLIT: (&str, &str) = ("system:discovery", "system:public-info-viewer");

/// Carries over what is there under an older name.
///
/// # Errors
/// What keeps the store from answering.
pub(super) async fn prime(cluster: &dyn Cluster) -> Result<(), Status> {
    for (old, new) in MOVED {
        move_rules(cluster, old, new).await?;
    }
    split(cluster).await
}

async fn move_rules(cluster: &dyn Cluster, old: &str, new: &str) -> Result<(), Status> {
    if found(cluster.read(&CLUSTER_ROLES, "", new).await)?.is_some() {
        return Ok(());
    }
    let Some(mut role) = found(cluster.read(&CLUSTER_ROLES, "", old).await)? else {
        return Ok(());
    };
    if role.has("aggregationRule") {
        return Ok(());
    }
    info!(
        from = old,
        to = new,
        "moving the rules of a role that now gathers others"
    );
    meta::set_name(&mut role, new);
    // What the server says of an object is said anew.
    for field in [
        "resourceVersion",
        "uid",
        "creationTimestamp",
        "generation",
        "managedFields",
    ] {
        role.child("metadata").remove(field);
    }
    made(cluster.create(&CLUSTER_ROLES, role).await)
}

async fn split(cluster: &dyn Cluster) -> Result<(), Status> {
    let (old, new) = SPLIT;
    let Some(source) = found(cluster.read(&CLUSTER_ROLE_BINDINGS, "", old).await)? else {
        return Ok(());
    };
    let (None, Some(mut binding)) = (
        found(cluster.read(&CLUSTER_ROLE_BINDINGS, "", new).await)?,
        bindings::of(new),
    ) else {
        return Ok(());
    };
    info!(from = old, to = new, "copying whom a binding binds");
    binding.set("subjects", source.at("subjects").clone());
    for field in ["labels", "annotations"] {
        let metadata = binding.child("metadata");
        metadata.set(field, meta::metadata(&source).at(field).clone());
    }
    made(cluster.create(&CLUSTER_ROLE_BINDINGS, binding).await)
}

/// What was read; `None` where it is not there.
pub(super) fn found(read: Result<Tree, Status>) -> Result<Option<Tree>, Status> {
    match read {
        Ok(object) => Ok(Some(object)),
        Err(status) if status.reason == Reason::NotFound => Ok(None),
        Err(status) => Err(status),
    }
}

/// Somebody else may have made it first.
pub(super) fn made(created: Result<Tree, Status>) -> Result<(), Status> {
    match created {
        Err(status) if status.reason != Reason::AlreadyExists => Err(status),
        _ => Ok(()),
    }
}
