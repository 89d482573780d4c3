//! The remaining time of long leases, written to the log now and then.

use std::time::Duration;

use proto::etcd::{LeaseGrantRequest, LeaseKeepAliveRequest, LeaseTimeToLiveRequest};

use super::cluster::{Cluster, nobody, slow, until};
use crate::Member;

/// Granted; two checkpoints are due in the time that passes, at 300 and at 600 seconds.
const TTL: i64 = 1000;
const PASSED: Duration = Duration::from_secs(650);

async fn start(checkpoints: bool) -> (Cluster, i64) {
    let cluster = Cluster::start_with(3, |config| {
        slow(config);
        config.lease_checkpoint = checkpoints.then_some(Duration::from_secs(300));
    })
    .await;
    let request = LeaseGrantRequest { ttl: TTL, id: 0 };
    let granted = cluster.members[0].lease_grant(&nobody(), request).await.unwrap();
    (cluster, granted.id)
}

async fn remaining(member: &Member, id: i64) -> i64 {
    let request = LeaseTimeToLiveRequest { id, keys: false };
    let told = member.lease_time_to_live(&nobody(), request).await.unwrap();
    assert_eq!(told.granted_ttl, TTL);
    told.ttl
}

/// Takes the leader away and waits for the next one.
async fn depose(cluster: &Cluster) -> Member {
    let old = cluster.leader().await;
    cluster.isolate(old.id(), true);
    let others = || cluster.members.iter().filter(|member| member.id() != old.id());
    until(|| others().any(Member::is_leader)).await;
    let new = others().find(|member| member.is_leader()).cloned().unwrap();
    cluster.isolate(old.id(), false);
    new
}

#[tokio::test(start_paused = true)]
async fn a_new_leader_goes_on_from_the_last_checkpoint() {
    let (mut cluster, id) = start(true).await;
    tokio::time::sleep(PASSED).await;
    assert!((349..=351).contains(&remaining(&cluster.members[0], id).await));
    // What the last checkpoint left, and an election in which nobody could renew.
    let checkpointed = 390..=420;
    for _ in 0..2 {
        let left = remaining(&depose(&cluster).await, id).await;
        assert!(checkpointed.contains(&left), "{left}");
    }

    // It is on the disk of all: a cluster that was down goes on from it, too.
    for member in &cluster.members {
        cluster.gone(member.id());
        member.shutdown().await;
    }
    let homes = cluster.homes.clone();
    for (number, home) in homes.iter().enumerate() {
        home.engine.crash();
        cluster.members[number] = cluster.run(home).await.unwrap();
    }
    for member in &cluster.members {
        member.ready().await.unwrap();
    }
    let left = remaining(&cluster.members[0], id).await;
    assert!(checkpointed.contains(&left), "{left}");
    tokio::time::sleep(Duration::from_secs(430)).await;
    assert!(cluster.members[0].reader().state().leases.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_renewal_takes_the_checkpoint_back() {
    let (cluster, id) = start(true).await;
    tokio::time::sleep(PASSED).await;
    let alive = LeaseKeepAliveRequest { id };
    let (leader, follower) = (cluster.leader().await, cluster.follower().await);
    let cleared = |member: &Member| {
        let state = member.reader().state();
        state.leases.get(id).is_some_and(|lease| lease.remaining() == 0)
    };
    assert!(!cleared(&leader));
    assert_eq!(follower.lease_keep_alive(&nobody(), alive).await.unwrap().ttl, TTL);
    // Answered means that whoever leads next knows it.
    assert!(cleared(&leader));
    until(|| cluster.members.iter().all(cleared)).await;
    let left = remaining(&depose(&cluster).await, id).await;
    assert!(left > TTL - 10, "{left}");
}

#[tokio::test(start_paused = true)]
async fn without_checkpoints_a_new_leader_gives_the_full_time() {
    let (cluster, id) = start(false).await;
    tokio::time::sleep(PASSED).await;
    let left = remaining(&depose(&cluster).await, id).await;
    assert!(left > TTL - 10, "{left}");
}
