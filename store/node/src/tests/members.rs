//! Clusters that grow and shrink.

use std::time::Duration;

use proto::etcd::{
    DowngradeRequest, MemberAddRequest, MemberListRequest, MemberPromoteRequest, MemberRemoveRequest,
    MemberUpdateRequest, MoveLeaderRequest, downgrade_request::DowngradeAction,
};
use proto::fault::Fault;

use super::cluster::{Cluster, Home, all, config, get, nobody, put, until, url};
use crate::{Error, InitialState, Member, Stop};

fn add(number: usize, is_learner: bool) -> MemberAddRequest {
    MemberAddRequest {
        peer_ur_ls: vec![url(number)],
        is_learner,
    }
}

/// Runs a member that was added as number `size - 1` of now `size`.
async fn join(cluster: &mut Cluster, size: usize) -> Member {
    let mut config = config(size - 1, size);
    config.initial_cluster_state = InitialState::Existing;
    let home = Home::new(config);
    let member = cluster.run(&home).await.unwrap();
    cluster.homes.push(home);
    cluster.members.push(member.clone());
    member.ready().await.unwrap();
    member
}

/// A learner of a cluster of one.
pub(super) async fn learner(cluster: &mut Cluster) -> Member {
    cluster.members[0].member_add(&nobody(), add(1, true)).await.unwrap();
    join(cluster, 2).await
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_one_grows_to_two_and_back() {
    let mut cluster = Cluster::start(1).await;
    let first = cluster.members[0].clone();
    first.put(&nobody(), put("k", "v")).await.unwrap();
    let added = first.member_add(&nobody(), add(1, false)).await.unwrap();
    let id = added.member.unwrap().id;
    assert_eq!(added.members.len(), 2);
    // Not running yet, and still no reason to stand still.
    first.put(&nobody(), put("k", "w")).await.unwrap();
    let second = join(&mut cluster, 2).await;
    assert_eq!((second.id(), second.cluster_id()), (id, first.cluster_id()));
    until(|| first.raft_status().borrow().voters.len() == 2).await;
    assert_eq!(second.range(&nobody(), get("k")).await.unwrap().count, 1);
    let list = second
        .member_list(&nobody(), MemberListRequest { linearizable: true })
        .await
        .unwrap()
        .members;
    assert!(
        list.iter()
            .all(|member| !member.name.is_empty() && !member.client_ur_ls.is_empty())
    );
    first
        .member_remove(&nobody(), MemberRemoveRequest { id })
        .await
        .unwrap();
    assert_eq!(first.raft_status().borrow().voters.len(), 1);
    assert_eq!(second.stopped().await, Stop::Removed);
    first.put(&nobody(), put("k", "x")).await.unwrap();
    let refused = cluster.run(&cluster.homes[1]).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("removed")));
}

#[tokio::test(start_paused = true)]
async fn a_learner_serves_little_until_it_is_promoted() {
    let mut cluster = Cluster::start(1).await;
    let first = cluster.members[0].clone();
    let id = first
        .member_add(&nobody(), add(1, true))
        .await
        .unwrap()
        .member
        .unwrap()
        .id;
    let more = first.member_add(&nobody(), add(2, true)).await.unwrap_err();
    assert_eq!(more, Error::Fault(Fault::TooManyLearners));
    let early = first
        .member_promote(&nobody(), MemberPromoteRequest { id })
        .await
        .unwrap_err();
    assert_eq!(early, Error::Fault(Fault::LearnerNotReady));
    let learner = join(&mut cluster, 2).await;
    assert!(learner.is_learner());
    let refused = learner.put(&nobody(), put("k", "v")).await.unwrap_err();
    assert_eq!(refused, Error::Fault(Fault::NotSupportedForLearner));
    let refused = learner.range(&nobody(), all()).await.unwrap_err();
    assert_eq!(refused, Error::Fault(Fault::NotSupportedForLearner));
    let local = proto::etcd::RangeRequest {
        serializable: true,
        ..all()
    };
    learner.range(&nobody(), local).await.unwrap();
    // It is ready when the leader has heard that it has the log.
    loop {
        match first.member_promote(&nobody(), MemberPromoteRequest { id }).await {
            Err(Error::Fault(Fault::LearnerNotReady)) => tokio::time::sleep(Duration::from_millis(20)).await,
            promoted => break drop(promoted.unwrap()),
        }
    }
    until(|| !learner.is_learner()).await;
    learner.put(&nobody(), put("k", "v")).await.unwrap();
    let again = first
        .member_promote(&nobody(), MemberPromoteRequest { id })
        .await
        .unwrap_err();
    assert_eq!(again, Error::Fault(Fault::MemberNotLearner));
}

