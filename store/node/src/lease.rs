//! The Lease service. Leases live in the replicated table; their time is counted by the leader alone, so renewals and
//! questions about time go to it.

use std::time::Duration;

use proto::etcd::{
    LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveRequest, LeaseKeepAliveResponse, LeaseLeasesRequest,
    LeaseLeasesResponse, LeaseRevokeRequest, LeaseRevokeResponse, LeaseStatus, LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
};
use proto::fault::Fault;
use proto::store::command::Action;
use proto::store::reply::Outcome;
use store_lease::Renewal;
use store_machine::Ask;
use store_raft::TransportError;

use crate::admit::Learner;
use crate::caller::{Caller, Who};
use crate::error::{Error, Result};
use crate::kv::unexpected;
use crate::time::within;
use crate::{Member, quota};

/// Between two attempts to reach a leader; upstream's number.
const RETRY: Duration = Duration::from_millis(50);
/// What upstream answers as the time left of a lease that does not exist.
const UNKNOWN_TTL: i64 = -1;

impl Member {
    /// Grants a lease. An id of 0 lets the member choose; a short TTL is raised to 1.5 elections.
    ///
    /// # Errors
    /// [`Fault::LeaseExist`], [`Fault::LeaseTtlTooLarge`], quota, auth, timeouts.
    pub async fn lease_grant(&self, caller: &Caller, request: LeaseGrantRequest) -> Result<LeaseGrantResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        self.lease_grant_as(&admitted.who, request).await
    }

    pub(crate) async fn lease_grant_as(&self, who: &Who, mut request: LeaseGrantRequest) -> Result<LeaseGrantResponse> {
        self.allowed(who, Ask::User)?;
        self.afford(quota::LEASE_COST)?;
        while request.id == 0 {
            request.id = (self.random.u64() >> 1) as i64;
        }
        request.ttl = request.ttl.max(self.config.min_lease_ttl());
        match self.propose(who, Action::LeaseGrant(request)).await? {
            Outcome::LeaseGrant(mut response) => {
                response.header = self.complete(response.header);
                Ok(response)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Revokes a lease: its keys are deleted in one revision.
    ///
    /// # Errors
    /// [`Fault::LeaseNotFound`], auth, timeouts.
    pub async fn lease_revoke(&self, caller: &Caller, request: LeaseRevokeRequest) -> Result<LeaseRevokeResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        self.allowed(&admitted.who, Ask::User)?;
        match self.propose(&admitted.who, Action::LeaseRevoke(request)).await? {
            Outcome::LeaseRevoke(mut response) => {
                response.header = self.complete(response.header);
                Ok(response)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Renews a lease; a TTL of 0 says that it does not exist.
    ///
    /// # Errors
    /// When no leader can be reached, and auth.
    pub async fn lease_keep_alive(
        &self,
        caller: &Caller,
        request: LeaseKeepAliveRequest,
    ) -> Result<LeaseKeepAliveResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        self.allowed(&admitted.who, Ask::User)?;
        // Before the renewal: the answer may not speak of a later revision than the lease was seen alive at.
        let header = Some(self.header());
        let renewed = self.at_leader(
            |member| async move { member.renew_here(request.id).await },
            |member, node, timeout| async move { member.peers.lease_keep_alive(&node, request, timeout).await },
        );
        match renewed.await {
            Ok(response) => Ok(LeaseKeepAliveResponse {
                header,
                id: request.id,
                ttl: response.ttl,
            }),
            Err(Error::Fault(Fault::LeaseNotFound)) => Ok(LeaseKeepAliveResponse {
                header,
                id: request.id,
                ttl: 0,
            }),
            Err(error) => Err(error),
        }
    }

    /// Another member's client renews a lease.
    ///
    /// # Errors
    /// [`Fault::NotLeader`] unless this member leads; [`Fault::LeaseNotFound`].
    pub async fn peer_lease_keep_alive(&self, request: LeaseKeepAliveRequest) -> Result<LeaseKeepAliveResponse> {
        let _inside = self.life.enter()?;
        within(&*self.clock, self.config.request_timeout(), self.renew_here(request.id))
            .await
            .unwrap_or(Err(Fault::Timeout.into()))
    }

    /// Renews on the leader. Leadership is confirmed first: a leader that was asleep must not promise time.
    async fn renew_here(&self, id: i64) -> Result<LeaseKeepAliveResponse> {
        let index = self.confirm_leadership().await?;
        if !self.reader.state().leases.contains(id) {
            // It may just be on its way through the log.
            self.consensus
                .wait_applied(index)
                .await
                .map_err(|_| Error::Fault(Fault::Stopped))?;
        }
        let mut revoked = self.sink.revoked.subscribe();
        loop {
            revoked.mark_unchanged();
            let renewal = self.sink.expiry.lock().renew(id, self.clock.monotonic());
            match renewal {
                Renewal::Renewed { ttl, clear_checkpoint } => {
                    if clear_checkpoint {
                        Box::pin(self.clear_checkpoint(id)).await?;
                    }
                    self.metrics.lease.renewed.inc();
                    return Ok(LeaseKeepAliveResponse { header: None, id, ttl });
                }
                Renewal::NotFound => return Err(Fault::LeaseNotFound.into()),
                Renewal::NotPrimary => return Err(Fault::NotLeader.into()),
                Renewal::Expired => {
                    tokio::select! {
                        changed = revoked.changed() => {
                            if changed.is_err() {
                                return Err(Fault::Stopped.into());
                            }
                        }
                        // Leadership may be lost while the revocation is on its way.
                        () = self.clock.sleep(self.config.election_timeout) => {}
                    }
                }
            }
        }
    }

    async fn confirm_leadership(&self) -> Result<u64> {
        match self.consensus.read_index().await {
            Ok(index) => Ok(index),
            Err(store_raft::Error::Stopped) => Err(Fault::Stopped.into()),
            Err(_) => Err(Fault::NotLeader.into()),
        }
    }

    /// How long a lease lives, and the keys that hang on it; a TTL of -1 says that it does not exist.
    ///
    /// # Errors
    /// When no leader can be reached, and auth.
    pub async fn lease_time_to_live(
        &self,
        caller: &Caller,
        request: LeaseTimeToLiveRequest,
    ) -> Result<LeaseTimeToLiveResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        self.allowed(
            &admitted.who,
            Ask::LeaseTimeToLive {
                id: request.id,
                keys: request.keys,
            },
        )?;
        let asked = self.at_leader(
            |member| async move { member.time_to_live_here(request).await },
            |member, node, timeout| async move { member.peers.lease_time_to_live(&node, request, timeout).await },
        );
        let mut response = match asked.await {
            Ok(response) => response,
            Err(Error::Fault(Fault::LeaseNotFound)) => LeaseTimeToLiveResponse {
                id: request.id,
                ttl: UNKNOWN_TTL,
                ..LeaseTimeToLiveResponse::default()
            },
            Err(error) => return Err(error),
        };
        if request.keys {
            // Keys may have been attached meanwhile, by users with other rights.
            self.allowed(
                &admitted.who,
                Ask::LeaseTimeToLive {
                    id: request.id,
                    keys: true,
                },
            )?;
            self.still_current(&admitted.who)?;
        }
        response.header = Some(self.header());
        Ok(response)
    }

    /// Another member's client asks for a lease's time.
    ///
    /// # Errors
    /// [`Fault::NotLeader`] unless this member leads; [`Fault::LeaseNotFound`].
    pub async fn peer_lease_time_to_live(&self, request: LeaseTimeToLiveRequest) -> Result<LeaseTimeToLiveResponse> {
        let _inside = self.life.enter()?;
        within(
            &*self.clock,
            self.config.request_timeout(),
            self.time_to_live_here(request),
        )
        .await
        .unwrap_or(Err(Fault::Timeout.into()))
    }

    async fn time_to_live_here(&self, request: LeaseTimeToLiveRequest) -> Result<LeaseTimeToLiveResponse> {
        let index = self.confirm_leadership().await?;
        self.consensus
            .wait_applied(index)
            .await
            .map_err(|_| Error::Fault(Fault::Stopped))?;
        let state = self.reader.state();
        let lease = state.leases.get(request.id).ok_or(Fault::LeaseNotFound)?;
        let (primary, left) = {
            let expiry = self.sink.expiry.lock();
            (
                expiry.is_primary(),
                expiry.remaining(request.id, self.clock.monotonic()),
            )
        };
        let Some(left) = left else {
            // Revoked since, or demoted since: in both cases the client asks again.
            return Err(if primary {
                Fault::LeaseNotFound
            } else {
                Fault::LeaderChanged
            }
            .into());
        };
        Ok(LeaseTimeToLiveResponse {
            header: None,
            id: request.id,
            ttl: left.as_secs() as i64,
            granted_ttl: lease.ttl(),
            keys: if request.keys {
                lease.keys().cloned().collect()
            } else {
                Vec::new()
            },
        })
    }

    /// The leases that exist, as this member knows them.
    ///
    /// # Errors
    /// Auth.
    pub async fn lease_leases(&self, caller: &Caller, _request: LeaseLeasesRequest) -> Result<LeaseLeasesResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        self.allowed(&admitted.who, Ask::User)?;
        let state = self.reader.state();
        let leases = state
            .leases
            .iter()
            .map(|lease| LeaseStatus { id: lease.id() })
            .collect();
        Ok(LeaseLeasesResponse {
            header: Some(self.header()),
            leases,
        })
    }

    /// Does something on the leader: here if this member leads, else by asking the one that does, until it answers.
    async fn at_leader<T, H, R>(
        &self,
        here: impl Fn(Self) -> H,
        there: impl Fn(Self, proto::peer::Node, Duration) -> R,
    ) -> Result<T>
    where
        H: Future<Output = Result<T>>,
        R: Future<Output = std::result::Result<T, TransportError>>,
    {
        let limit = self.config.request_timeout();
        let attempts = async {
            loop {
                let result = match self.leader() {
                    Some(id) if id == self.id() => here(self.clone()).await,
                    Some(id) => match self.node(id) {
                        Some(node) => there(self.clone(), node, limit).await.map_err(refused),
                        None => Err(Fault::NoLeader.into()),
                    },
                    None => Err(Fault::NoLeader.into()),
                };
                match result {
                    Err(Error::Fault(Fault::NoLeader | Fault::NotLeader)) if self.life.is_running() => {
                        self.clock.sleep(RETRY).await;
                    }
                    other => return other,
                }
            }
        };
        let found = within(&*self.clock, limit, attempts).await;
        found.unwrap_or_else(|| {
            Err(if self.has_leader() {
                Fault::Timeout
            } else {
                Fault::NoLeader
            }
            .into())
        })
    }
}

/// Neither question changes what a second one would do wrong, so every failure of the way is tried again.
fn refused(error: TransportError) -> Error {
    match error {
        TransportError::Refused(text) => Error::from_text(&text),
        _ => Fault::NoLeader.into(),
    }
}
