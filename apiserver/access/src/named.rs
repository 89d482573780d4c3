//! Objects that another object names, whose word may be no name at all.

use apiserver_api::gvk::GroupResource;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_storage::cluster::Cluster;

/// An object as the store has it.
///
/// # Errors
/// 400 where the name is empty, 404, or what kept the store from answering.
pub(crate) async fn read_named(
    cluster: &dyn Cluster,
    resource: &GroupResource,
    namespace: &str,
    name: &str,
) -> Result<Tree, Status> {
    if name.is_empty() {
        return Err(Status::bad_request("Name parameter required."));
    }
    cluster.read(resource, namespace, name).await
}
