//! Commands for clients that speak WebSocket, at kubelets that speak SPDY: messages on channels become bytes in streams.

mod inward;
mod session;

use std::time::Duration;

use apiserver_api::tree::{Tree, parse};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, HOST, HeaderMap, HeaderValue, LOCATION, UPGRADE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::Message;

use self::session::Session;
use super::client::{self, Client};
use super::location::Location;
use super::spdy::SPDY;
use super::{Asked, status, tunnel, upgrade, websocket};
use crate::answer::Answer;

/// The protocol of those clients: messages begin with the number of their channel, and channels can be closed.
pub(super) const PROTOCOL: &str = "v5.channel.k8s.io";

/// The channels; upstream's numbers.
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;
/// Says that the channel of the next byte has come to its end.
const CLOSE: u8 = 255;

/// What kubelets are asked to speak in the streams, the best first. They differ in how an exit code is told (from 4 on as a
/// status), and whether a terminal can be resized (from 3 on).
const VERSIONS: [&str; 5] = [
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v3.channel.k8s.io",
    "v2.channel.k8s.io",
    "channel.k8s.io",
];
/// What a kubelet says of a refusal is read up to here.
const REFUSAL_MAX: usize = 64 * 1024;
/// The last words to a client are sent in this time; upstream's.
const END: Duration = Duration::from_secs(10);

/// Which streams a client wants.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a parameter of its own")]
struct Wanted {
    stdin: bool,
    stdout: bool,
    stderr: bool,
    tty: bool,
}

/// Connects a client with a kubelet. What goes wrong from here on is said in the client's messages.
pub(super) fn serve(asked: &Asked<'_>, options: &Tree, location: Location) -> Answer {
    let wanted = Wanted {
        stdin: options.flag("stdin"),
        stdout: options.flag("stdout"),
        stderr: options.flag("stderr"),
        tty: options.flag("tty"),
    };
    let (answer, taken) = match websocket::accept(asked.call, Some(PROTOCOL)) {
        Ok(accepted) => accepted,
        Err(refused) => return *refused,
    };
    let shared = &asked.connect.0;
    let (client, limit) = (shared.kubelets.clone(), shared.settings.bytes_per_second);
    let spoken = speak(taken, client, location, wanted, limit);
    shared.tasks.spawn_until("command", spoken);
    answer
}

async fn speak(taken: OnUpgrade, client: Client, location: Location, wanted: Wanted, limit: u64) {
    let Some(socket) = websocket::open(taken).await else {
        return;
    };
    let (mut to_client, mut from_client) = socket.split();
    // An empty message on the first channel that this side writes on says that the connection stands.
    let first = match wanted {
        Wanted { stdout: true, .. } => STDOUT,
        Wanted { stderr: true, .. } => STDERR,
        _ => ERROR,
    };
    if to_client.send(message(first, b"")).await.is_err() {
        return;
    }
    let outcome = match connect(&client, &location).await {
        Ok((backend, version)) => {
            let session = Session::new(backend, wanted, version, limit);
            session.run(&mut to_client, &mut from_client).await
        }
        Err(why) => Some(Err(status::internal(&why))),
    };
    let _ = tokio::time::timeout(END, async {
        // Nobody is there to be told where there is no outcome.
        if let Some(outcome) = outcome {
            let told = outcome.map_or_else(|told| told, |()| status::success()).to_json();
            to_client.send(message(ERROR, &told)).await?;
        }
        to_client.send(websocket::goodbye()).await
    })
    .await;
}

/// Bytes on a channel.
fn message(channel: u8, bytes: &[u8]) -> Message {
    let mut all = BytesMut::with_capacity(1 + bytes.len());
    all.extend_from_slice(&[channel]);
    all.extend_from_slice(bytes);
    Message::Binary(all.freeze())
}

/// A connection to a kubelet that speaks SPDY, and the version of the streams.
async fn connect(client: &Client, location: &Location) -> Result<(TokioIo<Upgraded>, usize), String> {
    let sent = send(client, location).await;
    let response =
        sent.map_err(|error| format!("error sending request: {}", upgrade::told("Post", location, &error)))?;
    if matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
        && let Some(to) = response.headers().get(LOCATION)
    {
        let to = apiserver_api::go::quote(&String::from_utf8_lossy(to.as_bytes()));
        return Err(format!("error sending request: Post {to}: redirect not allowed"));
    }
    if response.status() != StatusCode::SWITCHING_PROTOCOLS || !tunnel::speaks_spdy(response.headers()) {
        let why = refusal(response.into_body()).await;
        return Err(format!("unable to upgrade connection: {why}"));
    }
    let version = version(&response);
    match hyper::upgrade::on(response).await {
        Ok(upgraded) => Ok((TokioIo::new(upgraded), version)),
        Err(error) => Err(format!("unable to upgrade connection: {error}")),
    }
}

async fn send(client: &Client, location: &Location) -> Result<Response<Incoming>, client::Error> {
    let stream = client.dial(location).await?;
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::POST;
    let target = location.target().parse();
    *request.uri_mut() = target.map_err(|error: http::uri::InvalidUri| client::Error::Broken(error.to_string()))?;
    let headers: &mut HeaderMap = request.headers_mut();
    if let Ok(host) = HeaderValue::from_str(&location.authority()) {
        headers.insert(HOST, host);
    }
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static(SPDY));
    for version in VERSIONS {
        headers.append(tunnel::STREAM_PROTOCOL, HeaderValue::from_static(version));
    }
    client.send_alone(stream, request).await
}

/// The version that a kubelet chose: 1 where it did not say.
fn version(response: &Response<Incoming>) -> usize {
    let chosen = response.headers().get(tunnel::STREAM_PROTOCOL);
    let chosen = chosen.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let at = VERSIONS.iter().position(|version| *version == chosen);
    at.map_or(1, |at| VERSIONS.len() - at)
}

/// What a kubelet says of why it does not switch.
async fn refusal(mut body: Incoming) -> String {
    let mut said = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return "unable to read error from server response".to_owned();
        };
        let data: Bytes = frame.into_data().unwrap_or_default();
        said.extend_from_slice(&data);
        if said.len() > REFUSAL_MAX {
            break;
        }
    }
    let tree = parse(&said).map(|parsed| parsed.tree).unwrap_or_default();
    let text = String::from_utf8_lossy(&said);
    let words = [tree.text("message"), tree.text("error"), &*text].map(str::trim);
    let words = words.into_iter().find(|words| !words.is_empty());
    words.unwrap_or("empty server response").to_owned()
}
