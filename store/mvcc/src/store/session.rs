//! One apply batch: commands change a private copy of the head, which becomes visible all at once.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use proto::etcd::{
    CompactionResponse, DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse, RangeRequest, RangeResponse,
    TxnRequest, TxnResponse,
};
use proto::fault::Fault;
use store_engine::Batch;
use store_planted::{Bug, planted};

use super::head::{Head, Pin, StoredHead};
use super::write::Writing;
use super::{Mvcc, RollingHash};
use crate::change::{Outcome, RevisionBatch};
use crate::index::{Index, KeyMeta};
use crate::read::{Snapshot, header};
use crate::record::{self, Entry};
use crate::{Result, keys, txn};

/// Bytes that an operation needs in a batch beside key and value, and an entry of the index beside the key; a guess that
/// is a little too high.
const ROOM: usize = 40;

/// What the batch wrote and the engine does not have yet.
#[derive(Default)]
pub(crate) struct Pending {
    /// By data key. Sorted where its order would reach somebody.
    pub(crate) data: HashMap<Vec<u8>, Bytes>,
    /// In the order of revisions.
    pub(crate) history: Vec<Entry>,
}

/// Applies commands of one batch. Dropping it without [`Self::publish`] forgets all of them.
///
/// After an error that is not a refusal the session must be dropped: it may hold half a command.
pub struct Session<'a> {
    mvcc: &'a mut Mvcc,
    pub(super) index: Index,
    pub(super) revision: i64,
    compacted: i64,
    pub(super) hash: u64,
    pub(super) added: u64,
    hashes: Vec<RollingHash>,
    pub(super) pending: Pending,
}

impl<'a> Session<'a> {
    pub(super) fn new(mvcc: &'a mut Mvcc) -> Self {
        let head = &mvcc.head;
        Self {
            index: head.index.clone(),
            revision: head.revision,
            compacted: head.compacted,
            hash: head.hash,
            added: head.added,
            hashes: Vec::new(),
            pending: Pending::default(),
            mvcc,
        }
    }

    /// The revision after the commands so far.
    #[must_use]
    pub const fn revision(&self) -> i64 {
        self.revision
    }

    /// The last compaction after the commands so far.
    #[must_use]
    pub const fn compacted(&self) -> i64 {
        self.compacted
    }

    /// The rolling hash after the commands so far.
    #[must_use]
    pub const fn hash(&self) -> RollingHash {
        RollingHash {
            revision: self.revision,
            hash: self.hash,
        }
    }

    /// See [`Mvcc::live_bytes`].
    #[must_use]
    pub fn live_bytes(&self) -> u64 {
        self.mvcc.shared.live_bytes(self.added)
    }

