//! Clients that name the server in Go's way only: they are answered as everybody is.

use prost::Message;
use proto::etcd::kv_client::KvClient;
use proto::etcd::{PutRequest, RangeRequest, RangeResponse};

use super::protocol::Raw;
use super::single;
use crate::frames::framed;
use crate::http2::{DATA, GOAWAY, HEADERS};

const RST_STREAM: u8 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_only_go_reads_is_no_hindrance() {
    let node = single().await;
    let put = PutRequest {
        key: "a".into(),
        value: "b".into(),
        ..PutRequest::default()
    };
    KvClient::new(node.channel()).put(put).await.unwrap();

    let authority = format!("passthrough:///{}", node.client);
    let head = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/etcdserverpb.KV/Range"),
        (":authority", &authority),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let range = RangeRequest {
        key: "a".into(),
        ..RangeRequest::default()
    };
    let mut block: Vec<u8> = head
        .iter()
        .flat_map(|(name, value)| {
            [
                &[0x40, name.len() as u8],
                name.as_bytes(),
                &[value.len() as u8],
                value.as_bytes(),
            ]
            .concat()
        })
        .collect();
    let mut raw = Raw::open(&node).await;
    for stream in [1, 3, 5] {
        raw.frame(HEADERS, 4, stream, &block).await;
        // From the second request on, each field is a reference to the first request's.
        block = vec![0xc3, 0xc2, 0xc1, 0xc0, 0xbf, 0xbe];
        raw.frame(DATA, 1, stream, &framed(&range.encode_to_vec())).await;
        let (kind, on, _) = raw.next(&[HEADERS, RST_STREAM, GOAWAY]).await.unwrap();
        assert_eq!((kind, on), (HEADERS, stream));
        let (kind, _, payload) = raw.next(&[DATA, HEADERS, RST_STREAM, GOAWAY]).await.unwrap();
        assert_eq!(kind, DATA);
        let answer = RangeResponse::decode(&payload[5..]).unwrap();
        assert_eq!((answer.count, answer.kvs.len()), (1, 1));
        let (kind, ..) = raw.next(&[HEADERS, RST_STREAM, GOAWAY]).await.unwrap();
        assert_eq!(kind, HEADERS, "trailers");
    }
    // A reference to nothing is answered as it is for everybody: the connection ends.
    raw.frame(HEADERS, 5, 7, &[0xff, 0]).await;
    assert_eq!(raw.next(&[HEADERS, RST_STREAM, GOAWAY]).await.unwrap().0, GOAWAY);
    drop(raw);
    node.stop().await;
}
