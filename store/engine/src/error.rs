//! What can go wrong in an engine.

use std::io;

/// The result of an engine's operation.
pub type Result<T> = std::result::Result<T, Error>;

/// An engine's failure. All but `NoSpace` mean that the engine cannot be trusted further and the process should stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused an operation.
    #[error("{op}: {source}")]
    Io {
        /// What was being done.
        op: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// Bytes that were read are not the bytes that were written.
    #[error("corrupt data: {0}")]
    Corrupt(String),
    /// The disk or the quota is full.
    #[error("no space left")]
    NoSpace,
    /// The engine has been closed.
    #[error("the engine is closed")]
    Closed,
}

impl Error {
    /// Maps a system error met while doing `op`; a full disk becomes [`Error::NoSpace`].
    pub fn io(op: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Io { op, source },
        }
    }

    /// A request that makes no sense, such as a file name with a slash in it.
    pub fn invalid(op: &'static str, text: impl Into<String>) -> Self {
        Self::Io {
            op,
            source: io::Error::new(io::ErrorKind::InvalidInput, text.into()),
        }
    }
}
