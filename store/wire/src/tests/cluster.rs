//! Members that reach each other over the peer port.

use std::time::Duration;

use base::task::Tasks;
use futures_util::StreamExt;
use http_body_util::Full;
use prometheus::Registry;
use prost::Message;
use proto::etcd::kv_client::KvClient;
use proto::etcd::{PutRequest, RangeRequest};
use proto::fault::Fault;
use proto::peer::{self, ClusterInfoRequest};
use proto::store::Command;
use store_node::Peers;
use store_raft::{Transport, TransportError};
use tonic::body::Body;
use tower::ServiceExt;

use super::{Node, PATIENCE, channel, get, many, single, within};
use crate::bind;
use crate::peer::channels::{Channels, ChannelsOptions};

fn node_of(node: &Node) -> peer::Node {
    peer::Node {
        id: node.member.id(),
        peer_urls: vec![node.peer.clone()],
    }
}

fn stranger(cluster: u64, id: u64) -> std::sync::Arc<Channels> {
    let channels = Channels::new(ChannelsOptions::default(), &Registry::new(), &Tasks::new()).unwrap();
    channels.identify(cluster, id);
    channels
}

#[tokio::test(flavor = "multi_thread")]
async fn three_members_agree() {
    let nodes = many(3).await;
    for (n, node) in nodes.iter().enumerate() {
        let request = PutRequest {
            key: format!("k{n}").into(),
            value: "v".into(),
            ..PutRequest::default()
        };
        within(KvClient::new(node.channel()).put(request)).await.unwrap();
    }
    for node in &nodes {
        let all = RangeRequest {
            key: "k".into(),
            range_end: "l".into(),
            ..RangeRequest::default()
        };
        let found = within(KvClient::new(node.channel()).range(all))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(found.count, 3);
    }
    let (_, metrics) = get(&nodes[0].client, "/metrics").await;
    assert!(metrics.contains("etcd_network_peer_sent_bytes_total{To="), "{metrics}");
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused() {
    let node = single().await;
    let (cluster, target) = (node.member.cluster_id(), node_of(&node));
    let vote = peer::VoteRequest::default;
    let foreign = stranger(cluster + 1, 9);
    let refused = Transport::vote(&*foreign, &target, vote(), PATIENCE).await.unwrap_err();
    assert_eq!(
        refused,
        TransportError::Refused("etcdserver: cluster ID mismatch".into())
    );
    let moved = peer::Node {
        id: target.id + 1,
        ..target.clone()
    };
    let refused = Transport::vote(&*stranger(cluster, 9), &moved, vote(), PATIENCE)
        .await
        .unwrap_err();
    assert!(matches!(refused, TransportError::Refused(_)), "{refused}");

    let joining = Channels::new(ChannelsOptions::default(), &Registry::new(), &Tasks::new()).unwrap();
    let info = joining
        .cluster_info(&node.peer, ClusterInfoRequest::default(), PATIENCE)
        .await
        .unwrap();
    assert_eq!((info.cluster_id, info.member_id), (cluster, target.id));
    let nameless = joining.read_index(&target, PATIENCE).await.unwrap_err();
    assert!(matches!(nameless, TransportError::Refused(_)), "{nameless}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_sent_as_anothers_is_refused() {
    let node = single().await;
    let channels = stranger(node.member.cluster_id(), 9);
    let command = Command {
        origin: node.member.id(),
        id: 5,
        ..Command::default()
    };
    let request = peer::ProposeRequest {
        commands: vec![command.encode_to_vec().into()],
    };
    let requests = futures_util::stream::iter([request]).boxed();
    let opened = Peers::propose(&*channels, &node_of(&node), requests).await;
    let answers = within(opened.unwrap().collect::<Vec<_>>()).await;
    let refusal = peer::Refusal {
        id: 5,
        fault: Fault::NotCapable.into(),
    };
    let refusals = vec![refusal];
    assert_eq!(answers, [Ok(peer::ProposeResponse { refusals })]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_and_silent_members_are_told_apart() {
    let port = bind("http://127.0.0.1:0").await.unwrap();
    let silent = peer::Node {
        id: 2,
        peer_urls: vec![port.url().to_owned()],
    };
    let gone = bind("http://127.0.0.1:0").await.unwrap();
    let absent = peer::Node {
        id: 3,
        peer_urls: vec![gone.url().to_owned()],
    };
    drop(gone);
    let channels = stranger(1, 1);
    for _ in 0..3 {
        let failed = Transport::vote(&*channels, &absent, peer::VoteRequest::default(), PATIENCE)
            .await
            .unwrap_err();
        assert!(matches!(failed, TransportError::Unreachable(_)), "{failed}");
        let failed = channels
            .append_stream(&absent, Box::pin(futures_util::stream::pending()))
            .await
            .err()
            .unwrap();
        assert!(matches!(failed, TransportError::Unreachable(_)), "{failed}");
    }
    // Bound and never accepted: the system answers the connection, nobody answers the call.
    let limit = Duration::from_millis(100);
    let failed = Transport::vote(&*channels, &silent, peer::VoteRequest::default(), limit)
        .await
        .unwrap_err();
    assert_eq!(failed, TransportError::Timeout);
    let failed = channels
        .append_stream(&silent, Box::pin(futures_util::stream::pending()))
        .await
        .err()
        .unwrap();
    assert_eq!(failed, TransportError::Timeout);
}

/// What a call is told whose only message announces so many bytes and has none; `None` where it was not refused for that.
async fn announced(node: &Node, method: &str, ends: Option<u64>, bytes: u32) -> Option<String> {
    let mut frame = vec![0];
    frame.extend_from_slice(&bytes.to_be_bytes());
    let mut request = http::Request::post(format!("{}/keelson.peer.v1.Peer/{method}", node.peer))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if let Some(from) = ends {
        request = request
            .header("keelson-cluster-id", node.member.cluster_id())
            .header("keelson-from", from)
            .header("keelson-to", node.member.id());
    }
    let request = request.body(Body::new(Full::from(frame))).unwrap();
    let answer = within(channel(&node.peer, None).oneshot(request)).await.unwrap();
    let status = tonic::Status::from_header_map(answer.headers())?;
    (status.code() == tonic::Code::OutOfRange).then(|| status.message().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_refused_when_it_is_announced() {
    let node = single().await;
    let member = Some(9);
    for method in [
        "Vote",
        "PreVote",
        "TransferLeader",
        "ReadIndex",
        "LeaseKeepAlive",
        "LeaseTimeToLive",
        "Hashes",
    ] {
        assert!(announced(&node, method, member, 5_000).await.is_some(), "{method}");
        assert_eq!(announced(&node, method, member, 4_000).await, None, "{method}");
    }
    assert!(announced(&node, "ClusterInfo", None, u32::MAX).await.is_some());
    assert!(announced(&node, "ClusterInfo", None, 5_000).await.is_some());
    assert!(announced(&node, "SnapshotOffer", member, 5 << 20).await.is_some());
    assert_eq!(announced(&node, "SnapshotOffer", member, 3 << 20).await, None);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_writes_reach_the_leader_and_everybody() {
    let nodes = many(3).await;
    let puts = (0..3).map(|n| {
        let request = PutRequest {
            key: format!("k{n}").into(),
            value: vec![b'v'; 1_570_000].into(),
            ..PutRequest::default()
        };
        let mut client = KvClient::new(nodes[n].channel());
        async move { within(client.put(request)).await.unwrap() }
    });
    futures_util::future::join_all(puts).await;
    for node in nodes {
        node.stop().await;
    }
}
