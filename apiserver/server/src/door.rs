//! What is answered before anybody looks at what a request is for, as Go's server answers it: most of it refusals, over
//! HTTP/1.

use axum::body::Body;
use http::header::{CONNECTION, CONTENT_TYPE, EXPECT, HOST, HeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};

use crate::answer::{Answer, TEXT, nothing};

/// What stands in a host beside letters and digits.
const MARKS: &[u8] = b"!$%&'()*+,-.:;=[]_~";
/// What is said of a request that cannot be read.
const MALFORMED: &str = "400 Bad Request";
/// The one expectation there is.
const CONTINUE: &str = "100-continue";

/// What such a request is answered; nothing where it may come in.
pub(crate) fn answer<B>(request: &Request<B>) -> Option<Answer> {
    if request.version() == Version::HTTP_2 {
        // Go's server resets the stream; whoever is told why is helped more.
        if !has_whole_escapes(request.uri().path()) {
            let mut refused = refused(StatusCode::BAD_REQUEST, MALFORMED);
            refused.headers_mut().remove(CONNECTION);
            return Some(refused);
        }
    } else if let Some(refused) = refusal(request) {
        return Some(refused);
    }
    // Whether the server is there at all.
    let is_there = request.method() == Method::OPTIONS && request.uri().path() == "*";
    is_there.then(|| nothing(200))
}

/// What is refused over HTTP/1, after which the connection ends.
fn refusal<B>(request: &Request<B>) -> Option<Answer> {
    if !has_whole_escapes(request.uri().path()) {
        return Some(refused(StatusCode::BAD_REQUEST, MALFORMED));
    }
    if request.version() == Version::HTTP_11 && !is_plain_or_chunked(request.headers()) {
        return Some(refused(StatusCode::NOT_IMPLEMENTED, "Unsupported transfer encoding"));
    }
    if let Some(wrong) = wrong_host(request) {
        return Some(refused(StatusCode::BAD_REQUEST, wrong));
    }
    (!is_met(request.headers())).then(|| refused(StatusCode::EXPECTATION_FAILED, ""))
}

/// Whether two digits follow each percent sign.
fn has_whole_escapes(path: &str) -> bool {
    let mut escapes = path.split('%').skip(1).map(str::as_bytes);
    escapes.all(|rest| matches!(rest, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()))
}

/// Whether a body comes in pieces or as it is, and in no other way.
fn is_plain_or_chunked(headers: &HeaderMap) -> bool {
    let mut ways = headers.get_all(TRANSFER_ENCODING).iter();
    match (ways.next(), ways.next()) {
        (None, _) => true,
        (Some(way), None) => way.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// What is said of a request whose host is wrong.
fn wrong_host<B>(request: &Request<B>) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => Some(MALFORMED),
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

fn refused(code: StatusCode, body: &'static str) -> Answer {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = code;
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if code != StatusCode::EXPECTATION_FAILED {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    }
    answer
}

#[cfg(test)]
mod tests {
    use http::{Method, Request, Version};
    use http_body_util::BodyExt;

    use super::{answer, refusal};

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
    async fn a_body_comes_in_pieces_or_as_it_is() {
        for (ways, refused) in [
            (&["chunked"][..], false),
            (&["Chunked"], false),
            (&["gzip, chunked"], true),
            (&["foo"], true),
            (&["chunked", "chunked"], true),
        ] {
            let ways = ways.iter().map(|way| ("transfer-encoding", way.as_bytes()));
            let headers: Vec<(&str, &[u8])> = std::iter::once(("host", b"a" as &[u8])).chain(ways).collect();
            let expected = refused.then(|| (501, "Unsupported transfer encoding".to_owned()));
            assert_eq!(
                said(Method::POST, Version::HTTP_11, &headers).await,
                expected,
                "{headers:?}"
            );
        }
    }

    #[test]
    fn a_path_has_whole_escapes_in_all_versions() {
        for (path, code) in [
            ("/a%2Fb%c3%A4", None),
            ("/a?b=%zz", None),
            ("/n%zz/b", Some(400)),
            ("/n%", Some(400)),
            ("/n%2", Some(400)),
            ("/%%2f", Some(400)),
            ("*", Some(200)),
        ] {
            for version in [Version::HTTP_11, Version::HTTP_2] {
                let request = Request::options(path).version(version).header("host", "h");
                let answered = answer(&request.body(()).unwrap());
                let told = answered.as_ref().map(|answer| answer.status().as_u16());
                assert_eq!(told, code, "{path} {version:?}");
                let ends = answered.is_some_and(|answer| answer.headers().contains_key("connection"));
                assert_eq!(
                    ends,
                    code == Some(400) && version == Version::HTTP_11,
                    "{path} {version:?}"
                );
            }
        }
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
