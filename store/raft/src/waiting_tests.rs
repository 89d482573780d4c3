//! Those who wait hear of their commands where they asked, and never wait for what cannot come.

use bytes::Bytes;
use prost::Message;
use tokio::sync::mpsc;

use crate::testing::{Cluster, put};
use crate::waiting::{Waiter, Waiting};
use crate::{Consensus, Error, Options};

const AGAIN: Error = Error::NotLeader { leader: None };

/// A command that is awaited at `at`.
fn command(at: &Consensus, waiter: &Waiter, key: &str) -> Bytes {
    let mut command = put(key, "v");
    (command.origin, command.id) = (at.id(), waiter.id());
    command.encode_to_vec().into()
}

/// A leader and a member that follows it.
async fn pair(cluster: &Cluster) -> (Consensus, Consensus) {
    let leader = cluster.leader().await.unwrap();
    let consensus = |id| cluster.member(id).unwrap().consensus.clone();
    (consensus(leader), consensus(1 + leader % 3))
}

/// Sends a command from where it is awaited to another member.
async fn send(from: &Consensus, waiter: &Waiter, key: &str, to: &Consensus) -> mpsc::UnboundedReceiver<(u64, Error)> {
    let (refused, refusals) = mpsc::unbounded_channel();
    let way = from.waiting().open();
    assert!(from.waiting().queue(waiter.id(), way) && from.waiting().leave(waiter.id(), way));
    to.write_for(waiter.id(), command(from, waiter, key), &refused).await;
    refusals
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_is_told_by_the_apply_where_he_asked() {
    let cluster = Cluster::start(3, |_| {}).await.unwrap();
    let (leader, follower) = pair(&cluster).await;
    let mut waiter = leader.waiting().begin();
    let bytes = command(&leader, &waiter, "leader");
    let first = leader.write(&mut waiter, bytes).await.unwrap();
    assert!(*leader.applied().borrow() >= first.index);

    let mut waiter = follower.waiting().begin();
    let mut refusals = send(&follower, &waiter, "follower", &leader).await;
    let second = waiter.outcome().await.unwrap();
    assert!(*follower.applied().borrow() >= second.index && second.index > first.index);
    assert_eq!(refusals.recv().await, None, "nothing is told of what went well");
    assert_eq!((leader.waiting().count(), follower.waiting().count()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_means_nothing_to_others_than_its_origin() {
    let cluster = Cluster::start(3, |_| {}).await.unwrap();
    let (leader, follower) = pair(&cluster).await;
    let waiter = leader.waiting().begin();
    let (refused, _refusals) = mpsc::unbounded_channel();
    let bytes = command(&follower, &waiter, "k");
    leader.write_for(waiter.id(), bytes, &refused).await;
    cluster.propose(put("after", "v")).await.unwrap();
    assert_eq!(cluster.get(leader.id(), b"k").await.unwrap(), Some(b"v".to_vec()));
    assert_eq!(leader.waiting().count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_does_not_lead_says_so_to_whoever_sent_the_command() {
    let cluster = Cluster::start(3, |_| {}).await.unwrap();
    let (leader, follower) = pair(&cluster).await;
    let waiter = leader.waiting().begin();
    let mut refusals = send(&leader, &waiter, "k", &follower).await;
    let (id, error) = refusals.recv().await.unwrap();
    assert_eq!((id, matches!(error, Error::NotLeader { .. })), (waiter.id(), true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_overtaken_by_a_snapshot_is_told_that_nobody_knows() {
    let tune = |options: &mut Options| {
        options.keep_bytes = 16;
        options.keep_entries = 10;
        options.flush_bytes = 4096;
    };
    let cluster = Cluster::start(3, tune).await.unwrap();
    let (leader, away) = pair(&cluster).await;
    cluster.isolate(away.id(), true);
    let (mut sent, mut queued) = (away.waiting().begin(), away.waiting().begin());
    let _refusals = send(&away, &sent, "lost to sight", &leader).await;
    let way = away.waiting().open();
    assert!(away.waiting().queue(queued.id(), way));
    for number in 0..60 {
        let long = put(format!("key-{number}"), "x".repeat(200));
        cluster.propose(long).await.unwrap();
    }
    cluster.wait(leader.id(), |status| status.purged > 20).await.unwrap();
    cluster.isolate(away.id(), false);
    assert_eq!(sent.outcome().await, Err(Error::Unknown));
    // What never left is in no snapshot.
    assert!(away.waiting().leave(queued.id(), way));
    away.waiting().close(way, &AGAIN, Some(&Error::Timeout));
    assert_eq!(queued.outcome().await, Err(Error::Timeout));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_member_that_has_ended() {
    let mut cluster = Cluster::start(3, |_| {}).await.unwrap();
    let (leader, follower) = pair(&cluster).await;
    cluster.isolate(follower.id(), true);
    let (mut sent, mut idle) = (follower.waiting().begin(), follower.waiting().begin());
    let _refusals = send(&follower, &sent, "k", &leader).await;
    cluster.stop(follower.id()).await;
    assert_eq!(sent.outcome().await, Err(Error::Unknown));
    assert_eq!(idle.outcome().await, Err(Error::Stopped));
    assert_eq!(follower.waiting().begin().outcome().await, Err(Error::Stopped));
}

#[tokio::test]
async fn a_command_leaves_once_and_only_while_somebody_waits() {
    let waiting = Waiting::new(1);
    let way = waiting.open();
    let mut waiter = waiting.begin();
    let id = waiter.id();
    assert!(waiting.queue(id, way) && !waiting.queue(id, way));
    assert!(waiting.leave(id, way) && !waiting.leave(id, way));
    // Not from where it is.
    waiting.fail(id, way + 1, Error::Timeout);
    waiting.fail(id, way, AGAIN);
    assert_eq!(waiter.outcome().await, Err(AGAIN));
    // Another try: on a way that ends before the command has left.
    assert!(waiting.queue(id, way));
    waiting.close(way, &AGAIN, Some(&Error::Unknown));
    assert!(!waiting.leave(id, way) && !waiting.queue(id, way));
    assert_eq!(waiter.outcome().await, Err(AGAIN));
    // Whoever gives up leaves nothing behind.
    let way = waiting.open();
    assert!(waiting.queue(id, way));
    drop(waiter);
    assert!(!waiting.leave(id, way));
    assert_eq!(waiting.count(), 0);
}
