//! A member that moves to another peer URL.

use proto::fault::Fault;
use store_client::Put;

use crate::crashes::hashes_agree;
use crate::harness::{Cluster, Kind, Setup, free_ports, until_async};

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_moves_is_reached_where_it_went() {
    let mut cluster = Cluster::start(Kind::Keelson, Setup::of(3));
    let client = cluster.client();
    let members = client.members().await.unwrap();
    for moving in 0..2 {
        let name = format!("m{moving}");
        let id = members.iter().find(|member| member.name == name).unwrap().id;
        let staying = client.at(&*cluster.members[2].client_url).unwrap();
        let url = format!("http://127.0.0.1:{}", free_ports(1)[0]);

        let taken = cluster.members[2].peer_url.clone();
        let refused = staying.member_update(id, vec![taken]).await.unwrap_err();
        assert_eq!(refused.fault(), Some(Fault::PeerUrlExist));
        assert!(cluster.members[moving].terminate().success());
        until_async("the others go on", || async {
            staying.put(Put::new("meanwhile", name.clone())).await.ok()
        })
        .await;
        let updated = until_async("the URL is changed", || async {
            staying.member_update(id, vec![url.clone()]).await.ok()
        })
        .await;
        let member = updated.iter().find(|member| member.id == id).unwrap();
        assert_eq!(member.peer_ur_ls, std::slice::from_ref(&url));

        // Nobody listens at the old place any more.
        let member = &mut cluster.members[moving];
        let old = std::mem::replace(&mut member.peer_url, url.clone());
        for flag in ["listen-peer-urls", "initial-advertise-peer-urls"] {
            let flag = format!("--{flag}=");
            member.arguments.retain(|argument| !argument.starts_with(&flag));
            member.arguments.push(format!("{flag}{url}"));
        }
        assert!(
            member.arguments.iter().any(|argument| argument.contains(&old)),
            "--initial-cluster is of old"
        );
        member.start();
        member.wait_healthy();
        let moved = client.at(&*member.client_url).unwrap();
        assert_eq!(moved.get_key("meanwhile").await.unwrap().unwrap().value, name);
        // It is not only a reader: it is reached, so it can lead, and the others follow it to its new place.
        let leader = cluster.leader().await;
        if leader != moving {
            let leader = client.at(&*cluster.members[leader].client_url).unwrap();
            until_async("it takes leadership", || async { leader.move_leader(id).await.ok() }).await;
        }
        moved.put(Put::new("after", name.clone())).await.unwrap();
        hashes_agree(&cluster).await;
    }
}
