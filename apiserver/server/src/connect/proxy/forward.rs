//! A request that goes on, and the answer that comes back, with what a proxy changes of both.

use apiserver_api::status::Status;
use axum::body::Body;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
};
use http::{Request, Response};
use hyper::body::Incoming;

use super::html::{Packing, rewritten};
use super::links::Links;
use crate::answer::Answer;
use crate::connect::client::Client;
use crate::connect::location::{Location, escape_path, join_with_slash};
use crate::connect::{Asked, dial, headers};

/// Which origins may read an answer is for this server to say, not for what it proxies to.
const CORS: [&str; 4] = [
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
];
/// The path that the client asked for.
const FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// Sends a request on. `behind` is the path behind the proxy without a slash that only the client's path has.
///
/// # Errors
/// 503 where there is no answer.
pub(super) async fn forward(
    asked: &Asked<'_>,
    client: &Client,
    location: &Location,
    behind: &str,
    body: Body,
) -> Result<Answer, Status> {
    let call = asked.call;
    dial::port(location).map_err(unreachable)?;
    let links = Links::new(&call.path, behind, location.authority(), headers::host(call));
    let mut request = Request::new(body);
    *request.method_mut() = call.method.clone();
    let uri = headers::absolute(location.scheme(), &links.backend, &location.target());
    *request.uri_mut() = uri.map_err(unreachable)?;
    let mut onward = headers::onward_alone(call);
    let path = join_with_slash(&links.before, &escape_path(&location.path));
    if let Ok(path) = HeaderValue::from_str(&path) {
        onward.insert(FORWARDED_URI, path);
    }
    *request.headers_mut() = onward;
    let response = client.send(request).await.map_err(unreachable)?;
    back(response, links)
}

fn unreachable(error: impl std::fmt::Display) -> Status {
    Status::service_unavailable(format!("error trying to reach service: {error}"))
}

/// The answer as the client gets it.
fn back(mut response: Response<Incoming>, links: Links) -> Result<Answer, Status> {
    let headers = response.headers_mut();
    for name in CORS {
        headers.remove(name);
    }
    let is_page = text(headers, &CONTENT_TYPE)
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        == "text/html";
    let packing = Packing::of(text(headers, &CONTENT_ENCODING));
    let redirect = text(headers, &LOCATION).to_owned();
    headers::end_to_end(headers);
    // What is said of this server's own answers is said of all; what the backend says comes after it.
    let cached: Vec<HeaderValue> = headers.get_all(CACHE_CONTROL).iter().cloned().collect();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    for value in cached {
        headers.append(CACHE_CONTROL, value);
    }
    if !redirect.is_empty() {
        let to = links.rewrite(&redirect);
        let to = to.map_err(|error| Status::internal(format!("error trying to parse Location header: {error}")))?;
        if let Ok(to) = HeaderValue::from_str(&to) {
            headers.insert(LOCATION, to);
        }
        return Ok(response.map(Body::new));
    }
    match packing {
        Some(packing) if is_page => {
            headers.remove(CONTENT_LENGTH);
            Ok(response.map(|page| rewritten(page, links, packing)))
        }
        _ => Ok(response.map(Body::new)),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}
