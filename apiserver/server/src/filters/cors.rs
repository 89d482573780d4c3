//! Which pages of the web may ask this server by a browser, and what the browser is told.

use http::HeaderMap;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue,
};
use regex::RegexSet;

const METHODS: HeaderValue = HeaderValue::from_static("POST, GET, OPTIONS, PUT, DELETE, PATCH");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since",
);

/// The origins that are allowed.
pub(super) struct Cors(RegexSet);

impl Cors {
    pub(super) fn new(origins: &[String]) -> Result<Self, regex::Error> {
        Ok(Self(RegexSet::new(origins)?))
    }

    pub(super) fn allows(&self, origin: &HeaderValue) -> bool {
        !origin.is_empty() && origin.to_str().is_ok_and(|origin| self.0.is_match(origin))
    }
}

/// Tells a browser that this origin is allowed.
pub(super) fn mark(headers: &mut HeaderMap, origin: &HeaderValue) {
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Date")),
        (ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true")),
    ] {
        headers.insert(name, value);
    }
}
