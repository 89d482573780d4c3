//! The members table: who is in the cluster, and which ids never come back.

use imbl::{OrdMap, OrdSet};
use prost::Message;
use proto::etcd::Member;
use proto::fault::Fault;
use store_engine::{Batch, Engine, Order, Space};

use crate::error::OpenError;

/// `m` and id (8 bytes, big-endian) to `Member`; `r` and id for removed ones.
const SPACE: Space = Space(5);
const MEMBER: u8 = b'm';
const REMOVED: u8 = b'r';

/// Members by id. A clone is a snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members {
    cluster_id: u64,
    known: OrdMap<u64, Member>,
    removed: OrdSet<u64>,
}

impl Members {
    pub(crate) fn new(cluster_id: u64) -> Self {
        Self {
            cluster_id,
            ..Self::default()
        }
    }

    pub(crate) fn open(engine: &dyn Engine, cluster_id: u64) -> Result<Self, OpenError> {
        let mut table = Self::new(cluster_id);
        let mut cursor = engine.scan(SPACE, &[], None, Order::Ascending);
        while cursor.valid() {
            match cursor.key().split_first() {
                Some((&MEMBER, _)) => {
                    let member =
                        Member::decode(cursor.value()).map_err(|error| OpenError::Corrupt(error.to_string()))?;
                    table.known.insert(member.id, member);
                }
                Some((&REMOVED, id)) => {
                    let id = id
                        .try_into()
                        .map_err(|_| OpenError::Corrupt("a removed member without id".to_owned()))?;
                    table.removed.insert(u64::from_be_bytes(id));
                }
                _ => return Err(OpenError::Corrupt("an unknown record among the members".to_owned())),
            }
            cursor.advance();
        }
        cursor.status()?;
        Ok(table)
    }

    /// The cluster's id, 0 while it is not known.
    pub const fn cluster_id(&self) -> u64 {
        self.cluster_id
    }

    /// The member with this id.
    pub fn get(&self, id: u64) -> Option<&Member> {
        self.known.get(&id)
    }

    /// All members by id.
    pub fn iter(&self) -> impl Iterator<Item = &Member> {
        self.known.values()
    }

    /// All members by id, as answers carry them.
    pub fn list(&self) -> Vec<Member> {
        self.iter().cloned().collect()
    }

    /// The members that vote, or will as soon as they caught up.
    pub fn voters(&self) -> impl Iterator<Item = &Member> {
        self.iter().filter(|member| !member.is_learner)
    }

    /// The members that do not vote.
    pub fn learners(&self) -> impl Iterator<Item = &Member> {
        self.iter().filter(|member| member.is_learner)
    }

    /// Whether a member of this id was removed.
    pub fn is_removed(&self, id: u64) -> bool {
        self.removed.contains(&id)
    }

