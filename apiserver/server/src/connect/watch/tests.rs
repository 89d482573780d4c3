//! Clients that watch in a WebSocket, over a connection that is played.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base::task::Tasks;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, Request};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{FULL, LARGE, SAID_MAX, offer, take_over};
use crate::connect::{Connect, Direct, Settings};
use crate::pipeline::credentials;
use crate::request::accept::Form;
use crate::request::tests::call;

type Events = BoxStream<'static, Result<Bytes, Infallible>>;

/// What a client who gets along with the server says.
const SAID: [(&str, &str); 6] = [
    ("host", "h"),
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("origin", "https://h"),
];

fn request(more: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().uri("ws://h/api/v1/pods?watch=1");
    for (name, value) in SAID {
        if more.iter().all(|(other, _)| *other != name) {
            request = request.header(name, value);
        }
    }
    for (name, value) in more.iter().filter(|(_, value)| !value.is_empty()) {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

/// A client's end of a connection on which one who watches is told these events.
fn connection(form: Form, events: Events, tasks: &Tasks) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(4096);
    let connect = Connect::new(Settings::default(), Arc::new(Direct), tasks).unwrap();
    let events = Arc::new(Mutex::new(Some(events)));
    let service = service_fn(move |request: Request<Incoming>| {
        let (parts, _) = request.into_parts();
        let mut call = call(parts.method.as_str(), &parts.uri.to_string());
        call.headers = parts.headers;
        credentials::strip(&mut call.headers, |_| false);
        call.extensions = parts.extensions;
        let answer = offer(&call, form, events.lock().take().unwrap());
        let answer = take_over(&connect, answer);
        async { Ok::<_, Infallible>(answer) }
    });
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(theirs), service);
    tasks.spawn_until("server", async move {
        let _ = served.with_upgrades().await;
    });
    ours
}

