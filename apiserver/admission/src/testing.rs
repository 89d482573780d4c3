//! What unit tests of plugins share: a cluster in memory, and writes that plugins are asked about.

use apiserver_access::authorize::{Attributes, Authorizer, On, Rules, Verdict};
use apiserver_api::gvk::{GroupResource, GroupVersionKind, GroupVersionResource};
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::{self, Tree};
use apiserver_api::user::User;
use apiserver_api::warnings::Warnings;
use apiserver_storage::cache::Mark;
use async_trait::async_trait;
use parking_lot::Mutex;

use crate::Cluster;
use crate::plugin::{Operation, Plugin, Request};

/// The time of all writes, in seconds since 1970.
pub(crate) const NOW: i64 = 1_767_225_600;

/// A tree of JSON.
pub(crate) fn tree(json: &str) -> Tree {
    tree::parse(json.as_bytes()).unwrap().tree
}

type Objects = Vec<(GroupResource, Tree)>;

/// Objects in memory: what the cache knows, what the store has, what was made.
#[derive(Default)]
pub(crate) struct World {
    cached: Mutex<Objects>,
    stored: Mutex<Objects>,
    made: Mutex<Vec<Tree>>,
    failure: Mutex<Option<Status>>,
    /// How often the store was read.
    pub(crate) reads: Mutex<usize>,
}

impl World {
    /// What was made.
    pub(crate) fn made(&self) -> Vec<Tree> {
        self.made.lock().clone()
    }

    /// From now on the store answers so.
    pub(crate) fn fail(&self, status: Status) {
        *self.failure.lock() = Some(status);
    }

    /// An object that the store has from now on.
    pub(crate) fn store(&self, group: &str, resource: &str, object: Tree) {
        self.stored.lock().push((GroupResource::new(group, resource), object));
    }

    fn failure(&self) -> Result<(), Status> {
        self.failure.lock().clone().map_or(Ok(()), Err)
    }
}

fn find(objects: &Objects, resource: &GroupResource, namespace: &str, name: &str) -> Option<Tree> {
    let is_it = |object: &Tree| meta::namespace(object) == namespace && meta::name(object) == name;
    let found = objects.iter().find(|(of, object)| of == resource && is_it(object));
    found.map(|(_, object)| object.clone())
}

