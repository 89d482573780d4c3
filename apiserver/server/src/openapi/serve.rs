//! The documents over HTTP, as upstream's handlers serve them: by any method, in the form that is wanted, whole or not.

use http::header::{CACHE_CONTROL, CONTENT_ENCODING, ETAG, EXPIRES, HeaderValue, LOCATION, VARY};

use super::{Document, Documents, PROTOBUF_V2, PROTOBUF_V2_OLD, PROTOBUF_V3, PROTOBUF_V3_OLD, index, url};
use crate::answer::{self, Answer, Content, Kept};
use crate::request::Call;
use crate::request::accept::{Form, clauses};

/// A document whose address names its content is good for a year.
const YEAR: u64 = 365 * 24 * 60 * 60;

/// What of the forms of a document is wanted.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Json,
    Protobuf,
    /// One that there is not.
    Other,
    /// The header names nothing.
    Unsaid,
}

impl Documents {
    /// Answers a request for a document or for the index, which are as they are since this second, counted from 1970;
    /// nothing where the path is another.
    pub(crate) fn serve(&self, call: &Call, since: u64) -> Option<Answer> {
        match call.path.as_str() {
            "/openapi/v2" => Some(serve_v2(call, &self.v2(), since)),
            "/openapi/v3" => Some(self.serve_index(call, since)),
            path => {
                let below = path.strip_prefix("/openapi/v3/")?;
                Some(match self.v3(below) {
                    Some(document) => serve_v3(call, below, &document, since),
                    None => answer::nothing(404),
                })
            }
        }
    }

    fn serve_index(&self, call: &Call, since: u64) -> Answer {
        let hashes = self.hashes();
        let pairs = hashes.iter().map(|(path, hash)| (path.as_str(), hash.as_str()));
        let content = Content {
            // What Go takes it for.
            media_type: "text/plain; charset=utf-8",
            tag: "",
            modified: since,
            body: Kept::Plain(index(pairs)),
        };
        answer::content(call, &content)
    }
}

