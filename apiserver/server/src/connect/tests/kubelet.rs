//! A kubelet that is played: TLS, logs, commands over SPDY and in messages, and ports that echo.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use base::task::Tasks;
use base::tls::{KeyPair, ServerOptions, ServerTls};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt, stream};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::speak;

/// What was asked: method and target, and headers.
type Heard = Arc<Mutex<Vec<(String, HeaderMap)>>>;

/// A kubelet.
pub(super) struct Kubelet {
    pub(super) port: u16,
    pub(super) heard: Heard,
    /// Says each time that a connection was dropped whose end nobody had asked for.
    pub(super) dropped: tokio::sync::Mutex<mpsc::UnboundedReceiver<&'static str>>,
}

impl Kubelet {
    pub(super) async fn start(pair: &KeyPair, authority: &Path, tasks: &Tasks) -> Self {
        let tls = ServerTls::new(ServerOptions {
            cert_file: pair.cert_file.clone(),
            key_file: pair.key_file.clone(),
            trusted_ca_file: Some(authority.to_owned()),
            client_cert_auth: true,
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            ..ServerOptions::default()
        });
        let tls = tls.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Heard::default();
        let (drops, dropped) = mpsc::unbounded_channel();
        let (inner, hears) = (tasks.clone(), heard.clone());
        tasks.spawn_until("kubelet", async move {
            while let Ok((stream, remote)) = listener.accept().await {
                let (tls, tasks, heard, drops) = (tls.clone(), inner.clone(), hears.clone(), drops.clone());
                inner.spawn_until("kubelet connection", async move {
                    let Ok(stream) = tls.accept(stream, None).await else {
                        return;
                    };
                    let service =
                        move |request: Request<Incoming>, _: SocketAddr| -> BoxFuture<'static, Response<Body>> {
                            let target = request.uri().path_and_query().unwrap().to_string();
                            let line = format!("{} {target}", request.method());
                            heard.lock().push((line, request.headers().clone()));
                            Box::pin(answer(request, target, drops.clone(), tasks.clone()))
                        };
                    speak(TokioIo::new(stream), remote, service).await;
                });
            }
        });
        Self {
            port,
            heard,
            dropped: tokio::sync::Mutex::new(dropped),
        }
    }

    /// What was asked last.
    pub(super) fn last(&self) -> (String, HeaderMap) {
        self.heard.lock().last().cloned().expect("something was asked")
    }
}

fn plain(code: u16, text: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = code.try_into().unwrap();
    response
}

async fn answer(
    request: Request<Incoming>,
    target: String,
    drops: mpsc::UnboundedSender<&'static str>,
    tasks: Tasks,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let upgrade = request
        .headers()
        .get("upgrade")
        .map(|value| value.to_str().unwrap().to_owned());
    match (path.as_str(), upgrade.as_deref()) {
        ("/containerLogs/ns/p/c", _) if target.contains("follow=true") => endless(drops, &tasks),
        ("/containerLogs/ns/p/c", _) => plain(200, "a line\nanother line\n"),
        ("/containerLogs/ns/bad/c", _) => plain(400, "container \"c\" in pod \"bad\" is waiting to start"),
        ("/containerLogs/ns/none/c", _) => plain(404, "no such container"),
        ("/containerLogs/ns/oh/c", _) => plain(500, "it broke"),
        ("/containerLogs/ns/moved/c", _) => {
            let mut response = plain(302, "");
            response
                .headers_mut()
                .insert("location", "https://elsewhere/".parse().unwrap());
            response
        }
        ("/exec/ns/bad/c", _) => plain(404, r#"{"message":"container not found (\"c\")"}"#),
        ("/exec/ns/odd/c", _) => plain(200, "what?"),
        (_, Some("SPDY/3.1")) => switched(request, &tasks, |io| Box::pin(spdy(io, path, drops))),
        (_, Some("websocket")) => switched(request, &tasks, |io| Box::pin(messages(io))),
        ("/echo", _) => {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            plain(200, body)
        }
        _ => plain(200, format!("node says {target}")),
    }
}

/// A log that goes on until nobody reads it.
fn endless(drops: mpsc::UnboundedSender<&'static str>, tasks: &Tasks) -> Response<Body> {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    tasks.spawn_until("endless log", async move {
        let _ = sender.send(Ok("a line\n".into())).await;
        sender.closed().await;
        let _ = drops.send("log");
    });
    let lines = stream::unfold(receiver, |mut receiver| async {
        Some((receiver.recv().await?, receiver))
    });
    plain(200, Body::from_stream(lines))
}

type Io = TokioIo<hyper::upgrade::Upgraded>;

