//! Reads from the leader's lease: answered without asking anybody, and never after the lease.

use std::time::Duration;

use proto::etcd::{MoveLeaderRequest, RangeResponse};

use super::cluster::{Cluster, get, nobody, put, values};
use crate::Member;

async fn start(lease_reads: bool) -> (Cluster, Member) {
    let cluster = Cluster::start_with(3, |config| config.lease_reads = lease_reads).await;
    let leader = cluster.leader().await;
    leader.put(&nobody(), put("k", "old")).await.unwrap();
    // A majority has just answered.
    leader.barrier().await.unwrap();
    (cluster, leader)
}

/// A linearizable read that may take so long.
async fn read(member: &Member, limit: Duration) -> Option<RangeResponse> {
    let caller = nobody();
    let read = tokio::time::timeout(limit, member.range(&caller, get("k")));
    read.await.ok()?.ok()
}

const SHORT: Duration = Duration::from_millis(10);

#[tokio::test(start_paused = true)]
async fn only_a_lease_answers_without_the_others() {
    for lease_reads in [false, true] {
        let (cluster, leader) = start(lease_reads).await;
        cluster.isolate(leader.id(), true);
        let answer = read(&leader, SHORT).await;
        assert_eq!(answer.is_some(), lease_reads);
        if let Some(answer) = answer {
            assert_eq!(values(&answer), ["old"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_isolated_leader_stops_answering_before_another_leads() {
    let (cluster, old) = start(true).await;
    cluster.isolate(old.id(), true);
    let began = tokio::time::Instant::now();
    let other = cluster.members.iter().find(|member| member.id() != old.id()).cloned();
    let other = other.unwrap();
    let written = async {
        let caller = nobody();
        while other.put(&caller, put("k", "new")).await.is_err() {}
        began.elapsed()
    };
    let answered = async {
        let mut last = None;
        // Longer than any election takes.
        while began.elapsed() < Duration::from_secs(15) {
            let asked = began.elapsed();
            if let Some(answer) = read(&old, SHORT).await {
                assert_eq!(values(&answer), ["old"]);
                last = Some(asked);
            }
            tokio::time::sleep(SHORT).await;
        }
        last
    };
    let (written, answered) = tokio::join!(written, answered);
    let answered = answered.expect("it answers at first");
    // Half an election timeout after a majority answered for the last time.
    assert!(answered <= Duration::from_millis(500), "{answered:?}");
    assert!(answered < written, "{answered:?} {written:?}: a stale read");
    cluster.isolate(old.id(), false);
    let answer = read(&old, Duration::from_secs(10)).await.unwrap();
    assert_eq!(values(&answer), ["new"]);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_hands_over_gives_its_lease_up() {
    let (cluster, old) = start(true).await;
    let heir = cluster.follower().await;
    let transfer = MoveLeaderRequest { target_id: heir.id() };
    old.move_leader(&nobody(), transfer).await.unwrap();
    cluster.isolate(old.id(), true);
    heir.put(&nobody(), put("k", "new")).await.unwrap();
    assert_eq!(read(&old, SHORT).await, None);
}
