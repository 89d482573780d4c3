//! Answers of other members to what this one asks of them: votes, appends, snapshots, and whatever a client's request
//! needs of the leader.
//!
//! An input: a byte that says in which place the member is, then pieces, a byte that says to which call and its answer
//! ([`Answering`]). The places: a member whose log begins with a snapshot stands for election, leads, and has another
//! that needs a snapshot; one follows; one joins; one leads and compares hashes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::clock::SystemClock;
use base::task::Tasks;
use futures_util::{StreamExt, stream};
use prometheus::Registry;
use prost::Message;
use proto::etcd::{LeaseKeepAliveRequest, LeaseTimeToLiveRequest};
use proto::peer;
use proto::peer::append_response::Outcome;
use store_engine::{Engine, Memory};
use store_log::MemoryDisk;
use store_machine::{Limits, Machine};
use store_node::{Caller, Config, InitialState, Member, MemoryIdentity, assemble};
use store_raft::{Consensus, Options, Parts};

use super::consensus::{self, PATIENCE};
use crate::support::answering::{Answering, Call};
use crate::support::nobody::Nobody;
use crate::support::sample::{CLUSTER, ME};
use crate::support::{block_on, member, must, sample};
use crate::{Verdict, pieces};

/// What is not answered within this will not be.
const SOON: Duration = Duration::from_millis(150);
/// The other member's URL.
const OTHER: &str = "http://localhost:2381";

/// Starts a member and makes it ask.
///
/// # Panics
/// Where an answer ends consensus, or the member cannot be shut down.
pub fn run(data: &[u8]) -> Verdict {
    let Some((which, rest)) = data.split_first() else {
        return Verdict::Refused;
    };
    let others = Answering::new(ME, pieces::split(rest));
    Verdict::of(block_on(async {
        match which % 4 {
            0 => leads(&others).await,
            1 => follows(&others).await,
            2 => joins(&others).await,
            _ => compares(&others).await,
        }
    }))
}

/// Whether it comes true in time.
async fn within(time: Duration, so: impl Fn() -> bool) -> bool {
    let wait = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(time, wait).await.is_ok()
}

async fn leads(others: &Answering) -> bool {
    let tasks = Tasks::new();
    let engine: Arc<dyn Engine> = Arc::new(Memory::new());
    let machine = Machine::open(Arc::clone(&engine), None, Limits::default());
    let parts = Parts {
        log: consensus::log(&MemoryDisk::new()),
        machine: must("open an empty machine", machine),
        engine,
        transport: Arc::new(others.clone()),
        effects: Arc::new(Nobody),
        tasks: tasks.child(),
        clock: Arc::new(SystemClock::new()),
    };
    let options = Options {
        election_timeout_ms: 50,
        heartbeat_ms: 10,
        snapshot_chunk_bytes: 500,
        on_fatal: Arc::new(|why| panic!("consensus cannot go on: {why}")),
        ..Options::new(ME, CLUSTER)
    };
    let consensus = must("start consensus", Consensus::start(options, parts).await);
    let snapshot = stream::iter(consensus::whole()).map(Ok).boxed();
    must("install a snapshot", consensus.receive_snapshot(snapshot).await);
    let begun = consensus.look().committed;
    let led = within(SOON * 2, || {
        let status = consensus.look();
        status.leads() && status.committed > begun
    });
    let understood = led.await;
    if understood {
        within(SOON / 3, || others.installed() > 0).await;
    }
    consensus::end(&tasks, &consensus).await;
    understood
}

/// A member of a cluster of two. It cannot go on without the other's answers.
async fn one_of_two(others: &Answering, config: Config, tasks: &Tasks) -> Option<Member> {
    let cluster = [("default", "http://localhost:2380"), ("other", OTHER)];
    let config = Config {
        initial_cluster: cluster
            .map(|(name, url)| (name.to_owned(), vec![url.to_owned()]))
            .into(),
        ..config
    };
    let parts = store_node::Parts {
        transport: Arc::new(others.clone()),
        peers: Arc::new(others.clone()),
        ..member::parts(config, Arc::new(MemoryIdentity::default()), &Registry::new(), tasks)
    };
    tokio::time::timeout(SOON * 4, assemble(parts)).await.ok()?.ok()
}

async fn end(tasks: &Tasks, member: &Member) {
    let ended = tokio::time::timeout(PATIENCE, member.shutdown()).await;
    must("end a member", ended);
    tasks.shutdown().await;
}

