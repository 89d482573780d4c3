//! Clients, this module between them, and kubelets and pods that are played: over real connections, TLS and protocols.

mod kubelet;
mod log;
mod pod;
mod proxy;
mod streams;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use apiserver_access::authorize::{Attributes, Authorizer, Rules, Verdict};
use apiserver_api::gvk::GroupResource;
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::{Tree, parse};
use apiserver_api::user::User;
use apiserver_storage::cache::Mark;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;
use axum::body::Body;
use base::certs::{Authority, CertOptions, Usage};
use base::random::SystemRandom;
use base::task::Tasks;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};

use self::kubelet::Kubelet;
use super::{Asked, Connect, Kubelets, Network, Settings, begin, finish};
use crate::answer::{self, Answer};
use crate::pipeline::credentials;
use crate::request::Call;
use crate::request::info::Info;
use crate::request::query::Query;

/// A test that waits this long waits for what does not come.
const LIMIT: Duration = Duration::from_secs(20);

/// Waits for what must come.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it came in time")
}

/// All machines of the cluster are this one, by whatever addresses.
struct Here;

#[async_trait]
impl Network for Here {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        match host {
            "node-1" => Ok(vec![Ipv4Addr::new(10, 1, 0, 1).into()]),
            "loop" => Ok(vec![Ipv4Addr::LOCALHOST.into()]),
            _ => Err(io::Error::other("nobody knows")),
        }
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect((Ipv4Addr::LOCALHOST, address.port())).await
    }
}

/// Objects by resource, namespace and name.
#[derive(Default)]
struct Objects(Mutex<BTreeMap<(String, String, String), Tree>>);

impl Objects {
    fn put(&self, resource: &str, object: &str) {
        let tree = parse(object.as_bytes()).unwrap().tree;
        let text = |key| tree.at("metadata").text(key).to_owned();
        let key = (resource.to_owned(), text("namespace"), text("name"));
        self.0.lock().insert(key, tree);
    }
}

#[async_trait]
impl Cluster for Objects {
    fn cached(&self, _: &GroupResource, _: &str, _: &str) -> Option<Tree> {
        None
    }

    fn cached_list(&self, _: &GroupResource, _: &str) -> Vec<Tree> {
        Vec::new()
    }

    fn mark(&self, _: &GroupResource) -> Mark {
        Mark::default()
    }

    async fn read(&self, resource: &GroupResource, namespace: &str, name: &str) -> Result<Tree, Status> {
        let key = (resource.resource.to_string(), namespace.to_owned(), name.to_owned());
        let found = self.0.lock().get(&key).cloned();
        found.ok_or_else(|| Status::not_found(resource, name))
    }

    async fn create(&self, _: &GroupResource, _: Tree) -> Result<Tree, Status> {
        Err(Status::internal("nothing is written here"))
    }

    async fn update(&self, _: &GroupResource, _: &str, _: Tree) -> Result<Tree, Status> {
        Err(Status::internal("nothing is written here"))
    }

    async fn delete(&self, _: &GroupResource, _: &str, _: &str) -> Result<(), Status> {
        Err(Status::internal("nothing is written here"))
    }
}

/// Lets a reader read, and everyone else do everything.
struct ReaderOnly;

#[async_trait]
impl Authorizer for ReaderOnly {
    async fn authorize(&self, asked: &Attributes<'_>) -> Verdict {
        if asked.user.name == "reader" && asked.verb != "get" {
            return Verdict::no_opinion();
        }
        Verdict::allow("")
    }

    async fn rules(&self, _: &User, _: &str) -> Rules {
        Rules::default()
    }
}

