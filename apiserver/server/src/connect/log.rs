//! A container's log, as its kubelet writes it.

use std::time::Duration;

use apiserver_api::gvk::{GroupKind, GroupResource};
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use http::header::{CONTENT_TYPE, HOST, HeaderValue, LOCATION};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio_tungstenite::tungstenite::Message;

use super::client::Client;
use super::location::{Location, query};
use super::node::Kubelet;
use super::{Asked, container, headers, upgrade, websocket};
use crate::answer::{self, Answer};
use crate::request::query::Query;

/// What a kubelet says of a failure is read up to here; upstream's limit.
const FAILURE_MAX: usize = 50_000;
/// A WebSocket client that does not take its end in this time is dropped.
const END: Duration = Duration::from_secs(10);
/// The first second of year 1, which upstream makes of a time that is given and empty.
const NO_TIME: i64 = -62_135_596_800;

/// What is wanted of a log (`PodLogOptions`).
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a parameter of its own")]
struct Options<'q> {
    container: &'q str,
    follow: bool,
    previous: bool,
    timestamps: bool,
    since_seconds: Option<i64>,
    since_time: Option<Time>,
    tail_lines: Option<i64>,
    limit_bytes: Option<i64>,
    stream: Option<&'q str>,
    /// The kubelet's certificate is not checked.
    insecure: bool,
}

impl<'q> Options<'q> {
    fn read(query: &'q Query) -> Result<Self, String> {
        let flag = |key: &str| query.flag(key).unwrap_or_default();
        let since_time = match query.get("sinceTime") {
            Some("" | "null") => Some(Time::from_unix(NO_TIME)),
            Some(text) => Some(Time::parse(text).map_err(|error| error.to_string())?),
            None => None,
        };
        Ok(Self {
            container: query.text("container"),
            follow: flag("follow"),
            previous: flag("previous"),
            timestamps: flag("timestamps"),
            since_seconds: query.int("sinceSeconds")?,
            since_time,
            tail_lines: query.int("tailLines")?,
            limit_bytes: query.int("limitBytes")?,
            stream: query.get("stream"),
            insecure: flag("insecureSkipTLSVerifyBackend"),
        })
    }

    fn check(&self) -> Refusals {
        let mut refusals = Refusals::new();
        if let Some(lines) = self.tail_lines.filter(|lines| *lines < 0) {
            refusals.invalid(&Path::of("tailLines"), lines, "must be greater than or equal to 0");
        }
        if let Some(bytes) = self.limit_bytes.filter(|bytes| *bytes < 1) {
            refusals.invalid(&Path::of("limitBytes"), bytes, "must be greater than 0");
        }
        if self.since_seconds.is_some() && self.since_time.is_some() {
            let detail = "at most one of `sinceTime` or `sinceSeconds` may be specified";
            // Upstream's path of nothing shows so.
            refusals.forbidden(&Path::of("[]"), detail);
        } else if let Some(seconds) = self.since_seconds.filter(|seconds| *seconds < 1) {
            refusals.invalid(&Path::of("sinceSeconds"), seconds, "must be greater than 0");
        }
        if self.stream.is_some() {
            // Its feature gate is off by default (PodLogsQuerySplitStreams).
            refusals.forbidden(&Path::of("stream"), "may not be specified");
        }
        refusals
    }

    fn query(&self) -> String {
        let mut pairs = Vec::new();
        for (key, said) in [
            ("follow", self.follow),
            ("previous", self.previous),
            ("timestamps", self.timestamps),
        ] {
            if said {
                pairs.push((key, "true".to_owned()));
            }
        }
        for (key, said) in [
            ("sinceSeconds", self.since_seconds),
            ("tailLines", self.tail_lines),
            ("limitBytes", self.limit_bytes),
        ] {
            if let Some(said) = said {
                pairs.push((key, said.to_string()));
            }
        }
        if let Some(time) = self.since_time {
            pairs.push(("sinceTime", time.to_string()));
        }
        query(pairs)
    }
}

