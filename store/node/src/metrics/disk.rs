//! `etcd_disk_*`: how long the disk takes. The names stay upstream's, though the log is not etcd's and the database not
//! bbolt.

use prometheus::{Gauge, Histogram, IntGauge};

use super::{Make, twice};

pub(crate) struct Disk {
    pub(crate) log_sync: Histogram,
    pub(crate) log_write: Histogram,
    /// A gauge that only rises, as upstream's.
    pub(crate) log_bytes: IntGauge,
    pub(crate) commit: Histogram,
    pub(crate) snapshot: Histogram,
    pub(crate) defrag: Histogram,
    pub(crate) defrag_inflight: Gauge,
}

impl Disk {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            log_sync: make.histogram(
                "etcd_disk_wal_fsync_duration_seconds",
                "Time that syncs of the log took.",
                &twice(0.001, 14)?,
            )?,
            log_write: make.histogram(
                "etcd_disk_wal_write_duration_seconds",
                "Time that writes to the log took.",
                &twice(0.001, 14)?,
            )?,
            log_bytes: make.gauge("etcd_disk_wal_write_bytes_total", "Bytes written to the log.")?,
            commit: make.histogram(
                "etcd_disk_backend_commit_duration_seconds",
                "Time that batches written to the database took.",
                &twice(0.001, 14)?,
            )?,
            snapshot: make.histogram(
                "etcd_disk_backend_snapshot_duration_seconds",
                "Time that snapshots of the database took.",
                &twice(0.01, 17)?,
            )?,
            defrag: make.histogram(
                "etcd_disk_backend_defrag_duration_seconds",
                "Time that defragmentation requests took.",
                &twice(0.1, 13)?,
            )?,
            defrag_inflight: make.float("etcd_disk_defrag_inflight", "1 while a defragmentation request runs.")?,
        })
    }
}
