//! The Election service.

use std::collections::VecDeque;

use bytes::Bytes;
use proto::Encoded;
use proto::election::{
    CampaignRequest, CampaignResponse, LeaderKey, LeaderRequest, LeaderResponse, ProclaimRequest, ProclaimResponse,
    ResignRequest, ResignResponse,
};
use proto::etcd::TxnRequest;
use proto::mvcc::event::EventType;
use store_mvcc::KeyRange;

use super::{
    Claim, PlainEvent, Session, below, created_at, decoded, delete_if, event_of, get, holder, key_of, prefix, put,
    through_client,
};
use crate::Member;
use crate::admit::{Admitted, Learner};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::kv::ranges;
use crate::watch::Follow;

/// Upstream's texts; none has a code of its own.
fn missing_leader_key() -> Error {
    Error::unknown("\"leader\" field must be provided")
}

fn not_leader() -> Error {
    Error::unknown("election: not leader")
}

fn no_leader() -> Error {
    Error::unknown("election: no leader")
}

impl Member {
    /// Waits to be elected; a client that goes away while it waits gives its claim up.
    ///
    /// # Errors
    /// When the lease ends; those of transactions, all with the code Unknown.
    pub async fn campaign(&self, caller: &Caller, request: CampaignRequest) -> Result<CampaignResponse> {
        let _inside = self.enter(caller, Learner::Refuses)?;
        through_client(self.campaign_inside(caller, request)).await
    }

    async fn campaign_inside(&self, caller: &Caller, request: CampaignRequest) -> Result<CampaignResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        let session = Session::open(self, caller, &admitted, request.lease).await?;
        let prefix = prefix(&request.name);
        let key = key_of(&prefix, session.lease);
        let txn = TxnRequest {
            compare: vec![created_at(&key, 0)],
            success: vec![put(&key, request.value.clone(), session.lease)],
            failure: vec![get(&key)],
        };
        let response = self.txn_inside(&admitted, txn).await?;
        let mut revision = response.header.as_ref().map_or(0, |header| header.revision);
        let held = if response.succeeded {
            None
        } else {
            ranges(response).next()
        };
        let held = held
            .and_then(|range| range.kvs.into_iter().next())
            .map(|kv| decoded(&kv))
            .transpose()?;
        if let Some(kv) = &held {
            revision = kv.create_revision;
        }
        let claim = Claim {
            member: self.clone(),
            caller: caller.clone(),
            key: key.clone(),
            revision,
            kept: false,
        };
        if held.is_some_and(|kv| kv.value != request.value) {
            let leader = LeaderKey {
                name: request.name.clone(),
                key: key.clone(),
                rev: revision,
                lease: session.lease,
            };
            self.proclaim_inside(&admitted, &leader, request.value).await?;
        }
        session.wait_for_older(&prefix, revision).await?;
        let header = session.still_holds(&key, revision).await?;
        claim.keep();
        let leader = LeaderKey {
            name: request.name,
            key,
            rev: revision,
            lease: session.lease,
        };
        Ok(CampaignResponse {
            header: Some(header),
            leader: Some(leader),
        })
    }

    /// Gives the leader's key another value.
    ///
    /// # Errors
    /// "election: not leader"; those of transactions, all with the code Unknown.
    pub async fn proclaim(&self, caller: &Caller, request: ProclaimRequest) -> Result<ProclaimResponse> {
        let _inside = self.enter(caller, Learner::Refuses)?;
        through_client(self.proclaim_as(caller, request)).await
    }

    async fn proclaim_as(&self, caller: &Caller, request: ProclaimRequest) -> Result<ProclaimResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        let leader = request.leader.ok_or_else(missing_leader_key)?;
        let header = self.proclaim_inside(&admitted, &leader, request.value).await?;
        Ok(ProclaimResponse { header })
    }

    async fn proclaim_inside(
        &self,
        admitted: &Admitted,
        leader: &LeaderKey,
        value: Bytes,
    ) -> Result<Option<proto::etcd::ResponseHeader>> {
        let txn = TxnRequest {
            compare: vec![created_at(&leader.key, leader.rev)],
            success: vec![put(&leader.key, value, leader.lease)],
            failure: Vec::new(),
        };
        let response = self.txn_inside(admitted, txn).await?;
        if response.succeeded {
            Ok(response.header)
        } else {
            Err(not_leader())
        }
    }

    /// Who leads.
    ///
    /// # Errors
    /// "election: no leader"; those of ranges, all with the code Unknown.
    pub async fn leader_of(&self, caller: &Caller, request: LeaderRequest) -> Result<LeaderResponse> {
        let _inside = self.enter(caller, Learner::Refuses)?;
        through_client(self.leader_inside(caller, request)).await
    }

    async fn leader_inside(&self, caller: &Caller, request: LeaderRequest) -> Result<LeaderResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        let response = self.range_inside(&admitted, holder(&prefix(&request.name))).await?;
        let kv = response.kvs.into_iter().next().ok_or_else(no_leader)?;
        Ok(LeaderResponse {
            header: response.header,
            kv: Some(kv),
        })
    }

    /// Gives leadership up.
    ///
    /// # Errors
    /// Those of transactions, all with the code Unknown.
    pub async fn resign(&self, caller: &Caller, request: ResignRequest) -> Result<ResignResponse> {
        let _inside = self.enter(caller, Learner::Refuses)?;
        through_client(self.resign_inside(caller, request)).await
    }

    async fn resign_inside(&self, caller: &Caller, request: ResignRequest) -> Result<ResignResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        let leader = request.leader.ok_or_else(missing_leader_key)?;
        let response = self.txn_inside(&admitted, delete_if(&leader.key, leader.rev)).await?;
        Ok(ResignResponse {
            header: response.header,
        })
    }

    /// Tells of each leader and each of its values.
    ///
    /// # Errors
    /// When the member does not serve.
    pub async fn observe(&self, caller: &Caller, request: LeaderRequest) -> Result<Observe> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        Ok(Observe {
            member: self.clone(),
            admitted,
            prefix: prefix(&request.name),
            queue: VecDeque::new(),
            place: None,
        })
    }
}

