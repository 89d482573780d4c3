//! A member whose data were changed on its disk: found, named, and kept from serving.

use std::process::Command;

use proto::etcd::AlarmType;
use proto::fault::Fault;
use store_client::Put;
use store_engine::{Batch, Engine, Order, Space};
use store_rocks::Rocks;

use crate::harness::{Cluster, Kind, Member, Output, Setup, get, run, skip, tools, until_async};

/// Where the database keeps the versions of keys.
const DATA: Space = Space(1);

/// Writes another value of the same length over the one that a stopped member holds.
fn forge(member: &Member, genuine: &[u8], forged: &[u8]) {
    let engine = Rocks::open(&member.data.join("member/db"), store_rocks::Options::default()).unwrap();
    let mut batch = Batch::new();
    let mut cursor = engine.scan(DATA, &[], None, Order::Ascending);
    while cursor.valid() {
        let mut value = cursor.value().to_vec();
        if let Some(at) = value.windows(genuine.len()).position(|window| window == genuine) {
            value[at..at + genuine.len()].copy_from_slice(forged);
            batch.put(DATA, cursor.key(), &value);
        }
        cursor.advance();
    }
    drop(cursor);
    assert!(!batch.is_empty(), "the value is there");
    engine.write(&batch).unwrap();
    engine.flush().unwrap();
}

/// A cluster of three whose last member is down and holds something else than the others; and that member's id.
async fn forged(flag: &str) -> (Cluster, u64) {
    let mut cluster = Cluster::start(Kind::Keelson, Setup::of(3).flag(flag));
    let client = cluster.client();
    client.put(Put::new("k", "genuine")).await.unwrap();
    let last = client.at(&*cluster.members[2].client_url).unwrap();
    // A linearizable read, so that it holds the key.
    assert_eq!(last.get_key("k").await.unwrap().unwrap().value, "genuine");
    let id = last.status().await.unwrap().header.unwrap().member_id;
    assert!(cluster.members[2].terminate().success());
    forge(&cluster.members[2], b"genuine", b"FORGERY");
    (cluster, id)
}

fn etcdctl(cluster: &Cluster, arguments: &[&str]) -> Output {
    let endpoint = format!("--endpoints={}", cluster.members[0].client_url);
    run(Command::new(&tools().unwrap().etcdctl).arg(endpoint).args(arguments))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_periodic_check_names_the_member_and_etcdctl_lifts_the_alarm() {
    if let Err(why) = tools() {
        return skip(why);
    }
    let (mut cluster, wrong) = forged("--experimental-corrupt-check-time=1s").await;
    cluster.members[2].start();
    let client = cluster.client();
    let alarms = until_async("the alarm is raised", || async {
        let alarms = client.alarms().await.unwrap();
        (!alarms.is_empty()).then_some(alarms)
    })
    .await;
    assert_eq!(
        alarms
            .iter()
            .map(|alarm| (alarm.member_id, alarm.alarm()))
            .collect::<Vec<_>>(),
        [(wrong, AlarmType::Corrupt)]
    );
    let refused = client.put(Put::new("k", "more")).await.unwrap_err();
    assert_eq!(refused.fault(), Some(Fault::Corrupt));
    let refused = etcdctl(&cluster, &["put", "k", "more"]);
    assert!(refused.stderr.contains("etcdserver: corrupt cluster"), "{refused:?}");
    let told = format!("memberID:{wrong} alarm:CORRUPT \n");
    assert_eq!(etcdctl(&cluster, &["alarm", "list"]).stdout, told);
    let (_, ready) = get(cluster.members[0].metrics_port, "/readyz").unwrap();
    assert!(ready.contains("[-]data_corruption failed"), "{ready}");

    cluster.members[2].kill();
    assert_eq!(etcdctl(&cluster, &["alarm", "disarm"]).stdout, told);
    let put = etcdctl(&cluster, &["put", "k", "more"]);
    assert_eq!((put.code, put.stdout.as_str()), (Some(0), "OK\n"), "{put:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_initial_check_refuses_to_serve() {
    let (cluster, wrong) = forged("--experimental-initial-corrupt-check=true").await;
    let refused = cluster.members[2].run_to_end();
    assert!(!refused.timed_out && refused.code != Some(0), "{refused:?}");
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(
        said.contains(&format!("{wrong:x} found data inconsistency with peers")),
        "{said}"
    );
    // The others are in order, and have noticed nothing.
    assert!(cluster.client().alarms().await.unwrap().is_empty());
    forge(&cluster.members[2], b"FORGERY", b"genuine");
    let mut cluster = cluster;
    cluster.members[2].start();
    cluster.members[2].wait_healthy();
}
