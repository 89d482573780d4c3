//! What a peer must not say: each is refused in words, and the member goes on.

use futures_util::{StreamExt, stream};
use proto::peer;
use store_log::LIMIT;

use crate::testing::{Cluster, node, put};
use crate::{Consensus, Error};

/// A leader that this member has not heard of yet.
const LEADER: u64 = 2;
const TERM: u64 = 1000;

fn at(term: u64, index: u64) -> peer::LogId {
    peer::LogId {
        term,
        node: LEADER,
        index,
    }
}

fn elected() -> peer::Vote {
    peer::Vote {
        term: TERM,
        node: LEADER,
        committed: true,
    }
}

fn candidate() -> peer::Vote {
    peer::Vote {
        committed: false,
        ..elected()
    }
}

fn blank(id: peer::LogId) -> peer::Entry {
    peer::Entry {
        id: Some(id),
        payload: None,
    }
}

fn append(prev: Option<peer::LogId>, entries: &[peer::LogId]) -> peer::AppendRequest {
    peer::AppendRequest {
        vote: Some(elected()),
        prev,
        entries: entries.iter().map(|id| blank(*id)).collect(),
        leader_commit: None,
    }
}

fn offer() -> peer::SnapshotOfferRequest {
    let membership = peer::Membership {
        configs: vec![peer::NodeSet { ids: vec![1, LEADER] }],
        nodes: vec![node(1), node(LEADER)],
    };
    peer::SnapshotOfferRequest {
        vote: Some(elected()),
        meta: Some(peer::SnapshotMeta {
            id: "1000-900-0badcafe".to_owned(),
            last_log_id: Some(at(TERM, 900)),
            membership_log_id: Some(at(3, 7)),
            membership: Some(membership),
        }),
        files: Vec::new(),
    }
}

/// How a member answers to one offer, and to one that sends the snapshot at once.
async fn offered(member: &Consensus, offer: peer::SnapshotOfferRequest) -> [Option<Error>; 2] {
    let chunk = peer::SnapshotChunk {
        head: Some(offer.clone()),
        ..peer::SnapshotChunk::default()
    };
    let sent = member.receive_snapshot(stream::iter([Ok(chunk)]).boxed()).await;
    [member.snapshot_offer(offer).await.err(), sent.err()]
}

/// The member leads a cluster of its own, of which nothing hostile was taken in.
async fn assert_goes_on(cluster: &Cluster, what: &str) {
    let answer = cluster.member(1).unwrap().consensus.propose(put("key", what)).await;
    assert!(answer.is_ok(), "{what}: {answer:?}");
    let status = cluster.member(1).unwrap().consensus.look();
    assert!(status.term < TERM, "{what}: {status:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_that_no_leader_sends_are_refused() {
    let cluster = Cluster::start(1, |_| {}).await.unwrap();
    let member = cluster.member(1).unwrap().consensus.clone();
    let mut own = append(None, &[]);
    own.vote = Some(peer::Vote { node: 1, ..elected() });
    let mut unelected = append(None, &[]);
    unelected.vote = Some(candidate());
    let mut last = append(None, &[]);
    last.vote = Some(peer::Vote {
        term: LIMIT,
        ..elected()
    });
    let commit = |id| peer::AppendRequest {
        leader_commit: Some(id),
        ..append(Some(at(3, 5)), &[at(3, 6), at(4, 7)])
    };
    for (what, request) in [
        ("a gap at the start", append(None, &[at(3, 1)])),
        ("a gap behind prev", append(Some(at(3, 5)), &[at(3, 7)])),
        ("a gap between entries", append(None, &[at(3, 0), at(3, 2)])),
        ("the same twice", append(None, &[at(3, 0), at(3, 0)])),
        ("a term that falls", append(None, &[at(3, 0), at(2, 1)])),
        ("a term below prev's", append(Some(at(3, 0)), &[at(2, 1)])),
        ("an entry from after the vote", append(None, &[at(TERM + 1, 0)])),
        ("a prev from after the vote", append(Some(at(TERM + 1, 0)), &[])),
        ("no room behind prev", append(Some(at(3, u64::MAX)), &[at(3, 0)])),
        (
            "no room behind the last",
            append(Some(at(3, LIMIT - 1)), &[at(3, LIMIT)]),
        ),
        ("a commit from after the vote", commit(at(TERM + 1, 6))),
        ("a commit of another entry", commit(at(4, 6))),
        ("a commit that prev contradicts", commit(at(4, 3))),
        ("another entry where one is committed here", append(None, &[at(900, 0)])),
        (
            "another prev where one is committed here",
            append(Some(at(900, 0)), &[]),
        ),
        ("a vote that is not won", unelected),
        ("a vote of its own", own),
        ("a vote behind which there is no room", last),
    ] {
        let answers: Vec<_> = member.append(stream::iter([request]).boxed()).collect().await;
        assert_eq!(answers, [], "{what}");
        assert_goes_on(&cluster, what).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_that_no_leader_offers_are_refused() {
    let cluster = Cluster::start(1, |_| {}).await.unwrap();
    let member = cluster.member(1).unwrap().consensus.clone();
    let with = |last: Option<peer::LogId>, membership: Option<peer::LogId>| {
        let mut offer = offer();
        let meta = offer.meta.as_mut().unwrap();
        (meta.last_log_id, meta.membership_log_id) = (last, membership);
        offer
    };
    let voted = |vote| peer::SnapshotOfferRequest {
        vote: Some(vote),
        ..offer()
    };
    for (what, offer) in [
        ("from after its vote", with(Some(at(TERM + 1, 900)), None)),
        ("no room behind it", with(Some(at(3, u64::MAX)), None)),
        ("members from behind its end", with(Some(at(3, 900)), Some(at(3, 901)))),
        ("members of a later term", with(Some(at(3, 900)), Some(at(4, 7)))),
        ("members and no end", with(None, Some(at(3, 7)))),
        ("a vote that is not won", voted(candidate())),
        ("a vote of its own", voted(peer::Vote { node: 1, ..elected() })),
        (
            "less than is committed here, of a later term",
            with(Some(at(900, 0)), None),
        ),
    ] {
        for answer in offered(&member, offer).await {
            assert!(matches!(answer, Some(Error::Invalid(_))), "{what}: {answer:?}");
        }
        assert_goes_on(&cluster, what).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_that_no_candidate_asks_for_are_refused() {
    let cluster = Cluster::start(1, |_| {}).await.unwrap();
    let member = cluster.member(1).unwrap().consensus.clone();
    let own = peer::Vote { node: 1, ..candidate() };
    let last = peer::Vote {
        term: LIMIT,
        ..candidate()
    };
    for vote in [elected(), own, peer::Vote { node: 1, ..elected() }, last] {
        let ask = peer::VoteRequest {
            vote: Some(vote),
            last_log_id: Some(at(900, 900)),
            leadership_transfer: true,
        };
        assert!(matches!(member.vote(ask).await, Err(Error::Invalid(_))), "{vote:?}");
        assert!(matches!(member.pre_vote(ask).await, Err(Error::Invalid(_))), "{vote:?}");
        assert_goes_on(&cluster, "a vote").await;
    }
}
