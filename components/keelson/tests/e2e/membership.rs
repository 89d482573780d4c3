//! Members that come and go, as real processes.

use proto::fault::Fault;
use store_client::{Get, Put};

use crate::crashes::hashes_agree;
use crate::harness::{Cluster, Kind, Setup, until_async};
use crate::load::{Load, check_nothing_lost};

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_grows_under_load_and_outlives_its_first_member() {
    let mut cluster = Cluster::start(Kind::Keelson, Setup::of(1));
    let client = cluster.client();
    client.put(Put::new("first", "here")).await.unwrap();
    let load = Load::start(&cluster, 2);
    load.progress(100).await;
    for _ in 0..2 {
        let newcomer = cluster.newcomer();
        let url = newcomer.peer_url.clone();
        // Right after a promotion the new voter does not count as connected yet.
        let added = until_async("the cluster takes another", || async {
            match client.member_add(vec![url.clone()], true).await {
                Err(error) if error.fault() == Some(Fault::Unhealthy) => None,
                added => Some(added.unwrap()),
            }
        });
        let id = added.await.id;
        assert_eq!(
            client
                .member_add(vec!["http://127.0.0.1:9".to_owned()], true)
                .await
                .unwrap_err()
                .fault(),
            Some(Fault::TooManyLearners)
        );
        newcomer.start();
        let learner = client.at(&*newcomer.client_url).unwrap();
        until_async("the learner is promoted", || async {
            match client.member_promote(id).await {
                Ok(_) => Some(()),
                Err(error) if error.fault() == Some(Fault::LearnerNotReady) => None,
                Err(error) => panic!("{error}"),
            }
        })
        .await;
        until_async("it serves linearizable reads", || async {
            learner.get("first").await.ok()
        })
        .await;
        load.progress(50).await;
    }
    let acknowledged = load.stop().await;
    hashes_agree(&cluster).await;
    client.set_endpoints(cluster.endpoints()).unwrap();
    let members = client.members().await.unwrap();
    assert_eq!(members.len(), 3);
    assert!(
        members
            .iter()
            .all(|member| !member.is_learner && !member.name.is_empty())
    );

    // The first one goes; it learns that and ends by itself.
    let id = members.iter().find(|member| member.name == "m0").unwrap().id;
    let left = until_async("the cluster can do without", || async {
        match client.member_remove(id).await {
            Err(error) if error.fault() == Some(Fault::Unhealthy) => None,
            removed => Some(removed.unwrap()),
        }
    });
    assert_eq!(left.await.len(), 2);
    cluster.members[0].wait_ended();
    client.set_endpoints(cluster.endpoints()[1..].iter().cloned()).unwrap();
    check_nothing_lost(&client, &acknowledged).await;
    until_async("the others go on", || async {
        client.put(Put::new("after", "")).await.ok()
    })
    .await;
    // And it may not come back as if nothing had been.
    let again = cluster.members[0].run_to_end();
    assert_ne!(again.code, Some(0), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_learner_answers_only_what_it_may() {
    let mut cluster = Cluster::start(Kind::Keelson, Setup::of(1));
    let client = cluster.client();
    client.put(Put::new("k", "v")).await.unwrap();
    let newcomer = cluster.newcomer();
    let id = client
        .member_add(vec![newcomer.peer_url.clone()], true)
        .await
        .unwrap()
        .id;
    newcomer.start();
    let learner = client.at(&*newcomer.client_url).unwrap();
    until_async("the learner has the data", || async {
        let page = learner.get(Get::new("k").serializable()).await.ok()?;
        (page.kvs.len() == 1).then_some(())
    })
    .await;
    assert!(learner.status().await.unwrap().is_learner);
    assert_eq!(
        learner.get("k").await.unwrap_err().fault(),
        Some(Fault::NotSupportedForLearner)
    );
    assert_eq!(
        learner.put(Put::new("k", "w")).await.unwrap_err().fault(),
        Some(Fault::NotSupportedForLearner)
    );
    assert_eq!(client.member_remove(id).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn leadership_moves_when_it_is_told_to_and_when_its_holder_ends() {
    let mut cluster = Cluster::start(Kind::Keelson, Setup::of(3));
    let client = cluster.client();
    let members = client.members().await.unwrap();
    let id = |n: usize| members.iter().find(|member| member.name == format!("m{n}")).unwrap().id;
    let at = |n: usize| client.at(&*cluster.members[n].client_url).unwrap();
    // Where a disk is slow leadership may move by itself, or too slowly for who asked: then all of it is asked anew.
    until_async("leadership moves where it is told to", || async {
        let leader = cluster.leader().await;
        let next = (leader + 1) % 3;
        let refused = at(next).move_leader(id(next)).await.err()?;
        if refused.fault() != Some(Fault::NotLeader) {
            return None;
        }
        at(leader).move_leader(id(next)).await.ok()?;
        (cluster.leader().await == next).then_some(())
    })
    .await;

    // A leader that is asked to end does so, and the others go on.
    let load = Load::start(&cluster, 2);
    load.progress(50).await;
    let leader = cluster.leader().await;
    assert!(cluster.members[leader].terminate().success());
    load.progress(20).await;
    cluster.members[leader].start();
    check_nothing_lost(&client, &load.stop().await).await;
}
