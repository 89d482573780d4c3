//! The other objects for parts that the machine itself needs: they are made before it, and ask it later.

use std::sync::{Arc, OnceLock, Weak};

use apiserver_api::gvk::GroupResource;
use apiserver_api::status::Status;
use apiserver_api::tree::{Map, Text, Tree};
use apiserver_storage::cache::Mark;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;

use super::Machine;
use crate::inside::applier::Applier;

/// The machine, once there is one. It does not keep it alive.
#[derive(Default)]
pub struct Late(OnceLock<Weak<Machine>>);

impl Late {
    /// Says which machine it is, once.
    pub fn set(&self, machine: &Arc<Machine>) {
        // Only who makes the machine says so.
        let _ = self.0.set(Arc::downgrade(machine));
    }

    fn get(&self) -> Option<Arc<Machine>> {
        self.0.get()?.upgrade()
    }

    fn need(&self) -> Result<Arc<Machine>, Status> {
        self.get()
            .ok_or_else(|| Status::service_unavailable("the server is not running"))
    }
}

#[async_trait]
impl Applier for Late {
    async fn create_as(&self, manager: &str, resource: &GroupResource, object: Tree) -> Result<Tree, Status> {
        self.need()?.create_as(manager, resource, object).await
    }

    async fn update_as(&self, manager: &str, resource: &GroupResource, object: Tree) -> Result<Tree, Status> {
        self.need()?.update_as(manager, resource, object).await
    }

    async fn apply_status(&self, manager: &str, resource: &GroupResource, configuration: Tree) -> Result<Tree, Status> {
        self.need()?.apply_status(manager, resource, configuration).await
    }

    async fn moved(&self, resources: &[&'static GroupResource], since: i64) {
        match self.get() {
            Some(machine) => machine.moved(resources, since).await,
            // Nothing moves any more.
            None => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Cluster for Late {
    fn cached(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Tree> {
        Cluster::cached(&*self.get()?, resource, namespace, name)
    }

    fn cached_field(&self, resource: &GroupResource, namespace: &str, name: &str, field: &str) -> Option<Text> {
        Cluster::cached_field(&*self.get()?, resource, namespace, name, field)
    }

    fn cached_labels(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Map> {
        Cluster::cached_labels(&*self.get()?, resource, namespace, name)
    }

    fn cached_list(&self, resource: &GroupResource, namespace: &str) -> Vec<Tree> {
        self.get()
            .map(|machine| Cluster::cached_list(&*machine, resource, namespace))
            .unwrap_or_default()
    }

    fn mark(&self, resource: &GroupResource) -> Mark {
        let machine = self.get();
        machine.map(|machine| machine.mark(resource)).unwrap_or_default()
    }

    async fn read(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<Tree, Status> {
        Cluster::read(&*self.need()?, resource, namespace, name).await
    }

    async fn create(&self, resource: &GroupResource, object: Tree) -> Result<Tree, Status> {
        Cluster::create(&*self.need()?, resource, object).await
    }

    async fn update(&self, resource: &GroupResource, subresource: &str, object: Tree) -> Result<Tree, Status> {
        Cluster::update(&*self.need()?, resource, subresource, object).await
    }

    async fn delete(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<(), Status> {
        Cluster::delete(&*self.need()?, resource, namespace, name).await
    }
}
