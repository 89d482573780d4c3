//! RocksDB behind the engine trait.
//!
//! This crate must not know what the keys and values mean; no other crate names `rocksdb`. Start reading at
//! [`Rocks`], then `folder`, which describes what lies on the disk.
//!
//! There is one column family and no write-ahead log: a memtable holds whole batches only and memtables reach the disk
//! in order, so what a crash leaves is a state the engine had after some batch.

mod checkpoint;
mod cursor;
mod error;
mod folder;
mod handle;
mod incoming;
mod install;
mod options;
mod read_only;
mod reclaim;
mod rocks;

pub use options::Options;
pub use read_only::ReadOnly;
pub use rocks::Rocks;

#[cfg(test)]
mod tests;
