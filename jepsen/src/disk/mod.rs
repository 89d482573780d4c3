//! A disk for a member's data, whose faults are those of real ones: a power cut that takes what was not synced, syncs
//! that are slow or fail, no room left.
//!
//! It is a FUSE file system of this program. Its content is in memory, not in a folder of a real disk: what would be
//! there after a power cut must be known exactly, while a real disk below would keep or lose by rules of its own; a
//! sync then costs microseconds, so that only the faults make it slow; and there is nothing to clean up. Of a run that
//! went wrong [`Contents`] writes them to a real one. The kernel
//! keeps pages of it as of any file system, but nothing that was written: every write reaches [`Model`](model::Model)
//! before the writer goes on. A power cut unmounts and mounts again, so that the kernel forgets too.
//!
//! Locks are the kernel's own, and so are `sync_file_range` and maps for reading. Links between files work (RocksDB's
//! checkpoints are made of them); symbolic links, devices and extended attributes are refused.
//!
//! Start reading at [`Disk`], then `model`, `file` and `folder`.

mod contents;
mod crash;
mod faults;
mod file;
mod folder;
mod fuse;
mod image;
mod late;
mod model;
mod reply;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use fuser::{BackgroundSession, Config, MountOption};
use parking_lot::Mutex;
use rustix::mount::{UnmountFlags, unmount};

pub(crate) use contents::Contents;
pub(crate) use crash::Lost;
use faults::Shared;
pub(crate) use faults::{Counters, Faults};
use fuse::Layer;

use crate::seed::Seed;

/// Which changes a power cut takes, of those that no sync has put on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// All of them.
    Everything,
    /// Some: each change of a file is lost or not, whatever came before or after it.
    Some,
    /// The last ones: the first of those in part, up to the border of a sector.
    Torn,
}

/// A file system that is gone may still be left by who was killed in it; longer than this nobody takes.
const LEAVE: Duration = Duration::from_secs(10);

/// A disk, mounted on a folder.
pub(crate) struct Disk {
    folder: PathBuf,
    shared: Arc<Shared>,
    session: Mutex<Option<BackgroundSession>>,
}

impl Disk {
    /// Mounts an empty disk on a folder. On a strict one, a new name is lost with the power until its folder is synced;
    /// otherwise a sync of any file keeps it, as on ext4.
    ///
    /// # Errors
    /// The kernel has no FUSE, or the program may not mount.
    pub(crate) fn mount(folder: &Path, strict: bool) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::new(strict));
        let session = Mutex::new(Some(session(folder, &shared)?));
        Ok(Self {
            folder: folder.to_owned(),
            shared,
            session,
        })
    }

    /// What is wrong with it now.
    pub(crate) fn faults(&self) -> Faults {
        self.shared.lock().faults
    }

    /// Changes its faults, all of them.
    pub(crate) fn set_faults(&self, faults: Faults) {
        self.shared.set_faults(faults);
    }

    /// No faults any more. A sync that is under way ends soon.
    pub(crate) fn heal(&self) {
        self.set_faults(Faults::default());
    }

    /// What it holds, also after it is unmounted.
    pub(crate) fn contents(&self) -> Contents {
        Contents::new(Arc::clone(&self.shared))
    }

    /// What it did so far.
    pub(crate) fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// The power fails and comes back. Nobody may use the disk meanwhile: its member has been killed.
    ///
    /// # Errors
    /// Somebody uses it, or it cannot be mounted again.
    pub(crate) fn power_loss(&self, loss: Loss, seed: u64) -> anyhow::Result<Lost> {
        let mut session = self.session.lock();
        self.leave()?;
        // Before the new mount: what is dropped may still unmount something.
        drop(session.take());
        let lost = self
            .shared
            .power_loss(loss, &mut Seed::new(seed).part("power", 0).rng());
        *session = Some(self::session(&self.folder, &self.shared)?);
        Ok(lost)
    }

    /// Unmounts it, once those have left who were killed in it.
    fn leave(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            match unmount(&self.folder, UnmountFlags::empty()) {
                Ok(()) => return Ok(()),
                Err(rustix::io::Errno::BUSY) if began.elapsed() < LEAVE => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(error) => {
                    return Err(error).with_context(|| format!("{} cannot be unmounted", self.folder.display()));
                }
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.heal();
        // Whoever is still in it must not be able to keep it.
        if let Err(error) = unmount(&self.folder, UnmountFlags::DETACH) {
            tracing::warn!(folder = %self.folder.display(), %error, "a disk stays mounted");
        }
    }
}

fn session(folder: &Path, shared: &Arc<Shared>) -> anyhow::Result<BackgroundSession> {
    let mut config = Config::default();
    config.mount_options = vec![
        MountOption::FSName("jepsen".to_owned()),
        MountOption::DefaultPermissions,
    ];
    let layer = Layer::new(Arc::clone(shared)).context("no thread for slow syncs")?;
    fuser::spawn_mount(layer, folder, &config)
        .with_context(|| format!("no FUSE file system can be mounted on {}", folder.display()))
}
