//! The engine in memory: a persistent ordered map that knows which part of it a crash would lose.

mod cursor;
mod transfer;

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;
use parking_lot::Mutex;

use self::cursor::MapCursor;
use self::transfer::{Image, Parts, Place};
use crate::{Batch, Checkpoint, Cursor, Engine, Error, Incoming, Op, Order, Result, Space, Stats};

type Map = OrdMap<Bytes, Bytes>;

/// A call that can be made to fail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Call {
    /// [`Engine::write`].
    Write,
    /// [`Engine::flush`], also the one inside [`Engine::checkpoint`].
    Flush,
    /// [`Engine::install`].
    Install,
    /// [`Engine::reclaim`].
    Reclaim,
}

/// The failure to give.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// [`Error::Io`].
    Io,
    /// [`Error::NoSpace`].
    NoSpace,
    /// [`Error::Corrupt`].
    Corrupt,
    /// [`Error::Closed`].
    Closed,
}

/// The engine in memory. A clone is another handle to the same contents, so that a test can keep one and crash it.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    current: Map,
    durable: Map,
    unflushed: u64,
    incoming: Option<Parts>,
    faults: BTreeMap<Call, (Fault, u64)>,
}

impl Memory {
    /// An empty engine.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns to the last flushed state, as a kill or a loss of power would; incoming checkpoints that are not
    /// installed are lost. Injected faults stay.
    pub fn crash(&self) {
        let mut inner = self.inner.lock();
        inner.current = inner.durable.clone();
        inner.unflushed = 0;
        inner.incoming = None;
    }

    /// Makes the next `times` calls of this kind fail, before they have had any effect.
    pub fn fail(&self, call: Call, fault: Fault, times: u64) {
        self.inner.lock().faults.insert(call, (fault, times));
    }

    /// Takes back all injected faults.
    pub fn heal(&self) {
        self.inner.lock().faults.clear();
    }
}

impl Inner {
    fn injected(&mut self, call: Call) -> Result<()> {
        let Some((fault, left)) = self.faults.get_mut(&call) else {
            return Ok(());
        };
        if *left == 0 {
            return Ok(());
        }
        *left -= 1;
        Err(match fault {
            Fault::Io => Error::io("injected", io::Error::other("injected fault")),
            Fault::NoSpace => Error::NoSpace,
            Fault::Corrupt => Error::Corrupt("injected fault".into()),
            Fault::Closed => Error::Closed,
        })
    }

    fn flush(&mut self) -> Result<()> {
        self.injected(Call::Flush)?;
        self.durable = self.current.clone();
        self.unflushed = 0;
        Ok(())
    }
}

fn apply(map: &mut Map, batch: &Batch) {
    for op in batch.ops() {
        match op {
            Op::Put { space, key, value } => {
                map.insert(space.prefixed(key).into(), Bytes::copy_from_slice(value));
            }
            Op::Delete { space, key } => {
                map.remove(space.prefixed(key).as_slice());
            }
            Op::DeleteRange { space, from, to } => {
                let (from, to) = (space.prefixed(from), space.prefixed(to));
                let bounds = (Bound::Included(from.as_slice()), Bound::Excluded(to.as_slice()));
                let doomed: Vec<Bytes> = map.range::<_, [u8]>(bounds).map(|(key, _)| key.clone()).collect();
                for key in doomed {
                    map.remove(&key);
                }
            }
        }
    }
}

fn bytes_of(map: &Map) -> u64 {
    map.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
}

impl Engine for Memory {
    fn write(&self, batch: &Batch) -> Result<()> {
        let mut inner = self.inner.lock();
        inner.injected(Call::Write)?;
        apply(&mut inner.current, batch);
        inner.unflushed += batch.bytes() as u64;
        Ok(())
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.inner.lock().current.get(space.prefixed(key).as_slice()).cloned())
    }

    fn multi_get(&self, space: Space, keys: &[Vec<u8>]) -> Result<Vec<Option<Bytes>>> {
        let map = self.inner.lock().current.clone();
        Ok(keys
            .iter()
            .map(|key| map.get(space.prefixed(key).as_slice()).cloned())
            .collect())
    }

    fn scan<'a>(&'a self, space: Space, from: &[u8], to: Option<&[u8]>, order: Order) -> Box<dyn Cursor + 'a> {
        let map = self.inner.lock().current.clone();
        Box::new(MapCursor::new(map, space, from, to, order))
    }

    fn flush(&self) -> Result<()> {
        self.inner.lock().flush()
    }

    fn checkpoint(&self) -> Result<Arc<dyn Checkpoint>> {
        let map = {
            let mut inner = self.inner.lock();
            inner.flush()?;
            inner.current.clone()
        };
        Ok(Arc::new(Image::of(&map)))
    }

    fn incoming(&self, id: &str) -> Result<Box<dyn Incoming>> {
        Ok(Box::new(Place::open(self.inner.clone(), id)?))
    }

    fn install(&self, incoming: Box<dyn Incoming>) -> Result<()> {
        let mut inner = self.inner.lock();
        inner.injected(Call::Install)?;
        let map = transfer::finished(inner.incoming.as_ref(), incoming.id())?;
        inner.durable = map.clone();
        inner.current = map;
        inner.unflushed = 0;
        inner.incoming = None;
        Ok(())
    }

    fn reclaim(&self, _space: Space, _from: &[u8], _to: &[u8]) -> Result<()> {
        self.inner.lock().injected(Call::Reclaim)
    }

    fn stats(&self) -> Result<Stats> {
        let inner = self.inner.lock();
        let (durable, unflushed_bytes) = (inner.durable.clone(), inner.unflushed);
        drop(inner);
        let disk_bytes = bytes_of(&durable);
        Ok(Stats {
            disk_bytes,
            memory_bytes: disk_bytes + unflushed_bytes,
            unflushed_bytes,
        })
    }
}

#[cfg(test)]
mod tests;
