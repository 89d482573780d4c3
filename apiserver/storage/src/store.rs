//! The store behind the apiserver: any etcd v3 endpoint, below one prefix, and the shelves of all kinds that live there.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use apiserver_api::gvk::GroupResource;
use apiserver_api::tree::Text;
use base::task::Tasks;
use store_client::{Client, Get};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::cache::Clock;
use crate::error::Error;
use crate::leases::Leases;
use crate::metrics::Metrics;
use crate::object::Reading;
use crate::shelf::Shelf;
use crate::{digest, feed};

/// How long a read waits for the caches to be as new as it asks for (`blockTimeout` of upstream's watch cache).
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);
/// While somebody waits, the store is asked this often how far the watch is.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// Those who ask for the store's revision at once are answered together, so many at most.
const ASKERS: usize = 4096;

/// What is known of a kind before its objects are read.
pub struct Layout {
    /// What it is called in metrics.
    pub resource: GroupResource,
    /// Where its objects are, below the prefix: `services/specs`.
    pub folder: Text,
    /// Whether they live in namespaces.
    pub namespaced: bool,
    /// How they are read.
    pub reading: Arc<dyn Reading>,
    /// How many bytes of its history are kept.
    pub history: usize,
}

/// The store.
pub struct Store {
    pub(crate) client: Client,
    /// With slashes at both ends: `/registry/`.
    pub(crate) prefix: Text,
    pub(crate) clock: Arc<Clock>,
    pub(crate) leases: Leases,
    pub(crate) metrics: Arc<Metrics>,
    shelves: HashMap<Text, Arc<Shelf>>,
    /// The last revision that was written here.
    written: AtomicI64,
    /// What was before this revision is compacted away, as the apiservers of the store say; 0 where they said nothing.
    compacted: AtomicI64,
    /// Wakes the feed to ask the store how far the watch is.
    pub(crate) wanted: Notify,
    /// Wakes the feed to begin anew, as the store went back.
    pub(crate) behind: Notify,
    /// What is cached is of revisions that the store has not had: it was restored, or is another one.
    is_stale: AtomicBool,
    askers: mpsc::Sender<oneshot::Sender<Result<i64, store_client::Error>>>,
}

impl Store {
    /// A store with these kinds, which is read and followed from now on. A lease of objects that die is shared for so long at
    /// most (`--lease-reuse-duration-seconds`).
    pub fn open(
        client: Client,
        prefix: &str,
        layouts: impl IntoIterator<Item = Layout>,
        lease_reuse: Duration,
        metrics: Arc<Metrics>,
        tasks: &Tasks,
    ) -> Arc<Self> {
        let prefix: Text = format!("/{}/", prefix.trim_matches('/')).into();
        let clock = Arc::new(Clock::default());
        let shelves = layouts.into_iter().map(|layout| {
            let folder = layout.folder.clone();
            let counts = metrics.of(&layout.resource);
            (folder, Arc::new(Shelf::new(layout, &prefix, clock.clone(), counts)))
        });
        let (askers, asked) = mpsc::channel(ASKERS);
        let store = Arc::new(Self {
            leases: Leases::new(client.clone(), lease_reuse, metrics.leased.clone()),
            client,
            shelves: shelves.collect(),
            metrics,
            prefix,
            clock,
            written: AtomicI64::new(0),
            compacted: AtomicI64::new(0),
            wanted: Notify::new(),
            behind: Notify::new(),
            is_stale: AtomicBool::new(false),
            askers,
        });
        tasks.spawn_until("storage feed", feed::run(store.clone()));
        tasks.spawn_until("storage revision", answer(store.clone(), asked));
        tasks.spawn_until("storage digest", digest::run(store.clone()));
        store
    }

    /// The objects of a kind, by their folder.
    pub fn shelf(&self, folder: &str) -> Option<&Arc<Shelf>> {
        self.shelves.get(folder)
    }

    /// All shelves.
    pub fn shelves(&self) -> impl Iterator<Item = &Arc<Shelf>> {
        self.shelves.values()
    }

