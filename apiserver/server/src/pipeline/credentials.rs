//! Takes out of a request what told who sent it, once that is known: nobody behind this server is to learn it.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The protocols that a WebSocket client speaks.
const WEBSOCKET_PROTOCOL: HeaderName = HeaderName::from_static("sec-websocket-protocol");
/// WebSocket clients in browsers can say who they are only there.
const BEARER: &str = "base64url.bearer.authorization.k8s.io.";

/// Leaves nothing of them; `hides` says of the name of a header whether it tells who asks.
pub(crate) fn strip(headers: &mut HeaderMap, hides: impl Fn(&str) -> bool) {
    let telling: Vec<HeaderName> = headers.keys().filter(|name| hides(name.as_str())).cloned().collect();
    for name in telling {
        headers.remove(name);
    }
    strip_token(headers);
}

/// Takes the token out of the protocols of a WebSocket client, which may stand in several lines.
fn strip_token(headers: &mut HeaderMap) {
    let lines = headers.get_all(WEBSOCKET_PROTOCOL).iter();
    let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    if !lines.iter().any(|line| line.contains(BEARER)) {
        return;
    }
    let protocols = lines.iter().flat_map(|line| line.split(',')).map(str::trim);
    let kept: Vec<&str> = protocols.filter(|protocol| !protocol.starts_with(BEARER)).collect();
    let kept = HeaderValue::from_str(&kept.join(",")).ok();
    headers.remove(WEBSOCKET_PROTOCOL);
    if let Some(kept) = kept.filter(|kept| !kept.is_empty()) {
        headers.insert(WEBSOCKET_PROTOCOL, kept);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::strip;

    fn of(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, http::HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn nothing_that_says_who_asks_stays() {
        let mut headers = of(&[
            ("authorization", b"Bearer x"),
            ("x-forwarded-user", b"x"),
            ("x-other", b"y"),
            ("sec-websocket-protocol", b"v4.channel.k8s.io"),
            (
                "sec-websocket-protocol",
                b"caf\xe9, base64url.bearer.authorization.k8s.io.dG9rZW4 ,v5.channel.k8s.io",
            ),
        ]);
        strip(&mut headers, |name| {
            matches!(name, "authorization" | "x-forwarded-user")
        });
        let protocols = headers.remove("sec-websocket-protocol").unwrap();
        assert!(protocols.as_bytes().starts_with(b"v4.channel.k8s.io,caf"));
        assert!(protocols.as_bytes().ends_with(b",v5.channel.k8s.io"));
        assert_eq!(headers, of(&[("x-other", b"y")]));
    }

    #[test]
    fn protocols_without_a_token_stay_as_they_are() {
        let lines = of(&[("sec-websocket-protocol", b"a , b"), ("sec-websocket-protocol", b"c")]);
        let mut headers = lines.clone();
        strip(&mut headers, |_| false);
        assert_eq!(headers, lines);
    }
}
