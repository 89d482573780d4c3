//! Answers of other members to what this one asks of them: votes, appends, snapshots, and whatever a client's request
//! needs of the leader.
//!
//! An input: a byte that says in which place the member is, then pieces, a byte that says to which call and its answer
//! ([`Answering`]). The places: a member whose log begins with a snapshot stands for election, leads, and has another
//! that needs a snapshot; one follows; one joins; one leads and compares hashes. How far it comes is told by what it asked,
//! not by how long it had.

use std::sync::Arc;
use std::time::Duration;

use base::clock::SystemClock;
use base::task::Tasks;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered};
use futures_util::{FutureExt, StreamExt};
use prometheus::Registry;
use proto::etcd::{LeaseKeepAliveRequest, LeaseTimeToLiveRequest};
use proto::peer;
use store_engine::{Engine, Memory};
use store_log::MemoryDisk;
use store_machine::{Limits, Machine};
use store_node::{Caller, Config, InitialState, Member, MemoryIdentity, assemble};
use store_raft::{Consensus, Options, Parts};

use super::consensus::{self, PATIENCE};
use crate::support::answering::{Answering, Call};
use crate::support::answers::{OTHER, answer, comparisons, elections, info, requests};
use crate::support::nobody::Nobody;
use crate::support::sample::{CLUSTER, ME};
use crate::support::{block_on, leader, member, must, sample};
use crate::{Verdict, pieces};

/// What is not answered within this will not be, however busy the machine is.
const LONG: Duration = Duration::from_secs(2);
/// Time for what more may come once all is answered that had to be; nothing depends on it.
const SOON: Duration = Duration::from_millis(50);

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

async fn until(so: impl Fn() -> bool) {
    while !so() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether it comes true in time.
async fn within(time: Duration, so: impl Fn() -> bool) -> bool {
    tokio::time::timeout(time, until(so)).await.is_ok()
}

/// What comes of it; nothing once the others were asked in vain so often that nothing will.
async fn unless_spent<T>(others: &Answering, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        _ = within(LONG, || others.is_spent()) => None,
    }
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
    let snapshot = stream::iter(leader::whole()).map(Ok).boxed();
    must("install a snapshot", consensus.receive_snapshot(snapshot).await);
    let begun = consensus.look().committed;
    let led = until(|| {
        let status = consensus.look();
        status.leads() && status.committed > begun
    });
    let understood = unless_spent(others, led).await.is_some();
    if understood {
        within(SOON, || others.installed() > 0).await;
    }
    consensus::end(&tasks, &consensus).await;
    understood
}

/// A member of a cluster of two. It cannot go on without the other's answers; where it does not even start, nothing of it
/// is left.
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
    let started = tokio::time::timeout(LONG, assemble(parts)).await;
    let member = started.ok().and_then(Result::ok);
    if member.is_none() {
        tasks.shutdown().await;
    }
    member
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
        ..leader::vote()
    };
    let heartbeat = peer::AppendRequest {
        vote: Some(vote),
        ..peer::AppendRequest::default()
    };
    let heartbeats = stream::iter([heartbeat]).chain(stream::pending());
    let mut answers = member.consensus().append(heartbeats.boxed());
    let _heard = tokio::time::timeout(LONG, answers.next()).await;
    let nobody = Caller::default();
    let alive = LeaseKeepAliveRequest { id: sample::LEASE };
    let left = LeaseTimeToLiveRequest {
        id: sample::LEASE,
        keys: true,
    };
    let mut asked: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
    asked.push(member.put(&nobody, sample::put("k", "v", 0)).map(drop).boxed());
    asked.push(member.range(&nobody, sample::everything()).map(drop).boxed());
    asked.push(member.lease_keep_alive(&nobody, alive).map(drop).boxed());
    asked.push(member.lease_time_to_live(&nobody, left).map(drop).boxed());
    let understood = tokio::time::timeout(LONG, asked.next()).await.is_ok();
    let _others = tokio::time::timeout(SOON, asked.collect::<()>()).await;
    end(&tasks, &member).await;
    understood
}

async fn joins(others: &Answering) -> bool {
    let tasks = Tasks::new();
    let config = Config {
        initial_cluster_state: InitialState::Existing,
        ..member::config()
    };
    let Some(member) = one_of_two(others, config, &tasks).await else {
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
    others.know(&member);
    let put = unless_spent(others, member.put(&Caller::default(), sample::put("k", "v", 0))).await;
    // What is there is asked for once what was done is found to be the same. Who differs in that is asked again and again,
    // and the put may come after that and be refused for it.
    let compared = put.is_some() && within(LONG, || others.scanned() > 0 || others.hashed() > 2).await;
    end(&tasks, &member).await;
    others.forget();
    compared
}

/// Answers for each place.
pub fn seeds() -> Vec<Vec<u8>> {
    let seed = |which: u8, answers: &[Vec<u8>]| [&[which][..], &pieces::join(answers)].concat();
    let mut seeds: Vec<_> = elections().iter().map(|answers| seed(0, answers)).collect();
    seeds.push(seed(1, &requests()));
    seeds.push(seed(2, &[answer(Call::ClusterInfo, &info())]));
    seeds.extend(comparisons().iter().map(|answers| seed(3, answers)));
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::answers::good;

    /// Whether it came to compare what was done, and how often what is there.
    fn compared(answers: &[Vec<u8>]) -> (bool, usize) {
        let others = Answering::new(ME, answers.iter().map(Vec::as_slice));
        (block_on(compares(&others)), others.scanned())
    }

    #[test]
    fn what_is_there_is_compared_where_what_was_done_is_the_same() {
        let [same, differs_there, differs] = comparisons();
        for answers in [same, differs_there] {
            let (compared, scanned) = compared(&answers);
            assert!(compared && scanned > 0, "{scanned}");
        }
        assert_eq!(compared(&differs), (true, 0));
    }

    #[test]
    fn who_is_not_told_hashes_has_not_compared() {
        let votes = [Call::PreVote, Call::Vote, Call::Append].map(good);
        let (compared, scanned) = compared(&votes);
        assert!(!compared && scanned == 0);
    }

    #[test]
    fn nothing_is_left_of_a_member_that_does_not_start() {
        let tasks = Tasks::new();
        let config = Config {
            initial_cluster_state: InitialState::Existing,
            ..member::config()
        };
        let strangers = peer::ClusterInfoResponse {
            members: vec![proto::etcd::Member::default()],
            ..info()
        };
        let answers = answer(Call::ClusterInfo, &strangers);
        let others = Answering::new(ME, [answers.as_slice()]);
        assert!(block_on(one_of_two(&others, config, &tasks)).is_none());
        assert!(tasks.token().is_cancelled() && tasks.running().is_empty());
    }
}
