//! The trait of a storage engine: ordered keys in spaces, atomic batches, explicit durability.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Batch, Checkpoint, Cursor, Incoming, Result, Space};

/// The direction of a scan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Greatest key first.
    Descending,
}

/// Sizes that an engine reports. All are estimates.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Stats {
    /// Bytes of its files.
    pub disk_bytes: u64,
    /// Bytes of its write buffers and caches.
    pub memory_bytes: u64,
    /// Bytes written since the last flush that a crash would lose.
    pub unflushed_bytes: u64,
}

/// Ordered bytes on a disk, or in what stands for one. Used as `Arc<dyn Engine>`; all calls may come from any thread.
///
/// There is no log behind it: a crash returns it to a state it had at the end of some earlier batch, never before the
/// last [`Engine::flush`] and never in the middle of a batch. Who writes must be able to repeat later batches.
pub trait Engine: Send + Sync + 'static {
    /// Applies a batch at once. Every read sees it on return; it is not durable before the next flush.
    ///
    /// # Errors
    /// Any; after an error the batch was either applied or not, and a later write or flush fails too unless the error
    /// was [`crate::Error::NoSpace`].
    fn write(&self, batch: &Batch) -> Result<()>;

    /// The value of a key.
    ///
    /// # Errors
    /// Any but `NoSpace`.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>>;

    /// The values of many keys of one space, in the order of `keys`.
    ///
    /// # Errors
    /// Any but `NoSpace`; the first one met.
    fn multi_get(&self, space: Space, keys: &[Vec<u8>]) -> Result<Vec<Option<Bytes>>>;

    /// A cursor over `from..to` (`None` = to the end of the space) as of this call. Failures show in its status.
    fn scan<'a>(&'a self, space: Space, from: &[u8], to: Option<&[u8]>, order: Order) -> Box<dyn Cursor + 'a>;

    /// On return every batch written before the call survives a kill and a loss of power.
    ///
    /// # Errors
    /// Any; what was written since the last successful flush may be lost by a crash.
    fn flush(&self) -> Result<()>;

    /// Flushes, then takes an image of the store as of now. The image goes away when the last handle is dropped.
    ///
    /// # Errors
    /// Any.
    fn checkpoint(&self) -> Result<Arc<dyn Checkpoint>>;

    /// A place where a checkpoint from elsewhere is put together. The same id resumes with what is already held;
    /// a new id discards what any other held: there is one place.
    ///
    /// # Errors
    /// `Io` with `InvalidInput` when the id is not a safe name, see [`crate::is_safe_name`]; others from the system.
    fn incoming(&self, id: &str) -> Result<Box<dyn Incoming>>;

    /// Replaces all contents with a finished incoming checkpoint, atomically and durably: a crash leaves the old or
    /// the new. Cursors opened before stay on the old contents. No write may run at the same time.
    ///
    /// # Errors
    /// `Io` with `InvalidInput` when the checkpoint is not finished or not this engine's; others leave the old contents.
    fn install(&self, incoming: Box<dyn Incoming>) -> Result<()>;

    /// A hint: the keys in `from..to` have been deleted, and their bytes may be given back to the disk now. Neither
    /// waits for that nor stops writes.
    ///
    /// # Errors
    /// `Closed`.
    fn reclaim(&self, space: Space, from: &[u8], to: &[u8]) -> Result<()>;

    /// Its sizes.
    ///
    /// # Errors
    /// Any but `NoSpace`.
    fn stats(&self) -> Result<Stats>;
}
