//! The one way of all requests: who asks, whether they may, what is answered, and what is said beside the answer.

pub(crate) mod credentials;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use apiserver_access::authenticate::{Credentials, Headers, Notes, Peer};
use apiserver_access::authorize::{self, Attributes, forbidden};
use apiserver_api::status::{Details, Reason, Status};
use apiserver_api::user::User;
use axum::body::{Body, HttpBody};
use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, HeaderValue, WARNING};
use http::{HeaderMap, Method, Request};
use parking_lot::Mutex;

use crate::answer::{self, Answer};
use crate::drain::Drain;
use crate::filters::{Arrival, Filters};
use crate::impersonate::impersonate;
use crate::in_flight::{self, InFlight};
use crate::machine::Machine;
use crate::metrics::Route;
use crate::paths::Paths;
use crate::request::Call;
use crate::request::info::Info;
use crate::request::query::Query;
use crate::visit::Visit;
use crate::{access, connect, deadline, debug, handlers};

/// The pipeline.
pub struct Pipeline {
    /// What answers requests for resources.
    pub machine: Arc<Machine>,
    /// What answers all others.
    pub paths: Paths,
    /// How many are answered at once.
    pub in_flight: InFlight,
    /// A request that is not long by nature must be answered in this time.
    pub deadline: Duration,
    /// What is counted of who may.
    pub authorization: authorize::Metrics,
    /// What is done to all requests and answers.
    pub filters: Filters,
    /// How it stops.
    pub drain: Drain,
}

/// How far a request came.
#[derive(Clone, Copy)]
struct Progress<'p> {
    /// Where it goes.
    route: Option<&'p Route>,
    /// Whether it came there.
    reached: &'p AtomicBool,
}

/// Goes with an answer to someone who is nobody: who did not say who they are, or could not show it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stranger;

/// A request that is being answered and may be given up before it is.
struct Waiting<'w> {
    pipeline: &'w Pipeline,
    call: &'w Call,
    route: Option<&'w Route>,
    answered: bool,
}

impl Pipeline {
    /// Answers a request.
    ///
    /// # Errors
    /// None: what goes wrong is an answer, too.
    pub async fn serve(self: Arc<Self>, peer: Option<Arc<Peer>>, request: Request<Body>) -> Result<Answer, Infallible> {
        let (parts, body) = request.into_parts();
        let arrival = self.filters.arrive(&parts);
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
        let is_long = is_long(&call);
        let route = Route::of(&self.machine.catalog, &call);
        let reached = AtomicBool::new(false);
        let progress = Progress {
            route: route.as_ref(),
            reached: &reached,
        };
        let (stay, mut answer) = match self.drain.enter(&call, is_long) {
            Ok(stay) => {
                let answer = self.welcome(&mut call, &arrival, peer.as_deref(), body, progress);
                (Some(stay), answer.await)
            }
            Err(refused) => (None, *refused),
        };
        finish(&call, &mut answer);
        self.filters.depart(&arrival, &mut answer);
        let visit = Visit {
            metrics: self.machine.metrics.clone(),
            call,
            arrival,
            route: route.filter(|_| reached.into_inner()),
            is_long,
            stay,
        };
        let answer = visit.see_off(&self.drain, answer);
        Ok(connect::watch::take_over(&self.machine.connect, answer))
    }

    /// Answers a request that is let in.
    async fn welcome(
        self: &Arc<Self>,
        call: &mut Call,
        arrival: &Arrival,
        peer: Option<&Peer>,
        body: Body,
        progress: Progress<'_>,
    ) -> Answer {
        if let Some(answer) = arrival.preflight() {
            return answer;
        }
        let time = match (is_long(call), deadline::of(&call.query, self.deadline)) {
            (true, _) => None,
            (false, Ok(time)) => Some(time),
            (false, Err(status)) => return answer::status(call, &status),
        };
        let found = self.identify(call, peer).await;
        let authenticator = &self.machine.authenticator;
        credentials::strip(&mut call.headers, |name| authenticator.hides(name));
        let is_stranger = found.as_ref().map_or(true, User::is_unauthenticated);
        let mut answer = match found {
            Err(status) => answer::status(call, &status),
            Ok(user) => match self.settle_user(call, user).await {
                Ok(()) => {
                    let body = self.machine.metrics.bodies.count(call, progress.route, body);
                    self.within_time(call, body, progress, time).await
                }
                Err(status) => answer::forbidden(call, &status),
            },
        };
        if is_stranger {
            answer.extensions_mut().insert(Stranger);
        }
        answer
    }

