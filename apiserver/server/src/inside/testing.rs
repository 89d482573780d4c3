//! What the tests share: a cluster in memory whose writes pass the kinds' own rules, and time that is moved by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::{self, Tree};
use apiserver_api::user::User;
use apiserver_kinds::{Asked, Kind};
use apiserver_schema::built_in;
use apiserver_storage::cache::Mark;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;
use base::clock::{Clock, ManualClock};
use base::random::Seeded;
use base::task::Tasks;
use parking_lot::Mutex;
use store_client::{Error, KeyValue, Result as StoreResult, Swap};

use super::applier::Applier;
use super::hooks::Hooks;
use super::store::{MasterLeases, RangeStore};
use super::{Parts, objects};
use crate::metrics::tests::Trial;

/// The first second of 2026.
const START: u64 = 1_767_225_600_000;

/// Everything that a part is given, with time and chance in the test's hand.
pub(super) fn parts() -> (Double, ManualClock, Parts) {
    let clock = ManualClock::new(START);
    let double = Double {
        clock: clock.clone(),
        ..Double::new()
    };
    let parts = Parts {
        cluster: Arc::new(double.clone()),
        applier: Arc::new(double.clone()),
        clock: Arc::new(clock.clone()),
        random: Arc::new(Seeded::new(7)),
        tasks: Tasks::new(),
        hooks: Hooks::new(),
        metrics: Trial::new().metrics,
    };
    (double, clock, parts)
}

/// A tree of JSON.
pub(super) fn json(text: &str) -> Tree {
    tree::parse(text.as_bytes()).unwrap().tree
}

/// Waits until so many wait for the clock.
pub(super) async fn asleep(clock: &ManualClock, count: usize) {
    while clock.sleepers() < count {
        tokio::task::yield_now().await;
    }
}

type Key = (GroupResource, String, String);

/// A cluster in memory.
#[derive(Clone)]
pub(super) struct Double {
    state: Arc<Mutex<State>>,
    clock: ManualClock,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<Key, Tree>,
    revision: i64,
    changed: BTreeMap<GroupResource, i64>,
    conflicts: BTreeSet<GroupResource>,
    refused: BTreeSet<GroupResource>,
    /// Objects that the cache does not know yet.
    unseen: BTreeSet<String>,
    writes: usize,
}

impl State {
    fn store(&mut self, resource: &GroupResource, mut object: Tree) -> Tree {
        self.revision += 1;
        meta::set_resource_version(&mut object, &self.revision.to_string());
        self.changed.insert(resource.clone(), self.revision);
        self.objects.insert(key_of(resource, &object), object.clone());
        object
    }

    fn check(&mut self, resource: &GroupResource) -> Result<(), Status> {
        self.writes += 1;
        if self.refused.contains(resource) {
            return Err(Status::internal("refused by the test"));
        }
        Ok(())
    }
}

fn key(resource: &GroupResource, namespace: &str, name: &str) -> Key {
    (resource.clone(), namespace.to_owned(), name.to_owned())
}

fn key_of(resource: &GroupResource, object: &Tree) -> Key {
    key(resource, meta::namespace(object), meta::name(object))
}

fn kind_of(resource: &GroupResource) -> &'static Kind {
    apiserver_kinds::find(&resource.group, &resource.resource).unwrap()
}

/// An object as the schema and the defaults of its kind leave it.
fn read(kind: &Kind, object: &mut Tree) {
    let id = built_in().named(kind.versions[0].schema).unwrap();
    let found = built_in().read(id, object);
    assert_eq!(found.unknown, [""; 0], "{}", kind.kind);
    assert!(found.mistake(b"").is_none(), "{}: {object:?}", kind.kind);
    kind.rules.default(object);
    if kind.kind == "Service" {
        apiserver_kinds::service::settle(object, None, &["IPv4", "IPv6"]).unwrap();
    }
}

impl Double {
    pub(super) fn new() -> Self {
        Self {
            state: Arc::default(),
            clock: ManualClock::new(START),
        }
    }

