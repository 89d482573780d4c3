//! What can go wrong: a refusal that is an answer, or a store that can no longer be trusted.

use proto::fault::Fault;

/// The result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is refused; nothing was changed. Every member refuses it alike.
    #[error("{0}")]
    Fault(Fault),
    /// The engine failed. A member that applies must stop.
    #[error("engine: {0}")]
    Engine(#[from] store_engine::Error),
    /// The engine holds something that this crate never writes, or lacks what it wrote.
    #[error("corrupt store: {0}")]
    Corrupt(String),
}

impl Error {
    /// The refusal, where the error is one.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        match self {
            Self::Fault(fault) => Some(*fault),
            Self::Engine(_) | Self::Corrupt(_) => None,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