async fn follows(others: &Answering) -> bool {
    let tasks = Tasks::new();
    let config = Config {
        election_timeout: Duration::from_secs(5),
        ..member::config()
    };
    let Some(member) = one_of_two(others, config, &tasks).await else {
        return false;
    };
    let leader = member
        .cluster_info()
        .members
        .iter()
        .map(|member| member.id)
        .find(|id| *id != member.id());
    let vote = peer::Vote {
        node: leader.unwrap_or_default(),
        ..consensus::vote()
    };
    let heartbeat = peer::AppendRequest {
        vote: Some(vote),
        ..peer::AppendRequest::default()
    };
    let heartbeats = stream::iter([heartbeat]).chain(stream::pending());
    let mut answers = member.consensus().append(heartbeats.boxed());
    let _heard = tokio::time::timeout(SOON, answers.next()).await;
    let nobody = Caller::default();
    let alive = LeaseKeepAliveRequest { id: sample::LEASE };
    let left = LeaseTimeToLiveRequest {
        id: sample::LEASE,
        keys: true,
    };
    let (put, read, alive, left) = tokio::join!(
        tokio::time::timeout(SOON, member.put(&nobody, sample::put("k", "v", 0))),
        tokio::time::timeout(SOON, member.range(&nobody, sample::everything())),
        tokio::time::timeout(SOON, member.lease_keep_alive(&nobody, alive)),
        tokio::time::timeout(SOON, member.lease_time_to_live(&nobody, left)),
    );
    end(&tasks, &member).await;
    put.is_ok() || read.is_ok() || alive.is_ok() || left.is_ok()
}

async fn joins(others: &Answering) -> bool {
    let tasks = Tasks::new();
    let config = Config {
        initial_cluster_state: InitialState::Existing,
        ..member::config()
    };
    let Some(member) = one_of_two(others, config, &tasks).await else {
        tasks.shutdown().await;
        return false;
    };
    end(&tasks, &member).await;
    true
}

async fn compares(others: &Answering) -> bool {
    let tasks = Tasks::new();
    let config = Config {
        corrupt_check_time: Duration::from_millis(20),
        ..member::config()
    };
    let Some(member) = one_of_two(others, config, &tasks).await else {
        return false;
    };
    let put = tokio::time::timeout(SOON * 2, member.put(&Caller::default(), sample::put("k", "v", 0))).await;
    // Until it has compared.
    tokio::time::sleep(Duration::from_millis(60)).await;
    end(&tasks, &member).await;
    matches!(put, Ok(Ok(_)))
}

fn answer(call: Call, message: &impl Message) -> Vec<u8> {
    let mut out = vec![call as u8];
    out.extend(message.encode_to_vec());
    out
}

/// What a good member would say.
fn good(call: Call) -> Vec<u8> {
    vec![call as u8]
}

/// Answers to a leader, and to one who stands for election.
fn elections() -> Vec<Vec<Vec<u8>>> {
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
            ..consensus::vote()
        }),
        granted: false,
        last_log_id: Some(consensus::at(90)),
    };
    let held = |held: &[u64]| {
        let answered = peer::SnapshotOfferResponse {
            held: held.to_vec(),
            vote: Some(consensus::vote()),
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
        ..consensus::vote()
    };
    vec![
        with(&[]),
        with(&[outcome(Outcome::Conflict(peer::LogId::default()))]),
        with(&[outcome(Outcome::Conflict(consensus::at(3)))]),
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
fn requests() -> Vec<Vec<u8>> {
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

fn info() -> peer::ClusterInfoResponse {
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

/// Answers for each place.
pub fn seeds() -> Vec<Vec<u8>> {
    let seed = |which: u8, answers: &[Vec<u8>]| [&[which][..], &pieces::join(answers)].concat();
    let mut seeds: Vec<_> = elections().iter().map(|answers| seed(0, answers)).collect();
    seeds.push(seed(1, &requests()));
    seeds.push(seed(2, &[answer(Call::ClusterInfo, &info())]));
    let hashes = peer::HashesResponse {
        hashes: BTreeMap::from([(2, 5), (1, 4)])
            .into_iter()
            .map(|(revision, hash)| peer::RevisionHash { revision, hash })
            .collect(),
        scan: Some(proto::etcd::HashKvResponse {
            hash: 7,
            compact_revision: -1,
            hash_revision: 2,
            ..Default::default()
        }),
    };
    let votes = [Call::PreVote, Call::Vote, Call::Append].map(good);
    seeds.push(seed(3, &[&votes[..], &[answer(Call::Hashes, &hashes)]].concat()));
    seeds
}
