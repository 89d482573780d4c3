//! What can go wrong with a snapshot file.

use std::io;

/// The result of reading or writing a snapshot file.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure to read or write a snapshot file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file below failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is not what it should be.
    #[error("corrupt snapshot: {0}")]
    Corrupt(String),
    /// The hash at the end is not the hash of what is before it.
    #[error("snapshot hash mismatch: the file was damaged or cut short")]
    Hash,
    /// The hash at the end is missing, as in a database copied from a data directory.
    #[error("snapshot missing hash")]
    NoHash,
    /// What is to be written is not in order, or has an empty key.
    #[error("keys must be written in ascending order and not be empty: {0}")]
    Order(String),
    /// The second pass of a writer saw other data than the first.
    #[error("the data changed between measuring and writing")]
    Changed,
    /// Where the data to be written comes from failed.
    #[error(transparent)]
    Source(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub(crate) fn corrupt(text: impl Into<String>) -> Self {
        Self::Corrupt(text.into())
    }
}
