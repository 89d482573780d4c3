//! What tests of authentication share: a request made of what is named, and objects in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::{Text, Tree, parse};
use apiserver_api::user::User;
use apiserver_storage::cache::Mark;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;
use base::clock::ManualClock;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;

use super::{
    Asked, Authenticated, Authenticator, Credentials, Headers, Metrics, Notes, Outcome, Peer, Said, TokenAuthenticator,
};

/// 2026-01-01T00:00:00Z.
pub(crate) const NOW: i64 = 1_767_225_600;

/// A request, and the time at which it comes.
pub(crate) struct Trial {
    pub(crate) clock: ManualClock,
    headers: Vec<(&'static str, String)>,
    path: &'static str,
    audiences: Vec<Text>,
    peer: Option<Peer>,
    said: Mutex<Said>,
}

impl Trial {
    pub(crate) fn new() -> Self {
        Self {
            clock: ManualClock::new(NOW as u64 * 1000),
            headers: Vec::new(),
            path: "/",
            audiences: Vec::new(),
            peer: None,
            said: Mutex::default(),
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    pub(crate) fn of(mut self, audiences: &[&str]) -> Self {
        self.audiences = audiences.iter().map(|audience| (*audience).into()).collect();
        self
    }

    pub(crate) fn peer(mut self, peer: Peer) -> Self {
        self.peer = Some(peer);
        self
    }

    /// What was noted so far.
    pub(crate) fn said(&self) -> Said {
        self.said.lock().clone()
    }

    pub(crate) async fn ask(&self, who: &dyn Authenticator) -> Outcome {
        self.with(async |credentials| who.authenticate(credentials).await).await
    }

    pub(crate) async fn ask_token(&self, who: &dyn TokenAuthenticator, token: &str) -> Outcome {
        self.with(async |credentials| {
            let asked: Asked<'_> = credentials.into();
            who.authenticate(token, asked).await
        })
        .await
    }

    pub(crate) async fn with<T>(&self, ask: impl AsyncFnOnce(&Credentials<'_>) -> T) -> T {
        let headers = self.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        let headers: Vec<(&str, &[u8])> = headers.collect();
        let notes = Notes::new();
        let credentials = Credentials {
            peer: self.peer.as_ref(),
            headers: Headers::new(&headers),
            path: self.path,
            audiences: &self.audiences,
            notes: &notes,
        };
        let answer = ask(&credentials).await;
        let said = notes.into_said();
        let mut all = self.said.lock();
        all.warnings.extend(said.warnings);
        all.annotations.extend(said.annotations);
        answer
    }
}

pub(crate) fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new(&prometheus::Registry::new()).unwrap())
}

#[expect(clippy::unnecessary_wraps, reason = "an outcome among outcomes")]
pub(crate) fn nobody() -> Outcome {
    Ok(None)
}

#[expect(clippy::unnecessary_wraps, reason = "an outcome among outcomes")]
pub(crate) fn somebody(name: &str) -> Outcome {
    Ok(Some(Authenticated::user(User::new(name, []))))
}

/// Knows one token, and whose it is.
pub(crate) struct OneToken(pub(crate) &'static str, pub(crate) &'static str);

#[async_trait]
impl TokenAuthenticator for OneToken {
    async fn authenticate(&self, token: &str, _asked: Asked<'_>) -> Outcome {
        if token == self.0 { somebody(self.1) } else { nobody() }
    }
}

/// Objects in memory: in the cache, or in the store alone.
#[derive(Default)]
pub(crate) struct Objects {
    all: Mutex<BTreeMap<[String; 3], Tree>>,
    /// Nothing is in the cache.
    pub(crate) behind: bool,
}

impl Objects {
    pub(crate) fn of(objects: impl IntoIterator<Item = (&'static str, Tree)>) -> Self {
        let all = Self::default();
        for (plural, object) in objects {
            all.put(plural, object);
        }
        all
    }

    pub(crate) fn put(&self, plural: &str, object: Tree) {
        let key = [plural, meta::namespace(&object), meta::name(&object)].map(str::to_owned);
        self.all.lock().insert(key, object);
    }

    pub(crate) fn take(&self, plural: &str, namespace: &str, name: &str) -> Option<Tree> {
        self.all.lock().remove(&[plural, namespace, name].map(str::to_owned))
    }

    pub(crate) fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<Tree> {
        self.all
            .lock()
            .get(&[plural, namespace, name].map(str::to_owned))
            .cloned()
    }
}

#[async_trait]
impl Cluster for Objects {
    fn cached(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Tree> {
        self.get(&resource.resource, namespace, name).filter(|_| !self.behind)
    }

    fn cached_list(&self, _resource: &GroupResource, _namespace: &str) -> Vec<Tree> {
        Vec::new()
    }

    fn mark(&self, _resource: &GroupResource) -> Mark {
        Mark::default()
    }

    async fn read(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<Tree, Status> {
        let found = self.get(&resource.resource, namespace, name);
        found.ok_or_else(|| Status::not_found(resource, name))
    }

    async fn create(&self, resource: &GroupResource, object: Tree) -> Result<Tree, Status> {
        self.put(&resource.resource, object.clone());
        Ok(object)
    }

    async fn update(&self, resource: &GroupResource, _subresource: &str, object: Tree) -> Result<Tree, Status> {
        self.put(&resource.resource, object.clone());
        Ok(object)
    }

    async fn delete(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<(), Status> {
        self.take(&resource.resource, namespace, name);
        Ok(())
    }
}

pub(crate) fn tree(json: &str) -> Tree {
    parse(json.as_bytes()).unwrap().tree
}

/// A secret with these texts in it.
pub(crate) fn secret(namespace: &str, name: &str, kind: &str, data: &[(&str, &str)]) -> Tree {
    let mut secret = Tree::map();
    meta::set_namespace(&mut secret, namespace);
    meta::set_name(&mut secret, name);
    secret.set("type", kind);
    for (key, value) in data {
        secret.child("data").set(key, STANDARD.encode(value));
    }
    secret
}