#[tokio::test(start_paused = true)]
async fn changes_that_could_cost_the_quorum_are_refused() {
    let cluster = Cluster::start(3).await;
    let (leader, follower) = (cluster.leader().await, cluster.follower().await);
    let bad = MemberAddRequest {
        peer_ur_ls: vec!["rubbish".to_owned()],
        is_learner: false,
    };
    assert_eq!(
        leader.member_add(&nobody(), bad).await.unwrap_err(),
        Error::Fault(Fault::BadMemberUrls)
    );
    assert_eq!(
        leader.member_add(&nobody(), add(0, false)).await.unwrap_err(),
        Error::Fault(Fault::PeerUrlExist)
    );
    let unknown = MemberRemoveRequest { id: 5 };
    assert_eq!(
        leader.member_remove(&nobody(), unknown).await.unwrap_err(),
        Error::Fault(Fault::MemberNotFound)
    );
    cluster.isolate(follower.id(), true);
    until(|| {
        leader
            .raft_status()
            .borrow()
            .heard_ms
            .get(&follower.id())
            .is_some_and(|ms| *ms > 5000)
    })
    .await;
    assert_eq!(
        leader.member_add(&nobody(), add(7, false)).await.unwrap_err(),
        Error::Fault(Fault::Unhealthy)
    );
    let healthy = cluster
        .members
        .iter()
        .find(|member| member.id() != leader.id() && member.id() != follower.id());
    let remove = MemberRemoveRequest {
        id: healthy.unwrap().id(),
    };
    assert_eq!(
        leader.member_remove(&nobody(), remove).await.unwrap_err(),
        Error::Fault(Fault::Unhealthy)
    );
    // One that is down may go; it learns so when it is back.
    leader
        .member_remove(&nobody(), MemberRemoveRequest { id: follower.id() })
        .await
        .unwrap();
    cluster.isolate(follower.id(), false);
    assert_eq!(follower.stopped().await, Stop::Removed);
}