fn serve_v2(call: &Call, document: &Document, since: u64) -> Answer {
    let forms = [Form::Json.media_type(), PROTOBUF_V2_OLD, PROTOBUF_V2];
    let mut answer = match wanted(call.header("accept"), &forms) {
        Wanted::Json => send(call, document, Form::Json.media_type(), since),
        Wanted::Protobuf => send(call, document, PROTOBUF_V2, since),
        Wanted::Other | Wanted::Unsaid => answer::nothing(406),
    };
    vary(&mut answer);
    // This one says so however it is sent.
    if !answer.headers().contains_key(CONTENT_ENCODING) {
        answer
            .headers_mut()
            .append(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    answer
}

fn serve_v3(call: &Call, path: &str, document: &Document, since: u64) -> Answer {
    let forms = [Form::Json.media_type(), PROTOBUF_V3, PROTOBUF_V3_OLD];
    let mut answer = match wanted(call.header("accept"), &forms) {
        Wanted::Json => known_by_hash(call, path, document, Form::Json.media_type(), since),
        Wanted::Protobuf => known_by_hash(call, path, document, PROTOBUF_V3, since),
        Wanted::Other => answer::nothing(406),
        // Upstream gives up here without a word.
        Wanted::Unsaid => answer::nothing(200),
    };
    vary(&mut answer);
    answer
}

/// A document whose hash may be in the address: one of another hash has moved.
fn known_by_hash(call: &Call, path: &str, document: &Document, media_type: &'static str, since: u64) -> Answer {
    let asked = call.query.text("hash");
    if asked.is_empty() {
        return send(call, document, media_type, since);
    }
    let hash = document.hash();
    if asked != hash {
        let mut answer = answer::bytes(301, media_type, "");
        answer::set(&mut answer, LOCATION, &url(path, hash));
        answer::set(&mut answer, ETAG, &format!("\"{hash}\""));
        return answer;
    }
    let mut answer = send(call, document, media_type, since);
    // The address names the content: it never changes.
    answer::set(&mut answer, CACHE_CONTROL, "public, immutable");
    let end = u64::try_from(call.now.unix()).unwrap_or_default() + YEAR;
    answer::set(&mut answer, EXPIRES, &answer::date(end));
    answer
}

fn send(call: &Call, document: &Document, media_type: &'static str, since: u64) -> Answer {
    let packed = if media_type == Form::Json.media_type() {
        document.json().clone()
    } else {
        document.protobuf()
    };
    let content = Content {
        media_type,
        // Of both forms: they are told apart by what they vary by.
        tag: document.hash(),
        modified: since,
        body: Kept::Packed(&packed),
    };
    answer::content(call, &content)
}

/// Which of these forms, the first of them JSON, the client likes best.
fn wanted(accept: &str, forms: &[&'static str; 3]) -> Wanted {
    let accept = if accept.is_empty() { "*/*" } else { accept };
    let clauses = clauses(accept);
    for clause in &clauses {
        let fits = |form: &&str| {
            let (kind, part) = form.split_once('/').unwrap_or_default();
            (clause.kind == "*" || clause.kind == kind) && (clause.part == "*" || clause.part == part)
        };
        match forms.iter().position(fits) {
            Some(0) => return Wanted::Json,
            Some(_) => return Wanted::Protobuf,
            None => {}
        }
    }
    if clauses.is_empty() {
        Wanted::Unsaid
    } else {
        Wanted::Other
    }
}

fn vary(answer: &mut Answer) {
    answer.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::{Wanted, wanted};
    use crate::answer::Answer;
    use crate::discovery::Served;
    use crate::openapi::{Documents, Options, PROTOBUF_V2, PROTOBUF_V2_OLD, PROTOBUF_V3};
    use crate::request::tests::call;

    /// The first second of 2000.
    const SINCE: u64 = 946_684_800;

    fn documents() -> Documents {
        let options = Options {
            version: "1.36".to_owned(),
            enums: false,
            cbor: false,
        };
        Documents::new(Served::default(), options)
    }

    fn ask(documents: &Documents, method: &str, target: &str, headers: &[(&'static str, &str)]) -> Answer {
        let mut call = call(method, target);
        for (name, value) in headers {
            call.headers.insert(*name, value.parse().unwrap());
        }
        documents.serve(&call, SINCE).unwrap()
    }

    fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
        answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    async fn body(answer: Answer) -> bytes::Bytes {
        answer.into_body().collect().await.unwrap().to_bytes()
    }

    const DOCUMENT: &str = "/openapi/v3/.well-known/openid-configuration";

    #[tokio::test]
    async fn an_address_with_a_hash_leads_to_the_document_of_today() {
        let documents = documents();
        let plain = ask(&documents, "GET", DOCUMENT, &[]);
        assert_eq!((header(&plain, "cache-control"), header(&plain, "expires")), ("", ""));
        let tag = header(&plain, "etag").to_owned();
        let current = format!("{DOCUMENT}?hash={}", tag.trim_matches('"'));
        let moved = ask(&documents, "GET", &format!("{DOCUMENT}?hash=XX"), &[]);
        assert_eq!(moved.status(), 301);
        assert_eq!((header(&moved, "location"), header(&moved, "etag")), (&*current, &*tag));
        assert_eq!(header(&moved, "content-type"), "application/json");
        assert!(body(moved).await.is_empty());
        let found = ask(&documents, "GET", &current, &[]);
        assert_eq!(found.status(), 200);
        assert_eq!(header(&found, "cache-control"), "public, immutable");
        // The test's clock stands at the beginning of 1970.
        assert_eq!(header(&found, "expires"), "Fri, 01 Jan 1971 00:00:00 GMT");
        assert_eq!(header(&found, "last-modified"), "Sat, 01 Jan 2000 00:00:00 GMT");
    }

    #[tokio::test]
    async fn a_document_is_told_in_the_form_that_is_wanted() {
        let documents = documents();
        for (accept, code, media_type) in [
            ("application/json", 200, "application/json"),
            ("application/*", 200, "application/json"),
            (PROTOBUF_V3, 200, PROTOBUF_V3),
            ("image/png", 406, ""),
            ("text/html, application/xml", 406, ""),
            ("application/yaml", 406, ""),
            ("nonsense", 200, ""),
        ] {
            let answer = ask(&documents, "GET", DOCUMENT, &[("accept", accept)]);
            let told = (answer.status().as_u16(), header(&answer, "content-type"));
            assert_eq!(told, (code, media_type), "{accept}");
            assert_eq!(header(&answer, "vary"), "Accept");
            assert_eq!(body(answer).await.is_empty(), media_type.is_empty(), "{accept}");
        }
    }

    #[test]
    fn the_older_document_varies_by_how_it_is_sent() {
        let documents = documents();
        for (encoding, accept, code) in [("", "", 200), ("gzip", "", 200), ("", "text/html", 406)] {
            let headers = [("accept-encoding", encoding), ("accept", accept)];
            let answer = ask(&documents, "GET", "/openapi/v2", &headers);
            let mut varies: Vec<_> = answer.headers().get_all("vary").iter().collect();
            varies.sort_by_key(|value| value.len());
            assert_eq!(answer.status().as_u16(), code);
            assert_eq!(varies, ["Accept", "Accept-Encoding"]);
        }
    }

    #[test]
    fn the_form_that_is_liked_best_is_chosen() {
        let forms = ["application/json", PROTOBUF_V2_OLD, PROTOBUF_V2];
        for (accept, form) in [
            ("", Wanted::Json),
            ("*", Wanted::Json),
            ("*/*", Wanted::Json),
            (PROTOBUF_V2_OLD, Wanted::Protobuf),
            (
                "application/json;q=0.5, application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
                Wanted::Protobuf,
            ),
            (
                "*/*, application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
                Wanted::Protobuf,
            ),
            ("text/html", Wanted::Other),
            ("json, a/b/c", Wanted::Unsaid),
        ] {
            assert_eq!(wanted(accept, &forms), form, "{accept}");
        }
    }

    #[tokio::test]
    async fn any_method_may_ask_and_for_a_part_too() {
        let documents = documents();
        for method in ["GET", "PUT", "BREW"] {
            let part = ask(
                &documents,
                method,
                DOCUMENT,
                &[("range", "bytes=0-9"), ("accept-encoding", "gzip")],
            );
            assert_eq!(
                (part.status().as_u16(), header(&part, "content-encoding")),
                (206, ""),
                "{method}"
            );
            assert!(header(&part, "content-range").starts_with("bytes 0-9/"));
            assert_eq!(body(part).await, r#"{"componen"#);
        }
        let index = ask(
            &documents,
            "GET",
            "/openapi/v3",
            &[("if-modified-since", "Sat, 01 Jan 2000 00:00:00 GMT")],
        );
        assert_eq!(index.status(), 304);
    }

    #[test]
    fn other_paths_are_not_answered() {
        let documents = documents();
        for path in ["/openapi", "/openapi/v2/", "/openapi/v1"] {
            assert!(documents.serve(&call("GET", path), SINCE).is_none(), "{path}");
        }
        for path in ["/openapi/v3/", "/openapi/v3/nope", "/openapi/v3/api/"] {
            assert_eq!(ask(&documents, "GET", path, &[]).status(), 404, "{path}");
        }
    }
}
