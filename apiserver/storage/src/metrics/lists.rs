//! `apiserver_cache_list_*` and `apiserver_storage_list_*`: what lists cost, from the cache and from the store.

use prometheus::{IntCounter, IntCounterVec};

use super::lazy::Lazy;
use super::{Labels, Make, RESOURCE};

/// Lists walk over keys; no other index is there.
const NO_INDEX: [&str; 1] = [""];

pub(super) struct Lists {
    cached: IntCounterVec,
    cached_fetched: IntCounterVec,
    cached_returned: IntCounterVec,
    stored: IntCounterVec,
    stored_fetched: IntCounterVec,
    stored_evaluated: IntCounterVec,
    stored_returned: IntCounterVec,
}

/// Those of one resource.
pub(crate) struct Counts {
    cached: Lazy<IntCounter>,
    cached_fetched: Lazy<IntCounter>,
    cached_returned: Lazy<IntCounter>,
    stored: Lazy<IntCounter>,
    stored_fetched: Lazy<IntCounter>,
    stored_evaluated: Lazy<IntCounter>,
    stored_returned: Lazy<IntCounter>,
}

impl Lists {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let indexed = ["group", "resource", "index"];
        let cached = |name: &str, help: &str, labels: &[&str]| {
            make.counters(
                &format!("apiserver_cache_list_{name}"),
                &format!("[ALPHA] {help}"),
                labels,
            )
        };
        let stored = |name: &str, help: &str| {
            make.counters(
                &format!("apiserver_storage_list_{name}"),
                &format!("[ALPHA] {help}"),
                &RESOURCE,
            )
        };
        Ok(Self {
            cached: cached("total", "Lists that the cache answered.", &indexed)?,
            cached_fetched: cached(
                "fetched_objects_total",
                "Objects of the cache that were looked at for lists.",
                &indexed,
            )?,
            cached_returned: cached(
                "returned_objects_total",
                "Objects of the cache that were answered in lists.",
                &RESOURCE,
            )?,
            stored: stored("total", "Lists that the store answered.")?,
            stored_fetched: stored(
                "fetched_objects_total",
                "Objects that were read from the store for lists.",
            )?,
            stored_evaluated: stored(
                "evaluated_objects_total",
                "Objects from the store that were held against selectors of lists.",
            )?,
            stored_returned: stored(
                "returned_objects_total",
                "Objects from the store that were answered in lists.",
            )?,
        })
    }

    pub(super) fn of(&self, labels: &Labels) -> Counts {
        let indexed = |family| Lazy::between(family, None, labels, &NO_INDEX);
        Counts {
            cached: indexed(&self.cached),
            cached_fetched: indexed(&self.cached_fetched),
            cached_returned: Lazy::new(&self.cached_returned, labels),
            stored: Lazy::new(&self.stored, labels),
            stored_fetched: Lazy::new(&self.stored_fetched, labels),
            stored_evaluated: Lazy::new(&self.stored_evaluated, labels),
            stored_returned: Lazy::new(&self.stored_returned, labels),
        }
    }
}

impl Counts {
    /// A list was answered from the cache: so many objects were looked at, so many are in it.
    pub(crate) fn cached(&self, looked_at: usize, returned: usize) {
        self.cached.get().inc();
        self.cached_fetched.get().inc_by(looked_at as u64);
        self.cached_returned.get().inc_by(returned as u64);
    }

    /// A list was answered from the store.
    pub(crate) fn stored(&self, read: usize, evaluated: usize, returned: usize) {
        self.stored.get().inc();
        self.stored_fetched.get().inc_by(read as u64);
        self.stored_evaluated.get().inc_by(evaluated as u64);
        self.stored_returned.get().inc_by(returned as u64);
    }
}
