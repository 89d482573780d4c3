//! A disk in memory that knows what it would lose: for tests and simulations of crashes and failures.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::disk::{Disk, File};

/// The unit in which a torn write is kept or lost.
const SECTOR: usize = 512;

/// A disk in memory. Clones share the contents. What was not synced is lost, kept or torn by [`MemoryDisk::crash`].
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    moves: Vec<Move>,
    files: Vec<Contents>,
    /// Handles of an earlier life must not write into this one.
    life: u64,
    faults: Faults,
}

#[derive(Default)]
struct Faults {
    syncs_until_failure: Option<u64>,
    operations_left: Option<u64>,
    capacity: Option<u64>,
}

enum Move {
    Link(String, usize),
    Rename(String, String, usize),
    Unlink(String),
}

#[derive(Default)]
struct Contents {
    view: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
    Allocate(u64),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Write(offset, data) => {
                let start = *offset as usize;
                if bytes.len() < start + data.len() {
                    bytes.resize(start + data.len(), 0);
                }
                bytes[start..start + data.len()].copy_from_slice(data);
            }
            Change::Truncate(length) => bytes.resize(*length as usize, 0),
            Change::Allocate(length) => bytes.resize(bytes.len().max(*length as usize), 0),
        }
    }
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    /// The power goes: of what was not synced, `choose(n)` (a number below n) decides what is lost, kept or torn.
    /// Handles from before answer errors; faults are cleared; open the log again to go on.
    pub fn crash(&self, choose: &mut dyn FnMut(u64) -> u64) {
        let mut inner = self.0.lock();
        for file in &mut inner.files {
            for change in std::mem::take(&mut file.pending) {
                match change {
                    Change::Write(offset, data) => keep_some(&mut file.durable, offset, &data, choose),
                    other if choose(2) == 1 => other.apply(&mut file.durable),
                    _ => {}
                }
            }
            file.view = file.durable.clone();
        }
        for step in std::mem::take(&mut inner.moves) {
            if choose(2) == 1 {
                step.apply(&mut inner.durable_names);
            }
        }
        inner.names = inner.durable_names.clone();
        inner.life += 1;
        inner.faults = Faults::default();
    }

    /// The power goes and everything that was not synced is lost.
    pub fn lose_pending(&self) {
        self.crash(&mut |_| 0);
    }

    /// The process dies but the machine lives on: everything written stays, handles from before answer errors.
    pub fn kill(&self) {
        let mut inner = self.0.lock();
        inner.life += 1;
        inner.faults = Faults::default();
    }

    /// What would be there if the power went now and everything that was not synced was lost: a disk of its own.
    #[must_use]
    pub fn surviving(&self) -> MemoryDisk {
        let inner = self.0.lock();
        let mut survived = Inner::default();
        for (id, (name, file)) in inner.durable_names.iter().enumerate() {
            let durable = inner.files[*file].durable.clone();
            survived.files.push(Contents {
                view: durable.clone(),
                durable,
                pending: Vec::new(),
            });
            survived.names.insert(name.clone(), id);
        }
        survived.durable_names.clone_from(&survived.names);
        MemoryDisk(Arc::new(Mutex::new(survived)))
    }

    /// Whether a loss of power would change nothing.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        let inner = self.0.lock();
        let synced = |id: &usize| {
            let file = &inner.files[*id];
            // After a sync that failed nothing is pending, and what it should have written is not there.
            file.pending.is_empty() && file.view == file.durable
        };
        inner.moves.is_empty() && inner.names.values().all(synced)
    }

    /// Lets the sync after `successes` more fail.
    pub fn fail_sync(&self, successes: u64) {
        self.0.lock().faults.syncs_until_failure = Some(successes);
    }

    /// Lets every change after `operations` more fail, as if the process had died there.
    pub fn stop_after(&self, operations: u64) {
        self.0.lock().faults.operations_left = Some(operations);
    }

    /// Bytes that all files together may have; more is `StorageFull`.
    pub fn set_capacity(&self, bytes: u64) {
        self.0.lock().faults.capacity = Some(bytes);
    }

    /// Flips one bit, also of what was synced. False where there is no such byte.
    pub fn corrupt(&self, name: &str, offset: u64) -> bool {
        let mut inner = self.0.lock();
        let Some(id) = inner.names.get(name).copied() else {
            return false;
        };
        let file = &mut inner.files[id];
        let at = offset as usize;
        let mut hit = false;
        for bytes in [&mut file.view, &mut file.durable] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 0x10;
                hit = true;
            }
        }
        hit
    }
}

/// Applies a write that was under way when the power went.
fn keep_some(durable: &mut Vec<u8>, offset: u64, data: &[u8], choose: &mut dyn FnMut(u64) -> u64) {
    match choose(3) {
        0 => {}
        1 => Change::Write(offset, data.to_vec()).apply(durable),
        _ => {
            let mut at = 0;
            while at < data.len() {
                let here = offset as usize + at;
                let length = (SECTOR - here % SECTOR).min(data.len() - at);
                if choose(2) == 1 {
                    Change::Write(here as u64, data[at..at + length].to_vec()).apply(durable);
                }
                at += length;
            }
        }
    }
}

