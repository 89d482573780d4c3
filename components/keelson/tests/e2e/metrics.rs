//! `/metrics` beside etcd's: the same names and kinds, or a reason why not.

use std::collections::BTreeMap;
use std::time::Duration;

use proto::fault::Fault;
use store_client::{Client, Put};

use crate::harness::{Cluster, Kind, Setup, get, skip, tools, until};

/// Families of etcd that are left out on purpose. A name that ends in `_` stands for all that begin so.
/// The same list, with reasons, is in the architecture of the store.
const ABSENT: &[&str] = &[
    "etcd_debugging_disk_backend_commit_",
    "etcd_debugging_mvcc_index_compaction_",
    "etcd_debugging_mvcc_range_total",
    "etcd_debugging_snap_",
    "etcd_debugging_store_",
    "etcd_grpc_proxy_",
    "etcd_server_go_version",
    "etcd_snap_",
    "go_",
    "promhttp_",
];

fn page(cluster: &Cluster, member: usize) -> String {
    let (status, text) = get(cluster.members[member].metrics_port, "/metrics").unwrap();
    assert_eq!(status, 200);
    text
}

/// Kinds of families by name.
fn families(page: &str) -> BTreeMap<String, String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|line| line.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .collect()
}

/// The value of a series, by its name and labels as they are printed.
fn value(page: &str, series: &str) -> Option<f64> {
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

/// Something of every sort, so that every family shows.
async fn use_it(client: &Client) {
    let put = client.put(Put::new("k", "v")).await.unwrap();
    client.get("k").await.unwrap();
    client
        .txn(store_client::Txn::new().then(Put::new("k", "w")))
        .await
        .unwrap();
    client.grant(Duration::from_secs(100)).await.unwrap();
    client.compact(put.revision, true).await.unwrap();
    let again = client.compact(put.revision, true).await.unwrap_err();
    assert_eq!(again.fault(), Some(Fault::Compacted));
    client.put(Put::new("k", "").ignore_value()).await.unwrap();
    let refused = client.put(Put::new("nothing", "").ignore_value()).await.unwrap_err();
    assert_eq!(refused.fault(), Some(Fault::KeyNotFound));
}

#[tokio::test(flavor = "multi_thread")]
async fn families_are_etcds_but_for_those_left_out() {
    if let Err(why) = tools() {
        return skip(why);
    }
    let mut pages = Vec::new();
    for kind in [Kind::Etcd, Kind::Keelson] {
        let cluster = Cluster::start(kind, Setup::of(3).flag("--metrics=extensive"));
        use_it(&cluster.client()).await;
        // The peers' side is filled as they talk.
        let has_peers = || {
            let page = page(&cluster, 0);
            page.contains("etcd_network_peer_round_trip_time_seconds_bucket")
                .then_some(page)
        };
        pages.push(until("members talk", has_peers));
    }
    let (theirs, ours) = (families(&pages[0]), families(&pages[1]));
    let left_out = |name: &str| {
        let is = |absent: &&&str| name == **absent || absent.ends_with('_') && name.starts_with(**absent);
        ABSENT.iter().find(is)
    };
    let mut wrong = Vec::new();
    for (name, kind) in &theirs {
        match (ours.get(name), left_out(name)) {
            (None, Some(_)) => {}
            (Some(same), None) if same == kind => {}
            (found, _) => wrong.push(format!("{name}: {kind} there, {found:?} here")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let used = |absent: &&str| {
        theirs
            .keys()
            .any(|name| left_out(name).is_some_and(|found| found == absent))
    };
    let unused: Vec<_> = ABSENT.iter().filter(|absent| !used(absent)).collect();
    assert!(unused.is_empty(), "left out, but not there: {unused:?}");
    let architecture = include_str!("../../../../store/ARCHITECTURE.md");
    for absent in ABSENT {
        assert!(
            architecture.contains(&format!("`{absent}")),
            "{absent} is not explained"
        );
    }
    // Buckets are etcd's, too.
    for bucket in [
        r#"grpc_server_handling_seconds_bucket{grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary",le="0.005"}"#,
        r#"etcd_server_apply_duration_seconds_bucket{op="Put",success="true",version="v3",le="0.0128"}"#,
        r#"etcd_disk_wal_fsync_duration_seconds_bucket{le="8.192"}"#,
    ] {
        for page in &pages {
            assert!(value(page, bucket).is_some(), "{bucket}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_is_what_happened() {
    let mut cluster = Cluster::start(Kind::Keelson, Setup::of(3));
    let client = cluster.client();
    use_it(&client).await;
    // It was served by any of them: a linearizable read, so that this one has come as far.
    let asked = client.at(&*cluster.members[0].client_url).unwrap();
    asked.get("k").await.unwrap();
    let plain = page(&cluster, 0);
    assert!(
        !plain.contains("grpc_server_handling_seconds"),
        "only with --metrics=extensive"
    );
    for (series, at_least) in [
        (
            r#"etcd_server_apply_duration_seconds_count{op="Put",success="true",version="v3"}"#,
            2.0,
        ),
        (
            r#"etcd_server_apply_duration_seconds_count{op="Put",success="false",version="v3"}"#,
            1.0,
        ),
        (
            r#"etcd_server_apply_duration_seconds_count{op="Compaction",success="true",version="v3"}"#,
            2.0,
        ),
        (
            r#"etcd_server_apply_duration_seconds_count{op="LeaseGrant",success="true",version="v3"}"#,
            1.0,
        ),
        ("process_virtual_memory_max_bytes", -1.0),
    ] {
        let found = value(&plain, series);
        assert!(found.is_some_and(|found| found >= at_least), "{series}: {found:?}");
    }
    for series in [
        "etcd_server_snapshot_apply_in_progress_total",
        "etcd_debugging_auth_revision",
    ] {
        assert!(value(&plain, series).is_some(), "{series}");
    }

    // A member that is gone is missed.
    let gone = client_id(&cluster, 2).await;
    let me = client_id(&cluster, 0).await;
    let lost = format!("etcd_network_disconnected_peers_total{{Local=\"{me:x}\",Remote=\"{gone:x}\"}}");
    let failed = format!("etcd_network_peer_sent_failures_total{{To=\"{gone:x}\"}}");
    let active = format!("etcd_network_active_peers{{Local=\"{me:x}\",Remote=\"{gone:x}\"}}");
    // It must have been seen before it can be missed. It may have been missed already: it was the last to start.
    let seen = until("the member is seen", || {
        let page = page(&cluster, 0);
        (value(&page, &active)? > 0.0).then_some(page)
    });
    let before = |series: &str| value(&seen, series).unwrap_or_else(|| panic!("{series} is not in {seen}"));
    let (lost_before, failed_before) = (before(&lost), before(&failed));
    cluster.members[2].kill();
    until("the member is missed", || {
        let page = page(&cluster, 0);
        let risen = value(&page, &lost)? > lost_before && value(&page, &failed)? > failed_before;
        (risen && value(&page, &active)? < 1.0).then_some(())
    });
}

async fn client_id(cluster: &Cluster, member: usize) -> u64 {
    let client = cluster.client().at(&*cluster.members[member].client_url).unwrap();
    client.status().await.unwrap().header.unwrap().member_id
}
