//! Clients of others: Python over the JSON gateway, the Rust crate etcd-client, etcdctl's own check, and our suite.

use std::process::Command;

use etcd_client::{Compare, CompareOp, EventType, GetOptions, LockOptions, PutOptions, Txn, TxnOp, WatchOptions};

use crate::client_suite::{self, Store};
use crate::harness::{Cluster, Kind, Setup, python, run, run_for, skip, tools};

impl Store for Cluster {
    fn endpoints(&self) -> Vec<String> {
        Self::endpoints(self)
    }

    fn kill(&mut self, member: usize) {
        self.members[member].kill();
    }

    fn restart(&mut self, member: usize) {
        self.members[member].start();
    }
}

macro_rules! against_keelson {
    ($($name:ident: $members:literal,)*) => {
        mod suite {
            use super::{Cluster, Kind, Setup, client_suite};

            $(
                #[tokio::test]
                async fn $name() {
                    client_suite::$name(&mut Cluster::start(Kind::Keelson, Setup::of($members))).await;
                }
            )*
        }
    };
}

against_keelson! {
    keys_are_written_read_and_deleted: 1,
    a_transaction_takes_one_branch: 1,
    refusals_are_recognised: 1,
    a_stream_of_pages_is_the_whole_range: 1,
    changes_happen_once_and_only_if_expected: 1,
    a_dead_endpoint_is_passed_over: 1,
    nothing_is_sent_when_nothing_listens: 1,
    a_login_is_renewed_and_obeyed: 1,
    a_watch_tells_every_change: 1,
    a_watch_ends_when_its_start_is_forgotten: 1,
    many_watches_share_a_stream: 1,
    a_large_revision_comes_in_one_piece: 1,
    a_slow_consumer_misses_nothing: 1,
    a_watch_survives_a_restart: 1,
    a_watch_survives_the_loss_of_its_member: 3,
    a_watch_that_needs_a_leader_ends_without_one: 3,
    a_lease_lives_as_long_as_it_is_renewed: 1,
    a_lease_that_is_revoked_is_lost: 1,
    a_lock_has_one_holder: 1,
    a_lost_lock_cannot_write: 1,
    leadership_passes_in_order: 1,
}

/// A program in Python that uses the package etcd3gw as its manual shows it.
const PYTHON: &str = r#"
import sys, threading
import etcd3gw

client = etcd3gw.Etcd3Client(host="127.0.0.1", port=int(sys.argv[1]), api_path="/v3/")
assert client.put("foo", "bar") is True
assert client.get("foo") == [b"bar"], client.get("foo")
assert client.get("foo", metadata=True)[0][1]["version"] == "1"
assert client.create("new", "1") is True
assert client.create("new", "2") is False
assert client.replace("new", "1", "2") is True
assert client.replace("new", "1", "3") is False
assert client.get_prefix("fo")[0][0] == b"bar"
assert len(client.get_all()) == 2
lease = client.lease(ttl=100)
assert client.put("leased", "v", lease=lease)
assert lease.keys() == [b"leased"], lease.keys()
assert 90 <= lease.ttl() <= 100
assert lease.refresh() == 100
assert lease.revoke() is True
assert client.get("leased") == []
with client.lock(id="mine", ttl=10) as lock:
    assert lock.is_acquired()
events, cancel = client.watch("watched")
threading.Thread(target=lambda: [client.put("watched", str(n)) for n in range(3)]).start()
seen = [next(events)["kv"]["value"] for _ in range(3)]
assert seen == [b"0", b"1", b"2"], seen
cancel()
assert client.delete("foo") is True
assert client.delete("foo") is False
assert len(client.members()) == 1
assert client.status()["header"]
print("ok")
"#;

