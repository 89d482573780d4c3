//! Kill -9, frozen processes and lost leaders under load: what was acknowledged stays.

use std::time::Duration;

use store_client::{Delete, Get, Put, Span, Txn, Watch};

use crate::harness::{Cluster, Kind, Member, Setup, until_async};
use crate::load::{Load, check_nothing_lost};

#[tokio::test(flavor = "multi_thread")]
async fn one_member_loses_no_acknowledged_write() {
    let mut cluster = Cluster::start(Kind::Keelson, Setup::of(1));
    let load = Load::start(&cluster, 8);
    for _ in 0..4 {
        load.progress(300).await;
        cluster.restart(0);
    }
    load.progress(100).await;
    let acknowledged = load.stop().await;
    cluster.restart(0);
    cluster.members[0].wait_healthy();
    check_nothing_lost(&cluster.client(), &acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_members_lose_no_acknowledged_write() {
    let mut cluster = Cluster::start(Kind::Keelson, Setup::of(3));
    let client = cluster.client();
    let mut watcher = client.watch(Watch::new(Span::prefix("load/"))).await.unwrap();
    let load = Load::start(&cluster, 8);
    for _ in 0..2 {
        load.progress(300).await;
        let leader = cluster.leader().await;
        cluster.members[leader].kill();
        load.progress(100).await;
        cluster.members[leader].start();
    }
    load.progress(300).await;
    cluster.members.iter_mut().for_each(Member::kill);
    cluster.members.iter_mut().for_each(Member::start);
    load.progress(100).await;
    let acknowledged = load.stop().await;
    cluster.members.iter_mut().for_each(Member::wait_healthy);
    check_nothing_lost(&client, &acknowledged).await;
    hashes_agree(&cluster).await;

    // The watch went through all of it, and saw every write once and in order.
    let last = *acknowledged.values().max().unwrap();
    let mut seen = Vec::new();
    while seen.last().is_none_or(|seen| *seen < last) {
        let update = tokio::time::timeout(Duration::from_secs(20), watcher.next())
            .await
            .unwrap()
            .unwrap();
        seen.extend(
            update
                .events
                .into_iter()
                .filter_map(|event| event.kv)
                .map(|kv| kv.mod_revision),
        );
    }
    assert!(seen.is_sorted_by(|earlier, later| earlier < later), "in order and once");
    let missed = acknowledged
        .values()
        .filter(|revision| seen.binary_search(revision).is_err())
        .count();
    assert_eq!(missed, 0, "of {} writes", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_leader_is_replaced_and_serves_nothing_stale() {
    let cluster = Cluster::start(Kind::Keelson, Setup::of(3));
    let load = Load::start(&cluster, 4);
    load.progress(100).await;
    let frozen = cluster.leader().await;
    let alone = cluster.client();
    alone
        .set_endpoints([cluster.members[frozen].client_url.clone()])
        .unwrap();
    alone.get("warm").await.unwrap();
    let others: Vec<String> = cluster
        .endpoints()
        .into_iter()
        .enumerate()
        .filter(|(n, _)| *n != frozen)
        .map(|(_, url)| url)
        .collect();
    let client = cluster.client();
    client.set_endpoints(others).unwrap();

    cluster.members[frozen].freeze();
    let newest = until_async("another leads", || async {
        let put = client.put(Put::new("fence", "new"));
        tokio::time::timeout(Duration::from_secs(1), put).await.ok()?.ok()
    })
    .await;
    // Asked while it still sleeps: it wakes up and finds the question before it can know that it leads no more.
    let question = alone.get("fence");
    let wake = async { cluster.members[frozen].thaw() };
    let (answer, ()) = tokio::join!(question, wake);
    let answer = answer.unwrap();
    assert!(
        answer.revision >= newest.revision,
        "{} < {}: a stale read",
        answer.revision,
        newest.revision
    );
    assert_eq!(answer.kvs[0].value, "new");
    load.progress(100).await;
    check_nothing_lost(&client, &load.stop().await).await;
    hashes_agree(&cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_survives_its_leader() {
    let mut cluster = Cluster::start(Kind::Keelson, Setup::of(3));
    let client = cluster.client();
    // Renewed each third of its time, so at least 6 s are left for an election on a busy machine.
    let kept = client.grant(Duration::from_secs(9)).await.unwrap().id;
    let mut alive = client.keep_alive(kept).await.unwrap();
    client.put(Put::new("kept", "").lease(kept)).await.unwrap();
    let left = client.grant(Duration::from_secs(6)).await.unwrap().id;
    let put = client.put(Put::new("left", "").lease(left)).await.unwrap();
    // From the put on, so that the end is told whenever it comes.
    let left_on = Watch::new("left").from_revision(put.revision + 1);
    let mut watcher = client.watch(left_on.without_puts()).await.unwrap();
    alive.renewed().await.unwrap();

    let leader = cluster.leader().await;
    cluster.members[leader].kill();
    // Nobody renews this one: it ends under the new leader, in time and exactly once.
    let ended = tokio::time::timeout(Duration::from_secs(20), watcher.next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ended.events.len(), 1);
    let renewed = alive.renewed().await;
    assert!(
        matches!(renewed, Ok(9)),
        "renewed through the change of leaders: {renewed:?}"
    );
    assert!(client.get_key("kept").await.unwrap().is_some());
    assert_eq!(client.time_to_live(left, false).await.unwrap().ttl, -1);
    cluster.members[leader].start();
    cluster.members[leader].wait_healthy();
    drop(alive);
    until_async("the other lease ends too", || async {
        client.get_key("kept").await.unwrap().is_none().then_some(())
    })
    .await;
}

/// One request that ends etcd for good, since it is in its log and ends it again at each start; and one that ends it
/// once.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_ends_a_member() {
    let mut cluster = Cluster::start(Kind::Keelson, Setup::of(1));
    let client = cluster.client();
    client.put(Put::new("k", "v")).await.unwrap();
    for put in [Put::new("k", "").ignore_value(), Put::new("k", "new").ignore_lease()] {
        let everything = Delete::new(Span::all());
        let refused = client.txn(Txn::new().then(everything).then(put)).await.unwrap_err();
        assert_eq!(refused.fault(), Some(proto::fault::Fault::KeyNotFound));
    }
    let sort = Get::prefix("").with(|request| (request.sort_order, request.sort_target) = (1, 9));
    assert!(client.get(sort).await.is_err());
    cluster.restart(0);
    cluster.members[0].wait_healthy();
    let kv = client.get_key("k").await.unwrap().unwrap();
    assert_eq!((&kv.value[..], kv.version), (&b"v"[..], 1), "nothing was done");
}

/// All members hash the same, at one revision.
pub(crate) async fn hashes_agree(cluster: &Cluster) {
    let client = cluster.client();
    let revision = client.get("any").await.unwrap().revision;
    let mut hashes = Vec::new();
    for member in &cluster.members {
        let alone = client.at(&*member.client_url).unwrap();
        // A linearizable read first, so that the member has come as far.
        alone.get("any").await.unwrap();
        hashes.push(alone.hash_kv(revision).await.unwrap().hash);
    }
    assert!(
        hashes.iter().all(|hash| *hash == hashes[0]),
        "{hashes:?} at revision {revision}"
    );
}