/// What a test has.
struct World {
    tasks: Tasks,
    objects: Arc<Objects>,
    kubelet: Kubelet,
    /// Where clients are answered.
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose settings are a bit different.
    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::create("cluster CA", 1).unwrap();
        let ca = authority.save(folder.path(), "ca").unwrap();
        let issue = |name: &str, hosts: &[&str], usage| {
            let options = CertOptions {
                common_name: name.to_owned(),
                hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
                validity_days: 1,
                usage,
                organizations: Vec::new(),
            };
            authority.issue(&options).unwrap().save(folder.path(), name).unwrap()
        };
        let client = issue("apiserver-kubelet-client", &[], Usage::Client);
        let server = issue("node-1", &["node-1"], Usage::Server);
        let tasks = Tasks::new();
        let kubelet = Kubelet::start(&server, &ca.cert_file, &tasks).await;
        let mut settings = Settings {
            kubelets: Kubelets {
                client_certificate: Some(client.cert_file),
                client_key: Some(client.key_file),
                certificate_authority: Some(ca.cert_file),
                ..Kubelets::default()
            },
            bytes_per_second: 0,
        };
        change(&mut settings);
        let connect = Connect::new(settings, Arc::new(Here), &tasks).unwrap();
        let objects = Arc::new(Objects::default());
        objects.put("nodes", &node("n", "node-1", kubelet.port, "[]"));
        objects.put("pods", &pod_on("p", r#""nodeName":"n","containers":[{"name":"c"}]"#));
        let address = answer_clients(connect, objects.clone(), &tasks).await;
        Self {
            tasks,
            objects,
            kubelet,
            address,
            _folder: folder,
        }
    }

    /// Asks for an answer and its body.
    async fn ask(&self, request: Request<Full<Bytes>>) -> (http::response::Parts, String) {
        soon(async {
            let stream = TcpStream::connect(self.address).await.unwrap();
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                .await
                .unwrap();
            self.tasks.spawn_until("client", async move {
                let _ = connection.await;
            });
            let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            (parts, String::from_utf8(body.to_vec()).unwrap())
        })
        .await
    }

    /// Asks for an answer's code and body.
    async fn get(&self, path: &str) -> (u16, String) {
        let (parts, body) = self.ask(request("GET", path)).await;
        (parts.status.as_u16(), body)
    }

    /// Asks for the code and message of a refusal.
    async fn refusal(&self, request: Request<Full<Bytes>>) -> (u16, String) {
        let (parts, body) = self.ask(request).await;
        let status = parse(body.as_bytes()).map(|parsed| parsed.tree).unwrap_or_default();
        (parts.status.as_u16(), status.text("message").to_owned())
    }
}

fn request(method: &str, path: &str) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(path).header("host", "api:6443");
    request.body(Full::default()).unwrap()
}

fn node(name: &str, host: &str, port: u16, features: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}"}},"status":{{"addresses":[{{"type":"Hostname","address":"{host}"}}],
            "daemonEndpoints":{{"kubeletEndpoint":{{"Port":{port}}}}},"declaredFeatures":{features}}}}}"#
    )
}

fn pod_on(name: &str, spec: &str) -> String {
    format!(r#"{{"metadata":{{"name":"{name}","namespace":"ns"}},"spec":{{{spec}}}}}"#)
}

/// Answers connections on this machine.
async fn listen<S, B>(tasks: &Tasks, service: S) -> SocketAddr
where
    S: Fn(Request<Incoming>, SocketAddr) -> BoxFuture<'static, Response<B>> + Clone + Send + Sync + 'static,
    B: hyper::body::Body<Data = Bytes, Error: std::error::Error + Send + Sync> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let inner = tasks.clone();
    tasks.spawn_until("listener", async move {
        while let Ok((stream, remote)) = listener.accept().await {
            inner.spawn_until("connection", speak(TokioIo::new(stream), remote, service.clone()));
        }
    });
    address
}

/// Answers one connection.
async fn speak<I, S, B>(io: I, remote: SocketAddr, service: S)
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    S: Fn(Request<Incoming>, SocketAddr) -> BoxFuture<'static, Response<B>> + Send + Sync + 'static,
    B: hyper::body::Body<Data = Bytes, Error: std::error::Error + Send + Sync> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answered = service(request, remote);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(io, service);
    let _ = connection.with_upgrades().await;
}

async fn answer_clients(connect: Connect, objects: Arc<Objects>, tasks: &Tasks) -> SocketAddr {
    let service = move |request: Request<Incoming>, remote| -> BoxFuture<'static, Answer> {
        let (connect, objects) = (connect.clone(), objects.clone());
        Box::pin(async move { answered(&connect, &objects, request, remote).await })
    };
    listen(tasks, service).await
}

/// What a pipeline would do of it.
async fn answered(connect: &Connect, objects: &Objects, request: Request<Incoming>, remote: SocketAddr) -> Answer {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(remote);
    credentials::strip(&mut parts.headers, |name| name == "authorization");
    let path = parts.uri.path().to_owned();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let user = parts.headers.get("user").map_or("admin", |user| user.to_str().unwrap());
    let call = Call {
        info: Info::of(&parts.method, &path, &query),
        method: parts.method,
        uri: parts.uri,
        path,
        query,
        user: User::new(user, []),
        headers: parts.headers,
        extensions: parts.extensions,
        now: Time::from_unix(0),
        since: Instant::now(),
        warnings: Mutex::default(),
    };
    let asked = Asked {
        connect,
        call: &call,
        resource: &GroupResource::new("", &call.info.resource),
        part: &call.info.subresource,
        cluster: objects,
        authorizer: &ReaderOnly,
        random: &SystemRandom,
    };
    let answered = match begin(&asked) {
        Ok(options) => finish(&asked, options.as_ref(), Body::new(body)).await,
        Err(status) => Err(status),
    };
    answered.unwrap_or_else(|status| answer::status(&call, &status))
}
