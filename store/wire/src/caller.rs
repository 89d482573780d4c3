//! Who asks, read from the head of a request once, before it is dispatched.

use http::{HeaderMap, Request};
use proto::fault::Fault;
use store_node::Caller;

use crate::listen::Connection;
use crate::metrics::UNKNOWN;

/// Set on requests that came through the JSON gateway.
#[derive(Clone, Copy)]
pub(crate) struct FromGateway;

const VERSION: &str = "client-api-version";

/// The version that the client says it speaks.
///
/// # Errors
/// When it is not UTF-8.
pub(crate) fn client_version(headers: &HeaderMap) -> Result<&str, Fault> {
    match headers.get(VERSION) {
        Some(value) => std::str::from_utf8(value.as_bytes()).map_err(|_| Fault::InvalidClientApiVersion),
        None => Ok(UNKNOWN),
    }
}

/// Reads the caller.
pub(crate) fn caller<B>(request: &Request<B>) -> Caller {
    let headers = request.headers();
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let connection = request.extensions().get::<std::sync::Arc<Connection>>();
    Caller {
        // gRPC clients send `token`; over REST it is the authorization header.
        token: text("token").or_else(|| text("authorization")),
        common_name: connection.and_then(|connection| connection.common_name.clone()),
        remote: connection.and_then(|connection| connection.remote),
        require_leader: headers.get("hasleader").is_some_and(|value| value == "true"),
        gateway: request.extensions().get::<FromGateway>().is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_head_says_who_asks() {
        let request = Request::builder()
            .header("token", "t.7")
            .header("authorization", "other")
            .header("hasleader", "true")
            .body(())
            .unwrap();
        let asks = caller(&request);
        assert_eq!(asks.token.as_deref(), Some("t.7"));
        assert!(asks.require_leader);
        assert!(!asks.gateway);
        let rest = Request::builder()
            .header("authorization", "t.8")
            .header("hasleader", "yes")
            .body(())
            .unwrap();
        assert_eq!(caller(&rest).token.as_deref(), Some("t.8"));
        assert!(!caller(&rest).require_leader);
    }

    #[test]
    fn versions_are_text() {
        let mut headers = HeaderMap::new();
        assert_eq!(client_version(&headers), Ok("unknown"));
        headers.insert(VERSION, HeaderValue::from_static("3.7.0"));
        assert_eq!(client_version(&headers), Ok("3.7.0"));
        headers.insert(VERSION, HeaderValue::from_bytes(&[0xff, 0xfe]).unwrap());
        assert_eq!(client_version(&headers), Err(Fault::InvalidClientApiVersion));
    }
}