/// A WebSocket and the headers of the answer, or the code of a refusal.
async fn open(
    form: Form,
    events: Events,
    tasks: &Tasks,
    more: &[(&str, &str)],
) -> Result<(WebSocketStream<DuplexStream>, HeaderMap), u16> {
    let ours = connection(form, events, tasks);
    match tokio_tungstenite::client_async(request(more), ours).await {
        Ok((socket, answer)) => Ok((socket, answer.headers().clone())),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

fn told<const N: usize>(events: [&'static str; N]) -> Events {
    let events = events.map(|event| Ok(Bytes::from_static(event.as_bytes())));
    stream::iter(events).boxed()
}

/// Events that are told when somebody says so.
fn channel() -> (mpsc::Sender<&'static str>, Events) {
    let (tell, mut told) = mpsc::channel(1);
    let events = stream::poll_fn(move |context| told.poll_recv(context));
    let events = events.map(|event: &str| Ok(Bytes::from_static(event.as_bytes())));
    (tell, events.boxed())
}

/// Waits for what must come.
async fn next(socket: &mut WebSocketStream<DuplexStream>) -> Message {
    let next = tokio::time::timeout(Duration::from_secs(1), socket.next()).await;
    next.expect("it came in time").unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_event_is_a_message_of_text_and_the_end_is_a_farewell() {
    let tasks = Tasks::new();
    let large = "x".repeat(LARGE * 20);
    let events = ["{\"a\":1}\n".to_owned(), large.clone(), "é".to_owned(), String::new()];
    let events = events.map(|event| Ok(Bytes::from(event)));
    let (mut socket, _) = open(Form::Json, stream::iter(events).boxed(), &tasks, &[])
        .await
        .unwrap();
    for text in ["{\"a\":1}\n", &large, "é", ""] {
        assert_eq!(next(&mut socket).await, Message::text(text));
    }
    let Message::Close(Some(close)) = next(&mut socket).await else {
        panic!("it goes on");
    };
    assert_eq!(close.code, CloseCode::Normal);
    assert!(socket.next().await.is_none_or(|end| end.is_err()));
}

#[tokio::test(start_paused = true)]
async fn an_event_in_protobuf_is_a_binary_message_that_does_not_say_how_long_it_is() {
    let tasks = Tasks::new();
    let (mut socket, _) = open(Form::Protobuf, told(["\0\0\0\u{3}abc"]), &tasks, &[])
        .await
        .unwrap();
    assert_eq!(next(&mut socket).await, Message::binary("abc"));
}

#[tokio::test(start_paused = true)]
async fn one_protocol_is_taken_whatever_it_is_and_tokens_are_none() {
    let token = "base64url.bearer.authorization.k8s.io.dG9rZW4";
    let offered = |protocols| [("sec-websocket-protocol", protocols)];
    let tasks = Tasks::new();
    let both = format!("{token}, any");
    for (protocols, chosen) in [("any", "any"), (both.as_str(), "any")] {
        let (_, headers) = open(Form::Json, told(["a"]), &tasks, &offered(protocols))
            .await
            .unwrap();
        assert_eq!(headers["sec-websocket-protocol"], chosen);
    }
    let several = format!("{token}, one, other");
    let refused = open(Form::Json, told(["a"]), &tasks, &offered(&several)).await;
    assert_eq!(refused.err(), Some(400));
    // A client who was known otherwise is not told its token.
    let mut raw = connection(Form::Json, told(["a"]), &tasks);
    let headers = SAID.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
    let asked = format!("GET /api/v1/pods?watch=1 HTTP/1.1\r\n{headers}sec-websocket-protocol: {token}\r\n\r\n");
    raw.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    raw.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(answer.starts_with("http/1.1 101 ") && answer.contains("upgrade: websocket\r\n"));
    assert!(!answer.contains("sec-websocket-protocol"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_upstream_refuses_is_refused() {
    for (said, code) in [
        (("origin", ""), 403),
        (("origin", "null"), 403),
        (("origin", "/here"), 101),
        (("sec-websocket-version", "8"), 400),
    ] {
        let tasks = Tasks::new();
        let opened = open(Form::Json, told(["a"]), &tasks, &[said]).await;
        assert_eq!(opened.err().unwrap_or(101), code, "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_client_says_is_passed_over_and_its_pings_are_answered() {
    let tasks = Tasks::new();
    let (tell, events) = channel();
    let (mut socket, _) = open(Form::Json, events, &tasks, &[]).await.unwrap();
    for message in [
        Message::text("hello"),
        Message::binary(vec![0; SAID_MAX - 1]),
        Message::Pong(Bytes::new()),
        Message::Ping("1".into()),
    ] {
        socket.send(message).await.unwrap();
    }
    assert_eq!(next(&mut socket).await, Message::Pong("1".into()));
    tell.send("event").await.unwrap();
    assert_eq!(next(&mut socket).await, Message::text("event"));
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_when_the_client_goes_or_says_too_much() {
    let farewell = Message::Close(None);
    let long = Message::binary(vec![0; SAID_MAX + 1]);
    for said in [Some(farewell), Some(long), None] {
        let tasks = Tasks::new();
        let (tell, events) = channel();
        let (mut socket, _) = open(Form::Json, events, &tasks, &[]).await.unwrap();
        tell.send("event").await.unwrap();
        assert_eq!(next(&mut socket).await, Message::text("event"));
        if let Some(said) = said {
            let _ = socket.send(said).await;
            // It is told farewell, or that nobody is there.
            while let Some(Ok(_)) = socket.next().await {}
        } else {
            drop(socket);
        }
        let gone = tokio::time::timeout(Duration::from_secs(60), tell.closed()).await;
        gone.expect("nobody is told any more");
    }
}

#[tokio::test(start_paused = true)]
async fn who_reads_slowly_is_told_no_more_than_a_little_ahead_and_is_answered_all_the_same() {
    let tasks = Tasks::new();
    let counted = Arc::new(AtomicUsize::new(0));
    let counter = counted.clone();
    let event = Bytes::from(vec![b'x'; 1024]);
    let events = stream::repeat_with(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(event.clone())
    });
    let (mut socket, _) = open(Form::Json, events.boxed(), &tasks, &[]).await.unwrap();
    // The clock goes on when nobody can do anything.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let ahead = counted.load(Ordering::Relaxed) * 1024;
    assert!((FULL..2 * FULL).contains(&ahead), "{ahead}");
    socket.send(Message::Ping("2".into())).await.unwrap();
    let mut heard = 0;
    while next(&mut socket).await != Message::Pong("2".into()) {
        heard += 1;
        assert!(heard < 200, "events go before answers without end");
    }
}
