//! Namespaces as plugins look them up: in the cache, and in the store where the cache has none.

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::{Map, Tree};

use crate::Cluster;
use crate::plugin::Request;

/// Where they stand.
pub(crate) const NAMESPACES: GroupResource = GroupResource::known("", "namespaces");

/// Whether a write is about a namespace itself.
pub(crate) fn is_namespace(request: &Request<'_>) -> bool {
    request.kind.group.is_empty() && request.kind.kind == "Namespace"
}

/// A namespace as the cache has it, else as the store has it.
///
/// # Errors
/// 404, or what kept the store from answering.
pub(crate) async fn find(cluster: &dyn Cluster, name: &str) -> Result<Tree, Status> {
    match cluster.cached(&NAMESPACES, "", name) {
        Some(namespace) => Ok(namespace),
        None => cluster.read(&NAMESPACES, "", name).await,
    }
}

/// The labels of a namespace as the cache has it, else as the store has it.
///
/// # Errors
/// 404, or what kept the store from answering.
pub(crate) async fn labels(cluster: &dyn Cluster, name: &str) -> Result<Map, Status> {
    match cluster.cached_labels(&NAMESPACES, "", name) {
        Some(labels) => Ok(labels),
        None => Ok(meta::labels(&cluster.read(&NAMESPACES, "", name).await?).clone()),
    }
}

/// 404 as it is, everything else as a failure of the server.
pub(crate) fn missing_or_internal(status: Status) -> Status {
    if status.reason == Reason::NotFound {
        status
    } else {
        Status::internal(status)
    }
}
