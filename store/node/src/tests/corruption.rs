//! Members whose data are not those of the others, and who finds out.

use std::time::Duration;

use proto::etcd::alarm_request::AlarmAction;
use proto::etcd::{AlarmMember, AlarmRequest, AlarmType, MoveLeaderRequest};
use proto::fault::Fault;
use store_engine::{Batch, Engine, Memory, Order, Space};

use super::cluster::{Cluster, get, nobody, put, until};
use crate::{Config, Error, Member};

const META: Space = Space(0);
const DATA: Space = Space(1);

/// Changes the one entry that `wanted` picks behind the machine's back.
fn change(engine: &Memory, space: Space, wanted: impl Fn(&[u8]) -> bool, edit: impl Fn(&mut Vec<u8>)) {
    let mut found = Vec::new();
    let mut cursor = engine.scan(space, &[], None, Order::Ascending);
    while cursor.valid() {
        if wanted(cursor.value()) {
            found.push((cursor.key().to_vec(), cursor.value().to_vec()));
        }
        cursor.advance();
    }
    drop(cursor);
    let (key, mut value) = found.pop().unwrap();
    assert!(found.is_empty(), "one entry, not several");
    edit(&mut value);
    let mut batch = Batch::new();
    batch.put(space, &key, &value);
    engine.write(&batch).unwrap();
    engine.flush().unwrap();
}

/// Another value for the key that holds `genuine`, of the same length.
fn change_value(engine: &Memory) {
    replace(engine, *b"genuine", *b"FORGERY");
}

fn replace(engine: &Memory, old: [u8; 7], new: [u8; 7]) {
    let at = |value: &[u8]| value.windows(7).position(|window| window == old);
    let edit = |value: &mut Vec<u8>| {
        let start = at(value).unwrap();
        value[start..start + 7].copy_from_slice(&new);
    };
    change(engine, DATA, |value| at(value).is_some(), edit);
}

/// A member that has applied something else at some time: its rolling hash is another one.
fn change_history(engine: &Memory, revision: i64) {
    // The head: revision, compaction, rolling hash, and more.
    let head = |value: &[u8]| value.len() >= 24 && value.starts_with(&revision.to_be_bytes());
    change(engine, META, head, |value| value[16] ^= 1);
}

/// A cluster with some data whose last member is down, and where that one stood.
async fn with_one_down(tune: impl Fn(&mut Config)) -> (Cluster, i64) {
    let cluster = Cluster::start_with(3, tune).await;
    let victim = cluster.members[2].clone();
    cluster.members[0].put(&nobody(), put("k", "genuine")).await.unwrap();
    victim.barrier().await.unwrap();
    let revision = victim.reader().state().revision;
    victim.shutdown().await;
    cluster.gone(victim.id());
    (cluster, revision)
}

async fn start_again(cluster: &mut Cluster) -> Member {
    let member = cluster.run(&cluster.homes[2].clone()).await.unwrap();
    cluster.members[2] = member.clone();
    member.ready().await.unwrap();
    member
}

fn request(action: AlarmAction, member_id: u64) -> AlarmRequest {
    AlarmRequest {
        action: action.into(),
        member_id,
        alarm: AlarmType::Corrupt.into(),
    }
}

/// The alarm stands for exactly this member, forbids what etcd's forbids, and can be lifted.
async fn alarmed(cluster: &Cluster, wrong: u64) {
    let healthy = cluster.members[0].clone();
    until(|| healthy.reader().state().alarms.corrupt()).await;
    let list = healthy.alarm(&nobody(), request(AlarmAction::Get, 0)).await.unwrap();
    let expected = AlarmMember {
        member_id: wrong,
        alarm: AlarmType::Corrupt.into(),
    };
    assert_eq!(list.alarms, [expected]);
    let refused = healthy.put(&nobody(), put("k", "w")).await.unwrap_err();
    assert_eq!(
        (refused.text().as_str(), refused.code()),
        ("etcdserver: corrupt cluster", 15)
    );
    let refused = healthy.range(&nobody(), get("k")).await.unwrap_err();
    assert_eq!(refused, Error::Fault(Fault::Corrupt));

    // As an operator would: first the member goes, then the alarm.
    cluster.gone(wrong);
    cluster.members[2].consensus().shutdown().await;
    healthy
        .alarm(&nobody(), request(AlarmAction::Deactivate, wrong))
        .await
        .unwrap();
    healthy.put(&nobody(), put("k", "w")).await.unwrap();
    let list = healthy.alarm(&nobody(), request(AlarmAction::Get, 0)).await.unwrap();
    assert!(list.alarms.is_empty());
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert!(!healthy.reader().state().alarms.corrupt(), "the others are in order");
}

#[tokio::test(start_paused = true)]
async fn a_value_that_was_changed_on_one_disk_is_found_by_reading_everything() {
    let (mut cluster, _) = with_one_down(|config| config.corrupt_check_time = Duration::from_secs(5)).await;
    change_value(&cluster.homes[2].engine);
    let wrong = start_again(&mut cluster).await.id();
    alarmed(&cluster, wrong).await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_names_itself_where_it_is_the_odd_one() {
    let (mut cluster, _) = with_one_down(|config| config.corrupt_check_time = Duration::from_secs(5)).await;
    change_value(&cluster.homes[2].engine);
    let wrong = start_again(&mut cluster).await;
    let transfer = MoveLeaderRequest { target_id: wrong.id() };
    let leader = cluster.leader().await;
    leader.move_leader(&nobody(), transfer).await.unwrap();
    until(|| wrong.is_leader()).await;
    alarmed(&cluster, wrong.id()).await;
}

#[tokio::test(start_paused = true)]
async fn a_member_that_applied_something_else_is_found_by_its_history() {
    let (mut cluster, revision) = with_one_down(|config| config.compact_hash_check_time = Duration::from_secs(5)).await;
    change_history(&cluster.homes[2].engine, revision);
    let wrong = start_again(&mut cluster).await.id();
    alarmed(&cluster, wrong).await;
}

#[tokio::test(start_paused = true)]
async fn the_initial_check_keeps_a_member_from_serving_other_data() {
    let (cluster, revision) = with_one_down(|config| config.initial_corrupt_check = true).await;
    let home = cluster.homes[2].clone();
    let refusal = async |home| match cluster.run(home).await {
        Ok(_) => panic!("it starts with other data"),
        Err(error) => error.to_string(),
    };
    change_value(&home.engine);
    let text = refusal(&home).await;
    assert!(text.contains("found data inconsistency with peers"), "{text}");
    // Put right again, it starts; then another history is as bad as other data.
    replace(&home.engine, *b"FORGERY", *b"genuine");
    let member = cluster.run(&home).await.unwrap();
    member.ready().await.unwrap();
    member.shutdown().await;
    cluster.gone(member.id());
    change_history(&home.engine, revision);
    let text = refusal(&home).await;
    assert!(text.contains("found data inconsistency with peers"), "{text}");
}
