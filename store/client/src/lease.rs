//! Leases: granted, looked at, revoked; renewal is in `renewal`.

mod ledger;
mod renewal;

use std::time::Duration;

use bytes::Bytes;
use proto::etcd::{LeaseGrantRequest, LeaseLeasesRequest, LeaseRevokeRequest, LeaseTimeToLiveRequest};

use crate::channel::Link;
use crate::retry::Repeat;
use crate::{Client, Error, Result};
pub(crate) use renewal::Renewals;

pub use renewal::KeepAlive;

/// A lease that was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Names the lease.
    pub id: i64,
    /// Seconds that the store gives it; may be more than was asked for.
    pub ttl: i64,
}

/// How long a lease has still to live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeToLive {
    /// Seconds left; -1 if there is no such lease.
    pub ttl: i64,
    /// Seconds that it was granted.
    pub granted_ttl: i64,
    /// The keys that die with it, if they were asked for.
    pub keys: Vec<Bytes>,
}

impl Client {
    /// Asks for a lease that lives so long without renewal, rounded up to seconds.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn grant(&self, ttl: Duration) -> Result<Grant> {
        self.grant_as(0, ttl).await
    }

    /// The same with a name of the caller's choice; 0 lets the store choose.
    ///
    /// # Errors
    /// `LeaseExist` if the name is taken. Since the call is repeated when the store is unavailable (upstream's rule),
    /// that may also mean that the first attempt got through.
    pub async fn grant_as(&self, id: i64, ttl: Duration) -> Result<Grant> {
        let seconds = ttl.as_secs() as i64 + i64::from(ttl.subsec_nanos() > 0);
        let rpc = |link: Link, request| async move { link.lease().lease_grant(request).await };
        let answer = self
            .core()
            .call(Repeat::Safe, LeaseGrantRequest { ttl: seconds, id }, rpc)
            .await?;
        if !answer.error.is_empty() {
            return Err(Error::from_text(&answer.error).unwrap_or(Error::Malformed(answer.error)));
        }
        Ok(Grant {
            id: answer.id,
            ttl: answer.ttl,
        })
    }

    /// Ends a lease and deletes its keys.
    ///
    /// # Errors
    /// `LeaseNotFound` if there is none; after a repeated call that may mean that it is done.
    pub async fn revoke(&self, id: i64) -> Result<()> {
        let rpc = |link: Link, request| async move { link.lease().lease_revoke(request).await };
        self.core().call(Repeat::Safe, LeaseRevokeRequest { id }, rpc).await?;
        Ok(())
    }

    /// How long a lease has still to live, and its keys if asked for. A lease that does not exist is no error.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn time_to_live(&self, id: i64, keys: bool) -> Result<TimeToLive> {
        let rpc = |link: Link, request| async move { link.lease().lease_time_to_live(request).await };
        let answer = self
            .core()
            .call(Repeat::Safe, LeaseTimeToLiveRequest { id, keys }, rpc)
            .await?;
        Ok(TimeToLive {
            ttl: answer.ttl,
            granted_ttl: answer.granted_ttl,
            keys: answer.keys,
        })
    }

    /// All leases.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn leases(&self) -> Result<Vec<i64>> {
        let rpc = |link: Link, request| async move { link.lease().lease_leases(request).await };
        let answer = self.core().call(Repeat::Safe, LeaseLeasesRequest {}, rpc).await?;
        Ok(answer.leases.into_iter().map(|lease| lease.id).collect())
    }

    /// Renews a lease a third of its time after each renewal, until the answer is dropped or the lease is lost.
    /// All leases of a client are renewed over one stream.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn keep_alive(&self, id: i64) -> Result<KeepAlive> {
        self.inner.renewals.start(&self.inner, id).await
    }
}