#[tokio::test(start_paused = true)]
async fn a_leader_can_be_removed() {
    let cluster = Cluster::start(3).await;
    let (leader, follower) = (cluster.leader().await, cluster.follower().await);
    follower
        .member_remove(&nobody(), MemberRemoveRequest { id: leader.id() })
        .await
        .unwrap();
    assert_eq!(leader.stopped().await, Stop::Removed);
    until(|| follower.leader().is_some_and(|id| id != leader.id())).await;
    follower.put(&nobody(), put("k", "v")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_removed_member_is_heard_until_consensus_goes_on_without_it() {
    let cluster = Cluster::start(3).await;
    let (leader, follower) = (cluster.leader().await, cluster.follower().await);
    let is_other = |member: &&Member| ![leader.id(), follower.id()].contains(&member.id());
    let other = cluster.members.iter().find(is_other).unwrap();
    // The change needs a majority of those who stay: both of them.
    cluster.isolate(other.id(), true);
    leader
        .member_remove(&nobody(), MemberRemoveRequest { id: leader.id() })
        .await
        .unwrap();
    until(|| leader.raft_status().borrow().changing).await;
    let applied = leader.raft_status().borrow().applied;
    until(|| follower.raft_status().borrow().applied >= applied).await;
    assert!(follower.knows(leader.id()));
    assert!(follower.cluster_info().removed.is_empty());
    cluster.isolate(other.id(), false);
    assert_eq!(leader.stopped().await, Stop::Removed);
    until(|| !follower.knows(leader.id())).await;
    assert_eq!(follower.cluster_info().removed, [leader.id()]);
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_leader_is_lost_between_its_halves_is_finished_by_the_next() {
    let mut cluster = Cluster::start(3).await;
    let leader = cluster.leader().await;
    // In a log of this length the last entries, of which the leader may not have heard yet, do not keep it from promoting.
    for _ in 0..50 {
        leader.put(&nobody(), put("k", "v")).await.unwrap();
    }
    let added = leader.member_add(&nobody(), add(3, true)).await.unwrap();
    let learner = join(&mut cluster, 4).await;
    assert_eq!(learner.id(), added.member.unwrap().id);
    let mut others = cluster.members.iter().filter(|one| one.id() != leader.id());
    let [near, far] = [0; 2].map(|_| others.next().cloned().unwrap());
    // A majority of the voters takes the request and the first half; with the new voter it is none.
    cluster.deafen(far.id(), true);
    cluster.deafen(learner.id(), true);
    let promotion = MemberPromoteRequest { id: learner.id() };
    leader.member_promote(&nobody(), promotion).await.unwrap();
    until(|| near.raft_status().borrow().joint).await;
    cluster.isolate(leader.id(), true);
    // Those three stay cut off from the lost leader only.
    for (one, other) in [(&near, &far), (&near, &learner), (&far, &learner)] {
        cluster.net.channels.link(one.id(), other.id(), true);
        cluster.net.channels.link(other.id(), one.id(), true);
    }
    until(|| near.is_leader()).await;
    until(|| !near.raft_status().borrow().changing).await;
    assert_eq!(near.raft_status().borrow().voters.len(), 4);
    cluster.isolate(leader.id(), false);
    until(|| !leader.is_leader() && !leader.raft_status().borrow().changing).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_in_the_place_of_another_does_not_take_its_id() {
    let cluster = Cluster::start(5).await;
    let [behind, gone, last] = [0, 1, 4].map(|at: usize| cluster.members[at].clone());
    let leader = cluster.leader().await;
    if leader.id() != last.id() {
        let request = MoveLeaderRequest { target_id: last.id() };
        leader.move_leader(&nobody(), request).await.unwrap();
    }
    until(|| last.is_leader()).await;
    // The joining member asks the first one first, which has not heard of the change.
    cluster.deafen(behind.id(), true);
    let removal = MemberRemoveRequest { id: gone.id() };
    last.member_remove(&nobody(), removal).await.unwrap();
    cluster.gone(gone.id());
    let added = last.member_add(&nobody(), add(1, false)).await.unwrap();
    let id = added.member.unwrap().id;
    let mut config = config(1, 5);
    config.initial_cluster_state = InitialState::Existing;
    let home = Home::new(config);
    let joining = cluster.run(&home).await.unwrap();
    assert_ne!(id, gone.id());
    assert_eq!(joining.id(), id);
}

#[tokio::test(start_paused = true)]
async fn peer_urls_change_and_reach_consensus() {
    let cluster = Cluster::start(3).await;
    let (leader, follower) = (cluster.leader().await, cluster.follower().await);
    let request = MemberUpdateRequest {
        id: follower.id(),
        peer_ur_ls: vec!["http://elsewhere:2380".to_owned()],
    };
    leader.member_update(&nobody(), request).await.unwrap();
    until(|| {
        let status = leader.raft_status();
        let node = status.borrow().nodes.get(&follower.id()).cloned().unwrap();
        node.peer_urls == ["http://elsewhere:2380"]
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_member_that_moved_is_reached_at_its_new_url_only() {
    let mut cluster = Cluster::start(3).await;
    let leader = cluster.leader().await;
    let is_moving = |member: &&Member| member.id() != leader.id();
    let moving = cluster.members.iter().find(is_moving).unwrap().clone();
    let number = cluster.members.iter().position(|member| member.id() == moving.id());
    let number = number.unwrap();
    moving.shutdown().await;
    cluster.gone(moving.id());
    let request = MemberUpdateRequest {
        id: moving.id(),
        peer_ur_ls: vec!["http://elsewhere:2380".to_owned()],
    };
    leader.member_update(&nobody(), request).await.unwrap();
    leader.put(&nobody(), put("k", "v")).await.unwrap();

    // Where it was, nobody finds it any more.
    let home = cluster.homes[number].clone();
    let lost = cluster.run(&home).await.unwrap();
    let waited = tokio::time::timeout(Duration::from_secs(30), lost.ready()).await;
    assert!(waited.is_err(), "it is still reached at the old URL");
    cluster.gone(lost.id());
    lost.shutdown().await;

    cluster.homes[number].config.initial_advertise_peer_urls = vec!["http://elsewhere:2380".to_owned()];
    let home = cluster.homes[number].clone();
    let moved = cluster.run(&home).await.unwrap();
    cluster.members[number] = moved.clone();
    moved.ready().await.unwrap();
    assert_eq!(moved.id(), moving.id());
    assert_eq!(moved.range(&nobody(), get("k")).await.unwrap().count, 1);
    // As leader, too.
    let transfer = MoveLeaderRequest { target_id: moved.id() };
    leader.move_leader(&nobody(), transfer).await.unwrap();
    leader.put(&nobody(), put("k", "w")).await.unwrap();
    assert_eq!(leader.leader(), Some(moved.id()));
}

#[tokio::test(start_paused = true)]
async fn the_cluster_agrees_on_a_version_and_a_way_down() {
    let cluster = Cluster::start(3).await;
    let member = cluster.follower().await;
    until(|| member.versions().cluster == "3.7.0").await;
    let request = |action: DowngradeAction, version: &str| DowngradeRequest {
        action: action.into(),
        version: version.to_owned(),
    };
    let validate = member
        .downgrade(&nobody(), request(DowngradeAction::Validate, "3.6"))
        .await
        .unwrap();
    assert_eq!(validate.version, "3.7.0");
    let wrong = member
        .downgrade(&nobody(), request(DowngradeAction::Validate, "3.5.0"))
        .await
        .unwrap_err();
    assert_eq!(wrong, Error::Fault(Fault::InvalidDowngradeTargetVersion));
    let none = member
        .downgrade(&nobody(), request(DowngradeAction::Cancel, ""))
        .await
        .unwrap_err();
    assert_eq!(none, Error::Fault(Fault::NoInflightDowngrade));
    member
        .downgrade(&nobody(), request(DowngradeAction::Enable, "3.6.0"))
        .await
        .unwrap();
    let again = member
        .downgrade(&nobody(), request(DowngradeAction::Enable, "3.6.0"))
        .await
        .unwrap_err();
    assert_eq!(again, Error::Fault(Fault::DowngradeInProgress));
    member
        .downgrade(&nobody(), request(DowngradeAction::Cancel, ""))
        .await
        .unwrap();
}
