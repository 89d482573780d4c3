//! A connection that is handed through: the request goes on as it came, and so does all that follows when both switch protocols.

use apiserver_api::status::Status;
use axum::body::Body;
use http::header::{CONNECTION, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::client::{Client, Error};
use super::location::Location;
use super::pump::pump;
use super::{Asked, Connect, headers};
use crate::answer::Answer;

/// Whether a client wants to switch protocols.
pub(super) fn is_asked(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CONNECTION).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.to_ascii_lowercase().contains("upgrade"))
}

/// Sends a request on a connection of its own.
///
/// # Errors
/// 500 in upstream's words.
pub(super) async fn send(
    client: &Client,
    location: &Location,
    method: Method,
    headers: HeaderMap,
) -> Result<Response<Incoming>, Status> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = location.target().parse().map_err(Status::unknown)?;
    *request.headers_mut() = headers;
    headers::without_body(request.headers_mut());
    let dialed = client.dial(location).await;
    let stream = dialed.map_err(|error| Status::unknown(format!("error dialing backend: {error}")))?;
    client.send_alone(stream, request).await.map_err(Status::unknown)
}

/// Hands a connection through.
///
/// # Errors
/// What the client is told.
pub(super) async fn pass(asked: &Asked<'_>, client: &Client, location: &Location) -> Result<Answer, Status> {
    let call = asked.call;
    let response = send(client, location, call.method.clone(), headers::onward(call)).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return refused(response);
    }
    let Some(taken) = call.extensions.get::<OnUpgrade>().cloned() else {
        return Err(not_taken());
    };
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    answer.headers_mut().clone_from(response.headers());
    join(asked.connect, taken, hyper::upgrade::on(response));
    Ok(answer)
}

/// A client's connection cannot be taken over: it is none of its own.
pub(super) fn not_taken() -> Status {
    Status::unknown("request connection cannot be hijacked")
}

/// What a backend answers that does not switch.
///
/// # Errors
/// 500 where it should have switched or refused.
pub(super) fn refused(response: Response<Incoming>) -> Result<Answer, Status> {
    let code = response.status().as_u16();
    if code < 400 {
        return Err(Status::unknown(format!("invalid upgrade response: status code {code}")));
    }
    let mut answer = response.map(Body::new);
    headers::end_to_end(answer.headers_mut());
    answer
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(answer)
}

/// Hands all bytes through once both have switched.
fn join(connect: &Connect, client: OnUpgrade, backend: OnUpgrade) {
    let limit = connect.0.settings.bytes_per_second;
    connect.0.tasks.spawn_until("handed through connection", async move {
        match tokio::try_join!(client, backend) {
            Ok((client, backend)) => pump(TokioIo::new(client), TokioIo::new(backend), limit).await,
            Err(error) => tracing::debug!(%error, "a connection was not taken over"),
        }
    });
}

/// Why a request has no answer, as `http.Client` says it.
pub(super) fn told(method: &str, location: &Location, error: &Error) -> String {
    format!("{method} {}: {error}", apiserver_api::go::quote(&location.url()))
}
