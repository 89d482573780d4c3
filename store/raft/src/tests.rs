//! openraft's own suite over our storage, and clusters that lose members.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::clock::SystemClock;
use base::task::Tasks;
use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use proto::peer;
use store_engine::{Call, Fault, Memory};
use store_log::{Disk, Executor, Log, LogOptions, MemoryDisk, RealDisk};
use store_machine::{Limits, Machine};

use crate::log_store::LogStore;
use crate::machine_store::MachineStore;
use crate::shared::Shared;
use crate::testing::{Channels, Cluster, CountingSink, node, put};
use crate::types::Types;
use crate::{Error, Options, Parts, ReadPolicy};

struct Builder(Executor);

impl StoreBuilder<Types, LogStore, MachineStore, tempfile::TempDir> for Builder {
    async fn build(&self) -> Result<(tempfile::TempDir, LogStore, MachineStore), StorageError<Types>> {
        let mut options = LogOptions::new(1, 0);
        options.segment_bytes = 4096;
        options.executor = self.0;
        let dir = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = match self.0 {
            Executor::Thread => Arc::new(RealDisk::open(dir.path()).unwrap()),
            _ => Arc::new(MemoryDisk::new()),
        };
        let log = Log::open(disk, options).unwrap();
        let engine = Arc::new(Memory::new());
        let parts = Parts {
            log: log.clone(),
            machine: Machine::open(engine.clone(), None, Limits::default()).unwrap(),
            engine,
            transport: Channels::default().transport(0),
            effects: Arc::new(CountingSink::default()),
            tasks: Tasks::new(),
            clock: Arc::new(SystemClock::new()),
        };
        let shared = Shared::new(Options::new(0, 1), parts).unwrap();
        Ok((dir, LogStore::new(log, 1 << 20), MachineStore(Arc::new(shared))))
    }
}

#[tokio::test]
async fn the_storage_does_what_openraft_expects() {
    Suite::test_all(Builder(Executor::Inline)).await.unwrap();
}

#[tokio::test]
async fn the_storage_does_what_openraft_expects_on_a_real_disk() {
    Suite::test_all(Builder(Executor::Thread)).await.unwrap();
}

async fn start(size: u64) -> Cluster {
    Cluster::start(size, |_| {}).await.unwrap()
}

/// Keeps next to no log, so that a member that was away needs a snapshot.
async fn start_forgetful(size: u64) -> Cluster {
    let tune = |options: &mut Options| {
        options.keep_bytes = 16;
        options.keep_entries = 10;
        options.flush_bytes = 4096;
        options.snapshot_chunk_bytes = 1000;
    };
    Cluster::start(size, tune).await.unwrap()
}

async fn fill(cluster: &Cluster, range: std::ops::Range<u32>) {
    for number in range {
        cluster
            .propose(put(
                format!("key-{number}"),
                format!("value-{number}-{}", "x".repeat(200)),
            ))
            .await
            .unwrap();
    }
}

fn value(number: u32) -> Vec<u8> {
    format!("value-{number}-{}", "x".repeat(200)).into_bytes()
}

