//! etcd's snapshot file, read and written: the bbolt format and etcd's buckets in it.
//!
//! This crate must not know the engine, nor how versions are kept there: it turns iterators into files and files into
//! iterators. Start reading at `page`, which describes the format, then [`Writer`] and [`Database`]; [`etcd`] puts
//! etcd's contents on top, and [`snapshot`] is the file with its hash.

mod error;
pub mod etcd;
mod page;
mod reader;
pub mod snapshot;
mod tree;
mod writer;

pub use error::{Error, Result};
pub use reader::{Bucket, Cursor, Database};
pub use snapshot::{Hash, Status, status};
pub use writer::{BucketWriter, Layout, Writer};

#[cfg(test)]
mod tests;
