//! Commands and forwarded ports, for clients of all protocols.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, Request};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{World, node, pod_on, request, soon};

const EXEC: &str = "/api/v1/namespaces/ns/pods/p/exec?command=a&command=b+c&stdin=true&stdout=true";
const FORWARD: &str = "/api/v1/namespaces/ns/pods/p/portforward";
const SPEAKS: &str = r#"["ExtendWebSocketsToKubelet"]"#;

/// A WebSocket and the headers of the answer, or the code of a refusal.
pub(super) async fn websocket(
    world: &World,
    path: &str,
    protocol: &str,
) -> Result<(WebSocketStream<TcpStream>, HeaderMap), u16> {
    let request = Request::builder()
        .uri(format!("ws://{}{path}", world.address))
        .header("host", "api:6443")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", protocol)
        .header("authorization", "Bearer secret")
        .body(())
        .unwrap();
    let stream = TcpStream::connect(world.address).await.unwrap();
    match soon(tokio_tungstenite::client_async(request, stream)).await {
        Ok((socket, answer)) => Ok((socket, answer.headers().clone())),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

fn on(channel: u8, bytes: impl AsRef<[u8]>) -> Message {
    let mut all = vec![channel];
    all.extend_from_slice(bytes.as_ref());
    Message::binary(all)
}

/// All that is said until the end, by channels.
async fn heard(socket: &mut WebSocketStream<TcpStream>) -> Vec<(u8, String)> {
    let mut heard: Vec<(u8, String)> = Vec::new();
    while let Some(Ok(message)) = soon(socket.next()).await {
        if let Message::Binary(bytes) = message {
            let text = String::from_utf8(bytes[1..].to_vec()).unwrap();
            heard.push((bytes[0], text));
        }
    }
    heard
}

/// A connection that was taken over by hand, with what was answered.
async fn upgraded(world: &World, method: &str, path: &str, headers: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: api:6443\r\nConnection: Upgrade\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(stream.read_u8()).await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap().to_lowercase())
}

#[tokio::test]
async fn a_command_is_translated_for_a_kubelet_that_speaks_spdy() {
    let world = World::new().await;
    let (mut socket, answer) = websocket(&world, EXEC, "v5.channel.k8s.io, v4.channel.k8s.io")
        .await
        .unwrap();
    assert_eq!(answer["sec-websocket-protocol"], "v5.channel.k8s.io");
    // What a large message holds arrives whole.
    let large = "x".repeat(100_000);
    for message in [on(0, "0 all "), on(9, "nobody's"), on(0, &large), on(255, [0])] {
        socket.send(message).await.unwrap();
    }
    let heard = heard(&mut socket).await;
    assert_eq!(heard[0], (1, String::new()), "the first message is empty");
    let of = |channel| {
        heard
            .iter()
            .filter(|(own, _)| *own == channel)
            .map(|(_, text)| text.as_str())
            .collect::<String>()
    };
    assert!(of(1) == format!("0 all {large}"), "{} bytes", of(1).len());
    assert_eq!(
        (of(2).as_str(), of(3).as_str()),
        ("oh", r#"{"metadata":{},"status":"Success"}"#)
    );
    let (line, headers) = world.kubelet.last();
    assert_eq!(line, "POST /exec/ns/p/c?command=a&command=b+c&error=1&input=1&output=1");
    assert_eq!(headers["upgrade"], "SPDY/3.1");
    let versions: Vec<_> = headers.get_all("x-stream-protocol-version").iter().collect();
    assert_eq!(
        (versions.len(), versions[0].to_str().unwrap()),
        (5, "v5.channel.k8s.io")
    );
    assert!(headers.get("authorization").is_none());
}

#[tokio::test]
async fn the_exit_code_of_a_command_is_told() {
    let world = World::new().await;
    let (mut socket, _) = websocket(&world, EXEC, "v5.channel.k8s.io").await.unwrap();
    for message in [on(0, "3"), on(255, [0])] {
        socket.send(message).await.unwrap();
    }
    let heard = heard(&mut socket).await;
    let (channel, told) = heard.last().unwrap();
    let words = "command terminated with non-zero exit code: command terminated with exit code 3";
    assert!(*channel == 3 && told.contains(words), "{told}");
}

#[tokio::test]
async fn a_terminal_has_one_output_and_sizes() {
    let world = World::new().await;
    let path = EXEC.replace("/exec?", "/attach?") + "&tty=true&stderr=true";
    let (mut socket, _) = websocket(&world, &path, "v5.channel.k8s.io").await.unwrap();
    let size = r#"{"Width":80,"Height":24}"#;
    for message in [on(4, size), on(0, "0"), on(255, [0])] {
        socket.send(message).await.unwrap();
    }
    let heard = heard(&mut socket).await;
    let said: String = heard
        .iter()
        .filter(|(own, _)| *own == 1)
        .map(|(_, text)| text.as_str())
        .collect();
    assert_eq!(said, format!("{size}0"));
    assert!(heard.iter().all(|(own, _)| *own != 2));
    assert_eq!(
        world.kubelet.last().0,
        "POST /attach/ns/p/c?error=1&input=1&output=1&tty=1"
    );
}

#[tokio::test]
async fn a_command_ends_at_the_kubelet_when_the_client_goes() {
    let world = World::new().await;
    world
        .objects
        .put("pods", &pod_on("wait", r#""nodeName":"n","containers":[{"name":"c"}]"#));
    let path = EXEC.replace("/pods/p/", "/pods/wait/");
    let (mut socket, _) = websocket(&world, &path, "v5.channel.k8s.io").await.unwrap();
    socket.send(on(0, "x")).await.unwrap();
    while soon(socket.next()).await.unwrap().unwrap() != on(1, "x") {}
    drop(socket);
    assert_eq!(soon(world.kubelet.dropped.lock().await.recv()).await, Some("command"));
}

#[tokio::test]
async fn what_keeps_a_command_from_running_is_told_on_the_error_channel() {
    let world = World::new().await;
    for name in ["bad", "odd", "reset"] {
        world
            .objects
            .put("pods", &pod_on(name, r#""nodeName":"n","containers":[{"name":"c"}]"#));
    }
    world.objects.put("nodes", &node("dead", "nobody", 1, "[]"));
    world.objects.put(
        "pods",
        &pod_on("dead", r#""nodeName":"dead","containers":[{"name":"c"}]"#),
    );
    for (name, words) in [
        ("bad", r#"unable to upgrade connection: container not found (\"c\")"#),
        ("odd", "unable to upgrade connection: what?"),
        ("reset", "Stream reset"),
        (
            "dead",
            r#"error sending request: Post \"https://nobody:1/exec/ns/dead/c?command=a\u0026command=b+c\u0026error=1\u0026input=1\u0026output=1\": dial tcp: lookup nobody: no such host"#,
        ),
    ] {
        let path = EXEC.replace("/pods/p/", &format!("/pods/{name}/"));
        let (mut socket, _) = websocket(&world, &path, "v5.channel.k8s.io").await.unwrap();
        let heard = heard(&mut socket).await;
        let (channel, told) = heard.last().unwrap();
        let message = format!("\"message\":\"Internal error occurred: {words}\"");
        assert!(*channel == 3 && told.contains(&message), "{name}: {told}");
    }
}

#[tokio::test]
async fn older_protocols_and_kubelets_that_speak_websockets_are_handed_through() {
    let world = World::new().await;
    for (features, protocol) in [("[]", "v4.channel.k8s.io"), (SPEAKS, "v5.channel.k8s.io")] {
        world
            .objects
            .put("nodes", &node("n", "node-1", world.kubelet.port, features));
        let (mut socket, answer) = websocket(&world, EXEC, protocol).await.unwrap();
        assert_eq!(answer["sec-websocket-protocol"], protocol);
        // The kubelet echoes, channels and all.
        socket.send(on(0, "as it is")).await.unwrap();
        assert_eq!(soon(socket.next()).await.unwrap().unwrap(), on(0, "as it is"));
        let (line, headers) = world.kubelet.last();
        assert!(line.starts_with("GET /exec/"), "{line}");
        assert_eq!(headers["upgrade"], "websocket");
        assert_eq!(
            (headers.get("authorization"), &headers["x-forwarded-for"]),
            (None, &"127.0.0.1".parse().unwrap())
        );
    }
}

#[tokio::test]
async fn spdy_is_handed_through_byte_for_byte() {
    let world = World::new().await;
    let headers = "Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\nContent-Length: 0\r\n";
    let (mut stream, head) = upgraded(&world, "POST", &format!("{FORWARD}?ports=80,81&ports=82"), headers).await;
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    for line in [
        "connection: upgrade",
        "upgrade: spdy/3.1",
        "x-stream-protocol-version: portforward.k8s.io",
    ] {
        assert!(head.contains(line), "{head}");
    }
    let sent: Vec<u8> = (0..200_000u32).map(|at| (at % 251) as u8).collect();
    let mut back = vec![0; sent.len()];
    let (mut from, mut to) = stream.split();
    let (written, read) = soon(async { tokio::join!(to.write_all(&sent), from.read_exact(&mut back)) }).await;
    written.unwrap();
    read.unwrap();
    assert!(sent == back);
    assert_eq!(world.kubelet.last().0, "POST /portForward/ns/p?port=80%2C81%2C82");
    drop(stream);
    assert_eq!(soon(world.kubelet.dropped.lock().await.recv()).await, Some("port"));
}

#[tokio::test]
async fn a_client_that_stops_speaking_ends_the_connection_on_both_sides() {
    let world = World::new().await;
    let headers = "Upgrade: SPDY/3.1\r\nContent-Length: 0\r\n";
    let (mut stream, _) = upgraded(&world, "POST", FORWARD, headers).await;
    stream.shutdown().await.unwrap();
    assert_eq!(soon(stream.read(&mut [0; 8])).await.unwrap(), 0);
    assert_eq!(soon(world.kubelet.dropped.lock().await.recv()).await, Some("port"));
}

#[tokio::test]
async fn forwarded_ports_pass_in_messages() {
    let world = World::new().await;
    let (mut socket, answer) = websocket(&world, FORWARD, "SPDY/3.1+portforward.k8s.io").await.unwrap();
    assert_eq!(answer["sec-websocket-protocol"], "SPDY/3.1+portforward.k8s.io");
    let (line, headers) = world.kubelet.last();
    assert_eq!(
        (line.as_str(), headers["upgrade"].to_str().unwrap()),
        ("POST /portForward/ns/p", "SPDY/3.1")
    );
    assert_eq!(headers["x-stream-protocol-version"], "portforward.k8s.io");
    assert!(
        headers
            .keys()
            .all(|name| name != "sec-websocket-key" && name != "sec-websocket-protocol")
    );
    let sent = vec![7; 70_000];
    socket.send(Message::binary(sent.clone())).await.unwrap();
    let mut back = Vec::new();
    while back.len() < sent.len() {
        back.extend_from_slice(&soon(socket.next()).await.unwrap().unwrap().into_data());
    }
    assert!(back == sent);
    // A tunnel is of bytes: text ends it.
    socket.send(Message::text("x")).await.unwrap();
    assert!(soon(socket.next()).await.unwrap().unwrap().is_close());
    assert_eq!(soon(world.kubelet.dropped.lock().await.recv()).await, Some("port"));
}

/// A request that asks for SPDY.
fn spdy(path: &str) -> Request<Full<Bytes>> {
    let mut request = request("POST", path);
    request.headers_mut().insert("connection", "Upgrade".parse().unwrap());
    request.headers_mut().insert("upgrade", "SPDY/3.1".parse().unwrap());
    request
}

#[tokio::test]
async fn what_cannot_be_connected_is_refused_in_upstreams_words() {
    let world = World::new().await;
    world
        .objects
        .put("pods", &pod_on("un", r#""containers":[{"name":"c"}]"#));
    world.objects.put("nodes", &node("dead", "nobody", 1, "[]"));
    world.objects.put(
        "pods",
        &pod_on("dead", r#""nodeName":"dead","containers":[{"name":"c"}]"#),
    );
    let pods = "/api/v1/namespaces/ns/pods";
    for (request, code, words) in [
        (request("GET", EXEC), 400, "Upgrade request required"),
        (
            request("GET", &format!("{pods}/un/exec")),
            400,
            "pod un does not have a host assigned",
        ),
        (
            request("GET", &format!("{pods}/un/exec?container=zz")),
            400,
            "container zz is not valid for pod un",
        ),
        (
            request("GET", &format!("{pods}/un/attach")),
            400,
            "pod un does not have a host assigned",
        ),
        (
            request("GET", &format!("{pods}/un/portforward")),
            400,
            "pod un does not have a host assigned",
        ),
        (
            request("GET", &format!("{pods}/none/exec")),
            404,
            r#"pods "none" not found"#,
        ),
        (
            request("GET", &format!("{FORWARD}?ports=80,x")),
            400,
            r#"cannot convert to []int32: strconv.ParseUint: parsing "x": invalid syntax"#,
        ),
        (
            request("GET", &format!("{FORWARD}?ports=65536")),
            400,
            r#"cannot convert to []int32: strconv.ParseUint: parsing "65536": value out of range"#,
        ),
        (
            request("GET", &format!("{EXEC}&dryRun=All")),
            400,
            "dryRun is not supported",
        ),
        (
            spdy(&format!("{pods}/dead/exec?command=x")),
            500,
            "error dialing backend: dial tcp: lookup nobody: no such host",
        ),
    ] {
        let shown = request.uri().to_string();
        assert_eq!(world.refusal(request).await, (code, words.to_owned()), "{shown}");
    }
    assert_eq!(world.refusal(request("PUT", EXEC)).await.0, 405);
}

#[tokio::test]
async fn what_the_kubelet_refuses_comes_as_the_kubelet_says_it() {
    let world = World::new().await;
    let pods = "/api/v1/namespaces/ns/pods";
    world
        .objects
        .put("pods", &pod_on("bad", r#""nodeName":"n","containers":[{"name":"c"}]"#));
    let (parts, body) = world.ask(spdy(&format!("{pods}/bad/exec?command=x"))).await;
    assert_eq!(
        (parts.status.as_u16(), body.as_str()),
        (404, r#"{"message":"container not found (\"c\")"}"#)
    );
    world
        .objects
        .put("pods", &pod_on("odd", r#""nodeName":"n","containers":[{"name":"c"}]"#));
    let refused = world.refusal(spdy(&format!("{pods}/odd/exec?command=x"))).await;
    assert_eq!(refused, (500, "invalid upgrade response: status code 200".to_owned()));
}

#[tokio::test]
async fn who_may_only_read_is_not_connected() {
    let world = World::new().await;
    let mut request = request("GET", EXEC);
    request.headers_mut().insert("user", "reader".parse().unwrap());
    let refused = world.refusal(request).await;
    assert_eq!(refused, (403, r#"pods "p" is forbidden: "#.to_owned()));
}
