//! What keeps the store from doing what it was asked for, and what the client is told of it.

use apiserver_api::status::{Reason, Status};
use store_client::Error as Fault;

use crate::object::Unreadable;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store does not answer, or refuses.
    #[error("{0}")]
    Store(#[from] Fault),
    /// What is stored cannot be read.
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
    /// The caches were not filled yet.
    #[error("storage is (re)initializing")]
    NotReady,
    /// The caches are behind, and do not reach a revision in time: the one that is asked for, and theirs.
    #[error("Too large resource version: {0}, current: {1}")]
    Behind(i64, i64),
}

/// After so many seconds a client may ask again what the store could not answer.
const RETRY_AFTER: i32 = 1;

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(fault) if fault.is_unavailable() => {
                // Upstream answers 500 with gRPC's words; that it is worth asking again is said here.
                let mut status = Self::service_unavailable(format!("the store does not answer: {fault}"));
                let details = status.details.get_or_insert_default();
                details.retry_after_seconds = RETRY_AFTER;
                status
            }
            Error::Store(fault) => Self::unknown(said(&fault)),
            Error::Unreadable(error) => Self::new(500, Reason::StoreReadError, error.to_string()),
            Error::NotReady => Self::too_many_requests(error.to_string(), RETRY_AFTER),
            Error::Behind(asked, current) => {
                Self::too_large_resource_version(asked as u64, current as u64, RETRY_AFTER)
            }
        }
    }
}

/// What is said of a fault, as upstream's client says it.
fn said(fault: &Fault) -> String {
    match fault {
        Fault::Status { code, message } => format!("rpc error: code = {code:?} desc = {message}"),
        other => other.to_string(),
    }
}
