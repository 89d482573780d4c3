//! The Lock service.

use bytes::Bytes;
use proto::etcd::request_op::Request;
use proto::etcd::{DeleteRangeRequest, TxnRequest};
use proto::lock::{LockRequest, LockResponse, UnlockRequest, UnlockResponse};

use super::{Claim, Session, created_at, decoded, get, holder, key_of, operation, prefix, put, through_client};
use crate::Member;
use crate::admit::Learner;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::kv::{LEASE_GONE, ranges};

/// Upstream's text for a lease that ended while its holder waited for a lock.
fn session_expired(error: Error) -> Error {
    if error == LEASE_GONE {
        Error::unknown("mutex: session is expired")
    } else {
        error
    }
}

impl Member {
    /// Waits until the lock is the caller's; a client that goes away while it waits gives its place up.
    ///
    /// # Errors
    /// "mutex: session is expired"; those of transactions, all with the code Unknown.
    pub async fn lock(&self, caller: &Caller, request: LockRequest) -> Result<LockResponse> {
        let _inside = self.enter(caller, Learner::Refuses)?;
        through_client(self.lock_inside(caller, request)).await
    }

    async fn lock_inside(&self, caller: &Caller, request: LockRequest) -> Result<LockResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        let session = Session::open(self, caller, &admitted, request.lease).await?;
        let prefix = prefix(&request.name);
        let key = key_of(&prefix, session.lease);
        let owner = || operation(Request::RequestRange(holder(&prefix)));
        let txn = TxnRequest {
            compare: vec![created_at(&key, 0)],
            success: vec![put(&key, Bytes::new(), session.lease), owner()],
            failure: vec![get(&key), owner()],
        };
        let response = self.txn_inside(&admitted, txn).await?;
        let header = response.header;
        let mut revision = header.as_ref().map_or(0, |header| header.revision);
        let fresh = response.succeeded;
        let mut found = ranges(response);
        if !fresh && let Some(mine) = found.next().and_then(|range| range.kvs.into_iter().next()) {
            revision = decoded(&mine)?.create_revision;
        }
        let claim = Claim {
            member: self.clone(),
            caller: caller.clone(),
            key: key.clone(),
            revision,
            kept: false,
        };
        let first = found
            .next()
            .and_then(|range| range.kvs.into_iter().next())
            .map(|kv| decoded(&kv))
            .transpose()?;
        if first.is_none_or(|kv| kv.create_revision == revision) {
            claim.keep();
            return Ok(LockResponse { header, key });
        }
        session
            .wait_for_older(&prefix, revision)
            .await
            .map_err(session_expired)?;
        let header = session.still_holds(&key, revision).await.map_err(session_expired)?;
        claim.keep();
        Ok(LockResponse {
            header: Some(header),
            key,
        })
    }

    /// Lets the lock go.
    ///
    /// # Errors
    /// Those of deletions, all with the code Unknown.
    pub async fn unlock(&self, caller: &Caller, request: UnlockRequest) -> Result<UnlockResponse> {
        let _inside = self.enter(caller, Learner::Refuses)?;
        let delete = DeleteRangeRequest {
            key: request.key,
            ..DeleteRangeRequest::default()
        };
        let response = through_client(self.delete_range(caller, delete)).await?;
        Ok(UnlockResponse {
            header: response.header,
        })
    }
}
