//! Why the state cannot be read back, and how applying a command stops.

use proto::fault::Fault;

/// Why a machine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] store_engine::Error),
    /// Keys cannot be read back.
    #[error(transparent)]
    Keys(#[from] store_mvcc::Error),
    /// Leases cannot be read back.
    #[error(transparent)]
    Leases(#[from] store_lease::OpenError),
    /// Users and roles cannot be read back.
    #[error(transparent)]
    Auth(#[from] store_auth::OpenError),
    /// What is stored cannot be understood.
    #[error("state machine: {0}")]
    Corrupt(String),
}

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It is refused, without any effect; the same on every member.
    Refused(Fault),
    /// The engine failed, so this member cannot go on.
    Failed(store_engine::Error),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault)
    }
}

impl From<store_mvcc::Error> for Stop {
    fn from(error: store_mvcc::Error) -> Self {
        match error {
            store_mvcc::Error::Fault(fault) => Self::Refused(fault),
            store_mvcc::Error::Engine(error) => Self::Failed(error),
            store_mvcc::Error::Corrupt(text) => Self::Failed(store_engine::Error::Corrupt(text)),
        }
    }
}

impl From<store_lease::Error> for Stop {
    fn from(error: store_lease::Error) -> Self {
        Self::Refused(match error {
            store_lease::Error::Exists => Fault::LeaseExist,
            store_lease::Error::NotFound => Fault::LeaseNotFound,
            store_lease::Error::TtlTooLarge => Fault::LeaseTtlTooLarge,
        })
    }
}
