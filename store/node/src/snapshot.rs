//! Maintenance.Snapshot.

use proto::etcd::{SnapshotRequest, SnapshotResponse};

use crate::Member;
use crate::caller::Caller;
use crate::error::{Error, Result};

/// A snapshot under way.
pub struct Snapshot;

impl Member {
    /// Starts a snapshot.
    ///
    /// # Errors
    /// Auth.
    pub async fn snapshot(&self, _caller: &Caller, _request: SnapshotRequest) -> Result<Snapshot> {
        Err(Error::unimplemented("snapshot"))
    }
}

impl Snapshot {
    /// The next piece.
    pub async fn next(&mut self) -> Option<Result<SnapshotResponse>> {
        None
    }
}
