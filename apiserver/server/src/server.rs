//! A whole apiserver: its parts put together and started, and stopped in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use apiserver_access::authenticate;
use apiserver_access::authorize::{self, modes};
use apiserver_access::bootstrap;
use apiserver_access::rbac::Rbac;
use apiserver_access::tokens::Requests;
use apiserver_admission::Chain;
use apiserver_storage::cluster::Cluster;
use apiserver_storage::store::Store;
use base::clock::Clock;
use base::random::Random;
use base::task::Tasks;
use base::tls::ServerTls;
use parking_lot::Mutex;
use prometheus::Registry;
use store_client::Client;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::catalog::Catalog;
use crate::connect::{self, Connect, Direct};
use crate::discovery::{self, Served};
use crate::drain::{self, Drain};
use crate::filters::{self, Filters};
use crate::health::Health;
use crate::impersonate::Impersonation;
use crate::in_flight::InFlight;
use crate::inside::addresses::ServiceAddresses;
use crate::inside::hooks::Hooks;
use crate::inside::{self, Inside};
use crate::listen::listen;
use crate::machine::{Late, Machine};
use crate::metrics::{Feature, Metrics, Page};
use crate::openapi::{Documents, Options as DocumentOptions};
use crate::paths::Paths;
use crate::pipeline::Pipeline;

/// What a server is made of.
pub struct Config {
    /// The client of its store.
    pub client: Client,
    /// Below which keys everything is.
    pub prefix: String,
    /// How many bytes of what happened are kept for each kind.
    pub history: usize,
    /// What is served.
    pub served: Served,
    /// How it is found out who asks.
    pub authentication: authenticate::Options,
    /// Who says what users may do.
    pub authorization: modes::Options,
    /// What may change or refuse a write.
    pub admission: Chain,
    /// Who makes tokens of service accounts, if anybody does.
    pub token_requests: Option<Requests>,
    /// How nodes, pods and services themselves are reached.
    pub connect: connect::Settings,
    /// What it is to its cluster. What it serves and whether it is ready is filled in here.
    pub inside: inside::Options,
    /// The configuration of the issuer of service accounts' tokens, and its keys: ready JSON.
    pub tokens: Option<(String, String)>,
    /// How many requests are answered at once: those that read, and those that write.
    pub in_flight: (usize, usize),
    /// A request that is not long by nature must be answered in this time.
    pub request_timeout: Duration,
    /// What is done to all requests and answers.
    pub filters: filters::Options,
    /// How it stops.
    pub drain: drain::Options,
    /// The features that can be switched, as `/metrics` tells them.
    pub features: Vec<Feature>,
    /// How long events are kept.
    pub event_ttl: Duration,
    /// Where clients reach it: `host:port`.
    pub address: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
}

/// A server that answers.
pub struct Server {
    pipeline: Arc<Pipeline>,
    tasks: Tasks,
    /// Takes connections.
    port: Tasks,
    /// And serves them.
    connections: Tasks,
    inside: Arc<Mutex<Option<Inside>>>,
    stopping: Arc<AtomicBool>,
    ready: watch::Receiver<bool>,
}

