//! Snapshots: from Keelson to etcd, from etcd to Keelson, and from Keelson to itself.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use store_client::{Client, Delete, Error, Get, Page, Put, Span, Watch};

use crate::crashes::hashes_agree;
use crate::harness::{Cluster, Kind, Member, Output, Setup, run, skip, tools};

/// Puts something of every sort into a store, and gives its keys.
async fn fill(client: &Client) -> Page {
    for n in 0..300 {
        client
            .put(Put::new(format!("k/{n:03}"), vec![n as u8; 100]))
            .await
            .unwrap();
    }
    client.delete(Delete::new(Span::range("k/100", "k/200"))).await.unwrap();
    client.put(Put::new("k/150", "again")).await.unwrap();
    client.compact(200, true).await.unwrap();
    let lease = client.grant_as(0x77, Duration::from_secs(1000)).await.unwrap().id;
    client.put(Put::new("leased", "v").lease(lease)).await.unwrap();
    client.role_add("reader").await.unwrap();
    client.user_add("ann", Some("a")).await.unwrap();
    client.user_grant_role("ann", "reader").await.unwrap();
    client.get(Get::new(Span::all())).await.unwrap()
}

/// Fails unless a restored store has what the first one had.
async fn check_same(client: &Client, before: &Page) {
    let after = client.get(Get::new(Span::all())).await.unwrap();
    assert_eq!(after.kvs, before.kvs);
    assert!(after.revision >= before.revision, "the revision must not go back");
    assert_eq!(client.leases().await.unwrap(), [0x77]);
    assert_eq!(client.time_to_live(0x77, true).await.unwrap().keys, ["leased"]);
    assert_eq!(client.user_roles("ann").await.unwrap(), ["reader"]);
    let old = client
        .get(Get::new("k/050").revision(before.revision - 1))
        .await
        .unwrap();
    assert_eq!(old.kvs.len(), 1, "history is there too");
    // It is a store like any other from here on.
    let put = client.put(Put::new("after", "")).await.unwrap();
    assert!(put.revision > before.revision);
}

fn save(cluster: &Cluster, file: &Path) -> Output {
    let endpoint = format!("--endpoints={}", cluster.members[0].client_url);
    run(Command::new(&tools().unwrap().etcdctl)
        .arg(endpoint)
        .args(["snapshot", "save"])
        .arg(file))
}

/// `etcdutl snapshot restore`, or ours with the same words.
fn restore(command: &mut Command, file: &Path, member: &Member) -> Output {
    let named = format!("{}={}", member.name, member.peer_url);
    command
        .args(["snapshot", "restore"])
        .arg(file)
        .arg(format!("--data-dir={}", member.data.display()));
    command
        .arg(format!("--name={}", member.name))
        .arg(format!("--initial-cluster={named}"));
    if command.get_program() == env!("CARGO_BIN_EXE_keelson") {
        command.arg("--bump-revision=0");
    }
    run(command.arg(format!("--initial-advertise-peer-urls={}", member.peer_url)))
}

fn etcdutl() -> Command {
    Command::new(&tools().unwrap().etcdutl)
}

fn store_ctl() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keelson"));
    command.arg("store-ctl");
    command
}

/// The tool that makes data folders of this kind, told to keep revisions as they are.
fn tool(kind: Kind) -> Command {
    match kind {
        Kind::Etcd => etcdutl(),
        Kind::Keelson => store_ctl(),
    }
}

