//! `etcd_mvcc_*` and `etcd_debugging_mvcc_*`: keys, revisions, watches, compaction.

use prometheus::{Gauge, Histogram, IntCounter};

use super::{Make, float, twice};
use crate::Member;

pub(crate) struct Mvcc {
    pub(crate) ranges: IntCounter,
    pub(crate) puts: IntCounter,
    pub(crate) deletes: IntCounter,
    pub(crate) txns: IntCounter,
    pub(crate) put_bytes: Gauge,
    keys: Gauge,
    pub(crate) streams: Gauge,
    watchers: Gauge,
    pub(crate) slow_watchers: Gauge,
    pub(crate) events: IntCounter,
    _pending_events: Gauge,
    pub(crate) compaction_pause: Histogram,
    pub(crate) compaction_total: Histogram,
    pub(crate) compaction_last: Gauge,
    pub(crate) compaction_keys: IntCounter,
    disk_bytes: Gauge,
    live_bytes: Gauge,
    pub(crate) open_reads: Gauge,
    pub(crate) hash: Histogram,
    pub(crate) hash_rev: Histogram,
    revision: Gauge,
    compacted: Gauge,
}

impl Mvcc {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let debugging = |name: &str, help: &str| make.float(&format!("etcd_debugging_mvcc_{name}"), help);
        Ok(Self {
            ranges: make.counter("etcd_mvcc_range_total", "Ranges served by this member.")?,
            puts: make.counter("etcd_mvcc_put_total", "Puts applied by this member.")?,
            deletes: make.counter("etcd_mvcc_delete_total", "Deletes applied by this member.")?,
            txns: make.counter(
                "etcd_mvcc_txn_total",
                "Revisions of more than one change applied by this member.",
            )?,
            put_bytes: debugging("total_put_size_in_bytes", "Bytes of all keys and values put.")?,
            keys: debugging("keys_total", "Live keys.")?,
            streams: debugging("watch_stream_total", "Open watch streams.")?,
            watchers: debugging("watcher_total", "Open watches.")?,
            slow_watchers: debugging(
                "slow_watcher_total",
                "Watches that read history because they fell behind.",
            )?,
            events: make.counter("etcd_debugging_mvcc_events_total", "Events sent to watches.")?,
            _pending_events: debugging(
                "pending_events_total",
                "Events queued for one watch alone; always 0 here, a watch is a cursor.",
            )?,
            compaction_pause: make.histogram(
                "etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds",
                "Time that one step of compaction took.",
                &twice(1.0, 13)?,
            )?,
            compaction_total: make.histogram(
                "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds",
                "Time that a whole compaction took.",
                &twice(100.0, 14)?,
            )?,
            compaction_last: debugging(
                "db_compaction_last",
                "Unix time of the last compaction; 0 after a start.",
            )?,
            compaction_keys: make.counter(
                "etcd_debugging_mvcc_db_compaction_keys_total",
                "Versions removed by compaction.",
            )?,
            disk_bytes: make.float("etcd_mvcc_db_total_size_in_bytes", "Bytes of the database on disk.")?,
            live_bytes: make.float(
                "etcd_mvcc_db_total_size_in_use_in_bytes",
                "Bytes of data held, without what is free.",
            )?,
            open_reads: make.float("etcd_mvcc_db_open_read_transactions", "Reads under way.")?,
            hash: make.histogram(
                "etcd_mvcc_hash_duration_seconds",
                "Time that hashing the whole store took.",
                &twice(0.01, 15)?,
            )?,
            hash_rev: make.histogram(
                "etcd_mvcc_hash_rev_duration_seconds",
                "Time that hashing up to a revision took.",
                &twice(0.01, 15)?,
            )?,
            revision: debugging("current_revision", "The store's revision.")?,
            compacted: debugging("compact_revision", "The revision of the last compaction.")?,
        })
    }

    pub(super) fn refresh(&self, member: &Member) {
        let state = member.reader.state();
        self.revision.set(float(state.revision.max(0) as u64));
        self.compacted.set(float(state.compacted.max(0) as u64));
        self.live_bytes.set(float(state.live_bytes));
        self.keys.set(float(member.mvcc.view().key_count()));
        self.watchers.set(float(member.sink.hub.stats().watchers as u64));
        if let Ok(stats) = member.engine.stats() {
            self.disk_bytes.set(float(stats.disk_bytes));
        }
    }
}
