//! Messages as they stand on the wire: packed ones, damaged ones, and answers of many megabytes.

use std::io::{Read, Write};

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use prost::Message;
use proto::etcd::kv_client::KvClient;
use proto::etcd::watch_request::RequestUnion;
use proto::etcd::{
    PutRequest, PutResponse, RangeRequest, RangeResponse, WatchCreateRequest, WatchRequest, WatchResponse,
};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Service, ServiceExt};

use super::{Node, single, within};
use crate::frames::{HEAD, PACKED, framed};
use crate::reply::full;

/// A message packed by gzip, as a frame.
fn packed(message: &[u8]) -> Bytes {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(message).unwrap();
    let mut frame = framed(&packer.finish().unwrap()).to_vec();
    frame[0] = PACKED;
    frame.into()
}

/// What a packed frame holds.
fn unpacked(frame: &[u8]) -> Vec<u8> {
    assert_eq!(frame[0], PACKED);
    let mut message = Vec::new();
    GzDecoder::new(&frame[HEAD..]).read_to_end(&mut message).unwrap();
    message
}

/// Calls a method with a body made by hand.
async fn call(node: &Node, path: &str, encoding: &str, body: Bytes) -> http::Response<Body> {
    let mut request = Request::post(format!("{}/{path}", node.client))
        .header("content-type", "application/grpc")
        .header("grpc-accept-encoding", "gzip");
    if !encoding.is_empty() {
        request = request.header("grpc-encoding", encoding);
    }
    let mut channel = node.channel();
    within(channel.ready()).await.unwrap();
    within(channel.call(request.body(full(body)).unwrap())).await.unwrap()
}

/// Head, body and status of an answer.
async fn whole(response: http::Response<Body>) -> (HeaderMap, Bytes, Status) {
    let (head, body) = response.into_parts();
    let body = within(body.collect()).await.unwrap();
    let status = body.trailers().and_then(Status::from_header_map);
    let status = status.or_else(|| Status::from_header_map(&head.headers)).unwrap();
    (head.headers, body.to_bytes(), status)
}