/// Switches to what was asked for.
fn switched(
    request: Request<Incoming>,
    tasks: &Tasks,
    then: impl FnOnce(Io) -> BoxFuture<'static, ()> + Send + 'static,
) -> Response<Body> {
    let mut response = plain(101, "");
    let asked = |name: &str| request.headers().get(name).cloned();
    let headers = response.headers_mut();
    headers.insert("connection", "Upgrade".parse().unwrap());
    headers.insert("upgrade", asked("upgrade").unwrap());
    if let Some(version) = asked("x-stream-protocol-version") {
        headers.insert("x-stream-protocol-version", version);
    }
    if let Some(key) = asked("sec-websocket-key") {
        let accept = derive_accept_key(key.as_bytes());
        headers.insert("sec-websocket-accept", accept.parse().unwrap());
        headers.insert("sec-websocket-protocol", asked("sec-websocket-protocol").unwrap());
    }
    tasks.spawn_until("switched", async move {
        let upgraded = hyper::upgrade::on(request).await.unwrap();
        then(TokioIo::new(upgraded)).await;
    });
    response
}

/// Echoes messages.
async fn messages(io: Io) {
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
    let (mut to, mut from) = socket.split();
    while let Some(Ok(message)) = from.next().await {
        if message.is_binary() || message.is_text() {
            to.send(message).await.unwrap();
        }
    }
}

async fn spdy(mut io: Io, path: String, drops: mpsc::UnboundedSender<&'static str>) {
    if path.starts_with("/portForward") {
        let (mut from, mut to) = tokio::io::split(io);
        // All that comes goes back.
        let _ = tokio::io::copy(&mut from, &mut to).await;
        let _ = drops.send("port");
        return;
    }
    if command(&mut io, &path).await.is_none() {
        let _ = drops.send("command");
    }
}

/// A frame: its first word, its flags and what it holds.
async fn frame(io: &mut (impl AsyncRead + Unpin)) -> Option<(u32, u8, Vec<u8>)> {
    let first = io.read_u32().await.ok()?;
    let second = io.read_u32().await.ok()?;
    let mut payload = vec![0; (second & 0xff_ffff) as usize];
    io.read_exact(&mut payload).await.ok()?;
    Some((first, (second >> 24) as u8, payload))
}

async fn send(io: &mut (impl AsyncWrite + Unpin), first: u32, flags: u8, payload: &[u8]) -> Option<()> {
    io.write_u32(first).await.ok()?;
    io.write_u32(u32::from(flags) << 24 | payload.len() as u32).await.ok()?;
    io.write_all(payload).await.ok()?;
    io.flush().await.ok()
}

/// A command that says on its outputs what it hears, and tells how it ended. None where it is cut off.
async fn command(io: &mut Io, path: &str) -> Option<()> {
    let mut streams: Vec<(String, u32)> = Vec::new();
    let mut heard = Vec::new();
    let number =
        |streams: &[(String, u32)], kind: &str| streams.iter().find(|(own, _)| own == kind).map(|found| found.1);
    loop {
        let (first, flags, payload) = frame(io).await?;
        match first {
            0x8003_0001 => {
                let id = u32::from_be_bytes(payload[..4].try_into().unwrap());
                // Eighteen bytes before a value of headers are a count, lengths and the name.
                let text = String::from_utf8_lossy(&payload).into_owned();
                let kinds = ["error", "stdin", "stdout", "stderr", "resize"];
                let kind = kinds.into_iter().find(|kind| text.contains(kind)).unwrap();
                streams.push((kind.to_owned(), id));
                if path == "/exec/ns/reset/c" {
                    send(io, 0x8003_0003, 0, &[&id.to_be_bytes()[..], &[0, 0, 0, 3]].concat()).await?;
                    return Some(());
                }
                send(io, 0x8003_0002, 0, &[&id.to_be_bytes()[..], b"headers"].concat()).await?;
                // It asks whether the other side is there, which must answer.
                send(io, 0x8003_0006, 0, &[0, 0, 0, 2]).await?;
            }
            0x8003_0006 => assert_eq!(payload[3] % 2, 0, "no test lasts until a ping is due"),
            0x8003_0007 => return None,
            id if Some(id) == number(&streams, "stdin") => {
                heard.extend_from_slice(&payload);
                if path == "/exec/ns/wait/c" {
                    // It says what it hears at once, and is cut off by the end.
                    if flags & 1 != 0 {
                        return None;
                    }
                    send(io, number(&streams, "stdout")?, 0, &payload).await?;
                } else if flags & 1 != 0 {
                    break;
                }
            }
            id if Some(id) == number(&streams, "resize") => heard.extend_from_slice(&payload),
            other => panic!("{other:#x} {payload:?}"),
        }
    }
    send(io, number(&streams, "stdout")?, 0, &heard).await?;
    if let Some(stderr) = number(&streams, "stderr") {
        send(io, stderr, 1, b"oh").await?;
    }
    send(io, number(&streams, "stdout")?, 1, b"").await?;
    let code = heard.first().map_or(0, |first| first.wrapping_sub(b'0'));
    let said = if code == 0 {
        r#"{"metadata":{},"status":"Success"}"#.to_owned()
    } else {
        format!(
            r#"{{"status":"Failure","reason":"NonZeroExitCode","details":{{"causes":[{{"reason":"ExitCode","message":"{code}"}}]}}}}"#
        )
    };
    send(io, number(&streams, "error")?, 1, said.as_bytes()).await?;
    // The client ends the connection.
    while frame(io).await.is_some() {}
    Some(())
}
