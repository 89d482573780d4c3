//! The ports of one member, opened one by one and drained together.

use std::sync::Arc;
use std::time::Duration;

use base::task::Tasks;
use base::tls::ServerTls;
use store_node::Member;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::address::Bound;
use crate::front::{Front, Http};
use crate::gateway::Gateway;
use crate::listen::{Answer, Port};
use crate::metrics::Metrics;
use crate::pages::Pages;
use crate::peer::channels::Channels;
use crate::peer::server::PeerFront;
use crate::rpc::{Rpc, Services};

/// How the ports behave. The default is upstream's.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--max-request-bytes`; a gRPC message may be 512 KiB larger.
    pub max_request_bytes: usize,
    /// `--max-concurrent-streams` of one HTTP/2 connection.
    pub max_concurrent_streams: u32,
    /// Bytes of the head of an HTTP/2 request.
    pub max_header_bytes: u32,
    /// `--grpc-keepalive-min-time`: a client that pings more often is cut off; zero allows any.
    pub keepalive_min_time: Duration,
    /// `--grpc-keepalive-interval`: how often idle clients are pinged.
    pub keepalive_interval: Duration,
    /// `--grpc-keepalive-timeout`: how long the answer to a ping may take.
    pub keepalive_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long open requests may run on once the ports drain.
    pub drain_timeout: Duration,
    /// `--enable-grpc-gateway`.
    pub gateway: bool,
    /// `--cors`.
    pub cors: Vec<String>,
    /// `--host-whitelist`.
    pub host_whitelist: Vec<String>,
    /// `--metrics=extensive`.
    pub metrics_extensive: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_request_bytes: 1_572_864,
            max_concurrent_streams: u32::MAX,
            max_header_bytes: 256 * 1024,
            keepalive_min_time: Duration::from_secs(5),
            keepalive_interval: Duration::from_secs(2 * 60 * 60),
            keepalive_timeout: Duration::from_secs(20),
            handshake_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(5),
            gateway: true,
            cors: vec!["*".to_owned()],
            host_whitelist: vec!["*".to_owned()],
            metrics_extensive: false,
        }
    }
}

/// What a client port serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// gRPC and HTTP on the same port.
    Everything,
    /// gRPC only: a `--listen-client-urls` port beside `--listen-client-http-urls`.
    Grpc,
    /// HTTP only: a `--listen-client-http-urls` port.
    Http,
}

/// The ports of one member. Clones are the same server.
#[derive(Clone)]
pub struct Server {
    member: Member,
    metrics: Metrics,
    options: Arc<Options>,
    services: Services,
    gateway: Option<Arc<Gateway>>,
    /// Ports of clients, and the token that drains them.
    clients: Tasks,
    draining: CancellationToken,
    /// The peer port outlives them: the member still has its leadership to hand over.
    peers: Tasks,
}

impl Server {
    /// Prepares the ports of a member; nothing is served yet.
    ///
    /// # Errors
    /// When the registry holds one of the metrics already.
    pub fn new(
        member: Member,
        registry: &prometheus::Registry,
        options: Options,
        tasks: &Tasks,
    ) -> Result<Self, crate::Error> {
        let metrics = Metrics::new(registry, options.metrics_extensive)?;
        let clients = tasks.child();
        let draining = clients.token().child_token();
        let rpc = Rpc {
            member: member.clone(),
            draining: draining.clone(),
        };
        let services = Services::new(rpc, metrics.clone(), options.max_request_bytes);
        let gateway = if options.gateway {
            Some(Arc::new(Gateway::new(services.clone(), draining.clone())?))
        } else {
            None
        };
        Ok(Self {
            member,
            metrics,
            options: Arc::new(options),
            services,
            gateway,
            clients,
            draining,
            peers: tasks.child(),
        })
    }

    /// Serves clients.
    pub fn client(&self, at: Bound, tls: Option<ServerTls>, serves: Serves) {
        let services = (serves != Serves::Http).then(|| self.services.clone());
        let http = (serves != Serves::Grpc).then(|| self.http(self.gateway.clone()));
        serve(at, self.port("client", tls, Front { services, http }));
    }

    /// Serves health and metrics only (`--listen-metrics-urls`).
    pub fn metrics(&self, at: Bound, tls: Option<ServerTls>) {
        let front = Front {
            services: None,
            http: Some(self.http(None)),
        };
        serve(at, self.port("metrics", tls, front));
    }

    /// Serves the other members; `channels` are those on which this member calls them, and count with this port.
    pub fn peer(&self, at: Bound, tls: Option<ServerTls>, channels: &Channels) {
        let limit = self.options.max_request_bytes;
        let front = PeerFront::new(self.member.clone(), self.pages(), channels.metrics.clone(), limit);
        let mut port = self.port("peer", tls, front);
        // Members ping each other as often as they like.
        port.options = Arc::new(Options {
            keepalive_min_time: Duration::ZERO,
            ..(*self.options).clone()
        });
        port.tasks = self.peers.clone();
        port.draining = self.peers.token();
        serve(at, port);
    }

    /// Drains the ports of clients: stops accepting, ends streams with "server stopped", and waits for open requests,
    /// for the drain timeout at most. Then the member can be shut down, and the peer port closed.
    pub async fn drain(&self) {
        self.draining.cancel();
        let limit = self.options.drain_timeout + Duration::from_secs(1);
        if tokio::time::timeout(limit, self.clients.wait()).await.is_err() {
            tracing::warn!("connections are cut off: they did not end in time");
        }
        self.clients.shutdown().await;
    }

    /// Closes the peer port and whatever is still open.
    pub async fn close(&self) {
        self.clients.shutdown().await;
        self.peers.shutdown().await;
    }

    fn pages(&self) -> Pages {
        Pages {
            member: self.member.clone(),
            metrics: self.metrics.clone(),
        }
    }

    fn http(&self, gateway: Option<Arc<Gateway>>) -> Http {
        let access = Access {
            cors: self.options.cors.clone(),
            host_whitelist: self.options.host_whitelist.clone(),
        };
        Http {
            pages: self.pages(),
            gateway,
            access,
        }
    }

    fn port<A>(&self, name: &'static str, tls: Option<ServerTls>, answer: A) -> Port<A> {
        Port {
            name,
            tls,
            answer: Arc::new(answer),
            options: Arc::clone(&self.options),
            metrics: self.metrics.clone(),
            tasks: self.clients.clone(),
            draining: self.draining.clone(),
        }
    }
}

/// Starts the accept loop of a port.
fn serve<A: Answer>(at: Bound, mut port: Port<A>) {
    if !at.secure() {
        port.tls = None;
    } else if port.tls.is_none() {
        tracing::error!(url = at.url(), "not served: a port of this scheme needs a certificate");
        return;
    }
    let tasks = port.tasks.clone();
    tasks.spawn_until("port", port.run(at));
}
