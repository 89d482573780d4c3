//! Leases and what hangs on them.

use std::time::Duration;

use proto::etcd::{
    LeaseGrantRequest, LeaseKeepAliveRequest, LeaseLeasesRequest, LeaseRevokeRequest, LeaseTimeToLiveRequest,
    MoveLeaderRequest, PutRequest,
};
use proto::fault::Fault;

use super::cluster::{Cluster, all, get, nobody, put, until};
use crate::{Error, Member};

async fn grant(member: &Member, ttl: i64) -> i64 {
    member
        .lease_grant(&nobody(), LeaseGrantRequest { ttl, id: 0 })
        .await
        .unwrap()
        .id
}

async fn attach(member: &Member, key: &str, lease: i64) {
    member
        .put(&nobody(), PutRequest { lease, ..put(key, "v") })
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_ends_with_its_keys_unless_it_is_kept_alive() {
    let cluster = Cluster::start(3).await;
    let follower = cluster.follower().await;
    let (kept, left) = (grant(&follower, 5).await, grant(&follower, 5).await);
    attach(&follower, "kept", kept).await;
    attach(&follower, "left", left).await;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let alive = follower
            .lease_keep_alive(&nobody(), LeaseKeepAliveRequest { id: kept })
            .await
            .unwrap();
        assert_eq!((alive.id, alive.ttl), (kept, 5));
    }
    until(|| follower.reader().state().leases.len() == 1).await;
    assert_eq!(follower.range(&nobody(), all()).await.unwrap().count, 1);
    let gone = follower
        .lease_keep_alive(&nobody(), LeaseKeepAliveRequest { id: left })
        .await
        .unwrap();
    assert_eq!(gone.ttl, 0);
    let unknown = LeaseTimeToLiveRequest { id: left, keys: true };
    assert_eq!(follower.lease_time_to_live(&nobody(), unknown).await.unwrap().ttl, -1);
}

#[tokio::test(start_paused = true)]
async fn every_member_tells_the_same_about_a_lease() {
    let cluster = Cluster::start(3).await;
    let id = grant(&cluster.members[0], 100).await;
    attach(&cluster.members[0], "k", id).await;
    for member in &cluster.members {
        let told = member
            .lease_time_to_live(&nobody(), LeaseTimeToLiveRequest { id, keys: true })
            .await
            .unwrap();
        assert_eq!((told.granted_ttl, told.keys.len()), (100, 1));
        assert!((90..=100).contains(&told.ttl), "{}", told.ttl);
    }
    let leases = cluster.members[0]
        .lease_leases(&nobody(), LeaseLeasesRequest {})
        .await
        .unwrap()
        .leases;
    assert_eq!(leases.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn short_leases_are_lengthened_and_bad_ones_refused() {
    let cluster = Cluster::start(1).await;
    let member = &cluster.members[0];
    let granted = member
        .lease_grant(&nobody(), LeaseGrantRequest { ttl: 1, id: 7 })
        .await
        .unwrap();
    assert_eq!((granted.id, granted.ttl), (7, 2));
    let again = member
        .lease_grant(&nobody(), LeaseGrantRequest { ttl: 10, id: 7 })
        .await;
    assert_eq!(again.unwrap_err(), Error::Fault(Fault::LeaseExist));
    let endless = member
        .lease_grant(&nobody(), LeaseGrantRequest { ttl: i64::MAX, id: 8 })
        .await;
    assert_eq!(endless.unwrap_err(), Error::Fault(Fault::LeaseTtlTooLarge));
    let unknown = member.lease_revoke(&nobody(), LeaseRevokeRequest { id: 9 }).await;
    assert_eq!(unknown.unwrap_err(), Error::Fault(Fault::LeaseNotFound));
}

#[tokio::test(start_paused = true)]
async fn a_new_leader_gives_every_lease_its_full_time() {
    let cluster = Cluster::start(3).await;
    let old = cluster.leader().await;
    let id = grant(&old, 20).await;
    attach(&old, "k", id).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    cluster.isolate(old.id(), true);
    let others: Vec<_> = cluster
        .members
        .iter()
        .filter(|member| member.id() != old.id())
        .cloned()
        .collect();
    until(|| others.iter().any(Member::is_leader)).await;
    let told = others[0]
        .lease_time_to_live(&nobody(), LeaseTimeToLiveRequest { id, keys: false })
        .await
        .unwrap();
    assert!(told.ttl > 10, "{}", told.ttl);
    // The old leader counts on, and may not take the key with it when it comes back.
    tokio::time::sleep(Duration::from_secs(10)).await;
    cluster.isolate(old.id(), false);
    until(|| old.leader().is_some_and(|leader| leader != old.id())).await;
    assert_eq!(old.range(&nobody(), get("k")).await.unwrap().count, 1);
    until(|| old.reader().state().leases.is_empty()).await;
    assert_eq!(old.range(&nobody(), get("k")).await.unwrap().count, 0);
}

#[tokio::test(start_paused = true)]
async fn who_leads_again_counts_what_was_renewed_meanwhile() {
    let cluster = Cluster::start(3).await;
    let first = cluster.leader().await;
    let second = cluster.follower().await;
    let id = grant(&first, 5).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    for (from, to) in [(&first, &second), (&second, &first)] {
        let request = MoveLeaderRequest { target_id: to.id() };
        from.move_leader(&nobody(), request).await.unwrap();
        until(|| to.is_leader()).await;
        if to.id() == second.id() {
            let renewed = to
                .lease_keep_alive(&nobody(), LeaseKeepAliveRequest { id })
                .await
                .unwrap();
            assert_eq!(renewed.ttl, 5);
        }
    }
    // Longer than the first count would have gone on.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(first.reader().state().leases.contains(id));
}

#[tokio::test(start_paused = true)]
async fn many_leases_that_end_at_once_leave_room_for_writes() {
    let cluster = Cluster::start(1).await;
    let member = cluster.members[0].clone();
    let grants = (1..=2000).map(|id| {
        let member = member.clone();
        async move {
            member
                .lease_grant(&nobody(), LeaseGrantRequest { ttl: 5, id })
                .await
                .unwrap()
        }
    });
    futures_util::future::join_all(grants).await;
    assert_eq!(member.reader().state().leases.len(), 2000);
    // No batch of the leader's takes more than a bounded part of them, so writes get in between.
    let mut left = 2000;
    until(|| {
        let now = member.reader().state().leases.len();
        assert!(left - now <= 400, "{left} {now}");
        left = now;
        left == 0
    })
    .await;
    member.put(&nobody(), put("k", "v")).await.unwrap();
}
