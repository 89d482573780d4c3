//! Writers that never stop while members lose power, links and log: what was acknowledged stays, what was refused never
//! happened, and all members end with the same state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use base::random::{Random, Seeded};
use base::task::Tasks;
use parking_lot::Mutex;

use crate::testing::{Cluster, put};
use crate::{Consensus, Error, Options};

/// What became of each key; every key is written once.
#[derive(Default)]
struct Outcomes {
    acknowledged: Mutex<BTreeSet<u64>>,
    refused: Mutex<BTreeSet<u64>>,
    unknown: AtomicU64,
    next: AtomicU64,
    stop: AtomicBool,
}

impl Outcomes {
    async fn write(&self, member: &Consensus) {
        let key = self.next.fetch_add(1, Ordering::SeqCst);
        let write = member.propose(put(key.to_string(), vec![1; 100]));
        match tokio::time::timeout(Duration::from_millis(500), write).await {
            Ok(Ok(_)) => {
                self.acknowledged.lock().insert(key);
            }
            Ok(Err(Error::Unknown)) | Err(_) => {
                self.unknown.fetch_add(1, Ordering::SeqCst);
            }
            Ok(Err(_)) => {
                self.refused.lock().insert(key);
                tokio::task::yield_now().await;
            }
        }
    }
}

type Targets = Arc<Mutex<BTreeMap<u64, Consensus>>>;

async fn writer(outcomes: Arc<Outcomes>, targets: Targets) {
    while !outcomes.stop.load(Ordering::SeqCst) {
        let members = targets.lock().values().cloned().collect::<Vec<_>>();
        let leading = members.iter().find(|member| member.status().borrow().leads());
        match leading.or(members.first()) {
            Some(member) => outcomes.write(member).await,
            None => tokio::task::yield_now().await,
        }
    }
}

/// Writes until there are `more` acknowledged writes, or for a while if there is no majority.
async fn progress(outcomes: &Outcomes, more: usize) {
    let wanted = outcomes.acknowledged.lock().len() + more;
    let reached = async {
        while outcomes.acknowledged.lock().len() < wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    drop(tokio::time::timeout(Duration::from_millis(1500), reached).await);
}

async fn hurt(cluster: &mut Cluster, targets: &Targets, dice: &Seeded) {
    let id = 1 + dice.below(3);
    match dice.below(4) {
        0 => cluster.isolate(id, true),
        1 => {
            targets.lock().remove(&id);
            cluster.stop(id).await;
        }
        2 => {
            targets.lock().remove(&id);
            cluster.crash(id).await;
        }
        _ => {
            for id in 1..=3 {
                targets.lock().remove(&id);
                cluster.crash(id).await;
            }
        }
    }
}

async fn heal(cluster: &mut Cluster, targets: &Targets) {
    for id in 1..=3 {
        cluster.isolate(id, false);
        if cluster.member(id).is_err() {
            cluster.up(id).await.unwrap();
        }
        targets.lock().insert(id, cluster.member(id).unwrap().consensus.clone());
    }
}

async fn run(seed: u64) {
    let tune = |options: &mut Options| {
        options.keep_bytes = 4096;
        options.keep_entries = 50;
        options.flush_bytes = 8192;
        options.snapshot_chunk_bytes = 4000;
    };
    let mut cluster = Cluster::start(3, tune).await.unwrap();
    let (dice, outcomes, targets) = (Seeded::new(seed), Arc::new(Outcomes::default()), Targets::default());
    heal(&mut cluster, &targets).await;
    let tasks = Tasks::new();
    for _ in 0..8 {
        tasks.spawn("writer", writer(outcomes.clone(), targets.clone()));
    }
    for _ in 0..6 {
        progress(&outcomes, 100).await;
        hurt(&mut cluster, &targets, &dice).await;
        progress(&outcomes, 100).await;
        heal(&mut cluster, &targets).await;
    }
    progress(&outcomes, 100).await;
    outcomes.stop.store(true, Ordering::SeqCst);
    tasks.wait().await;
    check(&cluster, &outcomes, seed).await;
}

async fn check(cluster: &Cluster, outcomes: &Outcomes, seed: u64) {
    let (acknowledged, refused) = (outcomes.acknowledged.lock().clone(), outcomes.refused.lock().clone());
    assert!(
        acknowledged.len() > 100,
        "seed {seed}: only {} writes",
        acknowledged.len()
    );
    for id in 1..=3 {
        // One read after which the member has applied everything.
        cluster.get(id, b"0").await.unwrap();
        let view = cluster.member(id).unwrap().reader.mvcc().view();
        let all = proto::etcd::RangeRequest {
            key: vec![0].into(),
            range_end: vec![0].into(),
            keys_only: true,
            ..proto::etcd::RangeRequest::default()
        };
        let answer = view.range(&all).unwrap();
        let keys = answer
            .kvs
            .iter()
            .map(|kv| String::from_utf8(kv.decode().unwrap().key.to_vec()).unwrap());
        let keys: BTreeSet<u64> = keys.map(|key| key.parse().unwrap()).collect();
        let lost: Vec<_> = acknowledged.difference(&keys).take(5).collect();
        let ghosts: Vec<_> = refused.intersection(&keys).take(5).collect();
        assert!(
            lost.is_empty(),
            "seed {seed}: member {id} lost {lost:?} of {}",
            acknowledged.len()
        );
        assert!(
            ghosts.is_empty(),
            "seed {seed}: member {id} has refused writes {ghosts:?}"
        );
    }
    let hashes: BTreeSet<u64> = cluster
        .members
        .values()
        .map(|member| member.reader.state().hash)
        .collect();
    assert_eq!(hashes.len(), 1, "seed {seed}: members disagree");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_nor_invented_first() {
    run(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_nor_invented_second() {
    run(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes long: for changes to this crate"]
async fn nothing_is_lost_nor_invented_many() {
    for seed in 3..23 {
        run(seed).await;
        eprintln!("seed {seed} holds");
    }
}
