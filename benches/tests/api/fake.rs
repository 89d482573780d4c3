//! A small apiserver that keeps objects in memory, over TLS: just enough of the API to be measured.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base::tls::{ServerOptions, ServerTls};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Collected};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// The token that is let in.
pub(crate) const TOKEN: &str = "secret";
/// Answers that are longer are compressed for those who ask for it.
const COMPRESS: usize = 4096;

/// How the server is to behave.
#[derive(Clone, Default)]
pub(crate) struct Manner {
    /// Ends every watch after so many events.
    pub(crate) cut_after: Option<u64>,
    /// Believes only clients with a certificate of this authority, and wants no token.
    pub(crate) client_ca: Option<PathBuf>,
    /// Has no list of more than so many objects, although it should.
    pub(crate) forgets_after: Option<usize>,
}

/// A code and a body.
type Answer = (u16, String);

/// What the server holds.
#[derive(Default)]
pub(crate) struct State {
    revision: u64,
    objects: BTreeMap<String, Value>,
    watches: Vec<Watch>,
}

struct Watch {
    node: Option<String>,
    sent: u64,
    frames: mpsc::UnboundedSender<Bytes>,
}

/// The body of an answer: frames until the sender is gone.
struct Frames(mpsc::UnboundedReceiver<Bytes>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.poll_recv(context);
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Serves on a listener for as long as the program runs, on a thread of its own.
pub(crate) fn serve(
    listener: std::net::TcpListener,
    cert: &Path,
    key: &Path,
    manner: Manner,
    state: Arc<Mutex<State>>,
) {
    let tls = ServerTls::new(ServerOptions {
        cert_file: cert.to_path_buf(),
        key_file: key.to_path_buf(),
        trusted_ca_file: manner.client_ca.clone(),
        client_cert_auth: manner.client_ca.is_some(),
        alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        ..ServerOptions::default()
    })
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    std::thread::spawn(move || runtime.block_on(accept(listener, tls, manner, state)));
}

async fn accept(listener: std::net::TcpListener, tls: ServerTls, manner: Manner, state: Arc<Mutex<State>>) {
    let tasks = base::task::Tasks::new();
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((stream, remote)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        let (tls, state, manner) = (tls.clone(), Arc::clone(&state), manner.clone());
        tasks.spawn_until("connection", async move {
            let Ok(stream) = tls.accept(stream, Some(remote.ip())).await else {
                return;
            };
            let service = service_fn(move |request| answer(request, Arc::clone(&state), manner.clone()));
            let mut builder = Builder::new(TokioExecutor::new());
            builder.http2().max_concurrent_streams(100);
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
    manner: Manner,
) -> Result<Response<Frames>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let named = head.headers.get(header::AUTHORIZATION);
    let known = named.is_some_and(|value| value == format!("Bearer {TOKEN}").as_str());
    if !known && manner.client_ca.is_none() {
        return Ok(whole(&head, status(401, "Unauthorized", "Unauthorized")));
    }
    if head.uri.query().unwrap_or_default().contains("watch=1") {
        return Ok(watch(&head, &state));
    }
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let answer = state.lock().answer(&head, body, &manner);
    Ok(whole(&head, answer))
}

fn whole(head: &http::request::Parts, answer: Answer) -> Response<Frames> {
    let mut response = Response::builder().status(StatusCode::from_u16(answer.0).unwrap());
    let mut bytes = answer.1.into_bytes();
    let wants = |name, text: &str| {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.contains(text))
    };
    if wants(header::ACCEPT_ENCODING, "gzip") && bytes.len() > COMPRESS {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&bytes).unwrap();
        bytes = encoder.finish().unwrap();
        response = response.header(header::CONTENT_ENCODING, "gzip");
    }
    let (sender, receiver) = mpsc::unbounded_channel();
    sender.send(bytes.into()).unwrap();
    response.body(Frames(receiver)).unwrap()
}

fn watch(head: &http::request::Parts, state: &Mutex<State>) -> Response<Frames> {
    let (sender, receiver) = mpsc::unbounded_channel();
    state.lock().watches.push(Watch {
        node: parameter(head, "fieldSelector").map(|selector| selector.replace("spec.nodeName%3D", "")),
        sent: 0,
        frames: sender,
    });
    Response::new(Frames(receiver))
}

fn parameter(head: &http::request::Parts, name: &str) -> Option<String> {
    let query = head.uri.query()?;
    let pair = query.split('&').find(|pair| pair.split('=').next() == Some(name))?;
    Some(pair.split_once('=')?.1.to_owned())
}

fn status(code: u16, reason: &str, message: &str) -> Answer {
    let status = json!({"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code});
    (code, status.to_string())
}

impl State {
    /// Objects whose path has this part.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.objects.keys().filter(|path| path.contains(part)).count()
    }

    fn answer(&mut self, head: &http::request::Parts, mut body: Value, manner: &Manner) -> Answer {
        let path = head.uri.path().to_owned();
        let is_pod = path.contains("/pods/");
        match head.method {
            Method::GET if path == "/readyz" => (200, "ok".to_owned()),
            Method::GET if path == "/version" => (200, json!({"gitVersion": "v1.36.0-fake"}).to_string()),
            Method::GET => match self.objects.get(&path) {
                Some(object) => (200, object.to_string()),
                None if path.ends_with("/pods") => self.list(head, manner),
                None => status(404, "NotFound", &format!("{path} not found")),
            },
            Method::POST => {
                let item = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap());
                if self.objects.contains_key(&item) {
                    return status(409, "AlreadyExists", &format!("{item} already exists"));
                }
                (201, self.write(item, body, manner).to_string())
            }
            Method::DELETE
                if ["/pods", "/configmaps", "/deployments"]
                    .iter()
                    .any(|end| path.ends_with(end)) =>
            {
                self.objects.retain(|item, _| !item.starts_with(&format!("{path}/")));
                (200, "{}".to_owned())
            }
            Method::DELETE if is_pod && parameter(head, "gracePeriodSeconds").as_deref() != Some("0") => {
                status(400, "BadRequest", "a pod waits for its kubelet")
            }
            Method::DELETE => match self.objects.remove(&path) {
                Some(object) => (200, object.to_string()),
                None => status(404, "NotFound", &format!("{path} not found")),
            },
            _ => {
                let Some(old) = self.objects.get(&path) else {
                    return status(404, "NotFound", &format!("{path} not found"));
                };
                if head.method == Method::PATCH {
                    let mut new = old.clone();
                    new["metadata"]["annotations"] = body["metadata"]["annotations"].take();
                    body = new;
                } else if path.contains("/leases/")
                    && body["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"]
                {
                    return status(409, "Conflict", "the object has been modified");
                }
                (200, self.write(path, body, manner).to_string())
            }
        }
    }

    fn write(&mut self, path: String, mut object: Value, manner: &Manner) -> Value {
        self.revision += 1;
        object["metadata"]["resourceVersion"] = self.revision.to_string().into();
        if path.contains("/pods/") {
            let event = format!("{}\n", json!({"type": "MODIFIED", "object": object}));
            let node = object["spec"]["nodeName"].as_str().map(str::to_owned);
            self.watches.retain_mut(|watch| {
                if watch.node.is_some() && watch.node != node {
                    return true;
                }
                watch.sent += 1;
                let fits = manner.cut_after.is_none_or(|most| watch.sent <= most);
                fits && watch.frames.send(event.clone().into()).is_ok()
            });
        }
        self.objects.insert(path, object.clone());
        object
    }

    fn list(&self, head: &http::request::Parts, manner: &Manner) -> Answer {
        let folder = head.uri.path().trim_end_matches("/pods").to_owned();
        let pods = self
            .objects
            .iter()
            .filter(|(path, _)| path.starts_with(&folder) && path.contains("/pods/"));
        let nothing = parameter(head, "labelSelector").is_some();
        let pods: Vec<&Value> = pods.map(|(_, pod)| pod).filter(|_| !nothing).collect();
        let from: usize = parameter(head, "continue").map_or(0, |token| token.parse().unwrap());
        let limit = parameter(head, "limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
        let limit = limit.min(manner.forgets_after.unwrap_or(usize::MAX));
        let page: Vec<&&Value> = pods.iter().skip(from).take(limit).collect();
        let more = from + page.len() < pods.len() && manner.forgets_after.is_none();
        let token = if more {
            (from + page.len()).to_string()
        } else {
            String::new()
        };
        let metadata = json!({"resourceVersion": self.revision.to_string(), "continue": token});
        let accept = head.headers[header::ACCEPT].to_str().unwrap();
        let (kind, items, held): (_, _, Vec<Value>) = if accept.contains("as=Table") {
            let row = |pod: &&&Value| json!({"cells": [], "object": {"metadata": pod["metadata"]}});
            ("Table", "rows", page.iter().map(row).collect())
        } else if accept.contains("as=PartialObjectMetadataList") {
            let part = |pod: &&&Value| json!({"metadata": pod["metadata"]});
            ("PartialObjectMetadataList", "items", page.iter().map(part).collect())
        } else {
            ("PodList", "items", page.into_iter().map(|pod| (*pod).clone()).collect())
        };
        // The metadata come first, as in every real server.
        let held = Value::Array(held);
        (
            200,
            format!(r#"{{"kind":"{kind}","metadata":{metadata},"{items}":{held}}}"#),
        )
    }
}
