//! A data folder opened while no member runs on it.

use std::path::Path;
use std::sync::Arc;

use store_engine::Engine;
use store_log::{RealDisk, View};
use store_machine::{Limits, Machine};
use store_node::{Config, Folder, Identity, IdentityStore};
use store_rocks::ReadOnly;

use crate::error::{Error, Result};

/// A member's log and state, as they lie there. Nothing in the folder is changed.
pub(super) struct Data {
    pub(super) identity: Identity,
    pub(super) log: View,
    // Its lock keeps a member from starting meanwhile.
    _disk: RealDisk,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) machine: Machine,
}

impl Data {
    /// Opens the folder; `wal_dir` as the member's `--wal-dir`.
    ///
    /// # Errors
    /// It is no data folder, a member runs on it, or it is damaged.
    pub(super) fn open(dir: &Path, wal_dir: Option<&Path>) -> Result<Self> {
        let shown = dir.display();
        if !dir.join("member").is_dir() {
            return Err(Error::new(format!(
                "{shown} is not the data folder of a member: it has no folder 'member'"
            )));
        }
        let config = Config {
            data_dir: dir.to_path_buf(),
            wal_dir: wal_dir.map(Path::to_path_buf),
            ..Config::default()
        };
        let folder = Folder::find(&config).map_err(|error| Error::chain(&error))?;
        let identity = folder.load().map_err(|error| Error::chain(&error))?;
        let identity = identity.ok_or_else(|| {
            Error::new(format!(
                "{shown} has no identity: its member never came to run; there is nothing to look at"
            ))
        })?;
        let running = |what: &str, error: Error| {
            Error::new(format!(
                "cannot open the {what} in {shown}: {error}. If a member runs on it, stop the member first"
            ))
        };
        let disk = RealDisk::open_read_only(folder.log()).map_err(|error| running("log", Error::chain(&error)))?;
        let log = View::open(&disk, identity.cluster_id, identity.member_id).map_err(|error| Error::chain(&error))?;
        let engine = ReadOnly::open(folder.db(), store_rocks::Options::default());
        let engine: Arc<dyn Engine> = Arc::new(engine.map_err(|error| running("database", Error::chain(&error)))?);
        let machine = Machine::open(Arc::clone(&engine), None, Limits::default());
        let machine = machine.map_err(|error| Error::chain(&error))?;
        Ok(Self {
            identity,
            log,
            _disk: disk,
            engine,
            machine,
        })
    }
}
