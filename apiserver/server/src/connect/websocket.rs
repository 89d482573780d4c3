//! The server's side of a WebSocket: what a client offers, the answer to it, and messages.

use apiserver_api::status::Status;
use axum::body::Body;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{HeaderMap, Method, Response, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::headers::WEBSOCKET_PROTOCOL;
use super::upgrade;
use crate::answer::{self, Answer};
use crate::request::Call;

/// A message of a client has so many bytes at most; upstream's limit.
const MESSAGE_MAX: usize = 32 * 1024 * 1024;
/// What is read and written at once. Upstream's default of the library is larger than most of what is said.
const BUFFER: usize = 32 * 1024;

/// Messages of a client.
pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Whether a client wants to speak WebSocket.
pub(crate) fn is_asked(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(UPGRADE).map_or(&[] as &[u8], HeaderValue::as_bytes);
    upgrade.eq_ignore_ascii_case(b"websocket") && upgrade::is_asked(headers)
}

/// The protocols that a client offers.
pub(super) fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(WEBSOCKET_PROTOCOL).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let offered = lines.flat_map(|line| line.split(',')).map(str::trim);
    offered.filter(|protocol| !protocol.is_empty())
}

/// Whether a client wants to speak WebSocket, and one of such protocols.
pub(super) fn offers(headers: &HeaderMap, wanted: impl Fn(&str) -> bool) -> bool {
    is_asked(headers) && protocols(headers).any(wanted)
}

/// Takes a client's offer: the answer to it, and the connection that follows.
///
/// # Errors
/// Why the offer is none, as an answer.
pub(super) fn accept(call: &Call, protocol: Option<&str>) -> Result<(Answer, OnUpgrade), Box<Answer>> {
    let (key, version) = (call.header("sec-websocket-key"), call.header("sec-websocket-version"));
    if call.method != Method::GET {
        return Err(answer::text(405, "bad method").into());
    }
    if key.is_empty() {
        return Err(answer::text(400, "mismatch challenge/response").into());
    }
    if version != "13" {
        let mut refused = answer::text(400, "missing or bad WebSocket Version");
        refused
            .headers_mut()
            .insert("sec-websocket-version", HeaderValue::from_static("13"));
        return Err(refused.into());
    }
    let Some(taken) = call.extensions.get::<OnUpgrade>().cloned() else {
        return Err(answer::status(call, &upgrade::not_taken()).into());
    };
    let mut accepted = Response::new(Body::empty());
    *accepted.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = accepted.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    let key = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
    let protocol = protocol.map(HeaderValue::from_str).transpose();
    let (Ok(key), Ok(protocol)) = (key, protocol) else {
        return Err(answer::status(call, &Status::bad_request("bad WebSocket protocol")).into());
    };
    headers.insert("sec-websocket-accept", key);
    if let Some(protocol) = protocol {
        headers.insert(WEBSOCKET_PROTOCOL, protocol);
    }
    Ok((accepted, taken))
}

/// The messages of a connection that was taken over.
pub(super) async fn open(taken: OnUpgrade) -> Option<Socket> {
    let taken = taken
        .await
        .inspect_err(|error| tracing::debug!(%error, "a connection was not taken over"));
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX));
    Some(WebSocketStream::from_raw_socket(TokioIo::new(taken.ok()?), Role::Server, Some(config)).await)
}

/// The last message.
pub(super) fn goodbye() -> Message {
    Message::Close(Some(CloseFrame {
        code: CloseCode::Normal,
        reason: Default::default(),
    }))
}

/// What a message holds, where it holds anything.
pub(super) fn payload(message: Message) -> Option<Bytes> {
    match message {
        Message::Binary(bytes) => Some(bytes),
        Message::Text(text) => Some(text.into()),
        _ => None,
    }
}
