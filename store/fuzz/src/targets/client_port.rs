//! The client port as a socket: HTTP/1.1 and HTTP/2, heads and paths, frames of gRPC, gzip, the JSON gateway.
//!
//! An input: a byte that says which kind, then pieces. The first kind is what a client sends, in pieces. Of the others the
//! frames are made here, so that noise gets past them: a call of gRPC is its path, its fields, one a line, and its
//! messages; a request to the gateway is its path and its body. All inputs meet one member, which goes on from one to the
//! next.

use std::net::SocketAddr;
use std::sync::OnceLock;

use base::task::Tasks;
use prometheus::Registry;
use prost::Message;
use proto::etcd;
use store_wire::{Options, Server, Serves, bind};

use crate::support::grpc::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PADDED, PING, answered, block, call, frame, head, hello,
    message, send,
};
use crate::support::{block_on, member, must, sample};
use crate::{Verdict, pieces};

/// What is said of a call that was not read: too long, of no known name, or of bytes that are no message.
const UNREAD: &[u8] = &[11, 12, 13];

/// What keeps a port open.
struct Port {
    at: SocketAddr,
    _server: Server,
    _tasks: Tasks,
}

fn port() -> SocketAddr {
    static PORT: OnceLock<Port> = OnceLock::new();
    let port = PORT.get_or_init(|| block_on(open()));
    port.at
}

async fn open() -> Port {
    let (registry, tasks) = (Registry::new(), Tasks::new());
    let member = member::start(member::config(), &registry, &tasks).await;
    let server = must(
        "prepare the ports",
        Server::new(member, &registry, Options::default(), &tasks),
    );
    let bound = must("bind a port", bind("http://127.0.0.1:0").await);
    let at = bound.url().trim_start_matches("http://").parse::<SocketAddr>();
    server.client(bound, None, Serves::Everything);
    Port {
        at: must("read an address", at),
        _server: server,
        _tasks: tasks,
    }
}

/// Sends an input and reads until the port is quiet.
///
/// # Panics
/// Where the port takes no more connections.
pub fn run(data: &[u8]) -> Verdict {
    let Some((which, rest)) = data.split_first() else {
        return Verdict::Refused;
    };
    let pieces: Vec<&[u8]> = pieces::split(rest).collect();
    let sent = match which % 3 {
        0 => pieces.concat(),
        1 => framed(&pieces),
        _ => {
            let piece = |at: usize| pieces.get(at).copied().unwrap_or_default();
            post(&pieces::text(piece(0)), piece(1))
        }
    };
    let answer = send(port(), &sent);
    Verdict::of(answer.starts_with(b"HTTP/1.1 2") || answer.starts_with(b"HTTP/1.1 1") || answered(&answer, UNREAD))
}

/// A whole call, out of its pieces.
fn framed(pieces: &[&[u8]]) -> Vec<u8> {
    let text = |at: usize| pieces::text(pieces.get(at).copied().unwrap_or_default());
    call(&text(0), &text(1), pieces.get(2..).unwrap_or_default())
}

/// Heads that are hard to read: a path without a slash, an authority of Go's, a block in two frames, padding, and
/// references to what an earlier block said.
fn odd_heads() -> Vec<Vec<u8>> {
    let mut path = hello();
    path.extend(frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        1,
        &block(false, &head("etcdserverpb.KV/Put", "localhost")),
    ));
    path.extend(frame(PING, 0, 0, &[7; 8]));

    let mut authority = hello();
    let fields = head("/etcdserverpb.KV/Range", "passthrough:///http://127.0.0.1:2379");
    authority.extend(frame(HEADERS, END_HEADERS, 1, &block(true, &fields)));
    authority.extend(frame(
        DATA,
        END_STREAM,
        1,
        &message(0, &sample::everything().encode_to_vec()),
    ));
    authority.extend(frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        3,
        &[0xc3, 0xc2, 0xc1, 0xc0, 0xbf, 0xbe],
    ));

    let whole = block(true, &head("/etcdserverpb.KV/Range", "localhost"));
    let (first, second) = whole.split_at(whole.len() / 2);
    let mut pieces = hello();
    let mut padded = vec![3];
    padded.extend_from_slice(first);
    padded.extend_from_slice(&[0; 3]);
    pieces.extend(frame(HEADERS, PADDED, 1, &padded));
    pieces.extend(frame(CONTINUATION, END_HEADERS, 1, second));
    pieces.extend(frame(
        DATA,
        END_STREAM,
        1,
        &message(0, &sample::everything().encode_to_vec()),
    ));
    vec![path, authority, pieces]
}

fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut out =
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")
            .into_bytes();
    out.extend_from_slice(body);
    out
}