#[async_trait]
impl Cluster for World {
    fn cached(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Tree> {
        find(&self.cached.lock(), resource, namespace, name)
    }

    fn cached_list(&self, resource: &GroupResource, namespace: &str) -> Vec<Tree> {
        let cached = self.cached.lock();
        let within = |object: &Tree| namespace.is_empty() || meta::namespace(object) == namespace;
        let found = cached.iter().filter(|(of, object)| of == resource && within(object));
        found.map(|(_, object)| object.clone()).collect()
    }

    fn mark(&self, _resource: &GroupResource) -> Mark {
        Mark::default()
    }

    async fn read(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<Tree, Status> {
        *self.reads.lock() += 1;
        self.failure()?;
        find(&self.stored.lock(), resource, namespace, name).ok_or_else(|| Status::not_found(resource, name))
    }

    async fn create(&self, resource: &GroupResource, object: Tree) -> Result<Tree, Status> {
        self.failure()?;
        if find(
            &self.stored.lock(),
            resource,
            meta::namespace(&object),
            meta::name(&object),
        )
        .is_some()
        {
            return Err(Status::already_exists(resource, meta::name(&object)));
        }
        self.made.lock().push(object.clone());
        Ok(object)
    }

    async fn update(&self, _resource: &GroupResource, _subresource: &str, _object: Tree) -> Result<Tree, Status> {
        Err(Status::unknown("nothing is updated here"))
    }

    async fn delete(&self, _resource: &GroupResource, _namespace: &str, _name: &str) -> Result<(), Status> {
        Err(Status::unknown("nothing is deleted here"))
    }
}

/// Allows one verb on one resource.
#[derive(Default)]
pub(crate) struct Allows(pub(crate) &'static str, pub(crate) &'static str);

#[async_trait]
impl Authorizer for Allows {
    async fn authorize(&self, asked: &Attributes<'_>) -> Verdict {
        match &asked.on {
            On::Resource(on) if asked.verb == self.0 && on.resource == self.1 => Verdict::allow(""),
            _ => Verdict::no_opinion(),
        }
    }

    async fn rules(&self, _user: &User, _namespace: &str) -> Rules {
        Rules::default()
    }
}

/// A write that plugins are asked about.
pub(crate) struct Ask {
    pub(crate) operation: Operation,
    pub(crate) dry_run: bool,
    pub(crate) now: Time,
    pub(crate) user: User,
    pub(crate) world: World,
    pub(crate) allows: Allows,
    kind: GroupVersionKind,
    resource: GroupVersionResource,
    subresource: String,
    namespace: String,
    name: String,
    old: Option<Tree>,
    options: Tree,
    warnings: Mutex<Warnings>,
}

impl Ask {
    /// A new object.
    pub(crate) fn create(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        Self {
            operation: Operation::Create,
            dry_run: false,
            now: Time::from_unix(NOW),
            user: User::new("jane", []),
            world: World::default(),
            allows: Allows::default(),
            kind: GroupVersionKind::new(group, version, kind),
            resource: GroupVersionResource::new(group, version, plural),
            subresource: String::new(),
            namespace: String::new(),
            name: String::new(),
            old: None,
            options: Tree::map(),
            warnings: Mutex::default(),
        }
    }

    /// In a namespace.
    pub(crate) fn within(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// With a name.
    pub(crate) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Of a part of the object.
    pub(crate) fn part(mut self, subresource: &str) -> Self {
        subresource.clone_into(&mut self.subresource);
        self
    }

    /// An update of what was so.
    pub(crate) fn changing(mut self, old: &str) -> Self {
        self.operation = Operation::Update;
        self.old = Some(tree(old));
        self
    }

    /// A deletion of what was so.
    pub(crate) fn deleting(mut self, old: &str) -> Self {
        self.operation = Operation::Delete;
        self.old = Some(tree(old));
        self
    }

    /// By somebody else.
    pub(crate) fn by(mut self, user: User) -> Self {
        self.user = user;
        self
    }

    /// With an object that the cache and the store have.
    pub(crate) fn knowing(self, group: &str, resource: &str, object: &str) -> Self {
        let entry = (GroupResource::new(group, resource), tree(object));
        self.world.cached.lock().push(entry);
        self.storing(group, resource, object)
    }

    /// With an object that only the store has.
    pub(crate) fn storing(self, group: &str, resource: &str, object: &str) -> Self {
        self.world.store(group, resource, tree(object));
        self
    }

    /// With an object in the store in place of all of its resource that are there.
    pub(crate) fn stored_instead(self, group: &str, resource: &str, object: &str) -> Self {
        let of = GroupResource::new(group, resource);
        self.world.stored.lock().retain(|(one, _)| *one != of);
        self.storing(group, resource, object)
    }

    /// As plugins see it.
    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            operation: self.operation,
            kind: self.kind.clone(),
            resource: self.resource.clone(),
            subresource: &self.subresource,
            namespace: &self.namespace,
            name: &self.name,
            user: &self.user,
            dry_run: self.dry_run,
            options: &self.options,
            old: self.old.as_ref(),
            now: self.now,
            cluster: &self.world,
            authorizer: &self.allows,
            warnings: &self.warnings,
        }
    }

    /// The object as a plugin leaves it.
    pub(crate) async fn admit(&self, plugin: &dyn Plugin, object: &str) -> Result<Tree, Status> {
        let mut object = tree(object);
        if plugin.handles(self.operation) {
            plugin.admit(&self.request(), Some(&mut object)).await?;
        }
        Ok(object)
    }

    /// What a plugin says to a write without an object.
    pub(crate) async fn admit_none(&self, plugin: &dyn Plugin) -> Result<(), Status> {
        assert!(plugin.handles(self.operation));
        plugin.admit(&self.request(), None).await
    }

    /// What a plugin says to an object that all have changed.
    pub(crate) async fn validate(&self, plugin: &dyn Plugin, object: &str) -> Result<(), Status> {
        if plugin.handles(self.operation) {
            plugin.validate(&self.request(), Some(&tree(object))).await?;
        }
        Ok(())
    }

    /// What the client was warned of.
    pub(crate) fn warned(&self) -> Vec<String> {
        self.warnings.lock().texts().to_vec()
    }
}
