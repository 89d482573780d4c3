//! Streams through the gateway over a websocket: a message is one JSON value, in both directions.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::IntoResponse;
use futures_util::stream::{SplitStream, unfold};
use futures_util::{SinkExt, StreamExt};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use prost_reflect::MessageDescriptor;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Status;
use tonic::body::Body;

use super::stream::Answers;
use super::{Route, call, json};
use crate::frames::framed;
use crate::listen::Connection;
use crate::rpc::Services;

/// Whether a request asks for a websocket.
pub(super) fn asked(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Browsers cannot set headers on a websocket; the token comes as the second subprotocol: `Bearer, <token>`.
fn authorization(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocols = headers.get(header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    let token = protocols.strip_prefix("Bearer")?.trim_start_matches(',').trim();
    HeaderValue::try_from(format!("Bearer {token}")).ok()
}

/// Answers a request for a websocket.
pub(super) async fn answer(
    services: Services,
    route: Arc<Route>,
    request: Request<Body>,
    through: Connection,
    draining: CancellationToken,
) -> Response<Body> {
    let (mut parts, _) = request.into_parts();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade
            .max_message_size(services.limit().saturating_mul(2))
            .protocols(["Bearer"]),
        Err(refused) => return refused.into_response().map(Body::new),
    };
    if let Some(value) = authorization(&parts.headers) {
        parts.headers.insert(header::AUTHORIZATION, value);
    }
    let upgraded = upgrade.on_upgrade(move |socket| async move {
        let closed = CancellationToken::new();
        let (mut sink, source) = socket.split();
        let body = requests(source, route.input.clone(), closed.clone().drop_guard());
        let relayed = async {
            let response = services.call(call(&route, &parts.headers, body), &through).await;
            let mut answers = match Answers::new(response, route.output.clone()) {
                Ok(answers) => answers,
                Err(status) => {
                    let _ = sink
                        .send(Message::text(json::refusal_in_stream(&status).to_string()))
                        .await;
                    return;
                }
            };
            loop {
                let (line, last) = match answers.next().await {
                    Ok(Some(line)) => (line, false),
                    Ok(None) => return,
                    Err(status) => (json::refusal_in_stream(&status).to_string(), true),
                };
                if sink.send(Message::text(line)).await.is_err() || last {
                    return;
                }
            }
        };
        tokio::select! {
            () = relayed => {}
            () = closed.cancelled() => {}
            () = draining.cancelled() => {}
        }
        let _ = sink.send(Message::Close(None)).await;
    });
    upgraded.map(Body::new)
}

/// The request messages that arrive. `open` is dropped when the client goes, which ends the call.
fn requests(source: SplitStream<WebSocket>, shape: MessageDescriptor, open: DropGuard) -> Body {
    Body::new(StreamBody::new(Box::pin(unfold(
        Some((source, shape, open)),
        |state| async move {
            let (mut source, shape, open) = state?;
            loop {
                let text = match source.next().await? {
                    Ok(Message::Text(text)) => text.as_bytes().to_vec(),
                    Ok(Message::Binary(bytes)) => bytes.to_vec(),
                    Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                    Ok(Message::Close(_)) | Err(_) => return None,
                };
                return match json::whole(text.into(), &shape) {
                    Ok(message) => Some((Ok(Frame::data(framed(&message))), Some((source, shape, open)))),
                    Err(status) => Some((Err::<Frame<bytes::Bytes>, Status>(status), None)),
                };
            }
        },
    ))))
}
