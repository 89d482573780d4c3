//! One open database, and what happens to its folder when the last user is gone.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use rocksdb::{DB, DEFAULT_COLUMN_FAMILY_NAME, WriteBatch, WriteOptions};
use store_engine::{Batch, Error, Result, Space, Stats};

use crate::error::map;
use crate::folder;

/// An open database. Cursors share it, so that it stays open below them when an install replaces it.
pub(crate) struct Handle {
    // Dropped before its folder is removed: fields drop in order.
    pub(crate) db: DB,
    place: Place,
    pub(crate) number: u64,
    /// Bytes of all batches written, and how many of those the last flush covered.
    written: AtomicU64,
    flushed: AtomicU64,
}

struct Place {
    path: PathBuf,
    doomed: AtomicBool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.doomed.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = folder::remove(&self.path) {
            // It is removed at the next start.
            tracing::warn!(%error, path = %self.path.display(), "could not remove a replaced database");
        }
    }
}

impl Handle {
    pub(crate) fn new(db: DB, number: u64, path: PathBuf) -> Self {
        let place = Place {
            path,
            doomed: AtomicBool::new(false),
        };
        Self {
            db,
            place,
            number,
            written: AtomicU64::new(0),
            flushed: AtomicU64::new(0),
        }
    }

    /// Its folder goes away with its last user.
    pub(crate) fn doom(&self) {
        self.place.doomed.store(true, Ordering::Release);
    }

    pub(crate) fn write(&self, batch: &Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        // The engine's batches have the layout of RocksDB's.
        self.db
            .write_opt(WriteBatch::from_data(batch.encoded()), &options)
            .map_err(|error| map("write", error))?;
        self.written.fetch_add(batch.bytes() as u64, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>> {
        let found = self.db.get(space.prefixed(key)).map_err(|error| map("read", error))?;
        Ok(found.map(Bytes::from))
    }

    pub(crate) fn multi_get(&self, space: Space, keys: &[Vec<u8>]) -> Result<Vec<Option<Bytes>>> {
        let full = keys.iter().map(|key| space.prefixed(key));
        let found = self.db.batched_multi_get_cf(self.family()?, full, false);
        let value = |slice: rocksdb::DBPinnableSlice<'_>| Bytes::copy_from_slice(&slice);
        found
            .into_iter()
            .map(|outcome| Ok(outcome.map_err(|error| map("read", error))?.map(value)))
            .collect()
    }

    pub(crate) fn flush(&self) -> Result<()> {
        let covered = self.written.load(Ordering::Relaxed);
        self.db.flush().map_err(|error| map("flush", error))?;
        self.flushed.fetch_max(covered, Ordering::Relaxed);
        Ok(())
    }

    /// The handle of the one column family.
    fn family(&self) -> Result<&rocksdb::ColumnFamily> {
        self.db.cf_handle(DEFAULT_COLUMN_FAMILY_NAME).ok_or(Error::Closed)
    }

    pub(crate) fn stats(&self, cache_bytes: u64) -> Result<Stats> {
        let property = |name: &str| -> Result<u64> {
            Ok(self
                .db
                .property_int_value(name)
                .map_err(|error| map("read a property", error))?
                .unwrap_or(0))
        };
        let buffers = property("rocksdb.cur-size-all-mem-tables")?;
        let written = self
            .written
            .load(Ordering::Relaxed)
            .saturating_sub(self.flushed.load(Ordering::Relaxed));
        Ok(Stats {
            disk_bytes: property("rocksdb.total-sst-files-size")?,
            memory_bytes: buffers + cache_bytes + property("rocksdb.estimate-table-readers-mem")?,
            // Full buffers are flushed unasked, so what is written since our flush is only a bound.
            unflushed_bytes: written.min(buffers),
        })
    }
}
