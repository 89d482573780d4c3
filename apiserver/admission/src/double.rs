//! A cluster in memory and an authorizer with a list of rights, for tests.

use std::collections::{BTreeMap, BTreeSet};

use apiserver_access::authorize::{Attributes, Authorizer, On, Rules, Verdict};
use apiserver_api::gvk::{GroupResource, GroupVersionKind};
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::{Map, Tree, parse};
use apiserver_api::user::User;
use apiserver_api::warnings::Warnings;
use apiserver_storage::cache::Mark;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;
use parking_lot::Mutex;

use crate::plugin::{Operation, Request};

type Key = (GroupResource, String, String);
type Objects = BTreeMap<Key, Tree>;

/// A tree of JSON.
pub(crate) fn json(text: &str) -> Tree {
    parse(text.as_bytes()).unwrap().tree
}

/// A cluster whose cache may lag behind its store.
#[derive(Default)]
pub(crate) struct Double {
    stored: Mutex<Objects>,
    cached: Mutex<Objects>,
    revision: Mutex<i64>,
    /// Writes do not reach the cache.
    pub(crate) lags: bool,
    /// Whether each write lets others run first.
    pub(crate) slow: bool,
    /// How many updates there were, failed ones with them.
    pub(crate) updates: Mutex<usize>,
    /// So many updates fail because another came first.
    pub(crate) conflicts: Mutex<usize>,
}

impl Double {
    fn key(resource: &GroupResource, object: &Tree) -> Key {
        let (namespace, name) = (meta::namespace(object), meta::name(object));
        (resource.clone(), namespace.to_owned(), name.to_owned())
    }

    fn write(&self, resource: &GroupResource, mut object: Tree, cached: bool) -> Tree {
        let mut revision = self.revision.lock();
        *revision += 1;
        meta::set_resource_version(&mut object, &revision.to_string());
        let key = Self::key(resource, &object);
        if cached {
            self.cached.lock().insert(key.clone(), object.clone());
        }
        self.stored.lock().insert(key, object.clone());
        object
    }

    /// Stores an object that the cache knows, too.
    pub(crate) fn put(&self, resource: &str, text: &str) {
        self.write(&GroupResource::parse(resource), json(text), true);
    }

    /// Stores an object that the cache does not know yet.
    pub(crate) fn store(&self, resource: &str, text: &str) {
        self.write(&GroupResource::parse(resource), json(text), false);
    }

    /// Takes an object away, which the cache does not learn.
    pub(crate) fn forget(&self, resource: &str, namespace: &str, name: &str) {
        let key = (GroupResource::parse(resource), namespace.to_owned(), name.to_owned());
        self.stored.lock().remove(&key);
    }

    /// Takes an object away.
    pub(crate) fn take(&self, resource: &str, namespace: &str, name: &str) {
        let key = (GroupResource::parse(resource), namespace.to_owned(), name.to_owned());
        self.cached.lock().remove(&key);
        self.stored.lock().remove(&key);
    }

    /// An object as it is stored.
    pub(crate) fn stored(&self, resource: &str, namespace: &str, name: &str) -> Tree {
        let key = (GroupResource::parse(resource), namespace.to_owned(), name.to_owned());
        self.stored.lock().get(&key).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl Cluster for Double {
    fn cached(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Tree> {
        let key = (resource.clone(), namespace.to_owned(), name.to_owned());
        self.cached.lock().get(&key).cloned()
    }

    fn cached_list(&self, resource: &GroupResource, namespace: &str) -> Vec<Tree> {
        let cached = self.cached.lock();
        let here = cached
            .iter()
            .filter(|(key, _)| key.0 == *resource && (namespace.is_empty() || key.1 == namespace));
        here.map(|(_, object)| object.clone()).collect()
    }

    fn mark(&self, _resource: &GroupResource) -> Mark {
        let revision = *self.revision.lock();
        Mark { readings: 0, revision }
    }

    async fn read(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<Tree, Status> {
        let key = (resource.clone(), namespace.to_owned(), name.to_owned());
        let found = self.stored.lock().get(&key).cloned();
        found.ok_or_else(|| Status::not_found(resource, name))
    }

    async fn create(&self, resource: &GroupResource, object: Tree) -> Result<Tree, Status> {
        Ok(self.write(resource, object, !self.lags))
    }

    async fn update(&self, resource: &GroupResource, _subresource: &str, object: Tree) -> Result<Tree, Status> {
        if self.slow {
            tokio::task::yield_now().await;
        }
        *self.updates.lock() += 1;
        let stored = self
            .stored
            .lock()
            .get(&Self::key(resource, &object))
            .map(|old| meta::resource_version(old).to_owned());
        let Some(version) = stored else {
            return Err(Status::not_found(resource, meta::name(&object)));
        };
        let mut conflicts = self.conflicts.lock();
        if *conflicts > 0 || version != meta::resource_version(&object) {
            *conflicts = conflicts.saturating_sub(1);
            return Err(Status::conflict(resource, meta::name(&object), "it changed"));
        }
        Ok(self.write(resource, object, !self.lags))
    }

    async fn delete(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<(), Status> {
        self.take(&resource.to_string(), namespace, name);
        Ok(())
    }
}

/// Allows what is listed: `delete apps/deployments d`, `update /pods/finalizers *`.
#[derive(Default)]
pub(crate) struct Rights(BTreeSet<String>);

#[async_trait]
impl Authorizer for Rights {
    async fn authorize(&self, asked: &Attributes<'_>) -> Verdict {
        let On::Resource(on) = &asked.on else {
            return Verdict::no_opinion();
        };
        let mut right = format!("{} {}/{}", asked.verb, on.group, on.resource);
        if !on.subresource.is_empty() {
            right = format!("{right}/{}", on.subresource);
        }
        if self.0.contains(&format!("{right} {}", on.name)) {
            Verdict::allow("listed")
        } else {
            Verdict::no_opinion()
        }
    }

    async fn rules(&self, _user: &User, _namespace: &str) -> Rules {
        Rules::default()
    }
}

/// What a request happens in.
pub(crate) struct Scene {
    pub(crate) cluster: Double,
    pub(crate) rights: Rights,
    pub(crate) user: User,
    pub(crate) warnings: Mutex<Warnings>,
    options: Tree,
}

impl Scene {
    /// An empty cluster, whose user jane may do nothing.
    pub(crate) fn new() -> Self {
        Self {
            cluster: Double::default(),
            rights: Rights::default(),
            user: User::new("jane", []),
            warnings: Mutex::default(),
            options: Map::new().into(),
        }
    }

    /// The user may do this and nothing else.
    pub(crate) fn allow(&mut self, rights: &[&str]) {
        self.rights = Rights(rights.iter().map(|right| (*right).to_owned()).collect());
    }

    /// A request about an object `x` in the namespace `n`. The resource is `deployments.apps`.
    pub(crate) fn request(&self, operation: Operation, resource: &str) -> Request<'_> {
        Request {
            operation,
            kind: GroupVersionKind::default(),
            resource: GroupResource::parse(resource).version("v1"),
            subresource: "",
            namespace: "n",
            name: "x",
            user: &self.user,
            dry_run: false,
            options: &self.options,
            old: None,
            now: Time::parse("2026-01-01T00:00:00Z").unwrap(),
            cluster: &self.cluster,
            authorizer: &self.rights,
            warnings: &self.warnings,
        }
    }
}

/// The message of a refusal; empty where there is none.
pub(crate) fn told(result: Result<(), Status>) -> String {
    result.err().map(|status| status.message).unwrap_or_default()
}
