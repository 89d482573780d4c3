//! The engine of who only looks: nothing in the folder changes, not even what an open to write would tidy up.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use store_engine::{Batch, Checkpoint, Cursor, Engine, Error, Incoming, Order, Result, Space, Stats};

use crate::cursor::RocksCursor;
use crate::folder::Folder;
use crate::handle::Handle;
use crate::options::{Options, Settings};

/// RocksDB in a folder, as the last flush left it. Every call that would write is refused.
pub struct ReadOnly {
    settings: Settings,
    handle: Arc<Handle>,
    // Last: the lock on the folder is given up after everything in it is closed.
    _folder: Folder,
}

impl ReadOnly {
    /// Opens a folder that an engine has made.
    ///
    /// # Errors
    /// `Io` of kind `WouldBlock` when another process has it open to write; `Corrupt` when it is damaged, or never held
    /// a database; others from the system.
    pub fn open(path: &Path, options: Options) -> Result<Self> {
        let folder = Folder::open_read_only(path)?;
        let settings = Settings::new(options)?;
        let number = folder
            .active()?
            .ok_or_else(|| Error::Corrupt(format!("{} holds no database", path.display())))?;
        let path = folder.database(number);
        let db = settings.open_read_only(&path)?;
        Ok(Self {
            settings,
            handle: Arc::new(Handle::new(db, number, path)),
            _folder: folder,
        })
    }
}

fn refused<T>(op: &'static str) -> Result<T> {
    Err(Error::invalid(op, "the store was opened for reading only"))
}

impl Engine for ReadOnly {
    fn write(&self, _batch: &Batch) -> Result<()> {
        refused("write")
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>> {
        self.handle.get(space, key)
    }

    fn multi_get(&self, space: Space, keys: &[Vec<u8>]) -> Result<Vec<Option<Bytes>>> {
        self.handle.multi_get(space, keys)
    }

    fn scan<'a>(&'a self, space: Space, from: &[u8], to: Option<&[u8]>, order: Order) -> Box<dyn Cursor + 'a> {
        Box::new(RocksCursor::new(self.handle.clone(), space, from, to, order))
    }

    fn flush(&self) -> Result<()> {
        refused("flush")
    }

    fn checkpoint(&self) -> Result<Arc<dyn Checkpoint>> {
        refused("take a checkpoint")
    }

    fn incoming(&self, _id: &str) -> Result<Box<dyn Incoming>> {
        refused("receive a checkpoint")
    }

    fn install(&self, _incoming: Box<dyn Incoming>) -> Result<()> {
        refused("install a checkpoint")
    }

    fn reclaim(&self, _space: Space, _from: &[u8], _to: &[u8]) -> Result<()> {
        refused("give space back")
    }

    fn stats(&self) -> Result<Stats> {
        self.handle.stats(self.settings.cache.get_usage() as u64)
    }
}
