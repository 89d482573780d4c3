//! Requests to the store's own lock and election services.

use bytes::Bytes;
use jepsen_check::history::Leader;
use proto::election::election_client::ElectionClient;
use proto::election::{CampaignRequest, LeaderKey, LeaderRequest, ProclaimRequest, ResignRequest};
use proto::lock::lock_client::LockClient;
use proto::lock::{LockRequest, UnlockRequest};
use tonic::{Response, Status};

use super::wire::{self, Malformed};
use super::{Effect, Link, Mishap};

/// What `Leader` says when nobody leads; it comes as an error, and is an answer.
const NO_LEADER: &str = "election: no leader";

impl Link {
    /// Waits for a lock that hangs on this lease, and gives its key.
    ///
    /// # Errors
    /// As [`Link::call`].
    pub(crate) async fn lock(&self, name: &str, lease: i64) -> Result<String, Mishap> {
        let request = self.request(LockRequest {
            name: Bytes::copy_from_slice(name.as_bytes()),
            lease,
        });
        let mut stub = LockClient::new(self.channel());
        let held = self.within(Effect::Waits, stub.lock(request)).await?;
        Ok(wire::text(&held.key))
    }

    /// Gives a lock back.
    ///
    /// # Errors
    /// As [`Link::call`].
    pub(crate) async fn unlock(&self, key: &str) -> Result<(), Mishap> {
        let request = self.request(UnlockRequest {
            key: Bytes::copy_from_slice(key.as_bytes()),
        });
        let mut stub = LockClient::new(self.channel());
        self.within(Effect::Writes, stub.unlock(request)).await?;
        Ok(())
    }

    /// Waits to be elected, with this lease and this value.
    ///
    /// # Errors
    /// As [`Link::call`].
    pub(crate) async fn campaign(&self, name: &str, lease: i64, value: &str) -> Result<LeaderKey, Mishap> {
        let request = self.request(CampaignRequest {
            name: Bytes::copy_from_slice(name.as_bytes()),
            lease,
            value: Bytes::copy_from_slice(value.as_bytes()),
        });
        let mut stub = ElectionClient::new(self.channel());
        let won = self.within(Effect::Waits, stub.campaign(request)).await?;
        Ok(won
            .leader
            .ok_or_else(|| Malformed("a campaign was won without a key".to_owned()))?)
    }

    /// Says something new as the leader.
    ///
    /// # Errors
    /// As [`Link::call`].
    pub(crate) async fn proclaim(&self, leader: &LeaderKey, value: &str) -> Result<(), Mishap> {
        let request = self.request(ProclaimRequest {
            leader: Some(leader.clone()),
            value: Bytes::copy_from_slice(value.as_bytes()),
        });
        let mut stub = ElectionClient::new(self.channel());
        self.within(Effect::Writes, stub.proclaim(request)).await?;
        Ok(())
    }

    /// Gives leadership up.
    ///
    /// # Errors
    /// As [`Link::call`].
    pub(crate) async fn resign(&self, leader: &LeaderKey) -> Result<(), Mishap> {
        let request = self.request(ResignRequest {
            leader: Some(leader.clone()),
        });
        let mut stub = ElectionClient::new(self.channel());
        self.within(Effect::Writes, stub.resign(request)).await?;
        Ok(())
    }

    /// Asks who leads.
    ///
    /// # Errors
    /// As [`Link::call`].
    pub(crate) async fn leader(&self, name: &str) -> Result<Option<Leader>, Mishap> {
        let request = self.request(leader_request(name));
        let mut stub = ElectionClient::new(self.channel());
        let told = self.within(Effect::Reads, async move {
            match stub.leader(request).await {
                Err(status) if status.message() == NO_LEADER => Ok(Response::new(None)),
                told => told.map(|told| Response::new(Some(told.into_inner()))),
            }
        });
        let Some(told) = told.await? else {
            return Ok(None);
        };
        Ok(told.kv.as_ref().map(leads).transpose()?)
    }

    /// Waits for the first leader that observing the election tells of.
    ///
    /// # Errors
    /// As [`Link::call`].
    pub(crate) async fn observe(&self, name: &str) -> Result<Option<Leader>, Mishap> {
        let request = self.request(leader_request(name));
        let mut stub = ElectionClient::new(self.channel());
        let told = self.within(Effect::Reads, async move {
            let mut leaders = stub.observe(request).await?.into_inner();
            let first = leaders.message().await?;
            first
                .map(Response::new)
                .ok_or_else(|| Status::unknown("the stream ended without a leader"))
        });
        let told = told.await?;
        Ok(told.kv.as_ref().map(leads).transpose()?)
    }
}

fn leader_request(name: &str) -> LeaderRequest {
    LeaderRequest {
        name: Bytes::copy_from_slice(name.as_bytes()),
    }
}

fn leads(kv: &proto::Encoded<proto::mvcc::KeyValue>) -> Result<Leader, Malformed> {
    let kv = wire::key_value(kv)?;
    Ok(Leader {
        token: kv.create_revision,
        value: kv.value,
    })
}
