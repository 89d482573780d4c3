//! Writes and reads at members that do not lead.

use std::sync::atomic::Ordering::SeqCst;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use prost::Message;
use proto::fault::Fault;
use proto::store::Command;
use proto::store::command::Action;
use proto::{etcd, peer};

use super::cluster::{Cluster, all, get, nobody, put, until, values};
use crate::{Error, Member};

fn message(command: &Command) -> peer::ProposeRequest {
    peer::ProposeRequest {
        commands: vec![command.encode_to_vec().into()],
    }
}

/// A put that `origin` asks for.
fn command(origin: u64, key: &str) -> Command {
    Command {
        origin,
        id: 5,
        action: Some(Action::Put(put(key, "v"))),
        ..Command::default()
    }
}

/// Every answer to these messages, sent by `from`.
async fn answers(to: &Member, from: u64, messages: Vec<peer::ProposeRequest>) -> Vec<crate::Result<Vec<(u64, Fault)>>> {
    let answers = to.peer_propose(from, stream::iter(messages).boxed());
    let refusals = answers.map(|answer| {
        let refusals = answer?.refusals.into_iter();
        Ok(refusals.map(|refusal| (refusal.id, refusal.fault())).collect())
    });
    refusals.collect().await
}

/// Keeps a member from the log, but not from asking others.
fn keep_from_log(cluster: &Cluster, id: u64, kept: bool) {
    for other in cluster.members.iter().filter(|other| other.id() != id) {
        cluster.net.channels.link(other.id(), id, !kept);
        cluster.net.channels.link(id, other.id(), !kept);
    }
}

