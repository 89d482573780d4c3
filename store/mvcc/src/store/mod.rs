//! The store itself: the published head that readers share, and the one writer that moves it.

mod head;
mod open;
mod reader;
mod session;
mod verify;
mod view;
mod write;

use std::sync::Arc;

pub(crate) use head::{Head, Shared, StoredHead};
pub(crate) use open::load;
pub use reader::Reader;
pub(crate) use session::Pending;
pub use session::Session;
pub use view::View;
pub(crate) use write::{Writing, roll};

use store_engine::Engine;

use crate::{Gc, Result};

/// A hash over every change since the store was empty, and the revision at which it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollingHash {
    /// The revision of the last change that is in.
    pub revision: i64,
    /// Equal on all members that applied the same commands.
    pub hash: u64,
}

/// The writer's side of the store. There is one; readers are made from it.
pub struct Mvcc {
    shared: Arc<Shared>,
    head: Arc<Head>,
}

impl Mvcc {
    /// Reads the head and the index, but no value.
    ///
    /// # Errors
    /// When the engine fails or holds what this crate does not write.
    pub fn open(engine: Arc<dyn Engine>) -> Result<Self> {
        let (head, gc) = load(engine.as_ref())?;
        let shared = Arc::new(Shared::new(engine, head, gc));
        Ok(Self {
            head: shared.head(),
            shared,
        })
    }

    /// Takes up what `engine.install` put in place of the old contents. Existing readers see it from then on.
    ///
    /// The caller makes sure that no [`GcStep`](crate::GcStep) is written between `install` and the end of this call.
    ///
    /// # Errors
    /// As [`Self::open`]; the store then still shows the old head and must not be used.
    pub fn reload(&mut self) -> Result<()> {
        let (head, gc) = load(self.shared.engine())?;
        self.shared.replace(head, gc);
        self.head = self.shared.head();
        Ok(())
    }

    /// A handle for reading, for any thread.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.shared))
    }

    /// A handle for collecting what compactions left behind.
    #[must_use]
    pub fn gc(&self) -> Gc {
        Gc::new(Arc::clone(&self.shared))
    }

    /// The revision of the last published change; 1 in an empty store.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.head.revision
    }

    /// The revision of the last compaction, -1 before the first.
    #[must_use]
    pub fn compacted(&self) -> i64 {
        self.head.compacted
    }

    /// The rolling hash at the head.
    #[must_use]
    pub fn hash(&self) -> RollingHash {
        self.head.rolling()
    }

    /// Bytes of all versions and history entries that are not collected yet.
    ///
    /// A member's own number: it depends on how far its collector came, so no command may be decided by it.
    #[must_use]
    pub fn live_bytes(&self) -> u64 {
        self.shared.live_bytes(self.head.added)
    }

    /// Calls with every live key that a lease holds, to rebuild attachments after [`Self::open`] and [`Self::reload`].
    pub fn for_each_leased(&self, mut visit: impl FnMut(&[u8], i64)) {
        let mut cursor = self.head.index.cursor(b"");
        while let Some((key, meta)) = cursor.entry() {
            if meta.lease != 0 {
                visit(key, meta.lease);
            }
            cursor.advance();
        }
    }

    /// Reads every newest version and compares it with the index. Answers how many keys live.
    ///
    /// # Errors
    /// When they differ, or when the engine fails.
    pub fn verify(&self) -> Result<u64> {
        verify::index(self.shared.engine(), &self.head.index)
    }

    /// Starts one apply batch.
    pub fn begin(&mut self) -> Session<'_> {
        Session::new(self)
    }
}

#[cfg(test)]
mod tests;