    /// Puts an object there past all rules.
    pub(super) fn put(&self, resource: &GroupResource, object: Tree) {
        self.state.lock().store(resource, object);
    }

    /// The objects of a resource.
    pub(super) fn list(&self, resource: &GroupResource) -> Vec<Tree> {
        let state = self.state.lock();
        let objects = state.objects.iter().filter(|((of, ..), _)| of == resource);
        objects.map(|(_, object)| object.clone()).collect()
    }

    /// The names of a resource's objects.
    pub(super) fn names(&self, resource: &GroupResource) -> Vec<String> {
        let list = self.list(resource);
        list.iter().map(|object| meta::name(object).to_owned()).collect()
    }

    /// An object.
    pub(super) fn get(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Tree> {
        self.state.lock().objects.get(&key(resource, namespace, name)).cloned()
    }

    /// Takes an object away past all rules.
    pub(super) fn take(&self, resource: &GroupResource, namespace: &str, name: &str) {
        let mut state = self.state.lock();
        state.objects.remove(&key(resource, namespace, name));
        state.revision += 1;
        let revision = state.revision;
        state.changed.insert(resource.clone(), revision);
    }

    /// The next update of such an object meets another's.
    pub(super) fn conflict_once(&self, resource: &GroupResource) {
        self.state.lock().conflicts.insert(resource.clone());
    }

    /// No such object can be written from now on.
    pub(super) fn refuse(&self, resource: &GroupResource) {
        self.state.lock().refused.insert(resource.clone());
    }

    /// Such objects can be written again.
    pub(super) fn allow(&self, resource: &GroupResource) {
        self.state.lock().refused.remove(resource);
    }

    /// The cache does not know objects of this name yet.
    pub(super) fn hide(&self, name: &str) {
        self.state.lock().unseen.insert(name.to_owned());
    }

    /// How many writes were tried.
    pub(super) fn writes(&self) -> usize {
        self.state.lock().writes
    }

    fn now(&self) -> Time {
        objects::now(&self.clock)
    }
}

#[async_trait]
impl Cluster for Double {
    fn cached(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Tree> {
        let unseen = self.state.lock().unseen.contains(name);
        self.get(resource, namespace, name).filter(|_| !unseen)
    }

    fn cached_list(&self, resource: &GroupResource, namespace: &str) -> Vec<Tree> {
        let mut list = self.list(resource);
        let state = self.state.lock();
        list.retain(|object| namespace.is_empty() || meta::namespace(object) == namespace);
        list.retain(|object| !state.unseen.contains(meta::name(object)));
        list
    }

    fn mark(&self, resource: &GroupResource) -> Mark {
        let revision = self.state.lock().changed.get(resource).copied().unwrap_or_default();
        Mark { readings: 0, revision }
    }

    async fn read(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<Tree, Status> {
        let found = self.get(resource, namespace, name);
        found.ok_or_else(|| Status::not_found(resource, name))
    }

    async fn create(&self, resource: &GroupResource, mut object: Tree) -> Result<Tree, Status> {
        let kind = kind_of(resource);
        read(kind, &mut object);
        let uid = format!("uid-{}", meta::name(&object));
        meta::set_uid(&mut object, &uid);
        meta::set(&mut object, "creationTimestamp", self.now().to_string());
        let mut state = self.state.lock();
        state.check(resource)?;
        if state.objects.contains_key(&key_of(resource, &object)) {
            return Err(Status::already_exists(resource, meta::name(&object)));
        }
        let user = User::apiserver().to_tree();
        let asked = Asked {
            now: self.now(),
            user: &user,
        };
        kind.create(&asked, &mut object)?;
        Ok(state.store(resource, object))
    }

    async fn update(&self, resource: &GroupResource, subresource: &str, mut object: Tree) -> Result<Tree, Status> {
        let kind = kind_of(resource);
        read(kind, &mut object);
        let mut state = self.state.lock();
        state.check(resource)?;
        let name = meta::name(&object).to_owned();
        let Some(old) = state.objects.get(&key_of(resource, &object)).cloned() else {
            return Err(Status::not_found(resource, &name));
        };
        let version = meta::resource_version(&object);
        let stale = !version.is_empty() && version != meta::resource_version(&old);
        if state.conflicts.remove(resource) || stale {
            return Err(Status::conflict(resource, &name, "it changed"));
        }
        assert!(!version.is_empty() || kind.rules.updates_unconditionally());
        meta::set_resource_version(&mut object, meta::resource_version(&old));
        let user = User::apiserver().to_tree();
        let asked = Asked {
            now: self.now(),
            user: &user,
        };
        if subresource.is_empty() {
            kind.update(&asked, &mut object, &old)?;
        } else {
            kind.update_part(subresource, &asked, &mut object, &old)?;
        }
        Ok(state.store(resource, object))
    }

    async fn delete(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<(), Status> {
        self.state.lock().check(resource)?;
        if self.get(resource, namespace, name).is_none() {
            return Err(Status::not_found(resource, name));
        }
        self.take(resource, namespace, name);
        Ok(())
    }
}

#[async_trait]
impl Applier for Double {
    async fn create_as(&self, _: &str, resource: &GroupResource, object: Tree) -> Result<Tree, Status> {
        Cluster::create(self, resource, object).await
    }

    async fn update_as(&self, _: &str, resource: &GroupResource, object: Tree) -> Result<Tree, Status> {
        Cluster::update(self, resource, "", object).await
    }

    /// As an update: it does not note who said what.
    async fn apply_status(&self, _: &str, resource: &GroupResource, configuration: Tree) -> Result<Tree, Status> {
        let name = meta::name(&configuration);
        let mut object = Cluster::read(self, resource, meta::namespace(&configuration), name).await?;
        object.set("status", configuration.at("status").clone());
        Cluster::update(self, resource, "status", object).await
    }

    async fn moved(&self, resources: &[&'static GroupResource], since: i64) {
        let changed = || resources.iter().map(|resource| self.changed(resource)).max();
        while changed().unwrap_or_default() == since {
            self.clock.sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Leases in memory that last until they are removed.
#[derive(Default)]
pub(super) struct Leases {
    pub(super) held: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl MasterLeases for Leases {
    async fn list(&self) -> StoreResult<Vec<String>> {
        Ok(self.held.lock().iter().cloned().collect())
    }

    async fn update(&self, address: std::net::IpAddr) -> StoreResult<()> {
        self.held.lock().insert(address.to_string());
        Ok(())
    }

    async fn remove(&self, address: std::net::IpAddr) -> StoreResult<bool> {
        Ok(self.held.lock().remove(&address.to_string()))
    }
}

/// A key in memory.
#[derive(Default)]
pub(super) struct RangeKey {
    pub(super) held: Mutex<Option<KeyValue>>,
    pub(super) broken: Mutex<bool>,
}

impl RangeKey {
    /// What is written there.
    pub(super) fn value(&self) -> String {
        let held = self.held.lock();
        let value = held.as_ref().map(|kv| kv.value.to_vec());
        String::from_utf8(value.unwrap_or_default()).unwrap()
    }

    /// Writes it as another apiserver would.
    pub(super) fn write(&self, value: impl Into<Vec<u8>>) {
        let mut held = self.held.lock();
        let revision = held.as_ref().map_or(0, |kv| kv.mod_revision) + 1;
        *held = Some(KeyValue {
            mod_revision: revision,
            value: value.into().into(),
            ..KeyValue::default()
        });
    }
}

#[async_trait]
impl RangeStore for RangeKey {
    async fn read(&self) -> StoreResult<Option<KeyValue>> {
        if *self.broken.lock() {
            return Err(Error::Closed);
        }
        Ok(self.held.lock().clone())
    }

    async fn swap(&self, expected: i64, value: Vec<u8>) -> StoreResult<Swap> {
        if *self.broken.lock() {
            return Err(Error::Closed);
        }
        let current = self.held.lock().clone();
        let revision = current.as_ref().map_or(0, |kv| kv.mod_revision);
        if revision != expected {
            return Ok(Swap::Conflict { current, revision });
        }
        self.write(value);
        Ok(Swap::Done { revision: revision + 1 })
    }
}
