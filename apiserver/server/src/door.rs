//! What is refused of a request over HTTP/1 before anybody looks at what it is for, as Go's server refuses it.

use axum::body::Body;
use http::header::{CONNECTION, CONTENT_TYPE, EXPECT, HOST, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};

use crate::answer::Answer;

/// What stands in a host beside letters and digits.
const MARKS: &[u8] = b"!$%&'()*+,-.:;=[]_~";
/// The one expectation there is.
const CONTINUE: &str = "100-continue";

/// What such a request is answered, after which its connection ends; nothing where it may come in.
pub(crate) fn refusal<B>(request: &Request<B>) -> Option<Answer> {
    if let Some(wrong) = wrong_host(request) {
        return Some(answer(StatusCode::BAD_REQUEST, wrong));
    }
    (!is_met(request.headers())).then(|| answer(StatusCode::EXPECTATION_FAILED, ""))
}

/// What is said of a request whose host is wrong.
fn wrong_host<B>(request: &Request<B>) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => Some("400 Bad Request"),
        (Some(host), None) => (!is_host(host.as_bytes())).then_some("400 Bad Request: malformed Host header"),
        (None, _) => {
            let need = request.version() == Version::HTTP_11 && request.method() != Method::CONNECT;
            need.then_some("400 Bad Request: missing required Host header")
        }
    }
}

fn is_host(host: &[u8]) -> bool {
    host.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || MARKS.contains(byte))
}

/// Whether what the client expects, if anything, is what there is.
fn is_met(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_none_or(|expected| {
        let mut tokens = expected.as_bytes().split(|byte| b" ,\t".contains(byte));
        expected.is_empty() || tokens.any(|token| token.eq_ignore_ascii_case(CONTINUE.as_bytes()))
    })
}

fn answer(code: StatusCode, body: &'static str) -> Answer {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = code;
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if code == StatusCode::BAD_REQUEST {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use http::{Method, Request, Version};
    use http_body_util::BodyExt;

    use super::refusal;

    async fn said(method: Method, version: Version, headers: &[(&str, &[u8])]) -> Option<(u16, String)> {
        let mut request = Request::builder().method(method).version(version).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = refusal(&request.body(()).unwrap())?;
        assert_eq!(answer.headers()["connection"], "close");
        let code = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        Some((code, String::from_utf8(body.to_vec()).unwrap()))
    }

    #[tokio::test]
    async fn a_request_names_one_host() {
        const MISSING: &str = "400 Bad Request: missing required Host header";
        const MALFORMED: &str = "400 Bad Request: malformed Host header";
        let twice: &[(&str, &[u8])] = &[("host", b"a"), ("host", b"a")];
        for (version, headers, expected) in [
            (Version::HTTP_11, &[][..], Some(MISSING)),
            (Version::HTTP_10, &[], None),
            (Version::HTTP_11, &[("host", b"[fe80::1%25a]:6443" as &[u8])], None),
            (Version::HTTP_11, &[("host", b"")], None),
            (Version::HTTP_11, &[("host", b"a/b")], Some(MALFORMED)),
            (Version::HTTP_10, &[("host", b"a b")], Some(MALFORMED)),
            (Version::HTTP_11, &[("host", "\u{e9}".as_bytes())], Some(MALFORMED)),
            (Version::HTTP_11, twice, Some("400 Bad Request")),
            (Version::HTTP_10, twice, Some("400 Bad Request")),
        ] {
            let expected = expected.map(|body| (400, body.to_owned()));
            assert_eq!(said(Method::GET, version, headers).await, expected, "{headers:?}");
        }
        assert_eq!(said(Method::CONNECT, Version::HTTP_11, &[]).await, None);
    }

    #[tokio::test]
    async fn what_is_expected_is_to_go_on_or_nothing() {
        for (expected, refused) in [
            ("100-continue", false),
            ("100-Continue, tea", false),
            ("", false),
            ("tea", true),
            ("100-continued", true),
        ] {
            let headers: &[(&str, &[u8])] = &[("host", b"a"), ("expect", expected.as_bytes())];
            let answer = refused.then(|| (417, String::new()));
            assert_eq!(
                said(Method::POST, Version::HTTP_11, headers).await,
                answer,
                "{expected}"
            );
        }
    }
}