#[test]
fn a_python_client_works() {
    let packages = match python("etcd3gw", "etcd3gw==2.7.0") {
        Ok(packages) => packages,
        Err(why) => return skip(&why),
    };
    let interpreter = packages.ancestors().nth(3).unwrap().join("bin/python");
    let cluster = Cluster::start(Kind::Keelson, Setup::of(1));
    let port = cluster.members[0].client_port.to_string();
    let output = run(Command::new(interpreter).args(["-c", PYTHON, &port]));
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "ok\n"),
        "{}",
        output.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_crate_etcd_client_reads_writes_and_watches() {
    let cluster = Cluster::start(Kind::Keelson, Setup::of(3));
    let mut client = etcd_client::Client::connect(cluster.endpoints(), None).await.unwrap();
    let (mut watcher, mut stream) = client
        .watch("w/", Some(WatchOptions::new().with_prefix().with_prev_key()))
        .await
        .map(etcd_client::WatchStream::split)
        .unwrap();
    let created = stream.message().await.unwrap().unwrap();
    assert!(created.created());
    client.put("w/a", "1", None).await.unwrap();
    client
        .put("w/a", "2", Some(PutOptions::new().with_prev_key()))
        .await
        .unwrap();
    client.delete("w/a", None).await.unwrap();
    let mut kinds = Vec::new();
    while kinds.len() < 3 {
        let response = stream.message().await.unwrap().unwrap();
        kinds.extend(
            response
                .events()
                .iter()
                .map(|event| (event.event_type(), event.prev_kv().is_some())),
        );
    }
    assert_eq!(
        kinds,
        [
            (EventType::Put, false),
            (EventType::Put, true),
            (EventType::Delete, true)
        ]
    );
    watcher.cancel(created.watch_id()).await.unwrap();

    let txn = Txn::new()
        .when([Compare::version("t", CompareOp::Equal, 0)])
        .and_then([TxnOp::put("t", "v", None), TxnOp::get("t", None)])
        .or_else([TxnOp::get("t", None)]);
    assert!(client.txn(txn.clone()).await.unwrap().succeeded());
    assert!(!client.txn(txn).await.unwrap().succeeded());
    let got = client
        .get("", Some(GetOptions::new().with_all_keys().with_limit(1)))
        .await
        .unwrap();
    assert_eq!((got.count(), got.kvs()[0].key_str().unwrap()), (1, "t"));

    client.compact(3, None).await.unwrap();
    let old = GetOptions::new().with_revision(2);
    assert!(client.get("t", Some(old)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_crate_etcd_client_holds_leases_locks_and_elections() {
    let cluster = Cluster::start(Kind::Keelson, Setup::of(3));
    let mut client = etcd_client::Client::connect(cluster.endpoints(), None).await.unwrap();
    let lease = client.lease_grant(100, None).await.unwrap().id();
    let (mut keeper, mut renewals) = client.lease_keep_alive(lease).await.unwrap();
    keeper.keep_alive().await.unwrap();
    assert_eq!(renewals.message().await.unwrap().unwrap().ttl(), 100);
    let lock = client
        .lock("l", Some(LockOptions::new().with_lease(lease)))
        .await
        .unwrap();
    client.unlock(lock.key()).await.unwrap();
    let campaign = client.campaign("e", "me", lease).await.unwrap();
    assert_eq!(client.leader("e").await.unwrap().kv().unwrap().value(), b"me");
    client
        .resign(Some(
            etcd_client::ResignOptions::new().with_leader(campaign.leader().unwrap().clone()),
        ))
        .await
        .unwrap();
    client.lease_revoke(lease).await.unwrap();

    assert_eq!(client.member_list().await.unwrap().members().len(), 3);
    assert!(client.status().await.unwrap().leader() != 0);
    let mut snapshot = client.snapshot().await.unwrap();
    let mut bytes = 0;
    while let Some(piece) = snapshot.message().await.unwrap() {
        bytes += piece.blob().len();
    }
    assert!(
        bytes > 4096 && bytes % 512 == 32,
        "pages, and the hash behind them: {bytes}"
    );
}

/// One minute of writes at the rate of a small cluster. How fast they were is etcdctl's to say and the benchmarks' to
/// judge: here all of them must be taken, counted and cleaned up.
#[test]
fn etcdctl_measures_a_minute_of_writes() {
    let tools = match tools() {
        Ok(tools) => tools,
        Err(why) => return skip(why),
    };
    let cluster = Cluster::start(Kind::Keelson, Setup::of(1));
    let endpoint = format!("--endpoints={}", cluster.members[0].client_url);
    let etcdctl = |args: &[&str]| {
        let mut command = Command::new(&tools.etcdctl);
        run_for(command.arg(&endpoint).args(args), std::time::Duration::from_secs(100))
    };
    let output = etcdctl(&["check", "perf", "--load=s"]);
    for what in ["Throughput", "Slowest request", "Stddev"] {
        assert!(output.stdout.contains(what), "{what}: {output:?}");
    }
    assert!(!output.stdout.contains("too many errors"), "{output:?}");
    assert_eq!(etcdctl(&["get", "", "--prefix", "--keys-only"]).stdout, "");
}
