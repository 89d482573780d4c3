//! `apiserver_watch_cache_*` and what belongs to it: what reaches the caches, who waits for them and who lost them.

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};

use super::lazy::Lazy;
use super::{Labels, Make, RESOURCE};

const WAIT: [f64; 13] = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0];

pub(super) struct Caches {
    stored: IntCounterVec,
    received: IntCounterVec,
    dispatched: IntCounterVec,
    initial: IntCounterVec,
    initializations: IntCounterVec,
    terminated: IntCounterVec,
    undecodable: IntCounterVec,
    consistent: IntCounterVec,
    checks: IntCounterVec,
    bookmarks: IntCounterVec,
    wait: HistogramVec,
}

/// Those of one resource.
pub(crate) struct Counts {
    stored: Lazy<IntCounter>,
    received: Lazy<IntCounter>,
    dispatched: Lazy<IntCounter>,
    /// Objects that watches were told of because they were there at first.
    pub(crate) initial: Lazy<IntCounter>,
    /// How often the cache was filled anew.
    pub(crate) initializations: Lazy<IntCounter>,
    /// Watches that were too slow.
    pub(crate) terminated: Lazy<IntCounter>,
    /// What is stored and cannot be read.
    pub(crate) undecodable: Lazy<IntCounter>,
    /// Lists of the newest state that the cache could answer.
    pub(crate) consistent: Lazy<IntCounter>,
    /// And those that it could not.
    pub(crate) inconsistent: Lazy<IntCounter>,
    /// Checks that found cache and store alike.
    pub(crate) check_passed: Lazy<IntCounter>,
    /// Checks that did not.
    pub(crate) check_failed: Lazy<IntCounter>,
    /// Checks that could not be made.
    pub(crate) check_broke: Lazy<IntCounter>,
    /// How often the store said how far it is where nothing happened. All caches stand on one watch, so each was told.
    pub(crate) bookmarks: Lazy<IntCounter>,
    /// How long reads wait until the cache is new enough.
    pub(crate) wait: Lazy<Histogram>,
}

impl Caches {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let alpha =
            |name: &str, help: &str| make.counters(&format!("apiserver_{name}"), &format!("[ALPHA] {help}"), &RESOURCE);
        Ok(Self {
            stored: make.counters(
                "apiserver_storage_events_received_total",
                "[BETA] Events that came from the store.",
                &RESOURCE,
            )?,
            received: alpha("watch_cache_events_received_total", "Events that the cache took in.")?,
            dispatched: alpha("watch_cache_events_dispatched_total", "Events that the cache gave on.")?,
            initial: alpha(
                "init_events_total",
                "Objects that watches were told of at their beginning.",
            )?,
            initializations: alpha(
                "watch_cache_initializations_total",
                "How often the cache was filled anew.",
            )?,
            terminated: alpha(
                "terminated_watchers_total",
                "Watches that ended because they were too slow.",
            )?,
            undecodable: alpha("storage_decode_errors_total", "Stored objects that could not be read.")?,
            consistent: make.counters(
                "apiserver_watch_cache_consistent_read_total",
                "[ALPHA] Reads of the newest state that were asked of the cache.",
                &["group", "resource", "success", "fallback"],
            )?,
            checks: make.counters(
                "apiserver_storage_consistency_checks_total",
                "[ALPHA] Checks that the cache has what the store has, by what they found.",
                &["group", "resource", "status"],
            )?,
            bookmarks: make.counters(
                "etcd_bookmark_total",
                "[ALPHA] How often the store said how far it is.",
                &RESOURCE,
            )?,
            wait: make.histograms(
                "apiserver_watch_cache_read_wait_seconds",
                "[ALPHA] How long reads waited for the cache to become as new as they needed.",
                &WAIT,
                &RESOURCE,
            )?,
        })
    }

    pub(super) fn of(&self, labels: &Labels) -> Counts {
        let plain = |family| Lazy::new(family, labels);
        let check = |found| Lazy::between(&self.checks, None, labels, found);
        let consistent = |found| Lazy::between(&self.consistent, None, labels, found);
        Counts {
            stored: plain(&self.stored),
            received: plain(&self.received),
            dispatched: plain(&self.dispatched),
            initial: plain(&self.initial),
            initializations: plain(&self.initializations),
            terminated: plain(&self.terminated),
            undecodable: plain(&self.undecodable),
            // The store itself is never asked instead.
            consistent: consistent(&["true", "false"]),
            inconsistent: consistent(&["false", "false"]),
            check_passed: check(&["success"]),
            check_failed: check(&["failure"]),
            check_broke: check(&["error"]),
            bookmarks: plain(&self.bookmarks),
            wait: Lazy::new(&self.wait, labels),
        }
    }
}

impl Counts {
    /// So many events came from the store, are in the cache, and are there for all who watch.
    pub(crate) fn happened(&self, events: usize) {
        for counter in [&self.stored, &self.received, &self.dispatched] {
            counter.get().inc_by(events as u64);
        }
    }
}