    /// The client of the store, for what is no object.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The prefix below which all is, with slashes at both ends.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// How far the caches are.
    pub const fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// The revision of the store at some moment after this was called. All who ask while another is being answered are
    /// answered with one question to the store; where that one fails, it fails for them too.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn revision(&self) -> Result<i64, Error> {
        let (tell, told) = oneshot::channel();
        let closed = || Error::Store(store_client::Error::Closed);
        self.askers.send(tell).await.map_err(|_| closed())?;
        Ok(told.await.map_err(|_| closed())??)
    }

    /// Waits until the caches have what the store had at a revision.
    ///
    /// # Errors
    /// They do not in time, or were not filled yet.
    pub async fn reaches(&self, revision: i64) -> Result<(), Error> {
        if self.clock.now() >= revision && self.clock.now() > 0 {
            return Ok(());
        }
        let reached = self.clock.reaches(revision, PATIENCE);
        tokio::pin!(reached);
        loop {
            self.wanted.notify_one();
            tokio::select! {
                reached = &mut reached => {
                    return reached.map_err(|behind| match behind.0 {
                        0 => Error::NotReady,
                        current => Error::Behind(revision, current),
                    });
                }
                () = tokio::time::sleep(ASK_AGAIN) => {}
            }
        }
    }

    /// The store has this revision by a write of this server.
    pub(crate) fn wrote(&self, revision: i64) {
        self.written.fetch_max(revision, Ordering::Relaxed);
    }

    /// The last revision that was written by this server; 0 before it wrote anything.
    pub(crate) fn written(&self) -> i64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Notes a revision that the store has after it was known to have another. Where it has gone back, nothing that is cached
    /// says anything of it, and nobody is told of that any more.
    pub(crate) fn compare(&self, revision: i64, known: i64) {
        if revision >= known {
            return;
        }
        tracing::warn!(
            revision,
            known,
            "the store went back, as after a restore; all is read anew"
        );
        self.is_stale.store(true, Ordering::Relaxed);
        self.clock.set(0);
        self.written.store(0, Ordering::Relaxed);
        self.compacted.store(0, Ordering::Relaxed);
        for shelf in self.shelves() {
            shelf.went_back();
        }
        self.behind.notify_one();
    }

    /// Whether what is cached is of another store, or of another past of this one.
    pub(crate) fn is_stale(&self) -> bool {
        self.is_stale.load(Ordering::Relaxed)
    }

    /// All is read anew.
    pub(crate) fn renewed(&self) {
        self.is_stale.store(false, Ordering::Relaxed);
    }

    /// What was before a revision is compacted away: it is not listed from memory any more. Watches go on, as far as their
    /// history goes back.
    pub fn forget(&self, before: i64) {
        self.compacted.fetch_max(before, Ordering::Relaxed);
    }

    /// Whether what was there at a revision may be listed from memory.
    pub(crate) fn remembers(&self, revision: i64) -> bool {
        revision >= self.compacted.load(Ordering::Relaxed)
    }

    /// The shelf on which a key stands.
    pub(crate) fn shelf_of(&self, key: &str) -> Option<&Arc<Shelf>> {
        let rest = key.strip_prefix(&*self.prefix)?;
        let (first, after) = rest.split_once('/')?;
        if let Some(shelf) = self.shelves.get(first) {
            return Some(shelf);
        }
        let second = after.find('/')?;
        self.shelves.get(&rest[..first.len() + 1 + second])
    }
}

/// Tells the store's revision to all who ask for it, until nobody can ask any more.
async fn answer(store: Arc<Store>, mut asked: mpsc::Receiver<oneshot::Sender<Result<i64, store_client::Error>>>) {
    let mut askers = Vec::new();
    while asked.recv_many(&mut askers, ASKERS).await > 0 {
        let get = Get::new(store.prefix.as_bytes().to_vec()).keys_only();
        let known = store.clock.now();
        let answer = store.client.get(get).await.map(|page| page.revision);
        if let Ok(revision) = answer {
            store.compare(revision, known);
        }
        if answer.is_err() {
            // It was tried for a while: who came meanwhile would hear the same after as long again.
            while let Ok(tell) = asked.try_recv() {
                askers.push(tell);
            }
        }
        for tell in askers.drain(..) {
            // Who does not wait any more need not be told.
            let _ = tell.send(answer.clone());
        }
    }
}
