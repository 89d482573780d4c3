//! Elections and locks.

use std::time::Duration;

use bytes::Bytes;
use proto::election::{CampaignRequest, LeaderRequest, ProclaimRequest, ResignRequest};
use proto::etcd::{LeaseGrantRequest, LeaseRevokeRequest};
use proto::fault::Fault;
use proto::lock::{LockRequest, UnlockRequest};

use super::cluster::{Cluster, all, nobody, until};
use crate::{Error, Member};

async fn lease(member: &Member, ttl: i64) -> i64 {
    member
        .lease_grant(&nobody(), LeaseGrantRequest { ttl, id: 0 })
        .await
        .unwrap()
        .id
}

fn campaign(lease: i64, value: &'static str) -> CampaignRequest {
    CampaignRequest {
        name: "e".into(),
        lease,
        value: value.into(),
    }
}

#[tokio::test(start_paused = true)]
async fn candidates_lead_one_after_the_other() {
    let cluster = Cluster::start(3).await;
    let (a, b) = (cluster.members[0].clone(), cluster.members[1].clone());
    let (first, second) = (lease(&a, 600).await, lease(&b, 600).await);
    let name = LeaderRequest { name: "e".into() };
    assert_eq!(
        a.leader_of(&nobody(), name.clone()).await.unwrap_err().text(),
        "election: no leader"
    );
    let mut observe = cluster.members[2].observe(&nobody(), name.clone()).await.unwrap();
    let key = a
        .campaign(&nobody(), campaign(first, "a"))
        .await
        .unwrap()
        .leader
        .unwrap();
    let value = |response: proto::election::LeaderResponse| response.kv.unwrap().decode().unwrap().value;
    assert_eq!(value(observe.next().await.unwrap().unwrap()), "a");
    let caller = nobody();
    let waiting = tokio::time::timeout(Duration::from_secs(3), b.campaign(&caller, campaign(second, "b")));
    assert!(waiting.await.is_err());
    // Whoever went away while waiting has given up the claim.
    until(|| b.reader().mvcc().view().key_count() == 1).await;
    a.proclaim(
        &nobody(),
        ProclaimRequest {
            leader: Some(key.clone()),
            value: "a2".into(),
        },
    )
    .await
    .unwrap();
    assert_eq!(value(observe.next().await.unwrap().unwrap()), "a2");
    assert_eq!(value(b.leader_of(&nobody(), name).await.unwrap()), "a2");
    let (elected, ()) = tokio::join!(b.campaign(&caller, campaign(second, "b")), async {
        until(|| b.reader().mvcc().view().key_count() == 2).await;
        a.resign(
            &nobody(),
            ResignRequest {
                leader: Some(key.clone()),
            },
        )
        .await
        .unwrap();
    });
    assert_eq!(elected.unwrap().leader.unwrap().lease, second);
    assert_eq!(value(observe.next().await.unwrap().unwrap()), "b");
    let late = a
        .proclaim(
            &nobody(),
            ProclaimRequest {
                leader: Some(key),
                value: "x".into(),
            },
        )
        .await
        .unwrap_err();
    assert_eq!(late.text(), "election: not leader");
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_held_by_one_and_goes_with_its_lease() {
    let cluster = Cluster::start(3).await;
    let (a, b) = (cluster.members[0].clone(), cluster.members[1].clone());
    let (first, second, third) = (lease(&a, 600).await, lease(&b, 600).await, lease(&b, 600).await);
    let request = |lease| LockRequest {
        name: "l".into(),
        lease,
    };
    let key = a.lock(&nobody(), request(first)).await.unwrap().key;
    assert_eq!(key, format!("l/{first:x}"));
    // Asking again for what one has is answered at once.
    assert_eq!(a.lock(&nobody(), request(first)).await.unwrap().key, key);
    let caller = nobody();
    let (next, last, ()) = tokio::join!(
        b.lock(&caller, request(second)),
        b.lock(&caller, request(third)),
        async {
            until(|| b.reader().mvcc().view().key_count() == 3).await;
            b.lease_revoke(&nobody(), LeaseRevokeRequest { id: third })
                .await
                .unwrap();
            a.unlock(&nobody(), UnlockRequest { key: key.clone() }).await.unwrap();
        }
    );
    assert_eq!(next.unwrap().key, format!("l/{second:x}"));
    assert_eq!(last.unwrap_err(), Error::unknown("mutex: session is expired"));
    assert_eq!(a.range(&nobody(), all()).await.unwrap().count, 1);
}

/// Upstream's services go through a client of etcd's own, on which way every code becomes Unknown.
#[tokio::test(start_paused = true)]
async fn refusals_keep_their_text_and_lose_their_code() {
    let mut cluster = Cluster::start(1).await;
    let member = cluster.members[0].clone();
    let lock = |lease| LockRequest {
        name: "l".into(),
        lease,
    };
    let unknown = |fault: Fault| Error::unknown(fault.text());
    let gone = unknown(Fault::LeaseNotFound);
    assert_eq!(member.lock(&nobody(), lock(77)).await.unwrap_err(), gone);
    assert_eq!(member.campaign(&nobody(), campaign(77, "v")).await.unwrap_err(), gone);
    let key = UnlockRequest { key: Bytes::new() };
    assert_eq!(
        member.unlock(&nobody(), key).await.unwrap_err(),
        unknown(Fault::EmptyKey)
    );
    // What stands before the services keeps its code.
    let learner = super::members::learner(&mut cluster).await;
    let refused = learner.lock(&nobody(), lock(0)).await.unwrap_err();
    assert_eq!(refused, Error::Fault(Fault::NotSupportedForLearner));
}

#[tokio::test(start_paused = true)]
async fn a_caller_without_a_lease_is_given_one() {
    let cluster = Cluster::start(1).await;
    let member = &cluster.members[0];
    let leader = member
        .campaign(&nobody(), campaign(0, "v"))
        .await
        .unwrap()
        .leader
        .unwrap();
    assert_ne!(leader.lease, 0);
    until(|| member.reader().state().leases.is_empty()).await;
    assert_eq!(member.range(&nobody(), all()).await.unwrap().count, 0);
}