async fn passes_over(from: Kind, to: Kind) {
    if let Err(why) = tools() {
        return skip(why);
    }
    let first = Cluster::start(from, Setup::of(1));
    let before = fill(&first.client()).await;
    let file = first.folder().join("snapshot.db");
    let saved = save(&first, &file);
    assert_eq!(saved.code, Some(0), "{saved:?}");
    // The tool of etcd must understand the file, whoever wrote it.
    let status = run(etcdutl().args(["snapshot", "status", "-w", "json"]).arg(&file));
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap_or_else(|_| panic!("{status:?}"));
    assert_eq!(status["revision"], before.revision);

    let mut second = Cluster::prepare(to, Setup::of(1));
    let restored = restore(&mut tool(to), &file, &second.members[0]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    second.members[0].start();
    second.members[0].wait_healthy();
    check_same(&second.client(), &before).await;
    let again = restore(&mut tool(to), &file, &second.members[0]);
    assert_ne!(again.code, Some(0), "nothing is overwritten: {again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_goes_on_from_our_snapshot() {
    passes_over(Kind::Keelson, Kind::Etcd).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn we_go_on_from_a_snapshot_of_etcd() {
    passes_over(Kind::Etcd, Kind::Keelson).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn we_go_on_from_our_own_snapshot() {
    passes_over(Kind::Keelson, Kind::Keelson).await;
}

/// Clients that knew the lost cluster must not see revisions twice, so a restore moves on unless it is told not to.
#[tokio::test(flavor = "multi_thread")]
async fn three_members_go_on_from_one_snapshot_with_new_revisions() {
    if let Err(why) = tools() {
        return skip(why);
    }
    let first = Cluster::start(Kind::Keelson, Setup::of(1));
    let before = fill(&first.client()).await;
    let file = first.folder().join("snapshot.db");
    assert_eq!(save(&first, &file).code, Some(0));
    let mut second = Cluster::prepare(Kind::Keelson, Setup::of(3));
    let named = second
        .members
        .iter()
        .map(|member| format!("{}={}", member.name, member.peer_url));
    let named = named.collect::<Vec<_>>().join(",");
    for member in &second.members {
        let mut command = store_ctl();
        command
            .args(["snapshot", "restore"])
            .arg(&file)
            .arg(format!("--data-dir={}", member.data.display()));
        command
            .arg(format!("--name={}", member.name))
            .arg(format!("--initial-cluster={named}"));
        let restored = run(command.arg(format!("--initial-advertise-peer-urls={}", member.peer_url)));
        assert_eq!(restored.code, Some(0), "{restored:?}");
    }
    second.members.iter_mut().for_each(Member::start);
    second.members.iter_mut().for_each(Member::wait_healthy);
    let client = second.client();
    let after = client.get(Get::new(Span::all())).await.unwrap();
    assert_eq!(after.kvs, before.kvs);
    assert!(
        after.revision > before.revision + 1_000_000,
        "{} is too near {}",
        after.revision,
        before.revision
    );
    let mut watcher = client
        .watch(Watch::new(Span::all()).from_revision(before.revision + 1))
        .await
        .unwrap();
    assert!(
        matches!(watcher.next().await, Err(Error::Compacted { .. })),
        "a watch from before is told to start anew"
    );
    client.put(Put::new("after", "")).await.unwrap();
    hashes_agree(&second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_tool_sees_in_a_snapshot_what_theirs_sees() {
    if let Err(why) = tools() {
        return skip(why);
    }
    for kind in [Kind::Etcd, Kind::Keelson] {
        let cluster = Cluster::start(kind, Setup::of(1));
        fill(&cluster.client()).await;
        let file = cluster.folder().join("snapshot.db");
        assert_eq!(save(&cluster, &file).code, Some(0));
        let status = |mut command: Command| -> serde_json::Value {
            let output = run(command.args(["snapshot", "status", "-w", "json"]).arg(&file));
            serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
        };
        let (theirs, ours) = (status(etcdutl()), status(store_ctl()));
        for field in ["hash", "revision", "totalKey", "totalSize"] {
            assert_eq!(ours[field], theirs[field], "{field} of {kind:?}: {ours} and {theirs}");
        }
        let hash = cluster.client().hash_kv(0).await.unwrap().hash;
        let output = run(store_ctl().args(["hashkv", "-w", "json"]).arg(&file));
        assert!(output.stdout.contains(&hash.to_string()), "{hash} is not in {output:?}");
    }
}

#[test]
fn a_damaged_snapshot_is_refused() {
    if let Err(why) = tools() {
        return skip(why);
    }
    let first = Cluster::start(Kind::Keelson, Setup::of(1));
    let file = first.folder().join("snapshot.db");
    assert_eq!(save(&first, &file).code, Some(0));
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&file, bytes).unwrap();
    let second = Cluster::prepare(Kind::Keelson, Setup::of(1));
    let restored = restore(&mut store_ctl(), &file, &second.members[0]);
    assert_ne!(restored.code, Some(0), "the hash at the end does not fit: {restored:?}");
    assert!(
        !second.members[0].data.join("member").exists(),
        "and nothing is left behind"
    );
}
