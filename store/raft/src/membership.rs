//! Changing who belongs to the cluster and who leads it.

use std::collections::{BTreeMap, BTreeSet};

use openraft::ChangeMembers;
use proto::peer;

use crate::consensus::Consensus;
use crate::convert::node_in;
use crate::error::Error;
use crate::types::Peer;

/// Only the leader changes the membership; each call returns once the change is committed.
impl Consensus {
    async fn change(&self, change: ChangeMembers<u64, Peer>, retain: bool) -> Result<(), Error> {
        self.raft().change_membership(change, retain).await?;
        Ok(())
    }

    /// Adds a member without a vote. Returns once that is committed, not once the member has caught up.
    ///
    /// # Errors
    /// `NotLeader`, `Changing`, `Invalid`, `Unknown`, `Stopped`, `Storage`.
    pub async fn add_learner(&self, node: peer::Node) -> Result<(), Error> {
        self.change(ChangeMembers::AddNodes(BTreeMap::from([node_in(node)])), true)
            .await
    }

    /// Makes exactly these members voters, by joint consensus. Voters that are not named leave; new ones must be
    /// learners.
    ///
    /// # Errors
    /// As [`Consensus::add_learner`].
    pub async fn change_voters(&self, voters: BTreeSet<u64>) -> Result<(), Error> {
        self.change(ChangeMembers::ReplaceAllVoters(voters), false).await
    }

    /// Gives a learner a vote.
    ///
    /// # Errors
    /// As [`Consensus::add_learner`].
    pub async fn promote(&self, id: u64) -> Result<(), Error> {
        self.change(ChangeMembers::AddVoterIds(BTreeSet::from([id])), true)
            .await
    }

    /// Removes a voter or a learner. A leader that removes itself hands leadership over first committed, then steps
    /// down. The id must never be used again.
    ///
    /// # Errors
    /// As [`Consensus::add_learner`].
    pub async fn remove(&self, id: u64) -> Result<(), Error> {
        let voter = self.status().borrow().voters.contains(&id);
        let ids = BTreeSet::from([id]);
        let change = if voter {
            ChangeMembers::RemoveVoters(ids)
        } else {
            ChangeMembers::RemoveNodes(ids)
        };
        self.change(change, false).await
    }

    /// Does the second half of a change whose leader ended, or stopped waiting, after the first. Whoever left by that
    /// change is forgotten, as [`Consensus::remove`] would have done.
    ///
    /// # Errors
    /// As [`Consensus::add_learner`].
    pub async fn finish_change(&self) -> Result<(), Error> {
        self.change(ChangeMembers::AddVoterIds(BTreeSet::new()), false).await
    }

    /// Gives a member new peer URLs.
    ///
    /// # Errors
    /// As [`Consensus::add_learner`].
    pub async fn update_node(&self, node: peer::Node) -> Result<(), Error> {
        self.change(ChangeMembers::SetNodes(BTreeMap::from([node_in(node)])), true)
            .await
    }

    /// The index up to which a member's log is known to match; None unless this member leads and has heard of it.
    pub fn matched(&self, id: u64) -> Option<u64> {
        self.look().replication.get(&id).copied()
    }

    /// Hands leadership to a voter and returns once it leads. Writes are refused meanwhile.
    ///
    /// # Errors
    /// `NotLeader`; `Invalid` if it is no voter; `Timeout` if it does not lead after four election timeouts.
    pub async fn transfer_leader(&self, to: u64) -> Result<(), Error> {
        let status = self.status().borrow().clone();
        if !status.leads() {
            return Err(Error::NotLeader { leader: status.leader });
        }
        if !status.voters.contains(&to) {
            return Err(Error::Invalid(format!("member {to:x} is no voter")));
        }
        if to == self.id() {
            return Ok(());
        }
        self.raft().trigger().transfer_leader(to).await?;
        let limit = self.shared().options.election() * 4;
        self.wait_status(limit, |status| status.leader == Some(to)).await?;
        Ok(())
    }
}
