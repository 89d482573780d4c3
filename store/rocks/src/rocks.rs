//! The engine: a folder, the active database in it, and a thread that gives space back.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use store_engine::{Batch, Checkpoint, Cursor, Engine, Error, Incoming, Order, Result, Space, Stats};

use crate::checkpoint::{Checksums, Image};
use crate::cursor::RocksCursor;
use crate::folder::{FIRST, Folder};
use crate::handle::Handle;
use crate::incoming::{Finished, Place};
use crate::install;
use crate::options::{Options, Settings};
use crate::reclaim::Reclaimer;

/// RocksDB in a folder of its own.
pub struct Rocks {
    settings: Settings,
    active: Arc<RwLock<Arc<Handle>>>,
    reclaimer: Reclaimer,
    finished: Finished,
    checksums: Checksums,
    /// Held for the whole of an install: one at a time.
    installing: Mutex<()>,
    // Last: the lock on the folder is given up after everything in it is closed.
    folder: Folder,
}

impl Rocks {
    /// Opens the store in a folder, which is created if it is not there, and removes what a crash has left in it.
    ///
    /// # Errors
    /// `Io` of kind `WouldBlock` when another process has it open; `Corrupt` when it is damaged; others from the system.
    pub fn open(path: &Path, options: Options) -> Result<Self> {
        let folder = Folder::open(path)?;
        let settings = Settings::new(options)?;
        let active = folder.active()?;
        folder.remove_leftovers(active)?;
        let number = active.unwrap_or(FIRST);
        let path = folder.database(number);
        // A missing database is made only in a folder that never had one: an empty one would pass for lost data.
        let db = settings.open(&path, active.is_none())?;
        if active.is_none() {
            folder.activate(number)?;
        }
        let active = Arc::new(RwLock::new(Arc::new(Handle::new(db, number, path))));
        let reclaimer = Reclaimer::start(Arc::downgrade(&active))?;
        Ok(Self {
            settings,
            active,
            reclaimer,
            finished: Finished::default(),
            checksums: Checksums::default(),
            installing: Mutex::new(()),
            folder,
        })
    }

    fn handle(&self) -> Arc<Handle> {
        self.active.read().clone()
    }
}

impl Drop for Rocks {
    fn drop(&mut self) {
        self.handle().db.cancel_all_background_work(true);
        self.reclaimer.stop();
    }
}

impl Engine for Rocks {
    fn write(&self, batch: &Batch) -> Result<()> {
        self.handle().write(batch)
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>> {
        self.handle().get(space, key)
    }

    fn multi_get(&self, space: Space, keys: &[Vec<u8>]) -> Result<Vec<Option<Bytes>>> {
        self.handle().multi_get(space, keys)
    }

    fn scan<'a>(&'a self, space: Space, from: &[u8], to: Option<&[u8]>, order: Order) -> Box<dyn Cursor + 'a> {
        Box::new(RocksCursor::new(self.handle(), space, from, to, order))
    }

    fn flush(&self) -> Result<()> {
        self.handle().flush()
    }

    fn checkpoint(&self) -> Result<Arc<dyn Checkpoint>> {
        Ok(Arc::new(Image::take(
            &self.handle(),
            &self.folder.checkpoints(),
            self.checksums.clone(),
        )?))
    }

    fn incoming(&self, id: &str) -> Result<Box<dyn Incoming>> {
        Ok(Box::new(Place::open(&self.folder, id, self.finished.clone())?))
    }

    fn install(&self, incoming: Box<dyn Incoming>) -> Result<()> {
        let _one = self.installing.lock();
        let id = incoming.id().to_owned();
        // Closes its files.
        drop(incoming);
        self.finished
            .lock()
            .take_if(|finished| *finished == id)
            .ok_or_else(|| Error::invalid("install a checkpoint", "it is not finished"))?;
        let received = self.folder.incoming().join(&id);
        let installed = install::install(&self.folder, &self.settings, &received, &self.handle())?;
        *self.active.write() = installed;
        Ok(())
    }

    fn reclaim(&self, space: Space, from: &[u8], to: &[u8]) -> Result<()> {
        if from >= to {
            return Ok(());
        }
        self.reclaimer.ask(space.prefixed(from), space.prefixed(to))
    }

    fn stats(&self) -> Result<Stats> {
        self.handle().stats(self.settings.cache.get_usage() as u64)
    }
}
