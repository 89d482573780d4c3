//! The disk and the engine with a watch in hand: how long syncs and batches take.

use std::io;
use std::sync::Arc;

use base::clock::Clock;
use bytes::Bytes;
use prometheus::Histogram;
use store_engine::{Batch, Checkpoint, Cursor, Engine, Incoming, Order, Space, Stats};
use store_log::{Disk, File};

use crate::metrics::Metrics;

/// What both need.
#[derive(Clone)]
pub(crate) struct Meter {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Meter {
    fn time<T>(&self, histogram: &Histogram, work: impl FnOnce() -> T) -> T {
        let started = self.clock.monotonic();
        let value = work();
        histogram.observe(self.clock.monotonic().saturating_sub(started).as_secs_f64());
        value
    }
}

/// A disk whose syncs and bytes are counted.
pub(crate) struct MeteredDisk {
    pub(crate) inner: Arc<dyn Disk>,
    pub(crate) meter: Meter,
}

struct MeteredFile {
    inner: Arc<dyn File>,
    meter: Meter,
}

impl MeteredDisk {
    fn file(&self, inner: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(MeteredFile {
            inner,
            meter: self.meter.clone(),
        })
    }
}

impl Disk for MeteredDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn File>> {
        Ok(self.file(self.inner.create(name, bytes)?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(self.file(self.inner.open(name)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.inner.sync_dir()
    }
}

impl File for MeteredFile {
    fn bytes(&self) -> io::Result<u64> {
        self.inner.bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let disk = &self.meter.metrics.disk;
        disk.log_bytes.add(data.len() as i64);
        self.meter.time(&disk.log_write, || self.inner.write_at(offset, data))
    }

    fn sync(&self) -> io::Result<()> {
        self.meter.time(&self.meter.metrics.disk.log_sync, || self.inner.sync())
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.inner.truncate(bytes)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.inner.allocate(bytes)
    }
}

/// An engine whose batches are timed.
pub(crate) struct MeteredEngine {
    pub(crate) inner: Arc<dyn Engine>,
    pub(crate) meter: Meter,
}

impl Engine for MeteredEngine {
    fn write(&self, batch: &Batch) -> store_engine::Result<()> {
        self.meter
            .time(&self.meter.metrics.disk.commit, || self.inner.write(batch))
    }

    fn get(&self, space: Space, key: &[u8]) -> store_engine::Result<Option<Bytes>> {
        self.inner.get(space, key)
    }

    fn multi_get(&self, space: Space, keys: &[Vec<u8>]) -> store_engine::Result<Vec<Option<Bytes>>> {
        self.inner.multi_get(space, keys)
    }

    fn scan<'a>(&'a self, space: Space, from: &[u8], to: Option<&[u8]>, order: Order) -> Box<dyn Cursor + 'a> {
        self.inner.scan(space, from, to, order)
    }

    fn flush(&self) -> store_engine::Result<()> {
        self.inner.flush()
    }

    fn checkpoint(&self) -> store_engine::Result<Arc<dyn Checkpoint>> {
        self.meter
            .time(&self.meter.metrics.disk.snapshot, || self.inner.checkpoint())
    }

    fn incoming(&self, id: &str) -> store_engine::Result<Box<dyn Incoming>> {
        self.inner.incoming(id)
    }

    fn install(&self, incoming: Box<dyn Incoming>) -> store_engine::Result<()> {
        self.inner.install(incoming)
    }

    fn reclaim(&self, space: Space, from: &[u8], to: &[u8]) -> store_engine::Result<()> {
        self.inner.reclaim(space, from, to)
    }

    fn stats(&self) -> store_engine::Result<Stats> {
        self.inner.stats()
    }
}
