//! The log's disk with a plan before each operation that changes it.
//!
//! An operation is named by what it is done to and by what came before it, so that a report says `log.append.sync`: the
//! log itself says nothing of it.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use parking_lot::Mutex;
use store_log::{Disk, File};

use crate::plan::{Kind, Plan};

/// A write: the file, where, and what stood there before.
type Write = (Arc<dyn File>, u64, Vec<u8>);

/// What a loss of power would take: all that was not synced.
#[derive(Default)]
struct Unsynced {
    writes: Mutex<Vec<Write>>,
    /// Names that changed: the old and the new.
    names: Mutex<Vec<(String, String)>>,
}

impl Unsynced {
    /// So many bytes are about to change.
    fn note(&self, file: &Arc<dyn File>, offset: u64, bytes: usize) -> io::Result<()> {
        // Behind its end a file reads as zeros once it is longer.
        let mut old = vec![0; bytes];
        file.read_at(offset, &mut old)?;
        self.writes.lock().push((Arc::clone(file), offset, old));
        Ok(())
    }

    fn synced(&self, file: &Arc<dyn File>) {
        let other = |(held, _, _): &Write| !std::ptr::addr_eq(Arc::as_ptr(held), Arc::as_ptr(file));
        self.writes.lock().retain(other);
    }

    fn lose(&self, disk: &dyn Disk) {
        for (file, offset, old) in self.writes.lock().drain(..).rev() {
            // The process ends here: there is nobody to tell.
            let _ = file.write_at(offset, &old);
        }
        for (from, to) in self.names.lock().drain(..).rev() {
            let _ = disk.rename(&to, &from);
        }
    }
}

/// A disk under a plan.
pub(crate) struct CutDisk {
    inner: Arc<dyn Disk>,
    plan: Arc<Plan>,
    /// What changes belong to the log's recovery; until the first record is written.
    recovers: Arc<AtomicBool>,
    unsynced: Arc<Unsynced>,
}

impl CutDisk {
    pub(crate) fn new(inner: Arc<dyn Disk>, plan: Arc<Plan>) -> Self {
        let unsynced = Arc::<Unsynced>::default();
        let (lost, disk) = (Arc::clone(&unsynced), Arc::clone(&inner));
        plan.on_power_loss(move || lost.lose(&*disk));
        Self {
            inner,
            plan,
            recovers: Arc::new(AtomicBool::new(true)),
            unsynced,
        }
    }

    fn file(&self, inner: Arc<dyn File>, stage: u8) -> Arc<dyn File> {
        Arc::new(CutFile {
            inner,
            plan: Arc::clone(&self.plan),
            recovers: Arc::clone(&self.recovers),
            unsynced: Arc::clone(&self.unsynced),
            stage: AtomicU8::new(stage),
        })
    }
}

impl Disk for CutDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn File>> {
        let create = || self.inner.create(name, bytes);
        let file = self
            .plan
            .whole(("log.create.allocate", Kind::Space), |error| error, create)?;
        Ok(self.file(file, NEW))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(self.file(self.inner.open(name)?, FOUND))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let rename = || {
            self.inner.rename(from, to)?;
            self.unsynced.names.lock().push((from.to_owned(), to.to_owned()));
            Ok(())
        };
        self.plan
            .whole(("log.create.rename", Kind::Plain), |error| error, rename)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let unfinished = Path::new(name).extension().is_some_and(|end| end == "new");
        let operation = if unfinished {
            "log.recover.remove_unfinished"
        } else if self.recovers.load(Ordering::SeqCst) {
            "log.recover.remove_straggler"
        } else {
            "log.purge.remove"
        };
        let remove = || self.inner.remove(name);
        self.plan.whole((operation, Kind::Plain), |error| error, remove)
    }

    fn sync_dir(&self) -> io::Result<()> {
        let operation = if self.unsynced.names.lock().is_empty() {
            "log.recover.sync_dir"
        } else {
            "log.create.sync_dir"
        };
        let sync = || {
            self.inner.sync_dir()?;
            self.unsynced.names.lock().clear();
            Ok(())
        };
        self.plan.whole((operation, Kind::Plain), |error| error, sync)
    }
}

/// Is being made.
const NEW: u8 = 0;
/// Was there at the start and is being recovered.
const FOUND: u8 = 1;
/// Takes records.
const ACTIVE: u8 = 2;

struct CutFile {
    inner: Arc<dyn File>,
    plan: Arc<Plan>,
    recovers: Arc<AtomicBool>,
    unsynced: Arc<Unsynced>,
    stage: AtomicU8,
}

impl CutFile {
    fn stage(&self) -> u8 {
        self.stage.load(Ordering::SeqCst)
    }
}

impl File for CutFile {
    fn bytes(&self) -> io::Result<u64> {
        self.inner.bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let operation = match self.stage() {
            NEW => "log.create.write",
            FOUND => "log.recover.rewrite",
            _ => {
                self.recovers.store(false, Ordering::SeqCst);
                name_of(data)
            }
        };
        let write = |part: &[u8]| {
            self.unsynced.note(&self.inner, offset, part.len())?;
            self.inner.write_at(offset, part)
        };
        self.plan.bytes(operation, data, |error| error, write)
    }

    fn sync(&self) -> io::Result<()> {
        let operation = match self.stage.swap(ACTIVE, Ordering::SeqCst) {
            NEW => "log.create.sync",
            FOUND => "log.recover.sync",
            _ => "log.append.sync",
        };
        let sync = || {
            self.inner.sync()?;
            self.unsynced.synced(&self.inner);
            Ok(())
        };
        self.plan.whole((operation, Kind::Plain), |error| error, sync)
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        let truncate = || {
            let tail = self.inner.bytes()?.saturating_sub(bytes);
            self.unsynced.note(&self.inner, bytes, tail as usize)?;
            self.inner.truncate(bytes)
        };
        self.plan
            .whole(("log.recover.truncate", Kind::Plain), |error| error, truncate)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let operation = if self.stage() == ACTIVE {
            "log.append.grow"
        } else {
            "log.recover.allocate"
        };
        let allocate = || self.inner.allocate(bytes);
        self.plan.whole((operation, Kind::Space), |error| error, allocate)
    }
}

/// Records that lie one behind the other, up to the first zeros: the kind and the index of each. The format stands in
/// `store/log/src/record.rs`.
pub(crate) fn records(data: &[u8]) -> impl Iterator<Item = (u8, u64)> + '_ {
    const HEAD: usize = 32;
    let mut rest = data;
    std::iter::from_fn(move || {
        let (head, _) = rest.split_at_checked(HEAD)?;
        let (kind, mut index) = (head[24], [0; 8]);
        index.copy_from_slice(&head[16..24]);
        let payload = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        rest = rest.get(HEAD + payload.next_multiple_of(8)..).unwrap_or_default();
        (kind != 0).then_some((kind, u64::from_le_bytes(index)))
    })
}

/// The kind of an entry's record.
pub(crate) const ENTRY: u8 = 1;

/// The name of a write by the most important of its records.
fn name_of(data: &[u8]) -> &'static str {
    const NAMES: [(u8, &str); 6] = [
        (4, "log.truncate.write"),
        (5, "log.purge.write"),
        (2, "log.vote.write"),
        (ENTRY, "log.append.write"),
        (3, "log.committed.write"),
        (6, "log.mark.write"),
    ];
    let kinds: BTreeSet<u8> = records(data).map(|(kind, _)| kind).collect();
    let named = NAMES.iter().find(|(kind, _)| kinds.contains(kind));
    named.map_or("log.unknown.write", |(_, name)| name)
}
