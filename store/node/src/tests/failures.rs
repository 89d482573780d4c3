//! Leaders that go, members that are cut off, and the orderly end.

use std::time::Duration;

use proto::etcd::{CompactionRequest, MoveLeaderRequest, RangeRequest, StatusRequest};
use proto::fault::Fault;
use store_engine::Call;

use super::cluster::{Cluster, all, get, nobody, put, until, values};
use crate::{Caller, Error, HealthQuery, Probe, Stop};

#[tokio::test(start_paused = true)]
async fn the_cluster_goes_on_without_its_leader() {
    let cluster = Cluster::start(3).await;
    let old = cluster.leader().await;
    old.put(&nobody(), put("k", "before")).await.unwrap();
    cluster.isolate(old.id(), true);
    let others: Vec<_> = cluster
        .members
        .iter()
        .filter(|member| member.id() != old.id())
        .cloned()
        .collect();
    until(|| others.iter().any(crate::Member::is_leader)).await;
    others[0].put(&nobody(), put("k", "after")).await.unwrap();
    // The old leader may not answer with what it still holds.
    let stale = old.range(&nobody(), get("k")).await.unwrap_err();
    assert!(
        matches!(stale.fault(), Some(Fault::Timeout | Fault::NoLeader)),
        "{stale}"
    );
    let local = RangeRequest {
        serializable: true,
        ..get("k")
    };
    assert_eq!(values(&old.range(&nobody(), local).await.unwrap()), ["before"]);
    cluster.isolate(old.id(), false);
    until(|| old.leader().is_some_and(|leader| leader != old.id())).await;
    assert_eq!(values(&old.range(&nobody(), get("k")).await.unwrap()), ["after"]);
    assert_eq!(
        old.put(&nobody(), put("k", "again"))
            .await
            .unwrap()
            .header
            .unwrap()
            .member_id,
        old.id()
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_quorum_writes_time_out_and_callers_who_ask_are_told_at_once() {
    let cluster = Cluster::start(3).await;
    let alone = cluster.follower().await;
    cluster.isolate(alone.id(), true);
    until(|| !alone.has_leader()).await;
    let caller = Caller {
        require_leader: true,
        ..Caller::default()
    };
    assert_eq!(
        alone.put(&caller, put("k", "v")).await.unwrap_err(),
        Error::Fault(Fault::NoLeader)
    );
    let error = alone.put(&nobody(), put("k", "v")).await.unwrap_err();
    assert_eq!(error.fault(), Some(Fault::Timeout));
    let status = alone.status(&nobody(), StatusRequest {}).await.unwrap();
    assert_eq!(status.errors, [Fault::NoLeader.text()]);
    let health = alone.health(&HealthQuery::default()).await;
    assert_eq!((health.ok, health.reason.as_str()), (false, "RAFT NO LEADER"));
    let ready = alone.probe(Probe::Ready, None, &[]).await.unwrap();
    assert!(!ready.ok && ready.text(false).contains("[-]linearizable_read failed"));
    assert!(alone.probe(Probe::Live, None, &[]).await.unwrap().ok);
    assert_eq!(alone.probe(Probe::Live, Some("nothing"), &[]).await, None);
}

#[tokio::test(start_paused = true)]
async fn leadership_is_moved_on_demand() {
    let cluster = Cluster::start(3).await;
    let (leader, follower) = (cluster.leader().await, cluster.follower().await);
    let to = MoveLeaderRequest {
        target_id: follower.id(),
    };
    assert_eq!(
        follower.move_leader(&nobody(), to).await.unwrap_err(),
        Error::Fault(Fault::NotLeader)
    );
    let unknown = MoveLeaderRequest { target_id: 5 };
    assert_eq!(
        leader.move_leader(&nobody(), unknown).await.unwrap_err(),
        Error::Fault(Fault::BadLeaderTransferee)
    );
    leader.move_leader(&nobody(), to).await.unwrap();
    until(|| follower.is_leader()).await;
}

#[tokio::test(start_paused = true)]
async fn shutdown_hands_leadership_over_and_a_restart_keeps_everything() {
    let mut cluster = Cluster::start(3).await;
    let leader = cluster.leader().await;
    for number in 0..10 {
        leader.put(&nobody(), put(&format!("k{number}"), "v")).await.unwrap();
    }
    let position = cluster
        .members
        .iter()
        .position(|member| member.id() == leader.id())
        .unwrap();
    let began = tokio::time::Instant::now();
    leader.shutdown().await;
    assert_eq!(leader.stopped().await, Stop::Shutdown);
    assert_eq!(
        leader.put(&nobody(), put("k", "v")).await.unwrap_err(),
        Error::Fault(Fault::Stopped)
    );
    cluster.gone(leader.id());
    let other = cluster.members[(position + 1) % 3].clone();
    other.put(&nobody(), put("more", "v")).await.unwrap();
    // Who has to find out that the leader is gone waits longer than this before standing for election.
    let (took, election) = (began.elapsed(), other.config().election_timeout);
    assert!(took < election, "{took:?} without a leader");
    let home = cluster.homes[position].clone();
    home.engine.crash();
    let again = cluster.run(&home).await.unwrap();
    cluster.members[position] = again.clone();
    again.ready().await.unwrap();
    assert_eq!(again.range(&nobody(), all()).await.unwrap().count, 11);
}

#[tokio::test(start_paused = true)]
async fn a_single_member_restarts_from_its_log_after_a_crash() {
    let cluster = Cluster::start(1).await;
    let member = cluster.members[0].clone();
    for number in 0..10 {
        member.put(&nobody(), put(&format!("k{number}"), "v")).await.unwrap();
    }
    // The crash: the engine forgets what was not flushed, the log keeps what was synced.
    cluster.gone(member.id());
    member.consensus().shutdown().await;
    let home = cluster.homes[0].clone();
    home.engine.crash();
    home.disk.lose_pending();
    let again = cluster.run(&home).await.unwrap();
    again.ready().await.unwrap();
    assert_eq!((again.id(), again.cluster_id()), (member.id(), member.cluster_id()));
    assert_eq!(again.range(&nobody(), all()).await.unwrap().count, 10);
}

#[tokio::test(start_paused = true)]
async fn a_lost_cluster_is_built_up_again_from_one_member() {
    let mut cluster = Cluster::start(3).await;
    let member = cluster.members[0].clone();
    for number in 0..10 {
        member.put(&nobody(), put(&format!("k{number}"), "v")).await.unwrap();
    }
    for member in &cluster.members {
        cluster.gone(member.id());
        member.consensus().shutdown().await;
    }
    let mut home = cluster.homes[0].clone();
    home.engine.crash();
    home.config.force_new_cluster = true;
    let again = cluster.run(&home).await.unwrap();
    cluster.members = vec![again.clone()];
    again.ready().await.unwrap();
    assert_eq!((again.id(), again.cluster_id()), (member.id(), member.cluster_id()));
    assert_eq!(again.range(&nobody(), all()).await.unwrap().count, 10);
    assert_eq!(again.reader().state().members.len(), 1);
    again.put(&nobody(), put("more", "v")).await.unwrap();
    again.shutdown().await;
    cluster.gone(again.id());
    home.config.force_new_cluster = false;
    let last = cluster.run(&home).await.unwrap();
    last.ready().await.unwrap();
    assert_eq!(last.range(&nobody(), all()).await.unwrap().count, 11);
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_cannot_write_ends_the_member() {
    let cluster = Cluster::start(1).await;
    let member = cluster.members[0].clone();
    for number in 0..3 {
        member.put(&nobody(), put("k", &number.to_string())).await.unwrap();
    }
    // While somebody reads, what the compaction gave up stays: so only the collector's write fails.
    let view = member.reader().mvcc().view();
    let compaction = CompactionRequest {
        revision: view.revision(),
        physical: false,
    };
    member.compact(&nobody(), compaction).await.unwrap();
    cluster.homes[0].engine.fail(Call::Write, store_engine::Fault::Io, 1);
    drop(view);
    let stop = tokio::time::timeout(Duration::from_secs(60), member.stopped()).await;
    assert!(
        matches!(&stop, Ok(Stop::Fatal(reason)) if reason.contains("cannot write the database")),
        "{stop:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_compaction_does_not_wait_for_space_that_is_not_given_back() {
    let cluster = Cluster::start(1).await;
    let member = cluster.members[0].clone();
    for number in 0..3 {
        member.put(&nobody(), put("k", &number.to_string())).await.unwrap();
    }
    cluster.homes[0].engine.fail(Call::Reclaim, store_engine::Fault::Io, 1);
    let compaction = CompactionRequest {
        revision: 3,
        physical: true,
    };
    let nobody = nobody();
    let compacted = member.compact(&nobody, compaction);
    let compacted = tokio::time::timeout(Duration::from_secs(60), compacted).await;
    assert!(matches!(&compacted, Ok(Ok(_))), "{compacted:?}");
}