/// Calls of gRPC, to be framed.
fn calls() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let put = sample::put("k", "v", 0).encode_to_vec();
    let all = sample::everything().encode_to_vec();
    let watch = etcd::WatchRequest {
        request_union: Some(etcd::watch_request::RequestUnion::CreateRequest(
            etcd::WatchCreateRequest {
                key: "k".into(),
                start_revision: 1,
                ..etcd::WatchCreateRequest::default()
            },
        )),
    };
    let grant = etcd::LeaseGrantRequest { ttl: 5, id: 9 };
    vec![
        ("/etcdserverpb.KV/Put", "", put.clone()),
        (
            "/etcdserverpb.KV/Put",
            "grpc-encoding=gzip\ngrpc-timeout=250m\nhasleader=true",
            put,
        ),
        ("/etcdserverpb.KV/Range", "token=a.1", all.clone()),
        ("/etcdserverpb.KV/RangeStream", "grpc-accept-encoding=gzip", all),
        ("/etcdserverpb.KV/Txn", "", sample::txn().encode_to_vec()),
        ("/etcdserverpb.KV/Txn", "", sample::questions().encode_to_vec()),
        ("/etcdserverpb.Watch/Watch", "", watch.encode_to_vec()),
        ("/etcdserverpb.Lease/LeaseGrant", "", grant.encode_to_vec()),
        ("/etcdserverpb.Lease/LeaseKeepAlive", "", vec![8, 9]),
        ("/etcdserverpb.Lease/LeaseTimeToLive", "", vec![8, 9, 16, 1]),
        ("/etcdserverpb.Maintenance/Snapshot", "", Vec::new()),
        ("/etcdserverpb.Maintenance/HashKV", "", vec![8, 1]),
        ("/etcdserverpb.Auth/UserGet", "", vec![10, 1, b'u']),
        ("/v3electionpb.Election/Leader", "", vec![10, 1, b'e']),
        ("/grpc.health.v1.Health/Check", "", Vec::new()),
        ("/etcdserverpb.KV/Nothing", "", Vec::new()),
    ]
}

/// Requests that are sent as they are.
fn plain() -> Vec<Vec<u8>> {
    let mut plain: Vec<Vec<u8>> = calls()
        .iter()
        .map(|(path, fields, message)| framed(&[path.as_bytes(), fields.as_bytes(), message.as_slice()]))
        .collect();
    plain.extend(odd_heads());
    for path in [
        "/health?exclude=NOSPACE&serializable=true",
        "/readyz?verbose",
        "/version",
        "/metrics",
    ] {
        plain.push(format!("GET {path} HTTP/1.1\r\nHost: [::1]:2379\r\nConnection: close\r\n\r\n").into_bytes());
    }
    let mut socket = b"GET /v3/watch HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: Bearer, token\r\n\r\n"
        .to_vec();
    // A masked frame of text, its mask zero.
    let text = br#"{"create_request":{"key":"Zm9v"}}"#;
    socket.extend_from_slice(&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0]);
    socket.extend_from_slice(text);
    plain.push(socket);
    plain
}

/// Calls of every shape over gRPC, requests to the gateway, pages, and a websocket.
pub fn seeds() -> Vec<Vec<u8>> {
    let seed = |which: u8, pieces: &[&[u8]]| [&[which][..], &pieces::join(pieces)].concat();
    let mut seeds: Vec<Vec<u8>> = plain()
        .iter()
        .map(|sent| seed(0, &sent.chunks(24).collect::<Vec<_>>()))
        .collect();
    for (path, fields, message) in calls() {
        seeds.push(seed(1, &[path.as_bytes(), fields.as_bytes(), &message]));
    }
    for (path, body) in [
        ("/v3/kv/put", r#"{"key":"Zm9v","value":"YmFy"}"#),
        ("/v3/kv/range", r#"{"key":"AA==","range_end":"AA=="}"#),
        ("/v3beta/kv/txn", r#"{"success":[{"requestPut":{"key":"Zm9v"}}]}"#),
        ("/v3/watch", r#"{"create_request":{"key":"Zm9v","start_revision":"1"}}"#),
        ("/v3/lease/keepalive", "{\"ID\":9}\n{\"ID\":\"9\"}"),
        ("/v3/maintenance/status", ""),
        ("/v3/nothing", "{}"),
    ] {
        seeds.push(seed(2, &[path.as_bytes(), body.as_bytes()]));
    }
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(path: &str, fields: &str, message: &[u8]) -> Verdict {
        let pieces = pieces::join([path.as_bytes(), fields.as_bytes(), message]);
        run(&[&[1][..], &pieces].concat())
    }

    #[test]
    fn what_is_not_read_is_not_understood() {
        let put = sample::put("k", "v", 0).encode_to_vec();
        assert_eq!(call("/etcdserverpb.KV/Put", "", &put), Verdict::Understood);
        assert_eq!(call("/etcdserverpb.KV/Nothing", "", &put), Verdict::Refused);
        assert_eq!(call("/etcdserverpb.KV/Put", "", &[0xff]), Verdict::Refused);
        // An empty key is refused by who has read it.
        assert_eq!(call("/etcdserverpb.KV/Put", "", b""), Verdict::Understood);
        let (takes, sends) = ("grpc-accept-encoding=gzip", "grpc-encoding=gzip");
        assert_eq!(call("/etcdserverpb.KV/Put", takes, &put), Verdict::Understood);
        assert_eq!(call("/etcdserverpb.KV/Put", sends, &put), Verdict::Understood);
    }

    #[test]
    fn what_is_long_is_read() {
        let value = etcd::PutRequest {
            value: vec![b'v'; 50_000].into(),
            ..sample::put("k", "v", 0)
        };
        let put = value.encode_to_vec();
        assert_eq!(call("/etcdserverpb.KV/Put", "", &put), Verdict::Understood);
        for bytes in [127, 128, 300, 5_000] {
            let field = format!("field={}", "v".repeat(bytes));
            let put = sample::put("k", "v", 0).encode_to_vec();
            assert_eq!(
                call("/etcdserverpb.KV/Put", &field, &put),
                Verdict::Understood,
                "{bytes}"
            );
        }
    }
}
