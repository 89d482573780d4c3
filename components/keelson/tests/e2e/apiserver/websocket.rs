//! Watches in a WebSocket, as browsers and the clients of Java ask for them: by hand, so that each byte is seen.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::apiserver::hostile::connect;
use crate::apiserver::pair::{ADMIN, Pair};
use crate::harness::{LONG, until_async};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// The same watch where the path says so itself.
const OLD: &str = "/api/v1/watch/namespaces/default/configmaps";

/// What a frame of the server is.
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A WebSocket.
struct Socket(TlsStream<TcpStream>);

impl Socket {
    /// Asks for a path, with these headers beyond those that a browser sends; gives the head of the answer, too.
    async fn open(pair: &Pair, path: &str, headers: &[&str]) -> (Self, String) {
        let mut stream = connect(pair).await;
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        let usual = [
            "Connection: keep-alive, Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ];
        for header in usual.iter().chain(headers) {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = tokio::time::timeout(LONG, stream.read_u8()).await.unwrap();
            head.push(byte.unwrap());
        }
        (Self(stream), String::from_utf8(head).unwrap().to_lowercase())
    }

    /// The next frame: what it is and holds. The server's are whole and not masked.
    async fn frame(&mut self) -> (u8, Vec<u8>) {
        let frame = async {
            let first = self.0.read_u8().await.unwrap();
            assert_eq!(first & 0xf0, 0x80, "each is whole");
            let length = match self.0.read_u8().await.unwrap() {
                126 => u64::from(self.0.read_u16().await.unwrap()),
                127 => self.0.read_u64().await.unwrap(),
                length => u64::from(length),
            };
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            self.0.read_exact(&mut payload).await.unwrap();
            (first & 0xf, payload)
        };
        tokio::time::timeout(LONG, frame).await.unwrap()
    }

    /// The next event, which must be JSON.
    async fn event(&mut self) -> serde_json::Value {
        let (sort, payload) = self.frame().await;
        assert_eq!(sort, TEXT);
        assert!(payload.ends_with(b"\n"));
        serde_json::from_slice(&payload).unwrap()
    }

    /// Says something short, masked with zeros.
    async fn say(&mut self, sort: u8, payload: &[u8]) {
        let length = u8::try_from(payload.len()).unwrap();
        let head = [0x80 | sort, 0x80 | length, 0, 0, 0, 0];
        self.0.write_all(&[&head, payload].concat()).await.unwrap();
    }

    /// That the server says farewell, and then nothing.
    async fn ends(mut self) {
        assert_eq!(self.frame().await, (CLOSE, vec![0x03, 0xe8]));
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(LONG, self.0.read_to_end(&mut rest)).await.unwrap();
        assert!(rest.is_empty(), "{rest:?}");
    }
}

fn admin() -> String {
    format!("Authorization: Bearer {ADMIN}")
}

fn map(text: &str) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"t": text}})
}

