//! The headers of requests that go on: without what only this server may know, and with what proxies add.

use std::net::SocketAddr;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, Uri};

use crate::request::Call;

/// The client's address, and those of the proxies that it passed.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// WebSocket clients in browsers can say who they are only here.
const BEARER: &str = "base64url.bearer.authorization.k8s.io.";
/// The protocols that a WebSocket client speaks.
pub(super) const WEBSOCKET_PROTOCOL: HeaderName = HeaderName::from_static("sec-websocket-protocol");

/// The host that the client asked.
pub(super) fn host(call: &Call) -> &str {
    let host = call.header("host");
    if host.is_empty() {
        call.uri
            .authority()
            .map(http::uri::Authority::as_str)
            .unwrap_or_default()
    } else {
        host
    }
}

/// The headers of a request as they go on: nobody behind this server learns how its clients say who they are.
pub(super) fn onward(call: &Call) -> HeaderMap {
    let mut headers = call.headers.clone();
    headers.remove(AUTHORIZATION);
    let front: Vec<HeaderName> = headers
        .keys()
        .filter(|name| names_a_user(name.as_str()))
        .cloned()
        .collect();
    for name in front {
        headers.remove(name);
    }
    without_token(&mut headers);
    if let Ok(host) = HeaderValue::from_str(host(call)) {
        headers.insert(HOST, host);
    }
    forwarded_for(call, &mut headers);
    headers
}

/// Headers by which a proxy before this server, or who impersonates, says who asks.
fn names_a_user(name: &str) -> bool {
    matches!(name, "x-remote-user" | "x-remote-uid" | "x-remote-group")
        || name.starts_with("x-remote-extra-")
        || name.starts_with("impersonate-")
}

/// Whether a protocol of a WebSocket client is none, but says who it is.
pub(super) fn is_token(protocol: &str) -> bool {
    protocol.starts_with(BEARER)
}

/// Takes the token out of the protocols of a WebSocket client.
fn without_token(headers: &mut HeaderMap) {
    let Some(protocols) = headers.get(WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok()) else {
        return;
    };
    if !protocols.contains(BEARER) {
        return;
    }
    let kept = protocols.split(',').map(str::trim).filter(|one| !is_token(one));
    let kept = kept.collect::<Vec<_>>().join(",");
    headers.remove(WEBSOCKET_PROTOCOL);
    if let Ok(kept) = HeaderValue::from_str(&kept)
        && !kept.is_empty()
    {
        headers.insert(WEBSOCKET_PROTOCOL, kept);
    }
}

fn forwarded_for(call: &Call, headers: &mut HeaderMap) {
    let Some(client) = call.extensions.get::<SocketAddr>() else {
        return;
    };
    let mut addresses: Vec<String> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    addresses.push(client.ip().to_canonical().to_string());
    if let Ok(value) = HeaderValue::from_str(&addresses.join(", ")) {
        headers.insert(FORWARDED_FOR, value);
    }
}

/// Takes out what is between two neighbours only. `Trailer` stays: it says what comes after the body that goes on.
pub(super) fn end_to_end(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    let trailers = headers.get(TE).is_some_and(|value| mentions(value, "trailers"));
    for name in [
        CONNECTION,
        HeaderName::from_static("proxy-connection"),
        HeaderName::from_static("keep-alive"),
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        TE,
        TRANSFER_ENCODING,
        UPGRADE,
    ] {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// Takes out what says how long a body is: there is none.
pub(super) fn without_body(headers: &mut HeaderMap) {
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
}

/// Whether a list in a header has an item.
fn mentions(value: &HeaderValue, item: &str) -> bool {
    let text = value.to_str().unwrap_or_default();
    text.split(',').any(|part| part.trim().eq_ignore_ascii_case(item))
}

/// The address of a request on a connection of the pool.
pub(super) fn absolute(scheme: &str, authority: &str, target: &str) -> Result<Uri, http::Error> {
    Uri::builder()
        .scheme(scheme)
        .authority(authority)
        .path_and_query(target)
        .build()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use http::HeaderMap;

    use super::{end_to_end, onward};
    use crate::request::tests::call;

    fn of(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn nothing_that_says_who_asks_goes_on() {
        let mut call = call("GET", "/");
        call.headers = of(&[
            ("host", "api:6443"),
            ("authorization", "Bearer x"),
            ("impersonate-user", "x"),
            ("x-remote-extra-scopes", "x"),
            ("x-remote-user", "x"),
            (
                "sec-websocket-protocol",
                "base64url.bearer.authorization.k8s.io.dG9rZW4, v4.channel.k8s.io",
            ),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-other", "y"),
        ]);
        call.extensions.insert("10.0.0.2:1".parse::<SocketAddr>().unwrap());
        let expected = of(&[
            ("host", "api:6443"),
            ("sec-websocket-protocol", "v4.channel.k8s.io"),
            ("x-forwarded-for", "10.0.0.1, 10.0.0.2"),
            ("x-other", "y"),
        ]);
        assert_eq!(onward(&call), expected);
    }

    #[test]
    fn what_is_between_neighbours_stays_there() {
        let mut headers = of(&[
            ("connection", "keep-alive, X-Hop"),
            ("keep-alive", "timeout=5"),
            ("x-hop", "1"),
            ("te", "gzip, trailers"),
            ("upgrade", "h2c"),
            ("transfer-encoding", "chunked"),
            ("accept", "*/*"),
        ]);
        end_to_end(&mut headers);
        assert_eq!(headers, of(&[("te", "trailers"), ("accept", "*/*")]));
    }
}