impl Move {
    fn apply(self, names: &mut BTreeMap<String, usize>) {
        match self {
            Move::Link(name, id) => {
                names.insert(name, id);
            }
            Move::Unlink(name) => {
                names.remove(&name);
            }
            Move::Rename(from, to, id) => {
                if names.get(&from) == Some(&id) {
                    names.remove(&from);
                }
                names.insert(to, id);
            }
        }
    }
}

impl Inner {
    /// Counts one change, or fails it.
    fn change(&mut self) -> io::Result<()> {
        if let Some(left) = &mut self.faults.operations_left {
            if *left == 0 {
                return Err(io::Error::other("the disk is gone"));
            }
            *left -= 1;
        }
        Ok(())
    }

    fn reserve(&self, more: u64) -> io::Result<()> {
        let used: u64 = self.names.values().map(|id| self.files[*id].view.len() as u64).sum();
        match self.faults.capacity {
            Some(capacity) if used + more > capacity => Err(io::Error::from(io::ErrorKind::StorageFull)),
            _ => Ok(()),
        }
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn apply(&mut self, id: usize, change: Change) {
        let file = &mut self.files[id];
        change.apply(&mut file.view);
        file.pending.push(change);
    }
}

impl MemoryDisk {
    fn handle(&self, id: usize, life: u64) -> Arc<dyn File> {
        Arc::new(MemoryFile {
            disk: self.clone(),
            id,
            life,
        })
    }
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().names.keys().cloned().collect())
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn File>> {
        let mut inner = self.0.lock();
        inner.change()?;
        inner.reserve(bytes)?;
        if inner.names.contains_key(name) {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        let id = inner.files.len();
        inner.files.push(Contents::default());
        inner.apply(id, Change::Allocate(bytes));
        inner.names.insert(name.to_owned(), id);
        inner.moves.push(Move::Link(name.to_owned(), id));
        let life = inner.life;
        drop(inner);
        Ok(self.handle(id, life))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let inner = self.0.lock();
        let (id, life) = (inner.find(name)?, inner.life);
        drop(inner);
        Ok(self.handle(id, life))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut inner = self.0.lock();
        inner.change()?;
        let id = inner.find(from)?;
        Move::Rename(from.to_owned(), to.to_owned(), id).apply(&mut inner.names);
        inner.moves.push(Move::Rename(from.to_owned(), to.to_owned(), id));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut inner = self.0.lock();
        inner.change()?;
        inner.find(name)?;
        inner.names.remove(name);
        inner.moves.push(Move::Unlink(name.to_owned()));
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut inner = self.0.lock();
        inner.change()?;
        for step in std::mem::take(&mut inner.moves) {
            step.apply(&mut inner.durable_names);
        }
        Ok(())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    id: usize,
    life: u64,
}

impl MemoryFile {
    fn change(&self, change: Change) -> io::Result<()> {
        let mut inner = self.disk.0.lock();
        self.alive(&inner)?;
        inner.change()?;
        let length = inner.files[self.id].view.len() as u64;
        let wanted = match &change {
            Change::Write(offset, data) => offset + data.len() as u64,
            Change::Allocate(bytes) => *bytes,
            Change::Truncate(_) => 0,
        };
        inner.reserve(wanted.saturating_sub(length))?;
        inner.apply(self.id, change);
        Ok(())
    }

    fn alive(&self, inner: &Inner) -> io::Result<()> {
        if inner.life == self.life {
            Ok(())
        } else {
            Err(io::Error::other("this handle is from before the crash"))
        }
    }
}

impl File for MemoryFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.disk.0.lock().files[self.id].view.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let inner = self.disk.0.lock();
        let view = &inner.files[self.id].view;
        let start = (offset as usize).min(view.len());
        let length = buffer.len().min(view.len() - start);
        buffer[..length].copy_from_slice(&view[start..start + length]);
        Ok(length)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Write(offset, data.to_vec()))
    }

    fn sync(&self) -> io::Result<()> {
        let mut inner = self.disk.0.lock();
        self.alive(&inner)?;
        inner.change()?;
        if let Some(left) = inner.faults.syncs_until_failure {
            if left == 0 {
                // As a kernel does it: the pages are dropped and the next sync says that all is well.
                inner.files[self.id].pending.clear();
                inner.faults.syncs_until_failure = None;
                return Err(io::Error::from_raw_os_error(libc::EIO));
            }
            inner.faults.syncs_until_failure = Some(left - 1);
        }
        let file = &mut inner.files[self.id];
        for change in std::mem::take(&mut file.pending) {
            change.apply(&mut file.durable);
        }
        Ok(())
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.change(Change::Truncate(bytes))
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.change(Change::Allocate(bytes))
    }
}
