//! What a member does unasked: compaction, comparison, metrics; and what maintenance asks.

use std::time::Duration;

use proto::etcd::{DefragmentRequest, HashKvRequest, MoveLeaderRequest, RangeRequest, SnapshotRequest, StatusRequest};
use proto::fault::Fault;
use store_engine::{Batch, Engine, Space};

use super::cluster::{Cluster, get, nobody, put, slow, until};
use crate::{CompactionMode, Member};

#[tokio::test(start_paused = true)]
async fn old_revisions_are_compacted_by_time() {
    let cluster = Cluster::start_with(3, |config| config.compaction_retention = "10s".to_owned()).await;
    let member = cluster.follower().await;
    for number in 0..10 {
        member.put(&nobody(), put("k", &number.to_string())).await.unwrap();
    }
    let revision = member.reader().state().revision;
    until(|| member.reader().state().compacted == revision).await;
}

#[tokio::test(start_paused = true)]
async fn old_revisions_are_compacted_by_their_number() {
    let cluster = Cluster::start_with(3, |config| {
        slow(config);
        config.compaction_mode = CompactionMode::Revision;
        config.compaction_retention = "20".to_owned();
    })
    .await;
    let member = cluster.follower().await;
    let compacted = || {
        let marks = cluster.members.iter().map(|member| member.reader().state().compacted);
        marks.collect::<Vec<_>>()
    };
    for number in 0..10 {
        member.put(&nobody(), put("k", &number.to_string())).await.unwrap();
    }
    // Upstream's five minutes; fewer revisions than are kept.
    tokio::time::sleep(Duration::from_secs(310)).await;
    assert_eq!(compacted(), [-1; 3]);
    for number in 0..40 {
        member.put(&nobody(), put("k", &number.to_string())).await.unwrap();
    }
    assert_eq!(compacted(), [-1; 3], "not before it is looked at again");
    let revision = member.reader().state().revision;
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(compacted(), [revision - 20; 3]);
    let old = RangeRequest {
        revision: revision - 21,
        ..get("k")
    };
    let refused = member.range(&nobody(), old).await.unwrap_err();
    assert_eq!(refused.fault(), Some(Fault::Compacted));
    let kept = RangeRequest {
        revision: revision - 20,
        ..get("k")
    };
    assert_eq!(member.range(&nobody(), kept).await.unwrap().count, 1);
    // Whoever leads goes on with it.
    let leader = cluster.leader().await;
    let transfer = MoveLeaderRequest { target_id: member.id() };
    leader.move_leader(&nobody(), transfer).await.unwrap();
    member.put(&nobody(), put("k", "last")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(310)).await;
    assert_eq!(compacted(), [revision - 19; 3]);
}

#[tokio::test(start_paused = true)]
async fn members_hash_alike_and_one_that_does_not_is_found_out() {
    let cluster = Cluster::start_with(3, |config| config.corrupt_check_time = Duration::from_secs(5)).await;
    let member = cluster.leader().await;
    for number in 0..20 {
        member.put(&nobody(), put(&format!("k{number}"), "v")).await.unwrap();
    }
    let mut hashes = Vec::new();
    for member in &cluster.members {
        member.barrier().await.unwrap();
        let answer = member.hash_kv(&nobody(), HashKvRequest { revision: 21 }).await.unwrap();
        hashes.push((answer.hash, answer.compact_revision, answer.hash_revision));
    }
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert!(!member.reader().state().alarms.corrupt());
    assert!(member.initial_check().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn status_and_metrics_tell_the_same() {
    let cluster = Cluster::start(3).await;
    let member = cluster.leader().await;
    member.put(&nobody(), put("k", "v")).await.unwrap();
    member.defragment(&nobody(), DefragmentRequest {}).await.unwrap();
    let status = member.status(&nobody(), StatusRequest {}).await.unwrap();
    assert_eq!(
        (status.version.as_str(), status.leader, status.is_learner),
        ("3.7.0", member.id(), false)
    );
    assert!(status.db_size >= status.db_size_in_use && status.db_size_in_use > 0);
    assert!(status.raft_applied_index > 0 && status.errors.is_empty());
    assert_eq!(status.db_size_quota, 2 << 30);
    let value = |name: &str| gauge(&member, name);
    assert!((value("etcd_server_is_leader") - 1.0).abs() < f64::EPSILON);
    assert!((value("etcd_debugging_mvcc_keys_total") - 1.0).abs() < f64::EPSILON);
    assert!((value("etcd_debugging_mvcc_current_revision") - 2.0).abs() < f64::EPSILON);
    assert!(value("etcd_mvcc_db_total_size_in_use_in_bytes") > 0.0);
}

fn gauge(member: &Member, name: &str) -> f64 {
    member.refresh_metrics();
    let families = member.registry().gather();
    let family = families.iter().find(|family| family.name() == name).unwrap();
    family.get_metric()[0].get_gauge().get_value()
}

#[tokio::test(start_paused = true)]
async fn another_clusters_database_is_refused() {
    let cluster = Cluster::start(1).await;
    let mut home = cluster.homes[0].clone();
    home.config.initial_cluster_token = "another".to_owned();
    home.identity = crate::MemoryIdentity::default();
    let refused = cluster.run(&home).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("choose another --data-dir")));
    let mut batch = Batch::new();
    batch.put(Space(0), b"x", b"y");
    home.engine.write(&batch).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_a_file_that_etcds_tools_read() {
    let cluster = Cluster::start(3).await;
    let member = cluster.follower().await;
    for number in 0..300 {
        member
            .put(&nobody(), put(&format!("k{number:03}"), &"v".repeat(500)))
            .await
            .unwrap();
    }
    let mut snapshot = member.snapshot(&nobody(), SnapshotRequest {}).await.unwrap();
    let (mut file, mut blobs, mut left) = (Vec::new(), Vec::new(), u64::MAX);
    while let Some(piece) = snapshot.next().await {
        let piece = piece.unwrap();
        assert!(piece.remaining_bytes < left || piece.remaining_bytes == 0);
        left = piece.remaining_bytes;
        blobs.push(piece.blob.len());
        file.extend_from_slice(&piece.blob);
    }
    assert_eq!((left, blobs.last()), (0, Some(&32)));
    assert!(blobs.iter().all(|bytes| *bytes <= 32 << 10));
    let status = store_bolt::status(std::io::Cursor::new(&file), store_bolt::Hash::Required).unwrap();
    assert_eq!(status.revision, 301);
    let mut import = store_bolt::etcd::Import::open(std::io::Cursor::new(&file), store_bolt::Hash::Required).unwrap();
    assert_eq!(import.contents().unwrap().members.len(), 3);
    assert_eq!(import.versions().unwrap().count(), 300);
}
