//! What the log asks of a disk, so that tests can put one under it that forgets, tears and fails.

use std::io;
use std::sync::Arc;

/// A flat directory of files. Creating, renaming and removing are durable only after [`Disk::sync_dir`].
pub trait Disk: Send + Sync + 'static {
    /// Names of all files, in any order.
    ///
    /// # Errors
    /// As the file system's.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates a file that reads as `bytes` zeros, with the space taken already.
    ///
    /// # Errors
    /// `AlreadyExists`, `StorageFull`, or as the file system's.
    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn File>>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// `NotFound`, or as the file system's.
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Gives a file another name, replacing what had it.
    ///
    /// # Errors
    /// As the file system's.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Handles that are open stay readable.
    ///
    /// # Errors
    /// As the file system's.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes every create, rename and remove before this call durable.
    ///
    /// # Errors
    /// As the file system's.
    fn sync_dir(&self) -> io::Result<()>;
}

/// One open file.
pub trait File: Send + Sync + 'static {
    /// Length in bytes.
    ///
    /// # Errors
    /// As the file system's.
    fn bytes(&self) -> io::Result<u64>;

    /// Fills `buffer` from `offset`; answers how much there was, less than the buffer only at the end of the file.
    ///
    /// # Errors
    /// As the file system's.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `data` at `offset`.
    ///
    /// # Errors
    /// `StorageFull`, or as the file system's. What was written after an error is unknown.
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()>;

    /// Makes every write before this call durable, and the length that is needed to read it back.
    ///
    /// # Errors
    /// As the file system's. After an error nothing is known of what was written since the last success, and asking
    /// again proves nothing: the kernel may have dropped the pages.
    fn sync(&self) -> io::Result<()>;

    /// Cuts the file to `bytes`.
    ///
    /// # Errors
    /// As the file system's.
    fn truncate(&self, bytes: u64) -> io::Result<()>;

    /// Grows the file to `bytes`, zeros at the end, with the space taken.
    ///
    /// # Errors
    /// `StorageFull`, or as the file system's.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
}