async fn assert_has(cluster: &Cluster, id: u64, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        let found = cluster.get(id, format!("key-{number}").as_bytes()).await.unwrap();
        assert_eq!(found, Some(value(number)), "key-{number} on member {id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_member_is_a_cluster_and_comes_back() {
    let mut cluster = start(1).await;
    fill(&cluster, 0..20).await;
    cluster.crash(1).await;
    cluster.up(1).await.unwrap();
    assert_has(&cluster, 1, 0..20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_writes_all_apply() {
    let cluster = start(3).await;
    let reply = cluster.propose(put("a", "1")).await.unwrap();
    assert!(reply.index > 0 && reply.term > 0);
    for id in 1..=3 {
        assert_eq!(cluster.get(id, b"a").await.unwrap(), Some(b"1".to_vec()));
        assert!(cluster.member(id).unwrap().sink.effects.load(Ordering::SeqCst) > 0);
    }
    let leader = cluster.leader().await.unwrap();
    let follower = 1 + leader % 3;
    let refused = cluster.member(follower).unwrap().consensus.propose(put("a", "2")).await;
    assert_eq!(refused, Err(Error::NotLeader { leader: Some(leader) }));
    let refused = cluster.member(follower).unwrap().consensus.read_index().await;
    assert_eq!(refused, Err(Error::NotLeader { leader: Some(leader) }));
    let hashes: BTreeSet<u64> = cluster
        .members
        .values()
        .map(|member| member.reader.state().hash)
        .collect();
    assert_eq!(hashes.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_three_go_on_without_the_leader() {
    let mut cluster = start(3).await;
    fill(&cluster, 0..5).await;
    let first = cluster.leader().await.unwrap();
    cluster.crash(first).await;
    fill(&cluster, 5..10).await;
    let second = cluster.leader().await.unwrap();
    assert_ne!(first, second);
    cluster.up(first).await.unwrap();
    assert_has(&cluster, first, 0..10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_power_lost_and_nothing_acknowledged_is() {
    let mut cluster = start(3).await;
    fill(&cluster, 0..30).await;
    for id in 1..=3 {
        cluster.crash(id).await;
    }
    for id in 1..=3 {
        cluster.up(id).await.unwrap();
    }
    for id in 1..=3 {
        assert_has(&cluster, id, 0..30).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_cut_off_never_calls_a_write_failed_that_may_happen() {
    let cluster = start(3).await;
    let old = cluster.leader().await.unwrap();
    cluster.isolate(old, true);
    let consensus = cluster.member(old).unwrap().consensus.clone();
    let lost = consensus.propose(put("lost", "1"));
    let found = async {
        let others = cluster
            .members
            .keys()
            .copied()
            .filter(|id| *id != old)
            .collect::<Vec<_>>();
        for id in others {
            cluster
                .wait(id, |status| status.leader.is_some_and(|leader| leader != old))
                .await
                .unwrap();
        }
        cluster.isolate(old, false);
    };
    let (lost, ()) = tokio::join!(lost, found);
    assert_eq!(lost, Err(Error::Unknown));
    assert_eq!(cluster.get(old, b"lost").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_without_a_majority_is_not_answered() {
    let cluster = start(3).await;
    let old = cluster.leader().await.unwrap();
    cluster.isolate(old, true);
    let refused = cluster.member(old).unwrap().consensus.read_index().await;
    assert!(
        matches!(refused, Err(Error::Timeout | Error::NotLeader { .. })),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_was_away_too_long_gets_a_snapshot_and_resumes_it() {
    let mut cluster = start_forgetful(3).await;
    fill(&cluster, 0..5).await;
    let leader = cluster.leader().await.unwrap();
    let away = 1 + leader % 3;
    cluster.stop(away).await;
    fill(&cluster, 5..60).await;
    for id in cluster.members.keys() {
        cluster.wait(*id, |status| status.purged > 20).await.unwrap();
    }
    cluster.net.break_snapshot(4);
    cluster.up(away).await.unwrap();
    assert_has(&cluster, away, 0..60).await;
    assert_eq!(cluster.member(away).unwrap().sink.resets.load(Ordering::SeqCst), 1);
    let (carried, resumed) = (cluster.net.snapshot_bytes(), cluster.net.resumed_bytes());
    assert!(carried > 10_000 && resumed >= 2000, "{carried} {resumed}");
    fill(&cluster, 60..65).await;
    // What a snapshot brought must be as durable as what the log brings.
    cluster.crash(away).await;
    cluster.up(away).await.unwrap();
    assert_has(&cluster, away, [0, 59, 64]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_an_offer_that_makes_no_sense_is_as_none() {
    let mut cluster = start_forgetful(3).await;
    fill(&cluster, 0..5).await;
    let leader = cluster.leader().await.unwrap();
    let away = 1 + leader % 3;
    cluster.stop(away).await;
    fill(&cluster, 5..60).await;
    for id in cluster.members.keys() {
        cluster.wait(*id, |status| status.purged > 20).await.unwrap();
    }
    cluster
        .net
        .answer_offers(vec![vec![u64::MAX], vec![0, 0], vec![u64::MAX, u64::MAX]]);
    cluster.up(away).await.unwrap();
    assert_has(&cluster, away, 0..60).await;
    assert_eq!(cluster.net.answers_left(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_join_vote_and_leave() {
    let mut cluster = start(3).await;
    fill(&cluster, 0..5).await;
    cluster.up(4).await.unwrap();
    let leader = cluster.leader().await.unwrap();
    let consensus = cluster.member(leader).unwrap().consensus.clone();
    consensus.add_learner(node(4)).await.unwrap();
    assert_has(&cluster, 4, [3]).await;
    let status = cluster.wait(4, |status| status.learners.contains(&4)).await.unwrap();
    assert_eq!(status.nodes.get(&4), Some(&node(4)));
    consensus.promote(4).await.unwrap();
    cluster
        .wait(4, |status| status.voters.len() == 4 && !status.changing)
        .await
        .unwrap();
    let leaving = 1 + leader % 3;
    consensus.remove(leaving).await.unwrap();
    cluster
        .wait(leader, |status| {
            status.voters.len() == 3 && !status.nodes.contains_key(&leaving)
        })
        .await
        .unwrap();
    cluster.stop(leaving).await;
    fill(&cluster, 5..8).await;
    // Another voter may go now: three remain with 4 among them.
    let target: BTreeSet<u64> = cluster.members.keys().copied().filter(|id| *id != leaving).collect();
    assert_eq!(cluster.wait(leader, |_| true).await.unwrap().voters, target);
    let refused = consensus.change_voters(BTreeSet::from([leader, 99])).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_removes_itself_makes_way() {
    let mut cluster = start(3).await;
    let leader = cluster.leader().await.unwrap();
    cluster.member(leader).unwrap().consensus.remove(leader).await.unwrap();
    cluster.stop(leader).await;
    fill(&cluster, 0..3).await;
    let next = cluster.leader().await.unwrap();
    assert_eq!(cluster.wait(next, |_| true).await.unwrap().voters.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_is_handed_over_on_request() {
    let cluster = start(3).await;
    fill(&cluster, 0..3).await;
    let leader = cluster.leader().await.unwrap();
    let heir = 1 + leader % 3;
    let consensus = &cluster.member(leader).unwrap().consensus;
    consensus.transfer_leader(heir).await.unwrap();
    assert_eq!(cluster.leader().await.unwrap(), heir);
    let late = consensus.transfer_leader(heir).await;
    assert!(matches!(late, Err(Error::NotLeader { .. })));
    fill(&cluster, 3..6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_disk_ends_the_member_and_says_so() {
    let (sender, mut failed) = tokio::sync::mpsc::unbounded_channel();
    let tune = move |options: &mut Options| {
        let sender = sender.clone();
        options.on_fatal = Arc::new(move |text| drop(sender.send(text.to_owned())));
    };
    let cluster = Cluster::start(1, tune).await.unwrap();
    cluster.home(1).unwrap().disk.fail_sync(0);
    let refused = cluster.member(1).unwrap().consensus.propose(put("a", "1")).await;
    assert!(matches!(refused, Err(Error::Unknown)), "{refused:?}");
    assert!(failed.recv().await.unwrap().contains("cannot write the raft log"));
    let refused = cluster.member(1).unwrap().consensus.propose(put("a", "1")).await;
    assert!(
        matches!(refused, Err(Error::Storage(_) | Error::Stopped)),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_cannot_be_flushed_ends_the_member_and_keeps_its_log() {
    let (sender, mut failed) = tokio::sync::mpsc::unbounded_channel();
    let tune = move |options: &mut Options| {
        let sender = sender.clone();
        options.flush_bytes = 4096;
        options.keep_bytes = 16;
        options.keep_entries = 1;
        options.on_fatal = Arc::new(move |text| drop(sender.send(text.to_owned())));
    };
    let mut cluster = Cluster::start(1, tune).await.unwrap();
    let engine = cluster.home(1).unwrap().engine.clone();
    engine.fail(Call::Flush, Fault::Io, 1);
    let consensus = cluster.member(1).unwrap().consensus.clone();
    let mut acknowledged = 0;
    while let command = put(format!("key-{acknowledged}"), value(acknowledged))
        && consensus.propose(command).await.is_ok()
    {
        acknowledged += 1;
    }
    let reason = failed.recv().await.unwrap();
    assert!(reason.contains("cannot flush the database"), "{reason}");
    // What it could not flush is in its log still.
    assert!(acknowledged > 10, "{acknowledged}");
    cluster.crash(1).await;
    cluster.up(1).await.unwrap();
    assert_has(&cluster, 1, 0..acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_starts_votes_for_nobody_while_a_lease_may_last() {
    let tune = |options: &mut Options| options.read = ReadPolicy::Lease { max_age_ms: 150 };
    let mut cluster = Cluster::start(3, tune).await.unwrap();
    fill(&cluster, 0..3).await;
    let leader = cluster.leader().await.unwrap();
    let (voter, candidate) = (1 + leader % 3, 1 + (leader + 1) % 3);
    cluster.crash(voter).await;
    cluster.up(voter).await.unwrap();
    // Nobody tells it that there is a leader; its own memory must do.
    cluster.isolate(voter, true);
    let status = cluster.wait(candidate, |_| true).await.unwrap();
    let ask = peer::VoteRequest {
        vote: Some(peer::Vote {
            term: status.term + 1,
            node: candidate,
            committed: false,
        }),
        ..peer::VoteRequest::default()
    };
    let voter = &cluster.member(voter).unwrap().consensus;
    assert!(matches!(voter.vote(ask).await, Err(Error::Invalid(_))));
    assert!(matches!(voter.pre_vote(ask).await, Err(Error::Invalid(_))));
    let patience = tokio::time::timeout(std::time::Duration::from_secs(10), async {
        while voter.pre_vote(ask).await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    patience.await.unwrap();
}
