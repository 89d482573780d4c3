//! Why consensus did not do what it was asked.

use openraft::errors::{ClientWriteError, Fatal, LinearizableReadError, RaftError};
use proto::fault::Fault;

use crate::types::Types;

/// The refusal of a request. Only [`Error::Unknown`] leaves open whether a write happened; all others mean that it did
/// not and never will.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another member leads, or none.
    #[error("not the leader; the leader is {leader:?}")]
    NotLeader {
        /// Who leads as far as this member knows.
        leader: Option<u64>,
    },
    /// Whoever was to carry the write to the leader, or the leader itself, did not take it; what its client is told.
    #[error("{0}")]
    Refused(Fault),
    /// The write was appended and this member lost sight of it: it may happen, now or later, or never.
    #[error("the outcome of the write is not known")]
    Unknown,
    /// Not confirmed by a majority in time.
    #[error("no majority answered in time")]
    Timeout,
    /// This member is shutting down.
    #[error("consensus is stopped")]
    Stopped,
    /// A request that makes no sense now; the text says why.
    #[error("{0}")]
    Invalid(String),
    /// Another change of the membership is under way.
    #[error("another membership change is under way")]
    Changing,
    /// The log or the machine failed; the member must be restarted.
    #[error("storage failed: {0}")]
    Storage(String),
}

impl From<Fatal<Types>> for Error {
    fn from(fatal: Fatal<Types>) -> Error {
        match fatal {
            Fatal::Stopped => Error::Stopped,
            other => Error::Storage(other.to_string()),
        }
    }
}

impl From<ClientWriteError<Types>> for Error {
    fn from(error: ClientWriteError<Types>) -> Error {
        use openraft::errors::ChangeMembershipError as Change;
        match error {
            ClientWriteError::ForwardToLeader(forward) => Error::NotLeader {
                leader: forward.leader_id,
            },
            ClientWriteError::LogEntryDiscarded(_) => Error::Unknown,
            ClientWriteError::ChangeMembershipError(Change::InProgress(_) | Change::UncommittedLeaderLog(_)) => {
                Error::Changing
            }
            ClientWriteError::ChangeMembershipError(error) => Error::Invalid(error.to_string()),
            ClientWriteError::PreconditionFailed(error) => Error::Invalid(error.to_string()),
        }
    }
}

impl From<LinearizableReadError<Types>> for Error {
    fn from(error: LinearizableReadError<Types>) -> Error {
        match error {
            LinearizableReadError::ForwardToLeader(forward) => Error::NotLeader {
                leader: forward.leader_id,
            },
            LinearizableReadError::QuorumNotEnough(_) => Error::Timeout,
        }
    }
}

impl<E> From<RaftError<Types, E>> for Error
where
    Error: From<E>,
{
    fn from(error: RaftError<Types, E>) -> Error {
        match error {
            RaftError::APIError(error) => error.into(),
            RaftError::Fatal(fatal) => fatal.into(),
        }
    }
}

impl From<openraft::errors::Infallible> for Error {
    fn from(never: openraft::errors::Infallible) -> Error {
        match never {}
    }
}
