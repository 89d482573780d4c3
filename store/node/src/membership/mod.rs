//! The Cluster service and what follows from it.
//!
//! The replicated members table is the wish. `checks` decides whether a wish may be made, `reconcile` on the leader
//! drives consensus to it, `publish` says what a member is called, `versions` watches what all of them speak.

mod checks;
mod publish;
mod reconcile;
mod versions;

pub(crate) use checks::changes_members;

use std::time::Duration;

use proto::etcd::{
    Member as Entry, MemberAddRequest, MemberAddResponse, MemberListRequest, MemberListResponse, MemberPromoteRequest,
    MemberPromoteResponse, MemberRemoveRequest, MemberRemoveResponse, MemberUpdateRequest, MemberUpdateResponse,
};
use proto::fault::Fault;
use proto::store::command::Action;
use proto::store::reply::Outcome;
use store_machine::Ask;
use store_raft::Status;

use crate::Member;
use crate::admit::Learner;
use crate::caller::{Caller, Who};
use crate::error::Result;
use crate::identity::member_id;
use crate::kv::unexpected;
use crate::time::within;

/// The Cluster service says nothing of revisions (`header` in upstream's `v3rpc/member.go`).
const NONE: i64 = 0;

impl Member {
    /// Adds a member that does not run yet. A voter is first taken in as a learner and votes once it has caught up, so
    /// adding one never costs the quorum.
    ///
    /// # Errors
    /// Bad or known URLs, too few members running, auth, timeouts.
    pub async fn member_add(&self, caller: &Caller, request: MemberAddRequest) -> Result<MemberAddResponse> {
        let admitted = self.admit_admin(caller, Learner::Refuses).await?;
        if !checks::valid_urls(&request.peer_ur_ls) {
            return Err(Fault::BadMemberUrls.into());
        }
        let id = member_id(&request.peer_ur_ls, "", Some(self.clock.wall_ms() / 1000));
        let member = Entry {
            id,
            peer_ur_ls: request.peer_ur_ls,
            is_learner: request.is_learner,
            ..Entry::default()
        };
        let members = self.change_members(&admitted.who, Action::MemberAdd(member)).await?;
        let members_then = self.reader.state().members.list();
        tracing::info!(
            member_id = format!("{id:x}"),
            is_learner = request.is_learner,
            "added member"
        );
        Ok(MemberAddResponse {
            header: Some(self.header_at(NONE)),
            member: members.into_iter().next_back(),
            members: members_then,
        })
    }

    /// Removes a member for good; answers once consensus counts without it.
    ///
    /// # Errors
    /// [`Fault::MemberNotFound`], too few members running, auth, timeouts.
    pub async fn member_remove(&self, caller: &Caller, request: MemberRemoveRequest) -> Result<MemberRemoveResponse> {
        let admitted = self.admit_admin(caller, Learner::Refuses).await?;
        let members = self
            .change_members(&admitted.who, Action::MemberRemove(request))
            .await?;
        self.consensus_shows(|status| !status.nodes.contains_key(&request.id))
            .await;
        tracing::info!(member_id = format!("{:x}", request.id), "removed member");
        Ok(MemberRemoveResponse {
            header: Some(self.header_at(NONE)),
            members,
        })
    }

    /// Gives a member other peer URLs.
    ///
    /// # Errors
    /// Bad or known URLs, [`Fault::MemberNotFound`], auth, timeouts.
    pub async fn member_update(&self, caller: &Caller, request: MemberUpdateRequest) -> Result<MemberUpdateResponse> {
        let admitted = self.admit_admin(caller, Learner::Refuses).await?;
        if !checks::valid_urls(&request.peer_ur_ls) {
            return Err(Fault::BadMemberUrls.into());
        }
        let members = self
            .change_members(&admitted.who, Action::MemberUpdate(request))
            .await?;
        Ok(MemberUpdateResponse {
            header: Some(self.header_at(NONE)),
            members,
        })
    }

    /// Makes a learner vote; answers once it does.
    ///
    /// # Errors
    /// [`Fault::MemberNotLearner`], [`Fault::LearnerNotReady`] below 90 % of the leader's log, auth, timeouts.
    pub async fn member_promote(
        &self,
        caller: &Caller,
        request: MemberPromoteRequest,
    ) -> Result<MemberPromoteResponse> {
        let admitted = self.admit_admin(caller, Learner::Refuses).await?;
        let result = self.change_members(&admitted.who, Action::MemberPromote(request)).await;
        match &result {
            Ok(_) => self.metrics.server.promote_succeeded.inc(),
            Err(error) => self
                .metrics
                .server
                .promote_failed
                .with_label_values(&[&error.text()])
                .inc(),
        }
        let members = result?;
        self.consensus_shows(|status| status.voters.contains(&request.id)).await;
        Ok(MemberPromoteResponse {
            header: Some(self.header_at(NONE)),
            members,
        })
    }

    /// The members; as of now if `linearizable`.
    ///
    /// # Errors
    /// Auth, timeouts.
    pub async fn member_list(&self, caller: &Caller, request: MemberListRequest) -> Result<MemberListResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        if request.linearizable {
            self.barrier().await?;
        }
        self.allowed(&admitted.who, Ask::User)?;
        Ok(MemberListResponse {
            header: Some(self.header_at(NONE)),
            members: self.reader.state().members.list(),
        })
    }

    async fn change_members(&self, who: &Who, action: Action) -> Result<Vec<Entry>> {
        match self.propose(who, action).await? {
            Outcome::Members(members) => Ok(members.members),
            other => Err(unexpected(&other)),
        }
    }

    /// Waits until consensus has followed the table, for as long as the request may take: the change itself is done,
    /// and the leader goes on driving consensus to it.
    async fn consensus_shows(&self, reached: impl Fn(&Status) -> bool) {
        let mut status = self.status.clone();
        let wait = status.wait_for(|status| reached(status));
        if within(&*self.clock, self.config.request_timeout(), wait)
            .await
            .is_none()
        {
            tracing::warn!("consensus has not followed a change of members yet");
        }
    }
}

/// How long a member may have been silent and still count as connected; upstream's number.
const HEALTHY: Duration = Duration::from_secs(5);