    /// Who asks is known, or nobody: finds out as whom they want to be answered.
    async fn settle_user(&self, call: &mut Call, user: User) -> Result<(), Status> {
        call.user = user;
        if let Some(user) = impersonate(&self.machine, call).await? {
            call.user = user;
        }
        Ok(())
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
        let begun = Instant::now();
        let found = self.machine.authenticator.admit(&credentials).await;
        let took = begun.elapsed().as_secs_f64();
        self.machine.metrics.filters.authentication.observe(took);
        for warning in notes.into_said().warnings {
            call.warn(warning);
        }
        Ok(found?.user)
    }

    /// Answers in this time since the request came, if there is one, and survives a panic of whoever should.
    async fn within_time(
        self: &Arc<Self>,
        call: &Call,
        body: Body,
        progress: Progress<'_>,
        time: Option<Duration>,
    ) -> Answer {
        let answered = AssertUnwindSafe(self.answer(call, body, progress)).catch_unwind();
        let Some(time) = time else {
            return answered.await.unwrap_or_else(|_| panicked(call));
        };
        let mut waiting = Waiting {
            pipeline: self,
            call,
            route: progress.route,
            answered: false,
        };
        let left = time.saturating_sub(call.since.elapsed());
        if let Ok(answered) = tokio::time::timeout(left, answered).await {
            waiting.answered = true;
            return answered.unwrap_or_else(|_| panicked(call));
        }
        let message = "request did not complete within the allotted timeout";
        let mut status = Status::new(504, Reason::Timeout, format!("Timeout: {message}"));
        status.details = Some(Box::<Details>::default());
        answer::status(call, &status)
    }

    async fn answer(self: &Arc<Self>, call: &Call, body: Body, progress: Progress<'_>) -> Answer {
        let metrics = &self.machine.metrics;
        let answered = async {
            let _place = if is_long(call) {
                None
            } else {
                let Some(place) = self.in_flight.enter(call) else {
                    metrics.requests.dropped(call, progress.route);
                    return Ok(in_flight::full());
                };
                Some((place, metrics.in_flight.enter(call)))
            };
            if let Err(refusal) = self.may(call).await {
                return Ok(answer::forbidden(call, &refusal));
            }
            progress.reached.store(true, Ordering::Relaxed);
            if call.info.is_resource
                && !call.path.starts_with("//")
                && Paths::is_group_version(&self.machine, &call.info)
            {
                return handlers::serve(&self.machine, call, body).await;
            }
            self.paths.serve(call, body).await
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
        let begun = Instant::now();
        let verdict = self.machine.authorizer.authorize(&asked).await;
        let took = begun.elapsed();
        self.machine.metrics.filters.authorization.observe(took.as_secs_f64());
        self.authorization.observe(&verdict, took);
        if verdict.is_allowed() {
            return Ok(());
        }
        Err(forbidden(&asked, &verdict.reason))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // It took too long, or the client does not wait any more.
        if !self.answered {
            let requests = &self.pipeline.machine.metrics.requests;
            requests.terminated(self.call, self.route, "504");
        }
    }
}

/// Whether a request lasts as long as the client wants: watches, connections to what an object stands for, and profiles.
fn is_long(call: &Call) -> bool {
    let info = &call.info;
    if !info.is_resource {
        return call.path.starts_with(debug::PREFIX);
    }
    info.verb == "watch"
        || info.verb == "proxy"
        || matches!(
            info.subresource.as_str(),
            "proxy" | "log" | "exec" | "attach" | "portforward"
        )
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
    write_warnings(call.warnings.lock().texts(), answer.headers_mut());
    if call.method == Method::HEAD {
        take_body(answer);
    }
}

/// Leaves of the body only how long it would be: hyper does so itself over HTTP/1, but over HTTP/2 would send it, which
/// clients take for a broken stream.
fn take_body(answer: &mut Answer) {
    let body = std::mem::replace(answer.body_mut(), Body::empty());
    if let Some(length) = HttpBody::size_hint(&body).exact() {
        answer.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
}

/// Warnings as headers.
fn write_warnings(warnings: &[String], headers: &mut HeaderMap) {
    for text in warnings {
        let value = format!("299 - {}", quoted(text));
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.append(WARNING, value);
        }
    }
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
mod protobuf_tests;
#[cfg(test)]
pub(crate) mod tests;
