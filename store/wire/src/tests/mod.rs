//! Ports tested from outside: real sockets, a real member on the memory engine, clients as they come.

mod cluster;
mod errors;
mod gateway;
mod heads;
mod messages;
mod pages;
mod protocol;
mod tls;
mod watches;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::clock::SystemClock;
use base::random::SystemRandom;
use base::task::Tasks;
use base::tls::{ClientTls, ServerTls};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use prometheus::{IntCounter, Registry};
use store_engine::Memory;
use store_log::MemoryDisk;
use store_node::{Config, LogTuning, Member, MemoryIdentity, Parts, assemble};
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::address::{Address, Socket};
use crate::peer::channels::{Channels, ChannelsOptions};
use crate::peer::dial::Dialer;
use crate::{Bound, Options, Server, Serves, bind};

/// The most that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A member with its ports.
pub(super) struct Node {
    pub(super) member: Member,
    pub(super) server: Server,
    pub(super) client: String,
    pub(super) peer: String,
    pub(super) tasks: Tasks,
}

/// What differs from the usual.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) options: Options,
    pub(super) config: Config,
    pub(super) tls: Option<ServerTls>,
}

/// A cluster of one.
pub(super) async fn single() -> Node {
    one(Wanted::default()).await
}

/// A cluster of one, made to measure.
pub(super) async fn one(wanted: Wanted) -> Node {
    let peer = bind("http://127.0.0.1:0").await.unwrap();
    let urls = BTreeMap::from([("default".to_owned(), vec![peer.url().to_owned()])]);
    let node = start("default", peer, urls, wanted).await;
    within(node.member.ready()).await.unwrap();
    node
}

/// A cluster of several.
pub(super) async fn many(count: usize) -> Vec<Node> {
    let mut ports = Vec::new();
    let mut urls = BTreeMap::new();
    for n in 0..count {
        let peer = bind("http://127.0.0.1:0").await.unwrap();
        urls.insert(format!("m{n}"), vec![peer.url().to_owned()]);
        ports.push(peer);
    }
    let mut nodes = Vec::new();
    for (n, port) in ports.into_iter().enumerate() {
        nodes.push(start(&format!("m{n}"), port, urls.clone(), Wanted::default()).await);
    }
    for node in &nodes {
        within(node.member.ready()).await.unwrap();
    }
    nodes
}

async fn start(name: &str, peer: Bound, urls: BTreeMap<String, Vec<String>>, wanted: Wanted) -> Node {
    let tasks = Tasks::new();
    let registry = Registry::new();
    let scheme = if wanted.tls.is_some() { "https" } else { "http" };
    let client = bind(&format!("{scheme}://127.0.0.1:0")).await.unwrap();
    let (client_url, peer_url) = (client.url().to_owned(), peer.url().to_owned());
    let channels = Channels::new(ChannelsOptions::default(), &registry, &tasks).unwrap();
    let config = Config {
        name: name.to_owned(),
        initial_advertise_peer_urls: vec![peer_url.clone()],
        advertise_client_urls: vec![client_url.clone()],
        initial_cluster: urls,
        bcrypt_cost: 4,
        ..wanted.config
    };
    let member = assemble(Parts {
        config,
        identity: Arc::new(MemoryIdentity::default()),
        engine: Arc::new(Memory::new()),
        disk: Arc::new(MemoryDisk::new()),
        log: LogTuning::default(),
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SystemRandom),
        transport: Arc::clone(&channels) as _,
        peers: Arc::clone(&channels) as _,
        registry: registry.clone(),
        tasks: tasks.child(),
        on_fatal: Arc::new(|why: &str| panic!("{why}")),
    })
    .await
    .unwrap();
    let server = Server::new(member.clone(), &registry, wanted.options, &tasks).unwrap();
    server.peer(peer, None, &channels);
    server.client(client, wanted.tls, Serves::Everything);
    Node {
        member,
        server,
        client: client_url,
        peer: peer_url,
        tasks,
    }
}

impl Node {
    /// A gRPC channel to the client port.
    pub(super) fn channel(&self) -> Channel {
        channel(&self.client, None)
    }

    /// Ends everything.
    pub(super) async fn stop(self) {
        self.server.drain().await;
        self.member.shutdown().await;
        self.server.close().await;
        self.tasks.shutdown().await;
    }
}

/// A gRPC channel to a URL.
pub(super) fn channel(url: &str, tls: Option<ClientTls>) -> Channel {
    let meter = || IntCounter::new("bytes", "of a test").unwrap();
    let dialer = Dialer::new(&[url.to_owned()], tls, PATIENCE, (meter(), meter()));
    let head = url.replace("https://", "http://");
    Endpoint::from_shared(head)
        .unwrap()
        .connect_with_connector_lazy(service_fn(move |_| dialer.clone().dial()))
}

/// Fails instead of waiting for ever.
pub(super) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("took too long")
}

/// Looks again until it is so.
pub(super) async fn eventually(mut so: impl AsyncFnMut() -> bool) {
    within(async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// An HTTP/1.1 request, its answer still to be read.
pub(super) async fn send(url: &str, request: http::request::Builder, body: &str) -> http::Response<Incoming> {
    let socket = Address::parse(url).unwrap().dial().await.unwrap();
    send_over(socket, url, request, body).await
}

/// The same over a connection that is there.
pub(super) async fn send_over(
    socket: Socket,
    url: &str,
    request: http::request::Builder,
    body: &str,
) -> http::Response<Incoming> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
        .await
        .unwrap();
    drop(Tasks::new().spawn("http-client", async move {
        let _ = connection.with_upgrades().await;
    }));
    let host = url.split("://").nth(1).unwrap();
    let named = request.headers_ref().unwrap().contains_key("host");
    let request = if named { request } else { request.header("host", host) };
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    within(sender.send_request(request)).await.unwrap()
}

/// A `GET`: status and text.
pub(super) async fn get(url: &str, path: &str) -> (u16, String) {
    whole(send(url, http::Request::get(path), "").await).await
}

/// A `POST` of JSON: status and answer.
pub(super) async fn post(url: &str, path: &str, body: &str) -> (u16, serde_json::Value) {
    let (status, text) = whole(send(url, http::Request::post(path), body).await).await;
    (
        status,
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text}")),
    )
}

/// Status and text of an answer.
pub(super) async fn whole(response: http::Response<Incoming>) -> (u16, String) {
    let status = response.status().as_u16();
    let bytes = within(response.into_body().collect()).await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}
