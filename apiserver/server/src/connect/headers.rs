//! The headers of requests that go on: without what only this server may know, and with what proxies add.

use std::net::SocketAddr;

use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, Uri};

use crate::request::Call;

/// The client's address, and those of the proxies that it passed.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
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

/// The headers of a request as they go on with its connection.
pub(super) fn onward(call: &Call) -> HeaderMap {
    named(call, call.headers.clone())
}

/// The headers of a request as they go on by themselves. What the client says to take out is taken out before anything is added.
pub(super) fn onward_alone(call: &Call) -> HeaderMap {
    let mut headers = call.headers.clone();
    end_to_end(&mut headers);
    named(call, headers)
}

/// Adds which host the client asked, and where it is.
fn named(call: &Call, mut headers: HeaderMap) -> HeaderMap {
    if let Ok(host) = HeaderValue::from_str(host(call)) {
        headers.insert(HOST, host);
    }
    forwarded_for(call, &mut headers);
    headers
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

    use super::{end_to_end, onward, onward_alone};
    use crate::request::tests::call;

    fn of(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_client_cannot_take_out_where_it_is() {
        let mut call = call("GET", "/");
        call.headers = of(&[
            ("host", "api:6443"),
            ("connection", "X-Forwarded-For, Host, X-Hop"),
            ("x-hop", "x"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-other", "y"),
        ]);
        call.extensions.insert("10.0.0.2:1".parse::<SocketAddr>().unwrap());
        let alone = of(&[("host", "api:6443"), ("x-forwarded-for", "10.0.0.2"), ("x-other", "y")]);
        assert_eq!(onward_alone(&call), alone);
        let onward = onward(&call);
        assert_eq!(onward["x-forwarded-for"], "10.0.0.1, 10.0.0.2");
        assert_eq!(
            (&onward["x-hop"], &onward["host"]),
            (&call.headers["x-hop"], &call.headers["host"])
        );
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
