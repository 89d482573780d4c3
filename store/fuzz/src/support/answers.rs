//! What other members may say to one that asks, for [`super::answering`].

use prost::Message;
use proto::peer;
use proto::peer::append_response::Outcome;

use super::answering::Call;
use super::sample::{CLUSTER, ME};
use super::{leader, sample};

/// The other member's URL.
pub(crate) const OTHER: &str = "http://localhost:2381";

pub(crate) fn answer(call: Call, message: &impl Message) -> Vec<u8> {
    let mut out = vec![call as u8];
    out.extend(message.encode_to_vec());
    out
}

/// What a good member would say.
pub(crate) fn good(call: Call) -> Vec<u8> {
    vec![call as u8]
}

/// Answers to a leader, and to one who stands for election.
pub(crate) fn elections() -> Vec<Vec<Vec<u8>>> {
    let good_ones = [
        Call::PreVote,
        Call::Vote,
        Call::Append,
        Call::SnapshotOffer,
        Call::Snapshot,
    ]
    .map(good);
    let at = |index| peer::LogId {
        term: 4,
        node: 0,
        index,
    };
    let outcome = |outcome| answer(Call::Append, &peer::AppendResponse { outcome: Some(outcome) });
    let refused = peer::VoteResponse {
        vote: Some(peer::Vote {
            committed: false,
            ..leader::vote()
        }),
        granted: false,
        last_log_id: Some(leader::at(90)),
    };
    let held = |held: &[u64]| {
        let answered = peer::SnapshotOfferResponse {
            held: held.to_vec(),
            vote: Some(leader::vote()),
        };
        answer(Call::SnapshotOffer, &answered)
    };
    let with = |more: &[Vec<u8>]| {
        let mut all = more.to_vec();
        all.extend(good_ones.clone());
        all
    };
    let higher = peer::Vote {
        term: 9,
        ..leader::vote()
    };
    vec![
        with(&[]),
        with(&[outcome(Outcome::Conflict(peer::LogId::default()))]),
        with(&[outcome(Outcome::Conflict(leader::at(3)))]),
        with(&[outcome(Outcome::Matched(peer::Matched { id: Some(at(99)) }))]),
        with(&[outcome(Outcome::Matched(peer::Matched { id: None }))]),
        with(&[
            outcome(Outcome::HigherVote(higher)),
            outcome(Outcome::Error("no".to_owned())),
        ]),
        with(&[answer(Call::PreVote, &refused), answer(Call::Vote, &refused)]),
        with(&[outcome(Outcome::Conflict(peer::LogId::default())), held(&[7])]),
        with(&[
            outcome(Outcome::Conflict(peer::LogId::default())),
            held(&[u64::MAX, 1]),
            held(&[]),
        ]),
    ]
}

/// Answers to a follower.
pub(crate) fn requests() -> Vec<Vec<u8>> {
    let refusal = peer::Refusal { id: 1, fault: 3 };
    let propose = peer::ProposeResponse {
        refusals: vec![refusal],
    };
    let index = peer::ReadIndexResponse {
        outcome: Some(peer::read_index_response::Outcome::Index(0)),
    };
    let alive = proto::etcd::LeaseKeepAliveResponse {
        id: sample::LEASE,
        ttl: 5,
        ..Default::default()
    };
    let left = proto::etcd::LeaseTimeToLiveResponse {
        id: sample::LEASE,
        ttl: 5,
        granted_ttl: 10,
        keys: vec!["k".into()],
        ..Default::default()
    };
    vec![
        answer(Call::Propose, &propose),
        answer(Call::ReadIndex, &index),
        answer(Call::LeaseKeepAlive, &alive),
        answer(Call::LeaseTimeToLive, &left),
    ]
}

pub(crate) fn info() -> peer::ClusterInfoResponse {
    let members = [(ME, "http://localhost:2380"), (2, OTHER)].map(|(id, url)| proto::etcd::Member {
        id,
        peer_ur_ls: vec![url.to_owned()],
        ..proto::etcd::Member::default()
    });
    peer::ClusterInfoResponse {
        cluster_id: CLUSTER,
        members: members.into(),
        removed: vec![7],
        leader: 2,
        member_id: 2,
        server_version: "3.7.0".to_owned(),
        cluster_version: "3.7.0".to_owned(),
    }
}

/// Answers to a leader that compares: the same in all, in what was done and not in what is there, and in nothing.
pub(crate) fn comparisons() -> [Vec<Vec<u8>>; 3] {
    let hashes = |rolling: &[(i64, u64)], scan: u32| {
        let hash = |(revision, hash): &(i64, u64)| peer::RevisionHash {
            revision: *revision,
            hash: *hash,
        };
        let scan = proto::etcd::HashKvResponse {
            hash: scan,
            compact_revision: -1,
            hash_revision: 2,
            ..Default::default()
        };
        let held = peer::HashesResponse {
            hashes: rolling.iter().map(hash).collect(),
            scan: Some(scan),
        };
        let votes = [Call::PreVote, Call::Vote, Call::Append].map(good);
        [&votes[..], &[answer(Call::Hashes, &held)]].concat()
    };
    [hashes(&[(0, 0)], 0), hashes(&[(0, 0)], 7), hashes(&[(2, 5), (1, 4)], 7)]
}
