//! Installing a received checkpoint as the active database.
//!
//! The steps, each durable before the next: the checked files become `db-<n+1>`; it is opened, which proves that
//! RocksDB takes it; `ACTIVE` names it; the open handle is swapped; the old database goes away with its last cursor. A
//! crash before `ACTIVE` changes leaves the old database and a leftover, and after it the new one and a leftover.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use store_engine::{Error, Result};

use crate::folder::{self, Folder};
use crate::handle::Handle;
use crate::options::Settings;

/// Turns the files in `received` into an open and active database. On an error the old one is still active.
pub(crate) fn install(folder: &Folder, settings: &Settings, received: &Path, old: &Handle) -> Result<Arc<Handle>> {
    let number = Folder::after(old.number);
    let path = folder.database(number);
    folder::remove(&path)?;
    fs::rename(received, &path).map_err(|source| Error::io("install a checkpoint", source))?;
    folder::sync_folder(&folder.incoming())?;
    let outcome = settings
        .open(&path, false)
        .and_then(|db| folder.activate(number).map(|()| db));
    match outcome {
        Ok(db) => {
            old.doom();
            Ok(Arc::new(Handle::new(db, number, path)))
        }
        Err(error) => {
            // Whether the pointer changed is not known if its last sync failed; what it names must then stay.
            if folder.active().is_ok_and(|active| active == Some(old.number)) {
                folder::remove(&path)?;
            }
            Err(error)
        }
    }
}
