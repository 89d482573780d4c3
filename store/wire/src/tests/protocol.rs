//! Clients that speak badly: the port refuses them and goes on for everybody else.

use proto::etcd::kv_client::KvClient;
use proto::etcd::lease_client::LeaseClient;
use proto::etcd::{LeaseGrantRequest, PutRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::{Code, Status};

use super::{Node, Wanted, eventually, get, one, send, single, whole, within};
use crate::Options;
use crate::frames::framed;
use crate::http2::{GOAWAY, HEAD, HEADERS, Head, PING};

const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;

/// An HTTP/2 connection written by hand.
pub(super) struct Raw(TcpStream);

impl Raw {
    pub(super) async fn open(node: &Node) -> Self {
        let mut raw = Self(
            TcpStream::connect(node.client.strip_prefix("http://").unwrap())
                .await
                .unwrap(),
        );
        raw.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        raw.frame(SETTINGS, 0, 0, &[]).await;
        raw
    }

    pub(super) async fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let head = Head {
            length: payload.len(),
            kind,
            flags,
            stream,
        };
        let mut bytes = Vec::new();
        head.write(&mut bytes);
        bytes.extend_from_slice(payload);
        // The other side may have closed already; what it said before is read below.
        let _ = self.0.write_all(&bytes).await;
    }

    /// The head of a gRPC call. Each field is a literal, neither indexed nor compressed.
    async fn call(&mut self, stream: u32, path: &str, ends: bool) {
        let mut block = Vec::new();
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ] {
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).unwrap());
                block.extend_from_slice(text.as_bytes());
            }
        }
        self.frame(HEADERS, 4 | u8::from(ends), stream, &block).await;
    }

    /// The next frame of one of the kinds, on any stream; nothing once the connection is closed.
    pub(super) async fn next(&mut self, kinds: &[u8]) -> Option<(u8, u32, Vec<u8>)> {
        loop {
            let mut head = [0; HEAD];
            within(self.0.read_exact(&mut head)).await.ok()?;
            let head = Head::read(head);
            let mut payload = vec![0; head.length];
            within(self.0.read_exact(&mut payload)).await.ok()?;
            if head.kind == SETTINGS && head.flags == 0 {
                self.frame(SETTINGS, 1, 0, &[]).await;
            }
            if kinds.contains(&head.kind) {
                return Some((head.kind, head.stream, payload));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_without_slash_is_no_method() {
    let node = single().await;
    let mut raw = Raw::open(&node).await;
    let mut answers = loona_hpack::Decoder::new();
    for (stream, path, message) in [
        (
            1,
            "/etcdserverpb.KV/Nothing",
            "unknown method Nothing for service etcdserverpb.KV",
        ),
        (
            3,
            "etcdserverpb.KV/Put",
            "malformed method name: \"etcdserverpb.KV/Put\"",
        ),
        (
            5,
            "/etcdserverpb.KV/Nothing",
            "unknown method Nothing for service etcdserverpb.KV",
        ),
        (7, "", "malformed method name: \"\""),
        (9, "*", "malformed method name: \"*\""),
    ] {
        raw.call(stream, path, true).await;
        let (kind, on, block) = raw.next(&[HEADERS, RST_STREAM, GOAWAY]).await.unwrap();
        assert_eq!((kind, on), (HEADERS, stream), "{path}");
        let fields = answers.decode(&block).unwrap();
        let headers = fields.iter().filter(|(name, _)| !name.starts_with(b":"));
        let headers = headers.map(|(name, value)| (name[..].try_into().unwrap(), value[..].try_into().unwrap()));
        let status = Status::from_header_map(&headers.collect()).unwrap();
        assert_eq!((status.code(), status.message()), (Code::Unimplemented, message));
    }
    drop(raw);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_methods_are_unimplemented() {
    let node = single().await;
    let mut client = tonic::client::Grpc::new(node.channel());
    let mut call = async |path: &'static str| -> Status {
        client.ready().await.unwrap();
        let codec: tonic_prost::ProstCodec<PutRequest, PutRequest> = tonic_prost::ProstCodec::default();
        let path = http::uri::PathAndQuery::from_static(path);
        client
            .unary(tonic::Request::new(PutRequest::default()), path, codec)
            .await
            .unwrap_err()
    };
    let status = call("/etcdserverpb.KV/Nothing").await;
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(status.message(), "unknown method Nothing for service etcdserverpb.KV");
    assert_eq!(call("/a.B/C").await.message(), "unknown service a.B");
    let (_, metrics) = get(&node.client, "/metrics").await;
    assert!(!metrics.contains("Nothing"), "unknown methods make no series");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_streams_are_cleaned_up() {
    let node = single().await;
    let mut raw = Raw::open(&node).await;
    // Calls whose message never ends, then a connection that vanishes.
    for stream in 0..50 {
        raw.call(stream * 2 + 1, "/etcdserverpb.KV/Put", false).await;
        raw.frame(0, 0, stream * 2 + 1, &framed(&[7; 100])[..50]).await;
    }
    let line = |code: &str| {
        format!(
            "grpc_server_handled_total{{grpc_code=\"{code}\",grpc_method=\"Put\",grpc_service=\"etcdserverpb.KV\",\
             grpc_type=\"unary\"}} 50"
        )
    };
    let started =
        "grpc_server_started_total{grpc_method=\"Put\",grpc_service=\"etcdserverpb.KV\",grpc_type=\"unary\"} 50";
    eventually(async || get(&node.client, "/metrics").await.1.contains(started)).await;
    drop(raw);
    eventually(async || {
        let (_, metrics) = get(&node.client, "/metrics").await;
        ["Canceled", "Unknown", "Internal", "Unavailable"]
            .iter()
            .any(|code| metrics.contains(&line(code)))
    })
    .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eager_pingers_are_cut_off() {
    let node = single().await;
    let mut raw = Raw::open(&node).await;
    raw.call(1, "/etcdserverpb.Watch/Watch", false).await;
    raw.next(&[HEADERS]).await.unwrap();
    for n in 0..6 {
        raw.frame(PING, 0, 0, &[n; 8]).await;
    }
    let goaway = loop {
        let (kind, _, payload) = raw.next(&[PING, GOAWAY]).await.unwrap();
        if kind == GOAWAY {
            break payload;
        }
    };
    // The stream that was opened last, ENHANCE_YOUR_CALM, and why: Go's clients look for this text.
    assert_eq!(goaway, [&[0, 0, 0, 1, 0, 0, 0, 0xb][..], b"too_many_pings"].concat());
    assert_eq!(raw.next(&[PING, GOAWAY]).await, None);

    let options = Options {
        keepalive_min_time: std::time::Duration::ZERO,
        ..Options::default()
    };
    let patient = one(Wanted {
        options,
        ..Wanted::default()
    })
    .await;
    let mut raw = Raw::open(&patient).await;
    for n in 0..6 {
        raw.frame(PING, 0, 0, &[n; 8]).await;
        assert_eq!(raw.next(&[PING, GOAWAY]).await, Some((PING, 0, vec![n; 8])));
    }
    drop(raw);
    node.stop().await;
    patient.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_ends_the_connection() {
    let node = single().await;
    let address = node.client.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket
        .write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])
        .await
        .unwrap();
    socket.write_all(b"\r\n\r\n").await.unwrap();
    let mut read = Vec::new();
    let _ = within(socket.read_to_end(&mut read)).await;
    KvClient::new(node.channel())
        .put(PutRequest {
            key: "a".into(),
            ..PutRequest::default()
        })
        .await
        .unwrap();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_are_kept() {
    let node = single().await;
    let mut lease = LeaseClient::new(node.channel());
    for id in [1, 2] {
        lease.lease_grant(LeaseGrantRequest { id, ttl: 60 }).await.unwrap();
    }
    // Over the gateway: a gRPC client would keep the deadline by itself.
    let lock = async |lease: u8, request: http::request::Builder| {
        whole(send(&node.client, request, &format!(r#"{{"name":"bA==","lease":{lease}}}"#)).await).await
    };
    let request = || http::Request::post("/v3/lock/lock");
    assert_eq!(lock(1, request()).await.0, 200);
    let (status, text) = lock(2, request().header("grpc-timeout", "500m")).await;
    assert_eq!(status, 504, "{text}");
    assert!(text.contains("etcdserver: context deadline exceeded"), "{text}");
    node.stop().await;
}
