//! The objects of one kind as the store has them: a snapshot that readers take without waiting, and what happened lately.
//!
//! One task feeds it ([`Cache::replace`], [`Cache::apply`]) and then sets the [`Clock`] that all caches share; any number
//! read. A snapshot is a persistent map: taking one copies a pointer, and those that are held share all that did not change.

mod clock;
mod history;

use std::sync::Arc;

use apiserver_api::tree::Text;
use imbl::OrdMap;
use parking_lot::RwLock;

pub use self::clock::{Behind, Clock};
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

    /// The objects whose keys begin with a prefix, from a key on if one is given, in the order of keys.
    pub fn from<'s>(&'s self, prefix: &'s str, from: Option<&str>) -> impl Iterator<Item = &'s Arc<Object>> {
        use std::ops::Bound::{Included, Unbounded};
        let from = from.filter(|from| *from > prefix).unwrap_or(prefix);
        let objects = self.objects.range((Included(Text::from(from)), Unbounded));
        let objects = objects.map(|(_, object)| object);
        objects.take_while(move |object| object.key.starts_with(prefix))
    }
}

/// What happened after a revision is not known any more; it is after this one.
#[derive(Debug, PartialEq, Eq)]
pub struct Forgotten(pub i64);

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

/// Which objects of a kind a cache has. Of two the later is the greater; equal ones are of the same objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// How often all of them were read anew. Where the store had gone back, it has other objects at revisions of before.
    pub readings: u64,
    /// The revision of the last change.
    pub revision: i64,
}

struct State {
    snapshot: Snapshot,
    /// How often all was read anew.
    readings: u64,
    /// The bytes of the bodies of its objects.
    bytes: usize,
    history: History,
}

/// The cache of one kind.
pub struct Cache {
    state: RwLock<State>,
    clock: Arc<Clock>,
}

impl Cache {
    /// An empty cache that keeps so many bytes of what happened, and is as far as this clock says.
    pub fn new(budget: usize, clock: Arc<Clock>) -> Self {
        Self {
            state: RwLock::new(State {
                snapshot: Snapshot::default(),
                readings: 0,
                bytes: 0,
                history: History::new(0, budget),
            }),
            clock,
        }
    }

    /// Begins anew with what the store has at a revision: at the start, and when the store forgot what happened since.
    /// Watchers of before are told that they missed something.
    pub fn replace(&self, revision: i64, objects: impl IntoIterator<Item = Arc<Object>>) {
        let objects: OrdMap<_, Arc<Object>> = objects.into_iter().map(|object| (object.key.clone(), object)).collect();
        let bytes = objects.values().map(|object| object.body().len()).sum();
        let mut state = self.state.write();
        state.bytes = bytes;
        state.readings += 1;
        state.snapshot = Snapshot { revision, objects };
        // Dropping what was before wakes those who wait for it.
        state.history = state.history.after(revision);
    }

    /// Takes in what happened, in order. Those of one revision come together.
    pub fn apply(&self, news: impl IntoIterator<Item = News>) {
        let mut state = self.state.write();
        for News { key, object, revision } in news {
            let objects = &mut state.snapshot.objects;
            let before = match &object {
                Some(object) => objects.insert(key, object.clone()),
                None => objects.remove(&key),
            };
            let size = |object: &Option<Arc<Object>>| object.as_ref().map_or(0, |object| object.body().len());
            state.bytes += size(&object);
            state.bytes -= size(&before);
            // A deletion of what was never seen changes nothing.
            if object.is_some() || before.is_some() {
                state.history.push(Change::new(object, before, revision));
            }
            state.snapshot.revision = state.snapshot.revision.max(revision);
        }
    }

    /// What is there now.
    pub fn snapshot(&self) -> Snapshot {
        // The clock first: it is set once all caches have what it says, so what it says now is in the snapshot.
        let clock = self.clock.now();
        let mut snapshot = self.state.read().snapshot.clone();
        snapshot.revision = snapshot.revision.max(clock);
        snapshot
    }

    /// What was there at a revision, as long as all that happened since is known.
    pub fn snapshot_at(&self, revision: i64) -> Option<Snapshot> {
        let clock = self.clock.now();
        let (mut snapshot, since) = {
            let state = self.state.read();
            if revision > state.snapshot.revision.max(clock) {
                return None;
            }
            (state.snapshot.clone(), state.history.since_revision(revision)?)
        };
        for change in since.iter().rev() {
            match (&change.before, &change.now) {
                (Some(before), _) => drop(snapshot.objects.insert(before.key.clone(), before.clone())),
                (None, Some(now)) => drop(snapshot.objects.remove(&now.key)),
                (None, None) => {}
            }
        }
        snapshot.revision = revision;
        Some(snapshot)
    }

    /// How many objects there are, and how many bytes their bodies have.
    pub fn size(&self) -> (usize, usize) {
        let state = self.state.read();
        (state.snapshot.len(), state.bytes)
    }

    /// Which objects are there now.
    pub fn mark(&self) -> Mark {
        let state = self.state.read();
        Mark {
            readings: state.readings,
            revision: state.snapshot.revision,
        }
    }

    /// The object under a key.
    pub fn get(&self, key: &str) -> Option<Arc<Object>> {
        self.state.read().snapshot.get(key).cloned()
    }

    /// A watcher of what happens after a revision; if that is forgotten, the oldest revision that is not.
    ///
    /// # Errors
    /// [`Forgotten`].
    pub fn watch(&self, key: Option<Key>, after: i64) -> Result<Cursor, Forgotten> {
        let mut state = self.state.write();
        let oldest = state.history.since();
        state.history.watch(key, after).ok_or(Forgotten(oldest))
    }

    /// What is there now, and a watcher of what happens next: nothing is missed and nothing told twice between the two.
    pub fn snapshot_and_watch(&self, key: Option<Key>) -> (Snapshot, Option<Cursor>) {
        let clock = self.clock.now();
        let mut state = self.state.write();
        let mut snapshot = state.snapshot.clone();
        let cursor = state.history.watch(key, snapshot.revision);
        snapshot.revision = snapshot.revision.max(clock);
        (snapshot, cursor)
    }

    /// The next changes for a watcher.
    ///
    /// # Errors
    /// [`Overrun`].
    pub fn read(&self, cursor: &mut Cursor, most: usize) -> Result<Vec<Arc<Change>>, Overrun> {
        self.state.read().history.read(cursor, most)
    }

    /// How many bytes the history takes.
    pub fn history_weight(&self) -> usize {
        self.state.read().history.weight()
    }

    /// How far all caches are.
    pub const fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }
}

#[cfg(test)]
mod tests;
