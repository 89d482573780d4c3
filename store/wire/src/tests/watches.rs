//! Watches: many of them on one stream, clients that do not read, and the end of the port.

use std::time::Duration;

use bytes::Bytes;
use proto::etcd::kv_client::KvClient;
use proto::etcd::watch_client::WatchClient;
use proto::etcd::watch_request::RequestUnion;
use proto::etcd::{PutRequest, WatchCreateRequest, WatchProgressRequest, WatchRequest, WatchResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming};

use super::{Node, eventually, get, single, within};

/// One watch stream.
struct Stream {
    requests: mpsc::Sender<WatchRequest>,
    answers: Streaming<WatchResponse>,
}

impl Stream {
    async fn open(node: &Node) -> Self {
        let (requests, receiver) = mpsc::channel(64);
        let answers = WatchClient::new(node.channel())
            .watch(ReceiverStream::new(receiver))
            .await
            .unwrap()
            .into_inner();
        Self { requests, answers }
    }

    async fn ask(&self, union: RequestUnion) {
        within(self.requests.send(WatchRequest {
            request_union: Some(union),
        }))
        .await
        .unwrap();
    }

    async fn create(&self, key: impl Into<Bytes>) {
        let create = WatchCreateRequest {
            key: key.into(),
            ..WatchCreateRequest::default()
        };
        self.ask(RequestUnion::CreateRequest(create)).await;
    }

    async fn next(&mut self) -> WatchResponse {
        within(self.answers.message()).await.unwrap().unwrap()
    }
}

fn put(key: impl Into<Bytes>, value: Vec<u8>) -> PutRequest {
    PutRequest {
        key: key.into(),
        value: value.into(),
        ..PutRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_watches_share_a_stream() {
    const COUNT: i64 = 10_000;
    let node = single().await;
    let mut stream = Stream::open(&node).await;
    let creating = async {
        for n in 0..COUNT {
            let key = format!("key-{n:05}");
            let create = WatchCreateRequest {
                key: key.into(),
                ..WatchCreateRequest::default()
            };
            let request = WatchRequest {
                request_union: Some(RequestUnion::CreateRequest(create)),
            };
            within(stream.requests.send(request)).await.unwrap();
        }
    };
    let reading = async {
        for n in 0..COUNT {
            let created = within(stream.answers.message()).await.unwrap().unwrap();
            assert!(created.created);
            assert_eq!(created.watch_id, n);
        }
    };
    tokio::join!(creating, reading);
    let mut kv = KvClient::new(node.channel());
    kv.put(put("key-07777", b"v".to_vec())).await.unwrap();
    let event = stream.next().await;
    assert_eq!((event.watch_id, event.events.len()), (7777, 1));
    stream.ask(RequestUnion::ProgressRequest(WatchProgressRequest {})).await;
    let progress = stream.next().await;
    assert_eq!((progress.watch_id, progress.header.unwrap().revision), (-1, 2));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_holds_nobody_up() {
    const COUNT: usize = 200;
    let node = single().await;
    let mut idle = Stream::open(&node).await;
    let mut keen = Stream::open(&node).await;
    for stream in [&idle, &keen] {
        stream.create("k").await;
    }
    assert!(keen.next().await.created);
    let mut kv = KvClient::new(node.channel());
    let writing = async {
        for n in 0..COUNT {
            let value = vec![u8::try_from(n % 256).unwrap(); 64 << 10];
            within(kv.put(put("k", value))).await.unwrap();
        }
    };
    let seen = async |stream: &mut Stream| {
        let mut seen = Vec::new();
        while seen.len() < COUNT {
            for event in stream.next().await.events {
                seen.push(event.decode().unwrap().kv.unwrap().mod_revision);
            }
        }
        seen
    };
    let ((), fresh) = tokio::join!(writing, seen(&mut keen));
    let expected: Vec<i64> = (2..2 + i64::try_from(COUNT).unwrap()).collect();
    assert_eq!(fresh, expected);
    // Nothing was lost for the one who reads late, and nothing comes twice.
    assert!(idle.next().await.created);
    assert_eq!(seen(&mut idle).await, expected);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watches_end_with_their_stream() {
    let node = single().await;
    let watchers = async |count: usize| {
        let line = format!("etcd_debugging_mvcc_watcher_total {count}\n");
        eventually(async || get(&node.client, "/metrics").await.1.contains(&line)).await;
    };
    let mut stream = Stream::open(&node).await;
    for key in ["a", "b", "c"] {
        stream.create(key).await;
        assert!(stream.next().await.created);
    }
    watchers(3).await;
    drop(stream);
    watchers(0).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_ends_streams_and_waits_for_requests() {
    let node = single().await;
    let mut stream = Stream::open(&node).await;
    stream.create("a").await;
    assert!(stream.next().await.created);
    let (server, client) = (node.server.clone(), node.client.clone());
    let since = tokio::time::Instant::now();
    let (refused, ()) = tokio::join!(
        async { within(stream.answers.message()).await.unwrap_err() },
        server.drain()
    );
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::Unavailable, "etcdserver: server stopped")
    );
    assert!(since.elapsed() < Duration::from_secs(4), "nothing is left to wait for");
    assert!(
        tokio::net::TcpStream::connect(client.strip_prefix("http://").unwrap())
            .await
            .is_err()
    );
    node.stop().await;
}
