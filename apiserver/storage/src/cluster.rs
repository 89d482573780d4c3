//! The other objects of the cluster, for those whose rules need them: admission, access, what runs inside.

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::{Map, Text, Tree};
use async_trait::async_trait;

use crate::cache::Mark;

/// What parts of the apiserver read and write beside the object at hand. Objects are of the stored version, with
/// `apiVersion` and `kind`. Writes take the way of every other write, as the apiserver itself ([`User::apiserver`]).
///
/// [`User::apiserver`]: apiserver_api::user::User::apiserver
#[async_trait]
pub trait Cluster: Send + Sync {
    /// An object as the cache has it: perhaps a moment old. The namespace of a cluster's object is empty.
    fn cached(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Tree>;

    /// One of the fields that are kept to select objects by (`status.phase`), of an object as the cache has it. What is asked at
    /// each write need not be read out of a whole object. It is to be one that is text in the object, too: what a kind makes of
    /// numbers and flags only the index knows.
    fn cached_field(&self, resource: &GroupResource, namespace: &str, name: &str, field: &str) -> Option<Text> {
        let object = self.cached(resource, namespace, name)?;
        let (parents, last) = field.rsplit_once('.')?;
        let parent = parents.split('.').fold(&object, |at, key| at.at(key));
        Some(parent.text(last).into())
    }

    /// The labels of an object as the cache has it. They need not be read out of a whole object either.
    fn cached_labels(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Map> {
        let object = self.cached(resource, namespace, name)?;
        Some(meta::labels(&object).clone())
    }

    /// The objects of a namespace as the cache has them; of all namespaces where it is empty.
    fn cached_list(&self, resource: &GroupResource, namespace: &str) -> Vec<Tree>;

    /// Which objects of a resource the cache has. What was computed of a list of them stays right as long as this stays the
    /// same.
    fn mark(&self, resource: &GroupResource) -> Mark;

    /// The revision at which the objects of a resource last changed, as the cache has them. 0 where the resource is not known
    /// or was never written. Where the store went back, as after a restore, it may come again with other objects.
    fn changed(&self, resource: &GroupResource) -> i64 {
        self.mark(resource).revision
    }

    /// An object as the store has it.
    ///
    /// # Errors
    /// 404, or what kept the store from answering.
    async fn read(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<Tree, Status>;

    /// Makes an object, which carries its namespace; gives what was stored.
    ///
    /// # Errors
    /// 409 where it exists, 422, or what kept the store from answering.
    async fn create(&self, resource: &GroupResource, object: Tree) -> Result<Tree, Status>;

    /// Replaces an object, or the part of it that a subresource is (`status`; empty for the whole). With a resource version,
    /// only that version is replaced.
    ///
    /// # Errors
    /// 404, 409 where it is at another version, 422, or what kept the store from answering.
    async fn update(&self, resource: &GroupResource, subresource: &str, object: Tree) -> Result<Tree, Status>;

    /// Deletes an object.
    ///
    /// # Errors
    /// 404, or what kept the store from answering.
    async fn delete(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<(), Status>;
}
