//! Plain HTTP answers, as Go's `net/http` writes them.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use tonic::body::Body;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// A body that is there already.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Body::new(Full::new(bytes.into()))
}

fn answer(status: StatusCode, kind: HeaderValue, bytes: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(full(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Text that no browser may take for anything else.
pub(crate) fn text(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = answer(status, TEXT, text.to_owned());
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}

/// An error page: the text and a line end.
pub(crate) fn error(status: StatusCode, message: &str) -> Response<Body> {
    text(status, &format!("{message}\n"))
}

/// A JSON document.
pub(crate) fn json(status: StatusCode, text: String) -> Response<Body> {
    answer(status, JSON, text)
}

/// What upstream says where nothing is.
pub(crate) fn not_found() -> Response<Body> {
    error(StatusCode::NOT_FOUND, "404 page not found")
}

/// The refusal of anything but `allowed`.
pub(crate) fn method_not_allowed(allowed: &'static str) -> Response<Body> {
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}