/// Changes the map.
fn change(pair: &Pair, text: &str) {
    let answer = pair.send("PUT", &format!("{MAPS}/a"), &[], &map(text).to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// The value of a metric of these watches.
fn counted(pair: &Pair, family: &str, label: &str) -> Option<f64> {
    let page = pair.curl(&["/metrics"]).stdout;
    let is_ours = |line: &&str| line.starts_with(family) && line.contains(label) && line.contains(r#""configmaps""#);
    page.lines().find(is_ours)?.rsplit_once(' ')?.1.parse().ok()
}

#[tokio::test]
async fn each_event_of_a_watch_is_a_message_and_the_end_is_a_farewell() {
    let pair = Pair::start();
    pair.create(MAPS, &map("0"));
    let (admin, origin) = (admin(), "Origin: https://127.0.0.1");
    // The watches of the server itself are of other namespaces, and stay.
    let only = "fieldSelector=metadata.name%3Da";
    for path in [format!("{MAPS}?watch=1&{only}"), format!("{OLD}?{only}")] {
        let (mut socket, head) = Socket::open(&pair, &path, &[&admin, origin]).await;
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        assert!(
            head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"),
            "{head}"
        );
        let first = socket.event().await;
        assert_eq!(
            (&first["type"], &first["object"]["metadata"]["name"]),
            (&"ADDED".into(), &"a".into())
        );
        // What is said is passed over, what must be answered is answered, also between events.
        socket.say(TEXT, b"hello").await;
        socket.say(PING, b"1").await;
        assert_eq!(socket.frame().await, (PONG, b"1".to_vec()));
        let large = format!("{path} ").repeat(2000);
        change(&pair, &large);
        let changed = socket.event().await;
        assert_eq!(
            (&changed["type"], &changed["object"]["data"]["t"]),
            (&"MODIFIED".into(), &large.as_str().into())
        );
        socket.say(CLOSE, &[0x03, 0xe8]).await;
        socket.ends().await;
    }
    // The end of its time ends it, too.
    let (mut socket, _) = Socket::open(&pair, &format!("{MAPS}?watch=1&timeoutSeconds=1"), &[&admin, origin]).await;
    while socket.event().await["object"]["metadata"]["name"] != "a" {}
    let mut rest = Vec::new();
    tokio::time::timeout(LONG, socket.0.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
    assert!(rest.ends_with(&[0x88, 2, 0x03, 0xe8]), "{rest:?}");
}

#[tokio::test]
async fn a_watch_in_a_websocket_has_all_forms_and_is_counted_as_any() {
    let pair = Pair::start();
    pair.create(MAPS, &map("0"));
    let (admin, origin) = (admin(), "Origin: https://127.0.0.1");
    let path = format!("{MAPS}?watch=1");
    let open = || {
        counted(
            &pair,
            "apiserver_longrunning_requests{",
            r#"scope="namespace",subresource="",verb="WATCH""#,
        )
    };
    let before = open();
    for (accept, kind) in [
        ("application/json;as=Table;g=meta.k8s.io;v=v1", "Table"),
        (
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
            "PartialObjectMetadata",
        ),
    ] {
        let accept = format!("Accept: {accept}");
        let (mut socket, _) = Socket::open(&pair, &path, &[&admin, origin, &accept]).await;
        assert_eq!(socket.event().await["object"]["kind"], kind);
        socket.say(CLOSE, &[0x03, 0xe8]).await;
        socket.ends().await;
    }
    let accept = "Accept: application/vnd.kubernetes.protobuf;stream=watch";
    let (mut socket, _) = Socket::open(&pair, &path, &[&admin, origin, accept]).await;
    let (sort, event) = socket.frame().await;
    // The first field of the event, and no length before it.
    assert_eq!((sort, &event[..7]), (BINARY, &b"\x0a\x05ADDED"[..]));
    assert_eq!(open(), Some(before.unwrap_or_default() + 1.0));
    // The client is gone without a word.
    drop(socket);
    until_async("nobody watches any more", || async {
        (open() == Some(before.unwrap_or_default())).then_some(())
    })
    .await;
    let answered = counted(&pair, "apiserver_request_total{", r#"code="101""#);
    assert_eq!(answered, Some(3.0));
    assert!(counted(&pair, "apiserver_watch_events_total{", "").unwrap() >= 3.0);
}

#[tokio::test]
async fn a_browser_says_who_it_is_among_its_protocols() {
    let pair = Pair::start();
    pair.create(MAPS, &map("0"));
    let path = format!("{MAPS}?watch=1");
    let origin = "Origin: https://127.0.0.1";
    // The name of the user, as base64 for addresses.
    let token = "base64url.bearer.authorization.k8s.io.dG9rZW4tb2YtYWRtaW4";
    let protocols = format!("Sec-WebSocket-Protocol: {token}, any.thing");
    let (mut socket, head) = Socket::open(&pair, &path, &[origin, &protocols]).await;
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(head.contains("sec-websocket-protocol: any.thing\r\n"), "{head}");
    assert_eq!(socket.event().await["type"], "ADDED");
    // Upstream refuses whoever does not say where they come from, and several protocols.
    let admin = admin();
    for (headers, code) in [
        (vec![admin.as_str()], "403"),
        (vec![&admin, origin, "Sec-WebSocket-Protocol: a, b"], "400"),
        (vec![origin], "403"),
    ] {
        let (_, head) = Socket::open(&pair, &path, &headers).await;
        assert!(head.starts_with(&format!("http/1.1 {code} ")), "{headers:?}: {head}");
    }
}
