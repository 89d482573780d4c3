//! The objects of one kind as the store has them: a snapshot that readers take without waiting, and what happened lately.
//!
//! One task feeds it ([`Cache::replace`], [`Cache::apply`], [`Cache::progress`]); any number read. A snapshot is a persistent
//! map: taking one copies a pointer, and those that are held share all that did not change.

mod history;

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::tree::Text;
use imbl::OrdMap;
use parking_lot::RwLock;
use tokio::sync::watch;

pub use self::history::{Cursor, History, Key, Overrun};
use crate::object::{Change, Object};

/// The objects of a kind at one revision, by key.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    revision: i64,
    objects: OrdMap<Text, Arc<Object>>,
}

impl Snapshot {
    /// The revision at which it is what the store has.
    pub const fn revision(&self) -> i64 {
        self.revision
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The object under a key.
    pub fn get(&self, key: &str) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// The objects whose keys begin with a prefix and come after another key, in the order of keys.
    pub fn after<'s>(&'s self, prefix: &'s str, after: Option<&'s str>) -> impl Iterator<Item = &'s Arc<Object>> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let from = match after {
            Some(after) if after >= prefix => Excluded(Text::from(after)),
            _ => Included(Text::from(prefix)),
        };
        let objects = self.objects.range((from, Unbounded)).map(|(_, object)| object);
        objects.take_while(move |object| object.key.starts_with(prefix))
    }
}

/// What the store says happened under a key.
#[derive(Debug)]
pub struct News {
    /// The key.
    pub key: Text,
    /// What is there now; `None` where it was deleted.
    pub object: Option<Arc<Object>>,
    /// The revision of it.
    pub revision: i64,
}

struct State {
    snapshot: Snapshot,
    history: History,
}

/// The cache of one kind.
pub struct Cache {
    state: RwLock<State>,
    /// The revision of the snapshot; 0 until there is one.
    revision: watch::Sender<i64>,
}

/// The cache did not reach a revision in time; it is at this one.
#[derive(Debug, PartialEq, Eq)]
pub struct Behind(pub i64);

impl Cache {
    /// An empty cache that keeps so many bytes of what happened.
    pub fn new(budget: usize) -> Self {
        Self {
            state: RwLock::new(State {
                snapshot: Snapshot::default(),
                history: History::new(0, budget),
            }),
            revision: watch::Sender::new(0),
        }
    }

    /// Begins anew with what the store has at a revision: at the start, and when the store forgot what happened since.
    /// Watchers of before are told that they missed something.
    pub fn replace(&self, revision: i64, objects: impl IntoIterator<Item = Arc<Object>>) {
        let objects = objects.into_iter().map(|object| (object.key.clone(), object)).collect();
        let mut state = self.state.write();
        state.snapshot = Snapshot { revision, objects };
        // Dropping what was before wakes those who wait for it.
        state.history = state.history.after(revision);
        drop(state);
        self.revision.send_replace(revision);
    }

    /// Takes in what happened, all of it up to a revision.
    pub fn apply(&self, news: impl IntoIterator<Item = News>, revision: i64) {
        let mut state = self.state.write();
        for News { key, object, revision } in news {
            let objects = &mut state.snapshot.objects;
            let before = match &object {
                Some(object) => objects.insert(key, object.clone()),
                None => objects.remove(&key),
            };
            // A deletion of what was never seen changes nothing.
            if object.is_some() || before.is_some() {
                state.history.push(Change {
                    now: object,
                    before,
                    revision,
                });
            }
        }
        state.snapshot.revision = state.snapshot.revision.max(revision);
        let now = state.snapshot.revision;
        drop(state);
        self.revision.send_replace(now);
    }

    /// Nothing else happened up to a revision.
    pub fn progress(&self, revision: i64) {
        self.apply([], revision);
    }

    /// What is there now.
    pub fn snapshot(&self) -> Snapshot {
        self.state.read().snapshot.clone()
    }

    /// A watcher of what happens after a revision; `None` if that is forgotten.
    pub fn watch(&self, key: Option<Key>, after: i64) -> Option<Cursor> {
        self.state.write().history.watch(key, after)
    }

    /// What is there now, and a watcher of what happens next: nothing is missed and nothing told twice between the two.
    pub fn snapshot_and_watch(&self, key: Option<Key>) -> (Snapshot, Option<Cursor>) {
        let mut state = self.state.write();
        let snapshot = state.snapshot.clone();
        let cursor = state.history.watch(key, snapshot.revision);
        (snapshot, cursor)
    }

    /// The next changes for a watcher.
    ///
    /// # Errors
    /// [`Overrun`].
    pub fn read(&self, cursor: &mut Cursor, most: usize) -> Result<Vec<Arc<Change>>, Overrun> {
        self.state.read().history.read(cursor, most)
    }

    /// Waits until the cache has what the store had at a revision.
    ///
    /// # Errors
    /// It does not within this time.
    pub async fn reaches(&self, revision: i64, within: Duration) -> Result<(), Behind> {
        let mut at = self.revision.subscribe();
        let reached = at.wait_for(|now| *now >= revision && *now > 0);
        match tokio::time::timeout(within, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Behind(*self.revision.borrow())),
        }
    }
}

#[cfg(test)]
mod tests;