    /// What is known of a live key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<KeyMeta> {
        self.index.get(key)
    }

    /// The state as the next read sees it, before and while a command writes.
    pub(crate) fn snapshot(&self, writing: Option<&Writing>) -> Snapshot<'_> {
        Snapshot {
            engine: self.mvcc.shared.engine(),
            index: &self.index,
            revision: self.revision + i64::from(writing.is_some_and(|w| !w.changes.is_empty())),
            stored: self.mvcc.head.revision,
            compacted: self.compacted,
            pending: Some(&self.pending),
        }
    }

    /// Answers a range, the batch's own writes included.
    ///
    /// # Errors
    /// As [`View::range`](crate::View::range).
    pub fn range(&self, request: &RangeRequest) -> Result<RangeResponse> {
        self.snapshot(None).range(request)
    }

    /// Writes one key.
    ///
    /// # Errors
    /// `LeaseNotFound` or `KeyNotFound` as refusals; else when the engine fails.
    pub fn put(&mut self, request: &PutRequest, lease_exists: &dyn Fn(i64) -> bool) -> Result<Outcome<PutResponse>> {
        if request.lease != 0 && !lease_exists(request.lease) {
            return Err(Fault::LeaseNotFound.into());
        }
        if (request.ignore_value || request.ignore_lease) && self.index.get(&request.key).is_none() {
            return Err(Fault::KeyNotFound.into());
        }
        let mut writing = Writing::default();
        let response = self.execute_put(&mut writing, request)?;
        Ok(self.outcome(response, writing))
    }

    /// Deletes the keys of a range.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn delete_range(&mut self, request: &DeleteRangeRequest) -> Result<Outcome<DeleteRangeResponse>> {
        let mut writing = Writing::default();
        let response = self.execute_delete(&mut writing, request)?;
        Ok(self.outcome(response, writing))
    }

    /// Compares, then runs one of the branches, as one revision.
    ///
    /// # Errors
    /// A refusal has no effect at all: everything that can be refused is looked at before the first write.
    pub fn txn(&mut self, request: &TxnRequest, lease_exists: &dyn Fn(i64) -> bool) -> Result<Outcome<TxnResponse>> {
        let snapshot = self.snapshot(None);
        let path = if planted(Bug::OldCompare) {
            txn::path(&self.mvcc.reader().view().snapshot(), request)?
        } else {
            txn::path(&snapshot, request)?
        };
        txn::check(&snapshot, request, &path, lease_exists)?;
        let mut writing = Writing::default();
        let mut response = txn::write(self, &mut writing, request, &path)?;
        response.header = header(self.snapshot(Some(&writing)).revision);
        Ok(self.outcome(response, writing))
    }

    /// Deletes those of the keys that live, in key order, as one revision; for a lease that ends.
    ///
    /// # Errors
    /// Never at present; the type leaves room for an engine that is asked.
    pub fn delete_keys(&mut self, keys: impl IntoIterator<Item = Bytes>) -> Result<Option<Arc<RevisionBatch>>> {
        let mut keys: Vec<Bytes> = keys.into_iter().collect();
        keys.sort_unstable();
        let mut writing = Writing::default();
        for key in keys {
            self.delete_one(&mut writing, key);
        }
        Ok(self.outcome((), writing).changes)
    }

    /// Gives up every version that no read at `revision` or later can see. Here only the mark is set; the collector
    /// does the work.
    ///
    /// # Errors
    /// `Compacted` or `FutureRevision` as refusals.
    pub fn compact(&mut self, revision: i64) -> Result<CompactionResponse> {
        if revision <= self.compacted {
            return Err(Fault::Compacted.into());
        }
        if revision > self.revision {
            return Err(Fault::FutureRevision.into());
        }
        self.compacted = revision;
        Ok(CompactionResponse {
            header: header(self.revision),
        })
    }

    /// Adds all that the commands changed, and the head, to the batch. Call it once, before the batch is written.
    ///
    /// Space by space and in key order: an engine that keeps its writes sorted finds the place of each near the last.
    pub fn seal(&self, batch: &mut Batch) {
        let mut data: Vec<_> = self.pending.data.iter().collect();
        data.sort_unstable();
        let values: usize = data.iter().map(|(key, value)| key.len() + value.len()).sum();
        let entries: usize = self.pending.history.iter().map(|entry| 2 * entry.encoded_len()).sum();
        batch.reserve(values + entries + (data.len() + self.pending.history.len()) * ROOM);
        for (key, value) in data {
            batch.put(keys::DATA, key, value);
        }
        for entry in &self.pending.history {
            batch.put(keys::HISTORY, &entry.revision.to_bytes(), &entry.encode());
        }
        let mut changed: Vec<_> = self.pending.history.iter().map(|entry| &entry.key).collect();
        changed.sort_unstable();
        changed.dedup();
        for key in changed {
            match self.index.get(key) {
                Some(meta) => batch.put(keys::INDEX, key, &record::index_value(&meta)),
                None => batch.delete(keys::INDEX, key),
            }
        }
        let Self {
            revision,
            compacted,
            hash,
            added,
            ..
        } = *self;
        let head = StoredHead {
            revision,
            compacted,
            hash,
            added,
        };
        batch.put(keys::META, keys::HEAD, &head.encode());
    }

    /// Shows the new head to readers. Call it after the batch was written.
    pub fn publish(self) {
        let Self {
            mvcc,
            index,
            revision,
            compacted,
            hash,
            added,
            hashes,
            ..
        } = self;
        let pin = if compacted == mvcc.head.compacted {
            Arc::clone(&mvcc.head.pin)
        } else {
            Arc::new(Pin)
        };
        let head = Arc::new(Head {
            revision,
            compacted,
            index,
            hash,
            added,
            pin,
        });
        mvcc.head = Arc::clone(&head);
        mvcc.shared.publish(head, hashes);
    }

    fn outcome<T>(&mut self, response: T, writing: Writing) -> Outcome<T> {
        if writing.changes.is_empty() {
            return Outcome {
                response,
                changes: None,
            };
        }
        self.revision += 1;
        self.hashes.push(self.hash());
        Outcome {
            response,
            changes: Some(Arc::new(RevisionBatch {
                revision: self.revision,
                changes: writing.changes,
            })),
        }
    }
}
