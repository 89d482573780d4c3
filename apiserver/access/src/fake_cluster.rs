//! A cluster in memory, for tests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::{Tree, parse};
use apiserver_storage::cache::Mark;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;
use parking_lot::Mutex;

type Key = (GroupResource, String, String);

/// What it is asked to do before a write happens, once.
type Trick = Box<dyn FnOnce(&FakeCluster) + Send>;

#[derive(Default)]
pub(crate) struct FakeCluster {
    state: Mutex<State>,
    lists: AtomicUsize,
    trick: Mutex<Option<Trick>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<Key, Tree>,
    changed: BTreeMap<GroupResource, i64>,
    revision: i64,
    readings: u64,
    writes: Vec<String>,
    broken: bool,
}

impl State {
    fn write(&mut self, key: Key, mut object: Tree) -> Tree {
        self.revision += 1;
        self.changed.insert(key.0.clone(), self.revision);
        meta::set_resource_version(&mut object, &self.revision.to_string());
        if meta::uid(&object).is_empty() {
            meta::set_uid(&mut object, &format!("u{}", self.revision));
        }
        self.objects.insert(key, object.clone());
        object
    }

    fn take(&mut self, key: &Key) -> Option<Tree> {
        self.revision += 1;
        self.changed.insert(key.0.clone(), self.revision);
        self.objects.remove(key)
    }
}

fn key(resource: &GroupResource, namespace: &str, name: &str) -> Key {
    (resource.clone(), namespace.to_owned(), name.to_owned())
}

impl FakeCluster {
    /// Writes an object as if somebody else had.
    pub(crate) fn put(&self, resource: &GroupResource, json: &str) {
        let object = parse(json.as_bytes()).unwrap().tree;
        let key = key(resource, meta::namespace(&object), meta::name(&object));
        self.state.lock().write(key, object);
    }

    /// Deletes an object as if somebody else had.
    pub(crate) fn take(&self, resource: &GroupResource, namespace: &str, name: &str) {
        self.state.lock().take(&key(resource, namespace, name)).unwrap();
    }

    /// Goes back to before the first write, as a store does that is restored.
    pub(crate) fn go_back(&self) {
        let mut state = self.state.lock();
        *state = State {
            readings: state.readings + 1,
            ..State::default()
        };
    }

    /// How often lists were asked for.
    pub(crate) fn lists(&self) -> usize {
        self.lists.load(Ordering::Relaxed)
    }

    /// The writes since the last time this was asked: `create clusterroles /x`.
    pub(crate) fn writes(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().writes)
    }

    /// What happens between the next read and its write.
    pub(crate) fn before_write(&self, trick: impl FnOnce(&Self) + Send + 'static) {
        *self.trick.lock() = Some(Box::new(trick));
    }

    /// Whether the store answers.
    pub(crate) fn set_broken(&self, broken: bool) {
        self.state.lock().broken = broken;
    }

    fn begin(&self, verb: &str, key: &Key) -> Result<(), Status> {
        let trick = self.trick.lock().take();
        if let Some(trick) = trick {
            trick(self);
        }
        let mut state = self.state.lock();
        if state.broken {
            return Err(Status::internal("etcdserver: no leader"));
        }
        state
            .writes
            .push(format!("{verb} {} {}/{}", key.0.resource, key.1, key.2));
        Ok(())
    }
}

#[async_trait]
impl Cluster for FakeCluster {
    fn cached(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Tree> {
        self.state.lock().objects.get(&key(resource, namespace, name)).cloned()
    }

    fn cached_list(&self, resource: &GroupResource, namespace: &str) -> Vec<Tree> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        let state = self.state.lock();
        let wanted = |key: &Key| key.0 == *resource && (namespace.is_empty() || key.1 == namespace);
        state
            .objects
            .iter()
            .filter(|(key, _)| wanted(key))
            .map(|(_, object)| object.clone())
            .collect()
    }

    fn mark(&self, resource: &GroupResource) -> Mark {
        let state = self.state.lock();
        Mark {
            readings: state.readings,
            revision: state.changed.get(resource).copied().unwrap_or_default(),
        }
    }

    async fn read(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<Tree, Status> {
        let state = self.state.lock();
        if state.broken {
            return Err(Status::internal("etcdserver: no leader"));
        }
        let object = state.objects.get(&key(resource, namespace, name)).cloned();
        object.ok_or_else(|| Status::not_found(resource, name))
    }

    async fn create(&self, resource: &GroupResource, object: Tree) -> Result<Tree, Status> {
        let key = key(resource, meta::namespace(&object), meta::name(&object));
        self.begin("create", &key)?;
        let mut state = self.state.lock();
        if state.objects.contains_key(&key) {
            return Err(Status::already_exists(resource, &key.2));
        }
        assert_eq!(meta::resource_version(&object), "");
        Ok(state.write(key, object))
    }

    async fn update(&self, resource: &GroupResource, _subresource: &str, object: Tree) -> Result<Tree, Status> {
        let key = key(resource, meta::namespace(&object), meta::name(&object));
        self.begin("update", &key)?;
        let mut state = self.state.lock();
        let Some(old) = state.objects.get(&key) else {
            return Err(Status::not_found(resource, &key.2));
        };
        let version = meta::resource_version(&object);
        if !version.is_empty() && version != meta::resource_version(old) {
            return Err(Status::conflict(resource, &key.2, "the object has been modified"));
        }
        Ok(state.write(key, object))
    }

    async fn delete(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<(), Status> {
        let key = key(resource, namespace, name);
        self.begin("delete", &key)?;
        let taken = self.state.lock().take(&key);
        taken.map(drop).ok_or_else(|| Status::not_found(resource, name))
    }
}
