//! Who asks, read from the head of a request once, before it is dispatched.

use http::HeaderMap;
use proto::fault::Fault;
use store_node::Caller;

use crate::listen::Connection;
use crate::metrics::UNKNOWN;

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
pub(crate) fn caller(headers: &HeaderMap, connection: &Connection) -> Caller {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    Caller {
        // gRPC clients send `token`; over REST it is the authorization header.
        token: text("token").or_else(|| text("authorization")),
        common_name: connection.common_name.clone(),
        remote: connection.remote,
        require_leader: headers.get("hasleader").is_some_and(|value| value == "true"),
        gateway: connection.gateway,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_head_says_who_asks() {
        let asks = |fields: &[(&'static str, &'static str)]| {
            let fields = fields
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
            caller(&fields.collect(), &Connection::default())
        };
        let client = asks(&[("token", "t.7"), ("authorization", "other"), ("hasleader", "true")]);
        assert_eq!(client.token.as_deref(), Some("t.7"));
        assert!(client.require_leader);
        assert!(!client.gateway);
        let browser = asks(&[("authorization", "t.8"), ("hasleader", "yes")]);
        assert_eq!(browser.token.as_deref(), Some("t.8"));
        assert!(!browser.require_leader);
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
