//! Forwarded ports in a WebSocket: a client's SPDY, in messages, for a kubelet that takes SPDY alone.

use apiserver_api::status::Status;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, HeaderName, HeaderValue, UPGRADE};
use http::{HeaderMap, Method, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio_tungstenite::tungstenite::Message;

use super::location::Location;
use super::pump::{PIECE, Pace};
use super::spdy::SPDY;
use super::{Asked, headers, upgrade, websocket};
use crate::answer::{self, Answer};

const PREFIX: &str = "SPDY/3.1+";
const SUFFIX: &str = ".k8s.io";
/// Which protocol is spoken in the streams.
pub(super) const STREAM_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");
/// Whoever does not take the end in this time is dropped.
const END: std::time::Duration = std::time::Duration::from_secs(10);

/// Whether a protocol of a WebSocket is SPDY in messages.
pub(super) fn is_tunnel(protocol: &str) -> bool {
    protocol.starts_with(PREFIX) && protocol.ends_with(SUFFIX)
}

/// Connects a client with a kubelet.
///
/// # Errors
/// What the client is told.
pub(super) async fn serve(asked: &Asked<'_>, location: &Location) -> Result<Answer, Status> {
    let call = asked.call;
    let client = &asked.connect.0.kubelets;
    let response = upgrade::send(client, location, Method::POST, as_spdy(headers::onward(call))).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return upgrade::refused(response);
    }
    if !speaks_spdy(response.headers()) {
        let words = "unable to upgrade: missing upgrade headers in response\n";
        return Ok(answer::text(500, words));
    }
    let chosen = chosen(&response);
    // What the client did not offer is not named to it.
    let protocol = websocket::protocols(&call.headers).find(|one| Some(*one) == chosen.as_deref());
    match websocket::accept(call, protocol) {
        Ok((answer, taken)) => {
            let limit = asked.connect.0.settings.bytes_per_second;
            let backend = hyper::upgrade::on(response);
            let tasks = &asked.connect.0.tasks;
            tasks.spawn_until("tunnel", tunnel(taken, backend, limit));
            Ok(answer)
        }
        Err(refused) => Ok(*refused),
    }
}

/// The headers of a request for SPDY, made of those of a request for a WebSocket.
fn as_spdy(mut headers: HeaderMap) -> HeaderMap {
    let offered: Vec<String> = websocket::protocols(&headers)
        .filter(|protocol| is_tunnel(protocol))
        .map(|protocol| protocol[PREFIX.len()..].to_owned())
        .collect();
    for name in ["sec-websocket-protocol", "sec-websocket-key", "sec-websocket-version"] {
        headers.remove(name);
    }
    headers.insert(UPGRADE, HeaderValue::from_static(SPDY));
    headers.remove(&STREAM_PROTOCOL);
    for protocol in offered {
        if let Ok(protocol) = HeaderValue::from_str(&protocol) {
            headers.append(STREAM_PROTOCOL, protocol);
        }
    }
    headers
}

/// Whether an answer switches to SPDY.
pub(super) fn speaks_spdy(headers: &HeaderMap) -> bool {
    let has = |name: HeaderName, wanted: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_ascii_lowercase().contains(wanted)
    };
    has(CONNECTION, "upgrade") && has(UPGRADE, &SPDY.to_ascii_lowercase())
}

/// The protocol that the kubelet chose, as WebSocket clients call it.
fn chosen(response: &Response<Incoming>) -> Option<String> {
    let chosen = response.headers().get(STREAM_PROTOCOL)?.to_str().ok()?.trim();
    (!chosen.is_empty()).then(|| format!("{PREFIX}{chosen}"))
}

/// Hands bytes through: in messages on one side, as they are on the other.
async fn tunnel(taken: OnUpgrade, backend: OnUpgrade, limit: u64) {
    let (Some(socket), Ok(backend)) = tokio::join!(websocket::open(taken), backend) else {
        return;
    };
    let (mut to_client, mut from_client) = socket.split();
    let (mut from_backend, mut to_backend) = split(TokioIo::new(backend));
    let inward = async {
        let mut pace = Pace::new(limit);
        while let Some(Ok(message)) = from_client.next().await {
            let bytes = match message {
                Message::Binary(bytes) => bytes,
                Message::Ping(_) | Message::Pong(_) => continue,
                _ => return,
            };
            if to_backend.write_all(&bytes).await.is_err() || to_backend.flush().await.is_err() {
                return;
            }
            pace.moved(bytes.len()).await;
        }
    };
    let outward = async {
        let mut pace = Pace::new(limit);
        let mut buffer = vec![0; PIECE];
        while let Ok(read @ 1..) = from_backend.read(&mut buffer).await {
            let message = Message::Binary(Bytes::copy_from_slice(&buffer[..read]));
            if to_client.send(message).await.is_err() {
                return;
            }
            pace.moved(read).await;
        }
    };
    tokio::select! {
        () = inward => {}
        () = outward => {}
    }
    let _ = tokio::time::timeout(END, async {
        let _ = tokio::join!(to_client.send(websocket::goodbye()), to_backend.shutdown());
    })
    .await;
}
