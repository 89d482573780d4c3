//! The machine as parts of the server use it: other objects, read and written as the server itself.

use std::time::{Duration, Instant};

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::{Map, Text, Tree};
use apiserver_api::user::User;
use apiserver_storage::cache::Mark;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;
use http::{Extensions, HeaderMap, Method, Uri};
use parking_lot::Mutex;

use super::delete::Deletion;
use super::{Desired, Machine, Patch, PatchKind, Write};
use crate::catalog::Resource;
use crate::inside::applier::Applier;
use crate::options::{DeleteOptions, FieldValidation, WriteOptions};
use crate::request::Call;
use crate::request::info::Info;
use crate::request::query::Query;

/// The field manager of what the server writes.
const MANAGER: &str = "kube-apiserver";
/// How often it is asked whether objects changed where nobody tells.
const TICK: Duration = Duration::from_secs(1);

impl Machine {
    /// A request of the server itself.
    pub(crate) fn own_call(&self) -> Call {
        Call {
            method: Method::POST,
            uri: Uri::default(),
            path: String::new(),
            query: Query::default(),
            headers: HeaderMap::new(),
            extensions: Extensions::new(),
            info: Info::default(),
            user: User::apiserver(),
            now: self.now(),
            since: Instant::now(),
            warnings: Mutex::default(),
        }
    }

    /// The time, in whole seconds as objects hold it.
    pub(crate) fn now(&self) -> Time {
        Time::from_unix((self.clock.wall_ms() / 1000) as i64)
    }

    /// A resource that is needed, as its preferred version serves it.
    ///
    /// # Errors
    /// 500 where it is not served.
    pub(crate) fn known(&self, resource: &GroupResource) -> Result<&std::sync::Arc<Resource>, Status> {
        self.catalog
            .preferred(resource)
            .ok_or_else(|| Status::internal(format!("{resource} is not served")))
    }

    /// Replaces an object, or the part of it that a subresource is, as a field manager.
    async fn update_part_as(
        &self,
        manager: &str,
        resource: &GroupResource,
        subresource: &str,
        object: Tree,
    ) -> Result<Tree, Status> {
        let resource = self.known(resource)?;
        self.note("PUT", resource, subresource);
        let (call, options) = (self.own_call(), own_options(manager));
        let (namespace, name) = (meta::namespace(&object).to_owned(), meta::name(&object).to_owned());
        let write = Write {
            call: &call,
            resource,
            speech: &**resource,
            subresource,
            namespace: &namespace,
            name: &name,
            options: &options,
        };
        let desired = Desired::Object(whole(resource, object));
        Ok(self.replace(&write, &desired).await?.0.tree(resource))
    }

    /// Counts that the server asks itself for something.
    fn note(&self, verb: &str, resource: &Resource, subresource: &str) {
        let kind = resource.kind;
        self.metrics.requests.own(verb, kind.group, kind.plural, subresource);
    }
}

/// Of which nothing is said but who writes.
fn own_options(manager: &str) -> WriteOptions {
    WriteOptions {
        dry_run: false,
        manager: manager.to_owned(),
        validation: FieldValidation::Ignore,
        force: false,
        tree: Tree::map(),
    }
}