fn put(value: &[u8]) -> Vec<u8> {
    let request = PutRequest {
        key: "k".into(),
        value: value.to_vec().into(),
        ..PutRequest::default()
    };
    request.encode_to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_pack_get_packed_answers() {
    let node = single().await;
    let (head, body, status) =
        whole(call(&node, "etcdserverpb.KV/Put", "gzip", packed(&put(&vec![7; 50_000]))).await).await;
    assert_eq!(
        (status.code(), &head["grpc-encoding"]),
        (Code::Ok, &"gzip".parse().unwrap())
    );
    assert_eq!(
        PutResponse::decode(&unpacked(&body)[..])
            .unwrap()
            .header
            .unwrap()
            .revision,
        2
    );

    let range = RangeRequest {
        key: "k".into(),
        ..RangeRequest::default()
    };
    let range = range.encode_to_vec();
    // A message need not be packed where messages may be.
    let (_, body, _) = whole(call(&node, "etcdserverpb.KV/Range", "gzip", framed(&range)).await).await;
    assert!(body.len() < 1000, "{}", body.len());
    let answer = RangeResponse::decode(&unpacked(&body)[..]).unwrap();
    assert_eq!(answer.kvs[0].decode().unwrap().value, vec![7; 50_000]);
    // Whoever only could unpack gets plain answers, as from Go's server.
    for encoding in ["", "identity"] {
        let (head, body, _) = whole(call(&node, "etcdserverpb.KV/Range", encoding, framed(&range)).await).await;
        assert!(!head.contains_key("grpc-encoding"));
        assert_eq!(RangeResponse::decode(&body[HEAD..]).unwrap(), answer);
    }

    let create = WatchRequest {
        request_union: Some(RequestUnion::CreateRequest(WatchCreateRequest {
            key: "k".into(),
            start_revision: 2,
            ..WatchCreateRequest::default()
        })),
    };
    let mut stream = call(
        &node,
        "etcdserverpb.Watch/Watch",
        "gzip",
        packed(&create.encode_to_vec()),
    )
    .await;
    // Answers may share a frame of HTTP/2, and one answer may need two.
    let mut held = BytesMut::new();
    let mut next = async || loop {
        if let Some(&[_, a, b, c, d]) = held.first_chunk() {
            let frame = HEAD + u32::from_be_bytes([a, b, c, d]) as usize;
            if held.len() >= frame {
                return WatchResponse::decode(&unpacked(&held.split_to(frame))[..]).unwrap();
            }
        }
        let frame = within(stream.body_mut().frame()).await.unwrap().unwrap();
        held.extend_from_slice(&frame.into_data().unwrap());
    };
    assert!(next().await.created);
    assert_eq!(next().await.events.len(), 1);
    drop(stream);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_cannot_be_read_are_refused_as_by_go() {
    let node = single().await;
    let limit = 1_572_864 + 512 * 1024;
    let mut flagged = framed(b"").to_vec();
    flagged[0] = 7;
    for (encoding, body, code, text) in [
        (
            "snappy",
            framed(&put(b"v")),
            Code::Unimplemented,
            "grpc: Decompressor is not installed for grpc-encoding \"snappy\"".to_owned(),
        ),
        (
            "",
            packed(&put(b"v")),
            Code::Internal,
            "grpc: compressed flag set with identity or empty encoding".to_owned(),
        ),
        (
            "gzip",
            flagged.into(),
            Code::Internal,
            "grpc: received unexpected payload format 7".to_owned(),
        ),
        // Small on the wire, and too large in memory.
        (
            "gzip",
            packed(&vec![0; 64 << 20]),
            Code::ResourceExhausted,
            format!("grpc: received message after decompression larger than max {limit}"),
        ),
        ("", framed(b"").slice(..3), Code::Internal, "unexpected EOF".to_owned()),
        ("", Bytes::new(), Code::Unknown, "EOF".to_owned()),
    ] {
        let (_, body, status) = whole(call(&node, "etcdserverpb.KV/Put", encoding, body).await).await;
        assert_eq!((status.code(), status.message(), body.len()), (code, &*text, 0));
    }
    let mut damaged = packed(&put(b"v")).to_vec();
    damaged[HEAD] ^= 1;
    let (_, _, status) = whole(call(&node, "etcdserverpb.KV/Put", "gzip", damaged.into()).await).await;
    assert!(
        status
            .message()
            .starts_with("grpc: failed to decompress the received message"),
        "{status}"
    );
    let (_, _, status) = whole(call(&node, "etcdserverpb.KV/Put", "", framed(&[0xff; 20])).await).await;
    assert!(
        status.message().starts_with("grpc: error unmarshalling request"),
        "{status}"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_arrive_as_they_were_written() {
    let node = single().await;
    let mut kv = KvClient::new(node.channel()).max_decoding_message_size(usize::MAX);
    let sizes = [0, 1_500_000, 10, 1000, 16 << 10, 100_000, 20_000];
    for n in 0..70 {
        let request = PutRequest {
            key: format!("k{n:02}").into(),
            value: vec![n; sizes[usize::from(n) % sizes.len()]].into(),
            ..PutRequest::default()
        };
        within(kv.put(request)).await.unwrap();
    }
    let all = RangeRequest {
        key: "k".into(),
        range_end: "l".into(),
        ..RangeRequest::default()
    };
    let answer = within(kv.range(all)).await.unwrap().into_inner();
    assert_eq!((answer.count, answer.kvs.len(), answer.more), (70, 70, false));
    for (n, item) in (0..).zip(&answer.kvs) {
        let item = item.decode().unwrap();
        assert_eq!(item.key, format!("k{n:02}"));
        assert!(item.value == vec![n; sizes[usize::from(n) % sizes.len()]], "{n}");
    }
    node.stop().await;
}