    /// The ids of all removed members.
    pub fn removed(&self) -> impl Iterator<Item = u64> {
        self.removed.iter().copied()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether enough members have started for one more voter that has not (upstream's `strict-reconfig-check`).
    /// A cluster of one is let grow, for it is how a lost cluster is built up again.
    pub fn can_add_voter(&self) -> bool {
        let (started, voters) = self.started(None);
        (started, voters) == (1, 1) || started > voters.saturating_add(1) / 2
    }

    /// Whether enough started members stay when this one goes.
    pub fn can_remove_voter(&self, id: u64) -> bool {
        let (started, voters) = self.started(Some(id));
        started > voters / 2
    }

    /// Whether enough members have started for this learner to vote; it counts as started.
    pub fn can_promote(&self, id: u64) -> bool {
        let (started, voters) = self.started(Some(id));
        started.saturating_add(1) > voters.saturating_add(1) / 2
    }

    /// Started voters and voters, `without` one.
    fn started(&self, without: Option<u64>) -> (usize, usize) {
        let voters = self.voters().filter(|member| Some(member.id) != without);
        voters.fold((0, 0), |(started, voters), member| {
            (started + usize::from(!member.name.is_empty()), voters + 1)
        })
    }

    pub(crate) fn put(&mut self, member: Member, batch: &mut Batch) {
        batch.put(SPACE, &key(MEMBER, member.id), &member.encode_to_vec());
        self.known.insert(member.id, member);
    }

    /// Adds a member as it is given, but without name and client URLs, which it publishes itself.
    pub(crate) fn add(&mut self, member: &Member, max_learners: usize, batch: &mut Batch) -> Result<(), Fault> {
        if member.id == 0 || self.is_removed(member.id) {
            return Err(Fault::MemberNotFound);
        }
        if self.known.contains_key(&member.id) {
            return Err(Fault::MemberExist);
        }
        self.check_peer_urls(member)?;
        if member.is_learner && self.learners().count() >= max_learners {
            return Err(Fault::TooManyLearners);
        }
        self.put(
            Member {
                name: String::new(),
                client_ur_ls: Vec::new(),
                ..member.clone()
            },
            batch,
        );
        Ok(())
    }

    /// Removes a member for good. The last voter stays: nobody could ever add one again.
    pub(crate) fn remove(&mut self, id: u64, batch: &mut Batch) -> Result<(), Fault> {
        let member = self.find(id)?;
        if !member.is_learner && self.voters().count() == 1 {
            return Err(Fault::MemberNotEnoughStarted);
        }
        batch.delete(SPACE, &key(MEMBER, id));
        batch.put(SPACE, &key(REMOVED, id), &[]);
        self.known.remove(&id);
        self.removed.insert(id);
        Ok(())
    }

    /// Gives a member other peer URLs; all else stays, a learner stays one.
    pub(crate) fn update(&mut self, id: u64, peer_urls: &[String], batch: &mut Batch) -> Result<(), Fault> {
        let mut member = self.find(id)?;
        member.peer_ur_ls = peer_urls.to_vec();
        self.check_peer_urls(&member)?;
        self.put(member, batch);
        Ok(())
    }

    /// Makes a learner a voter.
    pub(crate) fn promote(&mut self, id: u64, batch: &mut Batch) -> Result<(), Fault> {
        let mut member = self.find(id)?;
        if !member.is_learner {
            return Err(Fault::MemberNotLearner);
        }
        member.is_learner = false;
        self.put(member, batch);
        Ok(())
    }

    /// Notes what a member says of itself.
    pub(crate) fn publish(
        &mut self,
        id: u64,
        name: &str,
        client_urls: &[String],
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let mut member = self.find(id)?;
        name.clone_into(&mut member.name);
        member.client_ur_ls = client_urls.to_vec();
        self.put(member, batch);
        Ok(())
    }

    fn find(&self, id: u64) -> Result<Member, Fault> {
        self.known.get(&id).cloned().ok_or(Fault::MemberNotFound)
    }

    fn check_peer_urls(&self, member: &Member) -> Result<(), Fault> {
        if member.peer_ur_ls.is_empty() {
            return Err(Fault::BadMemberUrls);
        }
        let others = self
            .iter()
            .filter(|other| other.id != member.id)
            .flat_map(|other| &other.peer_ur_ls);
        for taken in others {
            if member.peer_ur_ls.contains(taken) {
                return Err(Fault::PeerUrlExist);
            }
        }
        Ok(())
    }
}

fn key(kind: u8, id: u64) -> Vec<u8> {
    [&[kind][..], &id.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(of: &[(u64, &str, bool)]) -> Members {
        let mut members = Members::new(1);
        for (id, name, is_learner) in of {
            let name = (*name).to_owned();
            members.put(
                Member {
                    id: *id,
                    name,
                    is_learner: *is_learner,
                    ..Member::default()
                },
                &mut Batch::new(),
            );
        }
        members
    }

    #[test]
    fn counts_started_members_as_upstream() {
        let one = members(&[(1, "a", false)]);
        assert!(one.can_add_voter() && !one.can_remove_voter(1));
        let two = members(&[(1, "a", false), (2, "", false)]);
        assert!(!two.can_add_voter() && two.can_remove_voter(2) && !two.can_remove_voter(1));
        let three = members(&[(1, "a", false), (2, "b", false), (3, "", false)]);
        assert!(!three.can_add_voter() && three.can_remove_voter(3) && !three.can_remove_voter(1));
        let learner = members(&[(1, "a", false), (2, "", false), (3, "", true)]);
        assert!(learner.can_promote(3));
        assert!(!members(&[(1, "", false), (2, "", false), (3, "", true)]).can_promote(3));
    }
}