#[async_trait]
impl Cluster for Machine {
    fn cached(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Tree> {
        let resource = self.catalog.preferred(resource)?;
        let shelf = resource.shelf()?;
        let object = shelf.cache().get(&shelf.key(namespace, name))?;
        Some(resource.typed(object.tree()))
    }

    fn cached_field(&self, resource: &GroupResource, namespace: &str, name: &str, field: &str) -> Option<Text> {
        let resource = self.catalog.preferred(resource)?;
        let shelf = resource.shelf()?;
        let place = resource.kind.selection.place_of(field)?;
        let object = shelf.cache().get(&shelf.key(namespace, name))?;
        object.index.fields.get(place).cloned()
    }

    fn cached_labels(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Map> {
        let shelf = self.catalog.preferred(resource)?.shelf()?;
        let object = shelf.cache().get(&shelf.key(namespace, name))?;
        Some(object.index.labels.clone())
    }

    fn cached_list(&self, resource: &GroupResource, namespace: &str) -> Vec<Tree> {
        let found = self.catalog.preferred(resource);
        let Some((resource, shelf)) = found.and_then(|resource| Some((resource, resource.shelf()?))) else {
            return Vec::new();
        };
        let snapshot = shelf.cache().snapshot();
        let prefix = shelf.keys(namespace);
        let objects = snapshot.from(&prefix, None);
        objects.map(|object| resource.typed(object.tree())).collect()
    }

    fn mark(&self, resource: &GroupResource) -> Mark {
        let resource = self.catalog.preferred(resource);
        let shelf = resource.and_then(|resource| resource.shelf());
        shelf.map(|shelf| shelf.cache().mark()).unwrap_or_default()
    }

    async fn read(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<Tree, Status> {
        let resource = self.known(resource)?;
        self.note("GET", resource, "");
        let object = self.get(resource, namespace, name, "").await?;
        Ok(resource.typed(object.tree()))
    }

    async fn create(&self, resource: &GroupResource, object: Tree) -> Result<Tree, Status> {
        self.create_as(MANAGER, resource, object).await
    }

    async fn update(&self, resource: &GroupResource, subresource: &str, object: Tree) -> Result<Tree, Status> {
        self.update_part_as(MANAGER, resource, subresource, object).await
    }

    async fn delete(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<(), Status> {
        let resource = self.known(resource)?;
        self.note("DELETE", resource, "");
        let (call, options) = (self.own_call(), DeleteOptions::default());
        let deletion = Deletion {
            call: &call,
            resource,
            namespace,
            name,
            options: &options,
            admission: true,
        };
        Self::delete(self, &deletion).await.map(drop)
    }
}

#[async_trait]
impl Applier for Machine {
    async fn create_as(&self, manager: &str, resource: &GroupResource, object: Tree) -> Result<Tree, Status> {
        let resource = self.known(resource)?;
        self.note("POST", resource, "");
        let (call, options) = (self.own_call(), own_options(manager));
        let namespace = meta::namespace(&object).to_owned();
        let write = Write {
            call: &call,
            resource,
            speech: &**resource,
            subresource: "",
            namespace: &namespace,
            name: "",
            options: &options,
        };
        let object = whole(resource, object);
        Ok(Self::create(self, &write, object).await?.tree(resource))
    }

    async fn update_as(&self, manager: &str, resource: &GroupResource, object: Tree) -> Result<Tree, Status> {
        self.update_part_as(manager, resource, "", object).await
    }

    async fn apply_status(&self, manager: &str, resource: &GroupResource, configuration: Tree) -> Result<Tree, Status> {
        let resource = self.known(resource)?;
        self.note("APPLY", resource, "status");
        let bytes = configuration.to_json().into();
        let options = WriteOptions {
            force: true,
            ..own_options(manager)
        };
        let write = Write {
            call: &self.own_call(),
            resource,
            speech: &**resource,
            subresource: "status",
            namespace: meta::namespace(&configuration),
            name: meta::name(&configuration),
            options: &options,
        };
        let kind = PatchKind::Apply;
        let desired = Desired::Patch(Patch { kind, bytes: &bytes });
        Ok(self.replace(&write, &desired).await?.0.tree(resource))
    }

    async fn moved(&self, resources: &[&'static GroupResource], since: i64) {
        let store = resources
            .iter()
            .find_map(|resource| self.catalog.preferred(resource)?.kept());
        loop {
            let at = store.map_or(0, |kept| kept.store.clock().now());
            let changed = resources.iter().map(|resource| Cluster::changed(self, resource));
            if changed.max().unwrap_or_default() != since {
                return;
            }
            // Where they are in other stores they are looked at when the time is over.
            match store {
                Some(kept) => drop(kept.store.clock().reaches(at + 1, TICK).await),
                None => tokio::time::sleep(TICK).await,
            }
        }
    }
}

/// An object as if a client had sent it: of its type, and with its defaults.
fn whole(resource: &Resource, mut object: Tree) -> Tree {
    if let Some(id) = resource.served {
        apiserver_schema::built_in().read(id, &mut object);
    }
    resource.settle(&mut object);
    object
}
