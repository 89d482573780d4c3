//! The engine with a plan before each operation that changes it, and before what is read of a checkpoint.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bytes::Bytes;
use store_engine::{Batch, Checkpoint, Cursor, Engine, Error, File, Incoming, Op, Order, Result, Space, Stats};
use store_node::{Identity, IdentityStore};

use crate::plan::{Kind, Plan};

/// An engine under a plan.
pub(crate) struct CutEngine {
    inner: Arc<dyn Engine>,
    plan: Arc<Plan>,
    /// It is the one that sends a snapshot: only what it does for the receiver is under the plan.
    sends: bool,
    /// What was written last, which tells whose flush comes.
    last: AtomicU8,
}

/// Nothing was written or flushed in this life.
const STARTS: u8 = 0;
/// The genesis was written, and is to be flushed.
const FOUNDS: u8 = 1;
/// Consensus has started.
const RUNS: u8 = 2;

const APPLIED: &[u8] = b"machine/applied";
const CLUSTER: &[u8] = b"machine/cluster";
const META: Space = Space(0);
const DATA: Space = Space(1);

fn cut(error: io::Error) -> Error {
    Error::io("cut", error)
}

/// The name of a write by what only its writer writes.
fn writer(batch: &Batch) -> &'static str {
    let puts = |wanted: &[u8]| {
        batch
            .ops()
            .any(|op| matches!(op, Op::Put { space: META, key, .. } if key == wanted))
    };
    if puts(APPLIED) {
        "machine.commit"
    } else if puts(CLUSTER) {
        "machine.found"
    } else {
        "node.gc.write"
    }
}

impl CutEngine {
    pub(crate) fn new(inner: Arc<dyn Engine>, plan: Arc<Plan>, sends: bool) -> Self {
        Self {
            inner,
            plan,
            sends,
            last: AtomicU8::new(STARTS),
        }
    }

    fn whole<T>(&self, operation: (&'static str, Kind), run: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.sends {
            run()
        } else {
            self.plan.whole(operation, cut, run)
        }
    }
}

impl Engine for CutEngine {
    fn write(&self, batch: &Batch) -> Result<()> {
        let operation = writer(batch);
        if operation == "machine.found" {
            self.last.store(FOUNDS, Ordering::SeqCst);
        }
        self.whole((operation, Kind::Space), || self.inner.write(batch))
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>> {
        self.inner.get(space, key)
    }

    fn multi_get(&self, space: Space, keys: &[Vec<u8>]) -> Result<Vec<Option<Bytes>>> {
        self.inner.multi_get(space, keys)
    }

    fn scan<'a>(&'a self, space: Space, from: &[u8], to: Option<&[u8]>, order: Order) -> Box<dyn Cursor + 'a> {
        self.inner.scan(space, from, to, order)
    }

    fn flush(&self) -> Result<()> {
        let operation = match self.last.load(Ordering::SeqCst) {
            FOUNDS => {
                self.last.store(STARTS, Ordering::SeqCst);
                "machine.found.flush"
            }
            STARTS => {
                self.last.store(RUNS, Ordering::SeqCst);
                "raft.start.flush"
            }
            _ if self.plan.is_leaving() => "node.shutdown.flush",
            _ => "raft.flush",
        };
        self.whole((operation, Kind::Space), || self.inner.flush())
    }

    fn checkpoint(&self) -> Result<Arc<dyn Checkpoint>> {
        let take = || self.inner.checkpoint();
        let inner = self.plan.whole(("raft.image.take", Kind::Space), cut, take)?;
        Ok(Arc::new(CutCheckpoint {
            inner,
            plan: Arc::clone(&self.plan),
        }))
    }

    fn incoming(&self, id: &str) -> Result<Box<dyn Incoming>> {
        let inner = self.whole(("raft.receive.open", Kind::Space), || self.inner.incoming(id))?;
        Ok(Box::new(CutIncoming {
            inner,
            plan: Arc::clone(&self.plan),
        }))
    }

    fn install(&self, incoming: Box<dyn Incoming>) -> Result<()> {
        self.whole(("raft.install.engine", Kind::Space), || self.inner.install(incoming))
    }

    fn reclaim(&self, space: Space, from: &[u8], to: &[u8]) -> Result<()> {
        let operation = if space == DATA {
            "node.defrag"
        } else {
            "node.gc.reclaim"
        };
        self.whole((operation, Kind::Plain), || self.inner.reclaim(space, from, to))
    }

    fn stats(&self) -> Result<Stats> {
        self.inner.stats()
    }
}

struct CutCheckpoint {
    inner: Arc<dyn Checkpoint>,
    plan: Arc<Plan>,
}

impl Checkpoint for CutCheckpoint {
    fn files(&self) -> &[File] {
        self.inner.files()
    }

    fn read(&self, file: usize, offset: u64, len: usize) -> Result<Bytes> {
        let read = || self.inner.read(file, offset, len);
        self.plan.whole(("raft.image.read", Kind::Plain), cut, read)
    }
}

struct CutIncoming {
    inner: Box<dyn Incoming>,
    plan: Arc<Plan>,
}

impl Incoming for CutIncoming {
    fn id(&self) -> &str {
        self.inner.id()
    }

    fn held(&self, name: &str) -> Result<u64> {
        self.inner.held(name)
    }

    fn write(&mut self, name: &str, offset: u64, data: &[u8]) -> Result<()> {
        let Self { inner, plan } = self;
        let write = |part: &[u8]| inner.write(name, offset, part);
        plan.bytes("raft.receive.write", data, cut, write)
    }

    fn finish(&mut self, files: &[File]) -> Result<()> {
        let Self { inner, plan } = self;
        plan.whole(("raft.receive.finish", Kind::Plain), cut, || inner.finish(files))
    }
}

/// The place of a member's identity, under a plan.
pub(crate) struct CutIdentity {
    pub(crate) inner: Arc<dyn IdentityStore>,
    pub(crate) plan: Arc<Plan>,
}

impl IdentityStore for CutIdentity {
    fn load(&self) -> std::result::Result<Option<Identity>, store_node::folder::Error> {
        self.inner.load()
    }

    fn save(&self, identity: &Identity) -> std::result::Result<(), store_node::folder::Error> {
        let failed = |source| store_node::folder::Error::Io {
            path: "identity".to_owned(),
            source,
        };
        let save = || self.inner.save(identity);
        self.plan.whole(("node.identity.save", Kind::Space), failed, save)
    }
}
