//! The store at one moment, for reading.

use std::sync::Arc;

use proto::etcd::{RangeRequest, RangeResponse, TxnRequest, TxnResponse};

use super::{Head, Shared};
use crate::read::Snapshot;
use crate::watch::Filter;
use crate::{Export, HashKv, HistoryPage, KeyMeta, PageLimits, Result, hash, history, txn};

/// A snapshot of the head. While it is held, nothing that it can see is collected.
#[derive(Clone)]
pub struct View {
    // Declared before `shared`, dropped first: what it pins is free as soon as the view is.
    head: Arc<Head>,
    shared: Arc<Shared>,
}

impl View {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            head: shared.head(),
            shared,
        }
    }

    /// The revision of the last change in it.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.head.revision
    }

    /// The oldest revision that it can read, -1 if nothing was ever compacted.
    #[must_use]
    pub fn compacted(&self) -> i64 {
        self.head.compacted
    }

    /// How many keys live.
    #[must_use]
    pub fn key_count(&self) -> u64 {
        self.head.index.len()
    }

    /// What is known of a live key, without reading its value.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<KeyMeta> {
        self.head.index.get(key)
    }

    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            engine: self.shared.engine(),
            index: &self.head.index,
            revision: self.head.revision,
            stored: self.head.revision,
            compacted: self.head.compacted,
            pending: None,
        }
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Answers a range request.
    ///
    /// # Errors
    /// `Compacted`, `FutureRevision` or `InvalidSortOption` as refusals; else when the engine fails.
    pub fn range(&self, request: &RangeRequest) -> Result<RangeResponse> {
        self.snapshot().range(request)
    }

    /// Answers a transaction that only reads (see [`is_readonly`](crate::is_readonly)); its writes are skipped.
    ///
    /// # Errors
    /// As [`Self::range`].
    pub fn txn(&self, request: &TxnRequest) -> Result<TxnResponse> {
        txn::read(&self.snapshot(), request)
    }

    /// The hash that etcd's `HashKV` answers for the same history; 0 means the head's revision.
    ///
    /// # Errors
    /// `Compacted` or `FutureRevision` as refusals; else when the engine fails.
    pub fn hash_kv(&self, revision: i64) -> Result<HashKv> {
        hash::hash_kv(self, revision)
    }

    /// The events of the watch's keys from a revision on, in whole revisions, about `limits` at a time.
    ///
    /// # Errors
    /// `Compacted` where `from` lies before the last compaction; else when the engine fails.
    pub fn history(&self, from: i64, filter: &Filter, limits: PageLimits) -> Result<HistoryPage> {
        history::page(&self.snapshot(), from, filter, limits)
    }

    /// Every version that etcd would hold in its `key` bucket, in revision order.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn export(&self) -> Result<Export> {
        Export::new(self.clone())
    }
}