/// A client that observes an election.
pub struct Observe {
    member: Member,
    admitted: Admitted,
    prefix: Vec<u8>,
    queue: VecDeque<LeaderResponse>,
    place: Option<Place>,
}

/// What the observer listens to.
enum Place {
    /// The key of the leader that was told.
    Leader(Follow),
    /// The whole election, as nobody leads.
    Anyone(Follow),
}

impl Observe {
    /// The next leader or value; never `None` by itself. Safe to drop and call again.
    pub async fn next(&mut self) -> Option<Result<LeaderResponse>> {
        Some(self.advance().await)
    }

    async fn advance(&mut self) -> Result<LeaderResponse> {
        loop {
            if let Some(response) = self.queue.pop_front() {
                return Ok(response);
            }
            match &mut self.place {
                None => self.look().await?,
                Some(Place::Anyone(follow)) => {
                    follow.next().await?;
                    self.place = None;
                }
                Some(Place::Leader(follow)) => {
                    let batches = follow.next().await?;
                    self.heard(&batches)?;
                }
            }
        }
    }

    /// Asks who leads now.
    async fn look(&mut self) -> Result<()> {
        let response = self.member.range_inside(&self.admitted, holder(&self.prefix)).await?;
        let seen = response.header.as_ref().map_or(0, |header| header.revision);
        let Some(kv) = response.kvs.into_iter().next() else {
            let all = below(&self.prefix);
            let follow = self.member.follow(KeyRange::new(&all.key, &all.range_end), seen + 1);
            self.place = Some(Place::Anyone(follow));
            return Ok(());
        };
        let follow = self
            .member
            .follow(KeyRange::new(&decoded(&kv)?.key, &Bytes::new()), seen + 1);
        self.place = Some(Place::Leader(follow));
        self.queue.push_back(LeaderResponse {
            header: response.header,
            kv: Some(kv),
        });
        Ok(())
    }

    fn heard(&mut self, batches: &[std::sync::Arc<store_mvcc::watch::GroupBatch>]) -> Result<()> {
        for batch in batches {
            for event in &batch.events {
                let PlainEvent { r#type, kv } = event_of(event)?;
                if r#type == i32::from(EventType::Delete) {
                    self.place = None;
                    return Ok(());
                }
                let header = Some(self.member.header_at(batch.revision));
                self.queue.push_back(LeaderResponse {
                    header,
                    kv: Some(Encoded::from(&kv)),
                });
            }
        }
        Ok(())
    }
}
