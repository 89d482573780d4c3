//! What members count of themselves.

use std::time::Duration;

use prometheus::proto::{Metric, MetricFamily};
use proto::etcd::alarm_request::AlarmAction;
use proto::etcd::{AlarmRequest, AlarmType, PutRequest};

use super::cluster::{Cluster, nobody, put};
use crate::Member;

fn family(member: &Member, name: &str) -> Option<MetricFamily> {
    member.refresh_metrics();
    let families = member.registry().gather();
    families.into_iter().find(|family| family.name() == name)
}

fn labelled(metric: &Metric, labels: &[(&str, &str)]) -> bool {
    let has = |(name, value): &(&str, &str)| {
        let mut pairs = metric.get_label().iter();
        pairs.any(|pair| pair.name() == *name && pair.value() == *value)
    };
    labels.iter().all(has)
}

fn series(member: &Member, name: &str, labels: &[(&str, &str)]) -> Vec<Metric> {
    let family = family(member, name);
    let metrics = family.iter().flat_map(MetricFamily::get_metric);
    metrics.filter(|metric| labelled(metric, labels)).cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn every_member_times_what_it_applies() {
    let cluster = Cluster::start(3).await;
    let member = cluster.follower().await;
    for _ in 0..5 {
        member.put(&nobody(), put("k", "v")).await.unwrap();
    }
    let ignoring = PutRequest {
        ignore_value: true,
        ..put("nothing", "")
    };
    member.put(&nobody(), ignoring).await.unwrap_err();
    for member in &cluster.members {
        member.barrier().await.unwrap();
        let puts = |success| {
            let labels = [("version", "v3"), ("op", "Put"), ("success", success)];
            let found = series(member, "etcd_server_apply_duration_seconds", &labels);
            found
                .iter()
                .map(|metric| metric.get_histogram().get_sample_count())
                .sum::<u64>()
        };
        assert_eq!((puts("true"), puts("false")), (5, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_stood_still_counts_its_late_heartbeats() {
    let cluster = Cluster::start(3).await;
    let leader = cluster.leader().await;
    let late = || {
        let found = series(&leader, "etcd_server_heartbeat_send_failures_total", &[]);
        found[0].get_counter().get_value()
    };
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(late() < 0.5, "{}", late());
    // A member that does not answer is no fault of the leader's.
    let silent = cluster.follower().await;
    cluster.isolate(silent.id(), true);
    tokio::time::sleep(Duration::from_secs(5)).await;
    cluster.isolate(silent.id(), false);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(late() < 0.5, "{}", late());
    // All tasks at once find that more than two intervals have passed.
    tokio::time::advance(Duration::from_millis(350)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!((0.5..2.5).contains(&late()), "one for each of two members: {}", late());
}

#[tokio::test(start_paused = true)]
async fn alarms_are_shown_while_they_stand() {
    let cluster = Cluster::start(1).await;
    let member = &cluster.members[0];
    let id = format!("{:x}", member.id());
    let labels = [("server_id", id.as_str()), ("alarm_type", "NOSPACE")];
    let shown = || series(member, "etcd_debugging_server_alarms", &labels).len();
    assert_eq!(shown(), 0);
    for (action, expected) in [(AlarmAction::Activate, 1), (AlarmAction::Deactivate, 0)] {
        let request = AlarmRequest {
            action: action.into(),
            member_id: member.id(),
            alarm: AlarmType::Nospace.into(),
        };
        member.alarm(&nobody(), request).await.unwrap();
        assert_eq!(shown(), expected);
    }
}
