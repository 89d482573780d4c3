//! The handle by which everyone but the writer looks at the store.

use std::sync::Arc;

use bytes::Bytes;
use proto::etcd::RangeRequest;

use super::{RollingHash, Shared, View, open};
use crate::{RangePages, Result, Revision};

/// Reads the published head, from any thread.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

impl Reader {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The store as it is now. Drop it soon: it keeps the collector from what it can see.
    #[must_use]
    pub fn view(&self) -> View {
        View::new(Arc::clone(&self.shared))
    }

    /// The revision of the last published change.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.shared.head().revision
    }

    /// The revision of the last compaction, -1 before the first.
    #[must_use]
    pub fn compacted(&self) -> i64 {
        self.shared.head().compacted
    }

    /// See [`Mvcc::live_bytes`](crate::Mvcc::live_bytes).
    #[must_use]
    pub fn live_bytes(&self) -> u64 {
        self.shared.live_bytes(self.shared.head().added)
    }

    /// The rolling hash at the head.
    #[must_use]
    pub fn hash(&self) -> RollingHash {
        self.shared.head().rolling()
    }

    /// The rolling hash at one of the last 4096 revisions since the store was opened.
    #[must_use]
    pub fn hash_at(&self, revision: i64) -> Option<u64> {
        self.shared.hash_at(revision)
    }

    /// The encoded `KeyValue` of exactly that version; `None` where it was collected or never was.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn value_at(&self, key: &[u8], revision: Revision) -> Result<Option<Bytes>> {
        open::version(self.shared.engine(), key, revision)
    }

    /// A range in pages of about `max_bytes`, at one revision, that holds no view between pages.
    ///
    /// # Errors
    /// As [`View::range`].
    pub fn range_pages(&self, request: RangeRequest, max_bytes: usize) -> Result<RangePages> {
        RangePages::new(self.clone(), request, max_bytes)
    }
}
