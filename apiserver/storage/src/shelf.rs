//! The objects of one kind: their keys, their cache, and the writes that change them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use apiserver_api::gvk::GroupResource;
use apiserver_api::tree::{Text, Tree};
use bytes::Bytes;
use store_client::{Get, KeyValue, Put, Swap};

use crate::awaited::Awaited;
use crate::cache::{Cache, Clock};
use crate::error::Error;
use crate::metrics::Counts;
use crate::object::{Draft, Object, Reading, Unreadable};
use crate::remaining::Remaining;
use crate::select::Select;
use crate::store::{Layout, Store};

/// The objects of one kind.
pub struct Shelf {
    folder: Text,
    name: Text,
    resource: GroupResource,
    namespaced: bool,
    reading: Arc<dyn Reading>,
    cache: Cache,
    counts: Counts,
    awaited: Awaited,
    remaining: Remaining,
}

/// How a write that expected a revision ended.
#[derive(Debug)]
pub enum Written {
    /// Done; the object as it is now, or as it was last where it was deleted, with the revision of the write.
    Done(Arc<Object>),
    /// Another revision is there; `None` where nothing is.
    Conflict(Option<Arc<Object>>),
}

impl Shelf {
    pub(crate) fn new(layout: Layout, prefix: &str, clock: Arc<Clock>, counts: Counts) -> Self {
        Self {
            folder: format!("{prefix}{}/", layout.folder).into(),
            name: layout.folder,
            resource: layout.resource,
            namespaced: layout.namespaced,
            reading: layout.reading,
            cache: Cache::new(layout.history, clock),
            counts,
            awaited: Awaited::default(),
            remaining: Remaining::default(),
        }
    }

    /// Where its objects are, with the store's prefix and a slash at the end.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Where its objects are, below the store's prefix.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is called in metrics.
    pub(crate) const fn resource(&self) -> &GroupResource {
        &self.resource
    }

    /// What is counted of it.
    pub(crate) const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What was left after the last pages.
    pub(crate) const fn remaining(&self) -> &Remaining {
        &self.remaining
    }

    /// The cache has taken in all that the watch told up to this revision.
    pub(crate) fn met(&self, revision: i64) {
        self.awaited.met(revision);
    }

    /// The store went back to a revision before: what was written here is gone, or another's.
    pub(crate) fn went_back(&self) {
        self.awaited.clear();
    }

    /// What is there, without asking the store.
    pub const fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The key of an object.
    pub fn key(&self, namespace: &str, name: &str) -> Text {
        let mut key = self.folder.clone();
        if self.namespaced {
            key.push_str(namespace);
            key.push('/');
        }
        key.push_str(name);
        key
    }

    /// What the keys of all objects of a namespace begin with; of all namespaces where it is empty.
    pub fn keys(&self, namespace: &str) -> Text {
        let mut keys = self.folder.clone();
        if self.namespaced && !namespace.is_empty() {
            keys.push_str(namespace);
            keys.push('/');
        }
        keys
    }

    /// The key of the one object that can be asked for, where that is known.
    pub fn single(&self, select: &Select) -> Option<Text> {
        let (name, namespace) = (select.name()?, select.within());
        let is_known = !self.namespaced || !namespace.is_empty();
        is_known.then(|| self.key(&namespace, name))
    }

    /// Reads what the store has under a key.
    pub(crate) fn read(&self, kv: &KeyValue) -> Result<Arc<Object>, Unreadable> {
        let key = key_of(kv)?;
        if let Some(object) = self.awaited.find(key, kv.mod_revision, &kv.value) {
            return Ok(object);
        }
        match self.cached(key, kv.mod_revision) {
            Some(object) => Ok(object),
            None => self.read_anew(kv),
        }
    }

    /// The same, whatever is known of that revision.
    pub(crate) fn read_anew(&self, kv: &KeyValue) -> Result<Arc<Object>, Unreadable> {
        Object::read(key_of(kv)?, kv.mod_revision, &kv.value, &*self.reading)
            .map(Arc::new)
            .inspect_err(|_| self.counts.cache.undecodable.get().inc())
    }

    /// The object as it stands under a key since a revision, where the cache has just that.
    fn cached(&self, key: &str, revision: i64) -> Option<Arc<Object>> {
        self.cache.get(key).filter(|object| object.revision == revision)
    }

    /// The object as the store has it.
    ///
    /// # Errors
    /// The store does not answer, or has what cannot be read.
    pub async fn get(&self, store: &Store, key: &str) -> Result<Option<Arc<Object>>, Error> {
        let asked = store.client.get_key(key.as_bytes().to_vec());
        let kv = self.counts.requests.get.count(asked).await?;
        Ok(kv.as_ref().map(|kv| self.read(kv)).transpose()?)
    }

    /// Whether an object is there as far as this server knows: it has seen what was written by itself, and what others wrote as
    /// far as the watch has told. The store is not asked.
    ///
    /// # Errors
    /// The cache was not filled yet, or does not follow.
    pub async fn is_known(&self, store: &Store, key: &str) -> Result<bool, Error> {
        self.reaches(store, store.written()).await?;
        Ok(self.cache.get(key).is_some())
    }

