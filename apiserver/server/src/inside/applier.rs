//! What parts of the server need of objects beyond [`Cluster`]: to write under a field manager of their own, and to learn of
//! changes at once.
//!
//! [`Cluster`]: apiserver_storage::cluster::Cluster

use apiserver_api::gvk::GroupResource;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

/// Writes as a field manager, and waits for changes.
#[async_trait]
pub trait Applier: Send + Sync {
    /// Makes an object, as [`Cluster::create`] does.
    ///
    /// # Errors
    /// As [`Cluster::create`].
    ///
    /// [`Cluster::create`]: apiserver_storage::cluster::Cluster::create
    async fn create_as(&self, manager: &str, resource: &GroupResource, object: Tree) -> Result<Tree, Status>;

    /// Replaces an object, as [`Cluster::update`] does.
    ///
    /// # Errors
    /// As [`Cluster::update`].
    ///
    /// [`Cluster::update`]: apiserver_storage::cluster::Cluster::update
    async fn update_as(&self, manager: &str, resource: &GroupResource, object: Tree) -> Result<Tree, Status>;

    /// Applies a configuration of a status, by force.
    ///
    /// # Errors
    /// 404, 422, or what kept the store from answering.
    async fn apply_status(&self, manager: &str, resource: &GroupResource, configuration: Tree) -> Result<Tree, Status>;

    /// Waits until objects of these resources changed since a revision ([`Cluster::changed`]).
    ///
    /// [`Cluster::changed`]: apiserver_storage::cluster::Cluster::changed
    async fn moved(&self, resources: &[&'static GroupResource], since: i64);
}
