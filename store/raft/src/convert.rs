//! openraft's values as peer messages and back. The same bytes stand in the log and in the machine's raft state.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use openraft::raft::{AppendEntriesRequest, StreamAppendError, StreamAppendResult, VoteRequest, VoteResponse};
use prost::Message;
use proto::peer;

use crate::types::{
    Entry, LeaderId, LogId, Membership, Payload, Peer, Proposal, SnapshotMeta, StoredMembership, Types, Vote,
};

/// A message that lacks what it must have, or bytes that are no message.
#[derive(Debug, thiserror::Error)]
#[error("malformed peer message: {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

impl From<Malformed> for io::Error {
    fn from(error: Malformed) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

pub(crate) fn vote_out(vote: &Vote) -> peer::Vote {
    peer::Vote {
        term: vote.leader_id.term,
        node: vote.leader_id.node_id,
        committed: vote.committed,
    }
}

/// A vote in a term that has one behind it: who stands for election adds one.
pub(crate) fn vote_in(vote: Option<peer::Vote>) -> Result<Vote, Malformed> {
    let vote = vote.ok_or(Malformed("no vote"))?;
    if vote.term >= store_log::LIMIT {
        return Err(Malformed("a vote in a term that no cluster comes to"));
    }
    Ok(Vote {
        leader_id: LeaderId {
            term: vote.term,
            node_id: vote.node,
        },
        committed: vote.committed,
    })
}

pub(crate) fn log_id_out(id: &LogId) -> peer::LogId {
    peer::LogId {
        term: id.leader_id.term,
        node: id.leader_id.node_id,
        index: id.index,
    }
}

pub(crate) fn log_id_in(id: peer::LogId) -> LogId {
    LogId::new(
        LeaderId {
            term: id.term,
            node_id: id.node,
        },
        id.index,
    )
}

pub(crate) fn node_out(id: u64, node: &Peer) -> peer::Node {
    peer::Node {
        id,
        peer_urls: node.urls.clone(),
    }
}

pub(crate) fn node_in(node: peer::Node) -> (u64, Peer) {
    (node.id, Peer { urls: node.peer_urls })
}

pub(crate) fn membership_out(membership: &Membership) -> peer::Membership {
    let configs = membership.get_joint_config().iter();
    peer::Membership {
        configs: configs
            .map(|ids| peer::NodeSet {
                ids: ids.iter().copied().collect(),
            })
            .collect(),
        nodes: membership.nodes().map(|(id, node)| node_out(*id, node)).collect(),
    }
}

pub(crate) fn membership_in(membership: peer::Membership) -> Result<Membership, Malformed> {
    let configs: Vec<BTreeSet<u64>> = membership
        .configs
        .into_iter()
        .map(|set| set.ids.into_iter().collect())
        .collect();
    let nodes: BTreeMap<u64, Peer> = membership.nodes.into_iter().map(node_in).collect();
    if configs.is_empty() && nodes.is_empty() {
        return Ok(Membership::default());
    }
    Membership::new(configs, nodes).map_err(|_| Malformed("a membership without voters or with unknown ones"))
}

pub(crate) fn entry_out(entry: &Entry) -> peer::Entry {
    let payload = match &entry.payload {
        Payload::Blank => None,
        Payload::Normal(proposal) => Some(peer::entry::Payload::Command(proposal.bytes.clone())),
        Payload::Membership(membership) => Some(peer::entry::Payload::Membership(membership_out(membership))),
    };
    peer::Entry {
        id: Some(log_id_out(&entry.log_id)),
        payload,
    }
}

pub(crate) fn entry_in(entry: peer::Entry) -> Result<Entry, Malformed> {
    let payload = match entry.payload {
        None => Payload::Blank,
        Some(peer::entry::Payload::Command(bytes)) => Payload::Normal(Proposal { bytes }),
        Some(peer::entry::Payload::Membership(membership)) => Payload::Membership(membership_in(membership)?),
    };
    let log_id = log_id_in(entry.id.ok_or(Malformed("an entry without its id"))?);
    Ok(Entry { log_id, payload })
}

/// Decodes what one of the functions here encoded.
pub(crate) fn decode<M: Message + Default>(bytes: impl bytes::Buf) -> Result<M, Malformed> {
    M::decode(bytes).map_err(|_| Malformed("bytes that do not decode"))
}

pub(crate) fn meta_out(meta: &SnapshotMeta, id: String) -> peer::SnapshotMeta {
    peer::SnapshotMeta {
        id,
        last_log_id: meta.last_log_id.as_ref().map(log_id_out),
        membership_log_id: meta.last_membership.log_id().as_ref().map(log_id_out),
        membership: Some(membership_out(meta.last_membership.membership())),
    }
}

pub(crate) fn meta_in(meta: peer::SnapshotMeta) -> Result<SnapshotMeta, Malformed> {
    let membership = membership_in(meta.membership.unwrap_or_default())?;
    Ok(SnapshotMeta {
        last_log_id: meta.last_log_id.map(log_id_in),
        last_membership: StoredMembership::new(meta.membership_log_id.map(log_id_in), membership),
    })
}

pub(crate) fn append_out(request: &AppendEntriesRequest<Types>) -> peer::AppendRequest {
    peer::AppendRequest {
        vote: Some(vote_out(&request.vote)),
        prev: request.prev_log_id.as_ref().map(log_id_out),
        entries: request.entries.iter().map(entry_out).collect(),
        leader_commit: request.leader_commit.as_ref().map(log_id_out),
    }
}

/// The vote of another member that leads. What openraft is told in the name of member `me`, or of one that was not
/// elected, it asserts to be impossible.
pub(crate) fn leader_in(vote: Option<peer::Vote>, me: u64) -> Result<Vote, Malformed> {
    let vote = vote_in(vote)?;
    if !vote.committed || vote.leader_id.node_id == me {
        return Err(Malformed("the vote is not that of another member that leads"));
    }
    Ok(vote)
}

/// Whether the log of the leader with this vote can have an entry with this id.
pub(crate) fn is_of(id: &LogId, vote: &Vote) -> bool {
    id.index < store_log::LIMIT && id.leader_id <= vote.leader_id
}

/// Whether these can stand in one log.
pub(crate) fn agrees(one: &LogId, other: &LogId) -> bool {
    one.index.cmp(&other.index) == one.cmp(other)
}

/// An append for member `me`, whose ids can stand in one log, one behind the other.
pub(crate) fn append_in(request: peer::AppendRequest, me: u64) -> Result<AppendEntriesRequest<Types>, Malformed> {
    let request = AppendEntriesRequest {
        vote: leader_in(request.vote, me)?,
        prev_log_id: request.prev.map(log_id_in),
        entries: request.entries.into_iter().map(entry_in).collect::<Result<_, _>>()?,
        leader_commit: request.leader_commit.map(log_id_in),
    };
    let (prev, commit) = (&request.prev_log_id, &request.leader_commit);
    let entries: &[Entry] = &request.entries;
    let ids = || prev.iter().chain(entries.iter().map(|entry| &entry.log_id));
    if ids().chain(commit).any(|id| !is_of(id, &request.vote)) {
        return Err(Malformed("an append with a log id that its leader's log cannot have"));
    }
    let first = entries.first().map_or(0, |entry| entry.log_id.index);
    let follows = |a: &LogId, b: &LogId| a.index + 1 == b.index && a.leader_id <= b.leader_id;
    if (prev.is_none() && first != 0) || !ids().is_sorted_by(|a, b| follows(a, b)) {
        return Err(Malformed("an append whose entries do not follow one another"));
    }
    if commit.is_some_and(|commit| ids().any(|id| !agrees(&commit, id))) {
        return Err(Malformed("an append that commits another entry than it has"));
    }
    Ok(request)
}

pub(crate) fn appended_out(result: &StreamAppendResult<Types>) -> peer::AppendResponse {
    use peer::append_response::Outcome;
    let outcome = match result {
        Ok(id) => Outcome::Matched(peer::Matched {
            id: id.as_ref().map(log_id_out),
        }),
        Err(StreamAppendError::Conflict(id)) => Outcome::Conflict(log_id_out(id)),
        Err(StreamAppendError::HigherVote(vote)) => Outcome::HigherVote(vote_out(vote)),
    };
    peer::AppendResponse { outcome: Some(outcome) }
}

/// The inner error is the peer's own failure, with its text.
pub(crate) fn appended_in(response: peer::AppendResponse) -> Result<StreamAppendResult<Types>, String> {
    use peer::append_response::Outcome;
    match response.outcome {
        Some(Outcome::Matched(matched)) => Ok(Ok(matched.id.map(log_id_in))),
        Some(Outcome::Conflict(id)) => Ok(Err(StreamAppendError::Conflict(log_id_in(id)))),
        Some(Outcome::HigherVote(vote)) => match vote_in(Some(vote)) {
            Ok(vote) => Ok(Err(StreamAppendError::HigherVote(vote))),
            Err(error) => Err(error.to_string()),
        },
        Some(Outcome::Error(text)) => Err(text),
        None => Err("an answer without an outcome".to_owned()),
    }
}

pub(crate) fn ask_out(request: &VoteRequest<Types>) -> peer::VoteRequest {
    peer::VoteRequest {
        vote: Some(vote_out(&request.vote)),
        last_log_id: request.last_log_id.as_ref().map(log_id_out),
        leadership_transfer: request.leadership_transfer,
    }
}

/// A question to member `me` by another that stands for election.
pub(crate) fn ask_in(request: peer::VoteRequest, me: u64) -> Result<VoteRequest<Types>, Malformed> {
    let vote = vote_in(request.vote)?;
    if vote.committed || vote.leader_id.node_id == me {
        return Err(Malformed(
            "the vote is not that of another member that stands for election",
        ));
    }
    Ok(VoteRequest {
        vote,
        last_log_id: request.last_log_id.map(log_id_in),
        leadership_transfer: request.leadership_transfer,
    })
}

pub(crate) fn voted_out(response: &VoteResponse<Types>) -> peer::VoteResponse {
    peer::VoteResponse {
        vote: Some(vote_out(&response.vote)),
        granted: response.vote_granted,
        last_log_id: response.last_log_id.as_ref().map(log_id_out),
    }
}

pub(crate) fn voted_in(response: peer::VoteResponse) -> Result<VoteResponse<Types>, Malformed> {
    let vote = vote_in(response.vote)?;
    Ok(VoteResponse::new(
        vote,
        response.last_log_id.map(log_id_in),
        response.granted,
    ))
}
