//! The one way of all requests: who asks, whether they may, what is answered, and what is said beside the answer.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apiserver_access::authenticate::{Chain, Credentials, Headers, Notes, Peer};
use apiserver_access::authorize::{Attributes, forbidden};
use apiserver_api::status::{Details, Reason, Status};
use apiserver_api::user::User;
use axum::body::Body;
use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER, WARNING};
use http::{HeaderMap, Method, Request};
use parking_lot::Mutex;

use crate::answer::{self, Answer};
use crate::in_flight::InFlight;
use crate::machine::Machine;
use crate::paths::Paths;
use crate::request::Call;
use crate::request::info::Info;
use crate::request::query::Query;
use crate::{access, handlers};

/// Warnings of one answer have so many bytes at most; beyond that each is cut, as upstream does.
const WARNINGS_MAX: usize = 4096;
/// What a warning is cut to.
const WARNING_CUT: usize = 256;

/// The pipeline.
pub struct Pipeline {
    /// What answers requests for resources.
    pub machine: Arc<Machine>,
    /// Finds out who asks.
    pub authenticator: Chain,
    /// What answers all others.
    pub paths: Paths,
    /// How many are answered at once.
    pub in_flight: InFlight,
    /// A request that is not long by nature must be answered in this time.
    pub deadline: Duration,
}

impl Pipeline {
    /// Answers a request.
    pub async fn serve(self: Arc<Self>, peer: Option<Arc<Peer>>, request: Request<Body>) -> Result<Answer, Infallible> {
        let (parts, body) = request.into_parts();
        let path = percent_decoded(parts.uri.path());
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let info = Info::of(&parts.method, &path, &query);
        let mut call = Call {
            method: parts.method,
            uri: parts.uri,
            path,
            query,
            headers: parts.headers,
            extensions: parts.extensions,
            info,
            user: User::default(),
            now: self.machine.now(),
            since: Instant::now(),
            warnings: Mutex::default(),
        };
        let mut answer = match self.identify(&call, peer.as_deref()).await {
            Ok(user) => {
                call.user = user;
                self.within_time(&call, body).await
            }
            Err(status) => answer::status(&call, &status),
        };
        finish(&call, &mut answer);
        Ok(answer)
    }

    /// Who asks.
    async fn identify(&self, call: &Call, peer: Option<&Peer>) -> Result<User, Status> {
        let headers = call.headers.iter();
        let headers: Vec<(&str, &[u8])> = headers.map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let notes = Notes::new();
        let credentials = Credentials {
            peer,
            headers: Headers::new(&headers),
            path: &call.path,
            audiences: &[],
            notes: &notes,
        };
        let found = self.authenticator.admit(&credentials).await;
        for warning in notes.into_said().warnings {
            call.warn(warning);
        }
        Ok(found?.user)
    }

    /// Answers in time, and survives a panic of whoever should.
    async fn within_time(self: &Arc<Self>, call: &Call, body: Body) -> Answer {
        let answered = AssertUnwindSafe(self.answer(call, body)).catch_unwind();
        if is_long(&call.info) {
            return answered.await.unwrap_or_else(|_| panicked(call));
        }
        match tokio::time::timeout(self.deadline, answered).await {
            Ok(answered) => answered.unwrap_or_else(|_| panicked(call)),
            Err(_) => {
                let message = "request did not complete within the allotted timeout";
                let mut status = Status::new(504, Reason::Timeout, format!("Timeout: {message}"));
                status.details = Some(Box::<Details>::default());
                answer::status(call, &status)
            }
        }
    }

    async fn answer(self: &Arc<Self>, call: &Call, body: Body) -> Answer {
        let answered = async {
            let _place = if is_long(&call.info) {
                None
            } else {
                Some(self.in_flight.enter(call)?)
            };
            self.may(call).await?;
            if call.info.is_resource
                && !call.path.starts_with("//")
                && Paths::is_group_version(&self.machine, &call.info)
            {
                return handlers::serve(&self.machine, call, body).await;
            }
            self.paths.serve(call).await
        };
        match answered.await {
            Ok(answer) => answer,
            Err(status) => answer::status(call, &status),
        }
    }

    /// Whether the user may.
    async fn may(&self, call: &Call) -> Result<(), Status> {
        let asked = Attributes {
            user: &call.user,
            verb: &call.info.verb,
            on: access::on(&call.info, &call.path),
        };
        let verdict = self.machine.authorizer.authorize(&asked).await;
        if verdict.is_allowed() {
            return Ok(());
        }
        Err(forbidden(&asked, &verdict.reason))
    }
}

/// Whether a request lasts as long as the client wants: watches, and connections to what an object stands for.
fn is_long(info: &Info) -> bool {
    info.is_resource
        && (info.verb == "watch"
            || info.verb == "proxy"
            || matches!(
                info.subresource.as_str(),
                "proxy" | "log" | "exec" | "attach" | "portforward"
            ))
}

fn panicked(call: &Call) -> Answer {
    tracing::error!(method = %call.method, path = call.path, "a request met a panic");
    let message = "This request caused apiserver to panic. Look in the logs for details.";
    answer::status(call, &Status::internal(message))
}

/// What every answer says beside its body.
fn finish(call: &Call, answer: &mut Answer) {
    let headers = answer.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache, private"));
    if answer_is_busy(answer.status().as_u16()) {
        answer
            .headers_mut()
            .entry(RETRY_AFTER)
            .or_insert(HeaderValue::from_static("1"));
    }
    write_warnings(&call.warnings.lock(), answer.headers_mut());
}

const fn answer_is_busy(code: u16) -> bool {
    code == 429
}

/// Warnings as headers, within their limit.
fn write_warnings(warnings: &[String], headers: &mut HeaderMap) {
    let written: Vec<String> = warnings.iter().map(|text| clean(text)).collect();
    let total: usize = written.iter().map(String::len).sum();
    let mut left = WARNINGS_MAX;
    for text in written {
        let text = if total > WARNINGS_MAX {
            cut(&text, WARNING_CUT)
        } else {
            &text
        };
        if text.len() > left {
            return;
        }
        left -= text.len();
        let value = format!("299 - {}", quoted(text));
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.append(WARNING, value);
        }
    }
}

/// A text without what no header may hold.
fn clean(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A quoted string of HTTP.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A path without its percent signs; those that make no sense stay.
fn percent_decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match (bytes[at], code.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What is said where there is nothing, not even a resource.
pub(crate) fn not_found() -> Answer {
    answer::text(404, "404 page not found\n")
}

/// The methods that read.
pub(crate) fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::{percent_decoded, write_warnings};

    #[test]
    fn warnings_keep_within_their_limit() {
        let mut headers = HeaderMap::new();
        write_warnings(&["a \"b\"\n".to_owned(), "x".repeat(5000)], &mut headers);
        let texts: Vec<_> = headers
            .get_all("warning")
            .iter()
            .map(|value| value.to_str().unwrap().len())
            .collect();
        assert_eq!(headers.get("warning").unwrap(), r#"299 - "a \"b\"""#);
        assert_eq!(texts[1], "299 - ".len() + 2 + 256);
    }

    #[test]
    fn a_path_is_read_without_its_percent_signs() {
        assert_eq!(percent_decoded("/api/v1/a%2Fb%20c%zz%"), "/api/v1/a/b c%zz%");
    }
}