    /// The objects under a prefix at a revision of the past, as the store remembers it: at most so many after a key, whether
    /// there are more, and how many there are in all.
    ///
    /// # Errors
    /// The store does not answer or has forgotten, or has what cannot be read.
    pub(crate) async fn past(
        &self,
        store: &Store,
        from: &str,
        to: Vec<u8>,
        revision: i64,
        limit: usize,
    ) -> Result<(Vec<Arc<Object>>, bool, i64), Error> {
        let span = store_client::Span::range(from.as_bytes().to_vec(), to);
        let asked = store.client.get(Get::new(span).revision(revision).limit(limit as i64));
        let page = self.counts.requests.list.count(asked).await?;
        let objects: Result<Vec<_>, _> = page.kvs.iter().map(|kv| self.read(kv)).collect();
        Ok((objects?, page.more, page.count))
    }

    /// Writes an object where the last write was at a revision; 0 where there is none. It may be told to die.
    ///
    /// # Errors
    /// The store does not answer; what was written may be there or not.
    pub async fn put(
        &self,
        store: &Store,
        key: &str,
        expected: i64,
        object: Tree,
        ttl: Option<Duration>,
    ) -> Result<Written, Error> {
        let draft = Arc::new(Draft::new(object, &*self.reading));
        let swap = self.swap(store, key, expected, &draft, ttl).await?;
        self.written(store, key, &draft, swap)
    }

    /// The same; an object that is too large for the store is written without its managed fields, which may be most of it.
    ///
    /// # Errors
    /// As those of [`Self::put`].
    pub async fn put_or_thin(
        &self,
        store: &Store,
        key: &str,
        expected: i64,
        object: Tree,
        ttl: Option<Duration>,
    ) -> Result<Written, Error> {
        let mut draft = Arc::new(Draft::new(object, &*self.reading));
        let mut swap = self.swap(store, key, expected, &draft, ttl).await;
        if let Err(Error::Store(fault)) = &swap
            && fault.is_too_large()
        {
            draft = Arc::new(draft.thin(&*self.reading));
            swap = self.swap(store, key, expected, &draft, ttl).await;
        }
        self.written(store, key, &draft, swap?)
    }

    async fn swap(
        &self,
        store: &Store,
        key: &str,
        expected: i64,
        draft: &Arc<Draft>,
        ttl: Option<Duration>,
    ) -> Result<Swap, Error> {
        let value = Bytes::from(draft.value());
        let _sending = self.awaited.sends(key, draft, &value);
        let mut put = Put::new(key.as_bytes().to_vec(), value);
        if let Some(ttl) = ttl {
            put = put.lease(store.leases.lasting(ttl).await?);
        }
        let requests = &self.counts.requests;
        let sort = if expected == 0 {
            &requests.create
        } else {
            &requests.update
        };
        Ok(sort.count(store.client.compare_and_swap(expected, put)).await?)
    }

    fn written(&self, store: &Store, key: &str, draft: &Draft, swap: Swap) -> Result<Written, Error> {
        match swap {
            Swap::Done { revision } => {
                store.wrote(revision);
                let object = self.cached(key, revision).unwrap_or_else(|| {
                    let object = Arc::new(draft.at(key, revision));
                    self.awaited.keep(&object);
                    object
                });
                Ok(Written::Done(object))
            }
            Swap::Conflict { current, .. } => self.conflict(current.as_ref()),
        }
    }

    /// Deletes an object whose last write was at its revision.
    ///
    /// # Errors
    /// The store does not answer; the object may be there or not.
    pub async fn delete(&self, store: &Store, object: &Object) -> Result<Written, Error> {
        let key = object.key.as_bytes().to_vec();
        let asked = store.client.compare_and_delete(object.revision, key);
        match self.counts.requests.delete.count(asked).await? {
            Swap::Done { revision } => {
                store.wrote(revision);
                Ok(Written::Done(Arc::new(object.at(revision))))
            }
            Swap::Conflict { current, .. } => self.conflict(current.as_ref()),
        }
    }

    /// Waits until the cache has what the store had at a revision.
    ///
    /// # Errors
    /// It does not in time, or was not filled yet.
    pub(crate) async fn reaches(&self, store: &Store, revision: i64) -> Result<(), Error> {
        let begun = Instant::now();
        let reached = store.reaches(revision).await;
        self.counts.cache.wait.get().observe(begun.elapsed().as_secs_f64());
        reached
    }

    /// Waits until the cache has all that the store had when this was called.
    ///
    /// # Errors
    /// The store does not answer, or the cache does not follow.
    pub async fn is_fresh(&self, store: &Store) -> Result<(), Error> {
        let revision = store.revision().await?;
        self.reaches(store, revision).await
    }

    fn conflict(&self, current: Option<&KeyValue>) -> Result<Written, Error> {
        let current = current.map(|kv| self.read(kv)).transpose()?;
        Ok(Written::Conflict(current))
    }
}

fn key_of(kv: &KeyValue) -> Result<&str, Unreadable> {
    std::str::from_utf8(&kv.key).map_err(|error| Unreadable {
        key: String::from_utf8_lossy(&kv.key).into_owned(),
        why: error.to_string(),
    })
}