/// Answers a request for a log.
///
/// # Errors
/// What the client is told.
pub(super) async fn serve(asked: &Asked<'_>) -> Result<Answer, Status> {
    let name = &asked.call.info.name;
    let options = Options::read(&asked.call.query).map_err(Status::bad_request)?;
    let refusals = options.check();
    if !refusals.is_empty() {
        return Err(Status::invalid(&GroupKind::new("", "PodLogOptions"), name, &refusals));
    }
    let pod = asked.read("pods", name).await?;
    let container = container::choose(&pod, options.container)?;
    let node = pod.at("spec").text("nodeName");
    if node.is_empty() {
        let mut nothing = Response::new(Body::empty());
        *nothing.status_mut() = StatusCode::NO_CONTENT;
        return Ok(nothing);
    }
    let kubelet = Kubelet::find(asked, node).await?;
    let path = format!(
        "/containerLogs/{}/{}/{container}",
        meta::namespace(&pod),
        meta::name(&pod)
    );
    let location = kubelet.at(path, options.query());
    let client = if options.insecure {
        &asked.connect.0.unchecked
    } else {
        &asked.connect.0.kubelets
    };
    let log = fetch(client, &location, name).await?;
    if websocket::is_asked(&asked.call.headers) {
        return Ok(in_messages(asked, log));
    }
    let mut answer = Response::new(Body::new(log));
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(answer)
}

/// Asks a kubelet.
async fn fetch(client: &Client, location: &Location, name: &str) -> Result<Incoming, Status> {
    let authority = location.authority();
    let uri = headers::absolute(location.scheme(), &authority, &location.target()).map_err(Status::unknown)?;
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri;
    if let Ok(host) = HeaderValue::from_str(&authority) {
        request.headers_mut().insert(HOST, host);
    }
    let sent = client.send(request).await;
    let response = sent.map_err(|error| Status::unknown(upgrade::told("Get", location, &error)))?;
    let code = response.status().as_u16();
    if matches!(code, 301 | 302 | 303 | 307 | 308)
        && let Some(to) = response.headers().get(LOCATION)
    {
        let to = apiserver_api::go::quote(&String::from_utf8_lossy(to.as_bytes()));
        return Err(Status::unknown(format!("Get {to}: redirects forbidden")));
    }
    if (200..=206).contains(&code) {
        return Ok(response.into_body());
    }
    let said = failure(response.into_body()).await.map_err(Status::internal)?;
    Err(match code {
        500 => Status::internal(said),
        400 => Status::bad_request(said),
        _ => Status::generic(code, "", &GroupResource::new("", "pods/log"), name, &said),
    })
}

/// What a kubelet says of a failure.
async fn failure(mut body: Incoming) -> Result<String, hyper::Error> {
    let mut said = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            said.extend_from_slice(&data);
        }
        if said.len() >= FAILURE_MAX {
            said.truncate(FAILURE_MAX);
            break;
        }
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// A log as messages of a WebSocket.
fn in_messages(asked: &Asked<'_>, log: Incoming) -> Answer {
    let offered = websocket::protocols(&asked.call.headers);
    let known = ["binary.k8s.io", "base64.binary.k8s.io"];
    let mut offered = offered.peekable();
    let protocol = if offered.peek().is_none() {
        None
    } else {
        match offered.find(|one| known.contains(one)) {
            Some(one) => Some(one),
            None => return answer::text(403, ""),
        }
    };
    let encoded = protocol == Some("base64.binary.k8s.io");
    match websocket::accept(asked.call, protocol) {
        Ok((answer, taken)) => {
            let tasks = &asked.connect.0.tasks;
            tasks.spawn_until("log in messages", async move {
                if let Some(socket) = websocket::open(taken).await {
                    copy(socket, log, encoded).await;
                }
            });
            answer
        }
        Err(refused) => *refused,
    }
}

async fn copy(socket: websocket::Socket, mut log: Incoming, encoded: bool) {
    let message = |bytes: Bytes| {
        if encoded {
            Message::text(STANDARD.encode(&bytes))
        } else {
            Message::Binary(bytes)
        }
    };
    let (mut to_client, mut from_client) = socket.split();
    let copied = async {
        // An empty message says that the log begins.
        to_client.send(message(Bytes::new())).await.ok()?;
        while let Some(Ok(frame)) = log.frame().await {
            if let Ok(data) = frame.into_data() {
                to_client.send(message(data)).await.ok()?;
            }
        }
        Some(())
    };
    // A client has nothing to say but that it goes.
    let gone = async { while let Some(Ok(_)) = from_client.next().await {} };
    tokio::select! {
        _ = copied => {}
        () = gone => {}
    }
    let _ = tokio::time::timeout(END, to_client.send(websocket::goodbye())).await;
}
