//! Proxies to pods, services and nodes: whatever a client asks of them by HTTP, and protocols that it switches to.

mod forward;
mod html;
mod links;
mod page;
mod service;
mod tag;
mod target;

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use axum::body::Body;
use http::header::{HeaderValue, LOCATION};
use http::{Method, Response, StatusCode};

use super::location::join_with_slash;
use super::{Asked, upgrade};
use crate::answer::{self, Answer};

/// Asks what is proxied to.
///
/// # Errors
/// What the client is told.
pub(super) async fn serve(asked: &Asked<'_>, options: &Tree, body: Body) -> Result<Answer, Status> {
    let (mut location, client) = match asked.resource.resource.as_str() {
        "nodes" => target::node(asked).await?,
        "services" => (service::find(asked).await?, &asked.connect.0.others),
        _ => (target::pod(asked).await?, &asked.connect.0.others),
    };
    location.path = join_with_slash("", options.text("path"));
    if upgrade::is_asked(&asked.call.headers) {
        return upgrade::pass(asked, client, &location).await;
    }
    let call = asked.call;
    let plain = location.path.clone();
    if !location.path.ends_with('/') && call.path.ends_with('/') {
        location.path.push('/');
    }
    if location.path.is_empty() && matches!(call.method, Method::GET | Method::HEAD) {
        return Ok(redirect(asked));
    }
    call.uri.query().unwrap_or_default().clone_into(&mut location.query);
    forward::forward(asked, client, &location, &plain, body).await
}

/// Links of a page without a slash at its end would lead beside it.
fn redirect(asked: &Asked<'_>) -> Answer {
    let call = asked.call;
    let query = call.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let Ok(to) = HeaderValue::from_str(&format!("{}/{query}", call.path)) else {
        return answer::status(call, &Status::bad_request("the path cannot be said in a header"));
    };
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::MOVED_PERMANENTLY;
    answer.headers_mut().insert(LOCATION, to);
    answer
}