/// Why a server cannot be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was said of authorization makes no sense.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Authorization(Vec<modes::Error>),
    /// The certificates for the way to nodes cannot be used.
    #[error("{0}")]
    Kubelets(#[from] base::tls::Error),
    /// A metric is there twice.
    #[error("{0}")]
    Metrics(#[from] prometheus::Error),
    /// What was said of services' addresses makes no sense.
    #[error("{0}")]
    Range(#[from] inside::addresses::RangeError),
    /// What was said of all requests and answers makes no sense.
    #[error("{0}")]
    Filters(#[from] filters::Error),
}

impl Server {
    /// Starts a server on a listener. It answers at once; it is ready when `/readyz` says so.
    ///
    /// # Errors
    /// What it was told makes no sense.
    pub fn start(config: Config, listener: TcpListener, tls: ServerTls, tasks: &Tasks) -> Result<Self, Error> {
        let tasks = tasks.child();
        let registry = Registry::new();
        let metrics = Arc::new(Metrics::new(&registry, &config.features)?);
        let counted = Arc::new(apiserver_storage::metrics::Metrics::new(&registry)?);
        let authorization = authorize::Metrics::new(&registry)?;
        let mut admission = config.admission;
        admission.measure(&registry)?;
        let layouts = Catalog::layouts(config.history);
        let store = Store::open(config.client, &config.prefix, layouts, counted, &tasks);
        let served = config.served.clone();
        let catalog = Catalog::new(&served, |folder| store.shelf(folder).cloned());
        let late = Arc::new(Late::default());
        let cluster: Arc<dyn Cluster> = late.clone();
        let rbac = Arc::new(Rbac::new(cluster.clone()));
        let has_rbac = config
            .authorization
            .modes()
            .is_ok_and(|modes| modes.contains(&modes::Mode::Rbac));
        let authorizer = config
            .authorization
            .chain(&cluster, &rbac, &authorization)
            .map_err(Error::Authorization)?;
        let services = ServiceAddresses::new(
            cluster.clone(),
            config.random.clone(),
            &config.inside.service_ranges,
            config.inside.node_ports.clone(),
            &metrics,
        )?;
        let page = Page {
            metrics: metrics.clone(),
            store: store.clone(),
            services: Some(services.clone()),
        };
        let parts = authenticate::Parts {
            cluster: cluster.clone(),
            clock: config.clock.clone(),
            random: config.random.clone(),
            metrics: Arc::new(authenticate::Metrics::new(&registry)?),
        };
        let machine = Arc::new(Machine {
            store: store.clone(),
            catalog,
            admission,
            authorizer: Arc::new(authorizer),
            rbac: rbac.clone(),
            authenticator: authenticate::Chain::new(config.authentication, &parts),
            impersonation: Impersonation::default(),
            clock: config.clock.clone(),
            random: config.random.clone(),
            services: Some(services),
            token_requests: config.token_requests,
            event_ttl: config.event_ttl,
            connect: Connect::new(config.connect, Arc::new(Direct), &tasks)?,
            metrics: metrics.clone(),
        });
        tasks.spawn_until("in-flight watermark", async move { metrics.in_flight.run().await });
        late.set(&machine);
        let hooks = Hooks::new();
        let ready = watch::channel(false);
        let versions = discovery::ranked(&served).into_iter().map(|one| inside::ServedVersion {
            group: one.group.to_owned(),
            version: one.version.to_owned(),
            group_priority: one.group_rank,
            version_priority: one.version_rank,
        });
        let versions = versions.collect();
        let stopping = Arc::new(AtomicBool::new(false));
        let health = Health::new(store.clone(), hooks.clone(), stopping.clone(), page.metrics.clone());
        let health = Arc::new(health);
        let documents = Documents::new(served.clone(), documents_options());
        let pipeline = Arc::new(Pipeline {
            machine,
            paths: Paths::new(
                served,
                Arc::new(documents),
                health.clone(),
                page,
                config.address,
                config.tokens,
            ),
            in_flight: InFlight::new(config.in_flight.0, config.in_flight.1),
            deadline: config.request_timeout,
            authorization,
            filters: Filters::new(&config.filters, config.random.clone())?,
            drain: Drain::new(config.drain),
        });
        let (port, connections) = (tasks.child(), tasks.child());
        let taking = listen(listener, tls, pipeline.clone(), connections.clone());
        port.spawn_until("api listener", taking);
        let running = Arc::new(Mutex::new(None));
        let begin = Begin {
            health,
            ready: ready.0.clone(),
            store,
            inside: inside::Parts {
                cluster,
                clock: config.clock,
                random: config.random,
                tasks: tasks.clone(),
                hooks,
            },
            options: inside::Options {
                served: versions,
                ready: ready.1.clone(),
                ..config.inside
            },
            has_rbac,
            running: running.clone(),
        };
        tasks.spawn_until("api start", begin.run());
        Ok(Self {
            pipeline,
            tasks,
            port,
            connections,
            inside: running,
            stopping,
            ready: ready.1,
        })
    }

    /// Waits until it is ready.
    pub async fn ready(&self) {
        // Where nobody says so any more it is on its way out.
        let _ = self.ready.clone().wait_for(|ready| *ready).await;
    }

    /// What answers requests.
    pub const fn pipeline(&self) -> &Arc<Pipeline> {
        &self.pipeline
    }

    /// Stops it: `/readyz` fails from now on, so that nobody new comes; after a while it takes itself from where clients find
    /// it, refuses those who come all the same, answers all others and ends.
    pub async fn stop(&self, delay: Duration) {
        self.stopping.store(true, Ordering::Relaxed);
        tokio::time::sleep(delay).await;
        let inside = self.inside.lock().take();
        if let Some(inside) = inside {
            inside.stop().await;
        }
        let close_port = async || self.port.shutdown().await;
        self.pipeline.drain.run(self.pipeline.deadline, close_port).await;
        // What was answered is yet to be sent.
        let _ = tokio::time::timeout(SENT, self.connections.wait()).await;
        self.tasks.shutdown().await;
    }
}

/// What documents say beside what is served.
fn documents_options() -> DocumentOptions {
    DocumentOptions {
        version: crate::version::API.to_owned(),
        enums: true,
        cbor: false,
    }
}

/// What is started once the caches are filled.
struct Begin {
    health: Arc<Health>,
    ready: watch::Sender<bool>,
    store: Arc<Store>,
    inside: inside::Parts,
    options: inside::Options,
    has_rbac: bool,
    /// Where what runs inside is kept, until it is to stop.
    running: Arc<Mutex<Option<Inside>>>,
}

/// After a failure to read the store it is asked again.
const PAUSE: Duration = Duration::from_millis(200);
/// Connections end within this time once all requests are answered; upstream's patience.
const SENT: Duration = Duration::from_secs(2);

impl Begin {
    async fn run(self) {
        let readiness = self.inside.hooks.begin("storage-readiness");
        while self.store.reaches(1).await.is_err() {
            tokio::time::sleep(PAUSE).await;
        }
        readiness.done();
        if self.has_rbac {
            let hook = self.inside.hooks.begin("rbac/bootstrap-roles");
            match bootstrap::ensure(&*self.inside.cluster, &*self.inside.clock).await {
                Ok(_) => hook.done(),
                Err(error) => hook.failed(error.to_string()),
            }
        }
        match Inside::start(self.inside, self.options) {
            Ok(inside) => *self.running.lock() = Some(inside),
            Err(error) => tracing::error!(%error, "what runs inside the apiserver was not started"),
        }
        while !self.health.is_ready().await {
            tokio::time::sleep(PAUSE).await;
        }
        self.ready.send_replace(true);
    }
}
