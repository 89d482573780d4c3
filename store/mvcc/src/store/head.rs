//! What all handles of a store share, and the head that the writer replaces with every batch.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, RwLock};
use store_engine::Engine;

use super::RollingHash;
use crate::gc::Progress;
use crate::hash::Cache;
use crate::index::Index;
use crate::{Error, Result};

/// Revisions whose rolling hash is remembered, for comparison between members that are not equally far.
const REMEMBERED: usize = 4096;

/// The store at one moment. Immutable; a new one is published with every batch.
pub(crate) struct Head {
    pub(crate) revision: i64,
    pub(crate) compacted: i64,
    pub(crate) index: Index,
    /// The rolling hash at `revision`.
    pub(crate) hash: u64,
    /// Bytes ever written to `Data` and `History`.
    pub(crate) added: u64,
    /// Shared by all heads between two compactions: as long as one of them is held, what the second of the two
    /// compactions gave up must stay.
    pub(crate) pin: Arc<Pin>,
}

/// See [`Head::pin`].
pub(crate) struct Pin;

impl Head {
    pub(crate) const fn rolling(&self) -> RollingHash {
        RollingHash {
            revision: self.revision,
            hash: self.hash,
        }
    }
}

/// The part of a head that is written with every batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredHead {
    pub(crate) revision: i64,
    pub(crate) compacted: i64,
    pub(crate) hash: u64,
    pub(crate) added: u64,
}

impl Default for StoredHead {
    fn default() -> Self {
        Self {
            revision: 1,
            compacted: -1,
            hash: 0,
            added: 0,
        }
    }
}

impl StoredHead {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        out.extend_from_slice(&self.revision.to_be_bytes());
        out.extend_from_slice(&self.compacted.to_be_bytes());
        out.extend_from_slice(&self.hash.to_be_bytes());
        out.extend_from_slice(&self.added.to_be_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        match (words, rest) {
            ([revision, compacted, hash, added], []) => Ok(Self {
                revision: i64::from_be_bytes(*revision),
                compacted: i64::from_be_bytes(*compacted),
                hash: u64::from_be_bytes(*hash),
                added: u64::from_be_bytes(*added),
            }),
            _ => Err(Error::Corrupt("head of the store".into())),
        }
    }
}

pub(crate) struct Shared {
    engine: Arc<dyn Engine>,
    head: RwLock<Arc<Head>>,
    /// The pins that compactions ended, oldest first, each with its compaction.
    ended: Mutex<Vec<(i64, Weak<Pin>)>>,
    recent: Mutex<VecDeque<RollingHash>>,
    pub(crate) gc: Mutex<Progress>,
    pub(crate) hash_kv: Mutex<Cache>,
}

impl Shared {
    pub(crate) fn new(engine: Arc<dyn Engine>, head: Head, gc: Progress) -> Self {
        Self {
            engine,
            recent: Mutex::new([head.rolling()].into()),
            head: RwLock::new(Arc::new(head)),
            ended: Mutex::default(),
            gc: Mutex::new(gc),
            hash_kv: Mutex::default(),
        }
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    pub(crate) fn head(&self) -> Arc<Head> {
        Arc::clone(&self.head.read())
    }

    /// Shows a new head to readers. `hashes` are those of the revisions since the last one.
    pub(crate) fn publish(&self, head: Arc<Head>, hashes: impl IntoIterator<Item = RollingHash>) {
        {
            let mut recent = self.recent.lock();
            recent.extend(hashes);
            let surplus = recent.len().saturating_sub(REMEMBERED);
            recent.drain(..surplus);
        }
        let old = self.head();
        if old.compacted != head.compacted {
            // Before the compaction can be seen, so that the collector never takes it for unpinned.
            self.ended.lock().push((head.compacted, Arc::downgrade(&old.pin)));
        }
        *self.head.write() = head;
    }

    /// Puts entirely other contents in place.
    pub(crate) fn replace(&self, head: Head, gc: Progress) {
        *self.recent.lock() = [head.rolling()].into();
        *self.hash_kv.lock() = Cache::default();
        self.ended.lock().clear();
        {
            let mut progress = self.gc.lock();
            let epoch = progress.epoch + 1;
            *progress = Progress { epoch, ..gc };
        }
        *self.head.write() = Arc::new(head);
    }

    /// The newest compaction whose garbage nobody can see any more.
    pub(crate) fn unseen(&self) -> i64 {
        // The head is taken first: a compaction that is published later is not in it and stays for later.
        let compacted = self.head.read().compacted;
        let mut ended = self.ended.lock();
        let gone = ended.iter().take_while(|(_, pin)| pin.strong_count() == 0).count();
        let newest = ended.drain(..gone).next_back().map(|(compacted, _)| compacted);
        match (ended.is_empty(), newest) {
            (true, _) => compacted,
            (false, Some(newest)) => newest,
            (false, None) => i64::MIN,
        }
    }

    pub(crate) fn hash_at(&self, revision: i64) -> Option<u64> {
        let recent = self.recent.lock();
        let at = recent.binary_search_by_key(&revision, |hash| hash.revision).ok()?;
        recent.get(at).map(|hash| hash.hash)
    }

    pub(crate) fn live_bytes(&self, added: u64) -> u64 {
        added.saturating_sub(self.gc.lock().removed)
    }
}
