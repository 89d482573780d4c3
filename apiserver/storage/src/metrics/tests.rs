//! Families have upstream's names, labels and buckets, and what never happened is not shown.

use apiserver_api::gvk::GroupResource;
use prometheus::{Registry, TextEncoder};

use super::Metrics;

fn shown(registry: &Registry) -> String {
    TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
}

fn trial() -> (Registry, Metrics) {
    let registry = Registry::new();
    let metrics = Metrics::new(&registry).unwrap();
    (registry, metrics)
}

#[tokio::test]
async fn a_request_to_the_store_is_counted_by_operation_and_resource() {
    let (registry, metrics) = trial();
    let counts = metrics.of(&GroupResource::new("apps", "deployments"));
    assert!(!shown(&registry).contains("etcd_requests_total"));
    counts.requests.get.count(async { Ok::<_, ()>(1) }).await.unwrap();
    counts
        .requests
        .update
        .count(async { Err::<(), _>(2) })
        .await
        .unwrap_err();
    let text = shown(&registry);
    for line in [
        r#"etcd_requests_total{group="apps",operation="get",resource="deployments"} 1"#,
        r#"etcd_requests_total{group="apps",operation="update",resource="deployments"} 1"#,
        r#"etcd_request_errors_total{group="apps",operation="update",resource="deployments"} 1"#,
        r#"etcd_request_duration_seconds_bucket{group="apps",operation="get",resource="deployments",le="60"} 1"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains(r#"operation="delete""#));
    assert!(!text.contains(r#"errors_total{group="apps",operation="get""#));
}

#[test]
fn lists_are_told_apart_by_who_answered_them() {
    let (registry, metrics) = trial();
    let counts = metrics.of(&GroupResource::new("", "pods"));
    counts.lists.cached(10, 3);
    counts.lists.cached(10, 4);
    counts.lists.stored(7, 6, 5);
    let text = shown(&registry);
    for line in [
        r#"apiserver_cache_list_total{group="",index="",resource="pods"} 2"#,
        r#"apiserver_cache_list_fetched_objects_total{group="",index="",resource="pods"} 20"#,
        r#"apiserver_cache_list_returned_objects_total{group="",resource="pods"} 7"#,
        r#"apiserver_storage_list_total{group="",resource="pods"} 1"#,
        r#"apiserver_storage_list_fetched_objects_total{group="",resource="pods"} 7"#,
        r#"apiserver_storage_list_evaluated_objects_total{group="",resource="pods"} 6"#,
        r#"apiserver_storage_list_returned_objects_total{group="",resource="pods"} 5"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn what_the_caches_take_in_is_counted() {
    let (registry, metrics) = trial();
    let counts = metrics.of(&GroupResource::new("", "pods")).cache;
    counts.happened(3);
    counts.consistent.get().inc();
    counts.check_failed.get().inc();
    counts.bookmarks.get().inc();
    let text = shown(&registry);
    for line in [
        r#"apiserver_storage_events_received_total{group="",resource="pods"} 3"#,
        r#"apiserver_watch_cache_events_received_total{group="",resource="pods"} 3"#,
        r#"apiserver_watch_cache_events_dispatched_total{group="",resource="pods"} 3"#,
        r#"apiserver_watch_cache_consistent_read_total{fallback="false",group="",resource="pods",success="true"} 1"#,
        r#"apiserver_storage_consistency_checks_total{group="",resource="pods",status="failure"} 1"#,
        r#"etcd_bookmark_total{group="",resource="pods"} 1"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("apiserver_terminated_watchers_total"));
}

#[test]
fn what_is_stored_is_told_by_resource() {
    let (registry, metrics) = trial();
    let deployments = GroupResource::new("apps", "deployments");
    metrics.objects.set(&deployments, 2, 700, 3_000_000_000_000_042);
    metrics.objects.set_size(4096);
    let text = shown(&registry);
    for line in [
        r#"apiserver_storage_objects{resource="deployments.apps"} 2"#,
        r#"apiserver_resource_objects{group="apps",resource="deployments"} 2"#,
        r#"apiserver_resource_size_estimate_bytes{group="apps",resource="deployments"} 700"#,
        r#"apiserver_watch_cache_resource_version{group="apps",resource="deployments"} 42"#,
        r#"apiserver_storage_size_bytes{storage_cluster_id="etcd-0"} 4096"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