#[tokio::test(start_paused = true)]
async fn many_writes_at_a_follower_travel_in_few_messages() {
    let cluster = Cluster::start(3).await;
    let follower = cluster.follower().await;
    let counts = &cluster.net.counts;
    let before = (counts.propose_messages.load(SeqCst), counts.proposed.load(SeqCst));
    let writes = (0..200).map(|number| {
        let follower = follower.clone();
        async move {
            let key = format!("k{number}");
            follower.put(&nobody(), put(&key, "v")).await.unwrap();
            let local = etcd::RangeRequest {
                serializable: true,
                ..get(&key)
            };
            let found = follower.range(&nobody(), local).await.unwrap();
            assert_eq!(found.count, 1, "whoever wrote reads it where he wrote it");
        }
    });
    join_all(writes).await;
    assert_eq!(counts.proposed.load(SeqCst) - before.1, 200);
    let messages = counts.propose_messages.load(SeqCst) - before.0;
    assert!(messages <= 10, "{messages} messages");
    assert_eq!(follower.consensus().waiting().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_meets_a_member_that_does_not_lead_is_tried_again_and_happens_once() {
    let cluster = Cluster::start(3).await;
    let follower = cluster.follower().await;
    // Its stream ends, so that it opens another.
    cluster.isolate(follower.id(), true);
    until(|| !follower.has_leader()).await;
    cluster.isolate(follower.id(), false);
    until(|| follower.has_leader()).await;
    let leader = cluster.leader().await;
    let mut others = cluster.members.iter();
    let other = others.find(|member| ![leader.id(), follower.id()].contains(&member.id()));
    *cluster.net.divert.lock() = Some(other.unwrap().id());
    let before = cluster.net.counts.proposed.load(SeqCst);
    follower.put(&nobody(), put("k", "v")).await.unwrap();
    assert_eq!(cluster.net.counts.proposed.load(SeqCst) - before, 2);
    let found = follower.range(&nobody(), get("k")).await.unwrap();
    assert_eq!(found.kvs[0].decode().unwrap().version, 1);
}

#[tokio::test(start_paused = true)]
async fn writes_go_on_at_a_follower_while_leaders_change_and_none_happens_twice() {
    let cluster = Cluster::start(3).await;
    let (leader, follower) = (cluster.leader().await, cluster.follower().await);
    let third = cluster
        .members
        .iter()
        .map(Member::id)
        .find(|id| ![leader.id(), follower.id()].contains(id));
    let writes = (0..100).map(|number| {
        let follower = follower.clone();
        async move {
            tokio::time::sleep(std::time::Duration::from_millis(number)).await;
            follower.put(&nobody(), put(&format!("k{number}"), "v")).await
        }
    });
    let moves = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let target_id = third.unwrap();
        leader
            .move_leader(&nobody(), etcd::MoveLeaderRequest { target_id })
            .await
            .unwrap();
    };
    let (written, ()) = tokio::join!(join_all(writes), moves);
    let good = written.iter().filter(|written| written.is_ok()).count() as i64;
    assert!(good >= 90, "{written:?}");
    let found = follower.range(&nobody(), all()).await.unwrap();
    assert!(found.count >= good && found.kvs.iter().all(|kv| kv.decode().unwrap().version == 1));
    assert_eq!(follower.consensus().waiting().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_leaves_open_what_became_of_the_write() {
    let cluster = Cluster::start(3).await;
    let follower = cluster.follower().await;
    keep_from_log(&cluster, follower.id(), true);
    let before = cluster.net.counts.proposed.load(SeqCst);
    let caller = nobody();
    let write = follower.put(&caller, put("k", "v"));
    let cut = async {
        until(|| cluster.net.counts.proposed.load(SeqCst) > before).await;
        cluster.isolate(follower.id(), true);
    };
    let (written, ()) = tokio::join!(write, cut);
    assert_eq!(
        written.unwrap_err().text(),
        "etcdserver: request timed out, possibly due to connection lost"
    );
    // Here, it happened.
    cluster.isolate(follower.id(), false);
    assert_eq!(values(&follower.range(&nobody(), get("k")).await.unwrap()), ["v"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_leaves_nothing_behind() {
    let cluster = Cluster::start(3).await;
    let follower = cluster.follower().await;
    keep_from_log(&cluster, follower.id(), true);
    let caller = nobody();
    let write = follower.put(&caller, put("k", "v"));
    let limit = std::time::Duration::from_millis(100);
    assert!(tokio::time::timeout(limit, write).await.is_err());
    assert_eq!(follower.consensus().waiting().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_leader_answers_what_it_refuses_and_ends_after_its_peer() {
    let cluster = Cluster::start(3).await;
    let (leader, follower) = (cluster.leader().await, cluster.follower().await);
    let (own, others) = (command(follower.id(), "own"), command(leader.id(), "others"));
    // What goes well is not answered.
    assert_eq!(answers(&leader, follower.id(), vec![message(&own)]).await, []);
    let refused = answers(&leader, follower.id(), vec![message(&others)]).await;
    assert_eq!(refused, [Ok(vec![(5, Fault::NotCapable)])]);
    let refused = answers(&follower, leader.id(), vec![message(&others)]).await;
    assert_eq!(refused, [Ok(vec![(5, Fault::NotLeader)])]);
    let nonsense = peer::ProposeRequest {
        commands: vec!["\u{8}".into()],
    };
    let ended = answers(&leader, follower.id(), vec![nonsense]).await;
    assert!(matches!(&ended[..], [Err(Error::Status { .. })]), "{ended:?}");
    let found = leader.range(&nobody(), all()).await.unwrap();
    assert_eq!(found.count, 1);
}

#[tokio::test(start_paused = true)]
async fn reads_at_a_follower_share_their_questions_to_the_leader() {
    let cluster = Cluster::start(3).await;
    let follower = cluster.follower().await;
    follower.put(&nobody(), put("k", "v")).await.unwrap();
    let before = cluster.net.counts.read_index.load(SeqCst);
    let caller = nobody();
    let reads = (0..100).map(|_| follower.range(&caller, get("k")));
    for found in join_all(reads).await {
        assert_eq!(values(&found.unwrap()), ["v"]);
    }
    let questions = cluster.net.counts.read_index.load(SeqCst) - before;
    assert!((1..=3).contains(&questions), "{questions} questions");
}
