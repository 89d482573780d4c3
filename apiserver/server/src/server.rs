//! A whole apiserver: its parts put together and started, and stopped in order.

mod begin;
mod ground;
mod stores;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use apiserver_access::authenticate;
use apiserver_access::authorize::{self, modes};
use apiserver_access::tokens::Requests;
use apiserver_admission::Chain;
use base::clock::Clock;
use base::random::Random;
use base::task::Tasks;
use base::tls::ServerTls;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::ground::Ground;
pub use self::stores::{Apart, Options, Uncached};
use crate::components::Components;
use crate::connect::{self, Connect, Direct};
use crate::discovery::{self, Served};
use crate::drain::{self, Drain};
use crate::filters::{self, Filters};
use crate::health::Patience;
use crate::impersonate::Impersonation;
use crate::in_flight::InFlight;
use crate::inside::hooks::Hooks;
use crate::inside::{self, Inside};
use crate::listen::listen;
use crate::machine::Machine;
use crate::metrics::{Feature, ShownOptions};
use crate::openapi::{Documents, Options as DocumentOptions};
use crate::paths::{Paths, Told};
use crate::pipeline::Pipeline;
use crate::zpages;

/// What a server is made of.
pub struct Config {
    /// Where objects are kept.
    pub stores: Options,
    /// How long checks of its health wait for the store.
    pub patience: Patience,
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
    /// Whether documents list the values that a field may have (the feature gate `OpenAPIEnums`).
    pub enums: bool,
    /// Whether Swagger UI is served.
    pub swagger_ui: bool,
    /// The features that can be switched, as `/metrics` tells them.
    pub features: Vec<Feature>,
    /// What of all that is counted `/metrics` shows.
    pub shown: ShownOptions,
    /// How long events are kept.
    pub event_ttl: Duration,
    /// How long watches last at least where clients do not say; zero is for ever (`--min-request-timeout`).
    pub watch_min: Duration,
    /// How many objects of a collection are deleted at once (`--delete-collection-workers`).
    pub collection_workers: usize,
    /// How long the start waits for the store before it says that it is done with that (`--storage-initialization-timeout`).
    pub storage_patience: Duration,
    /// How many streams a connection has at once, where that is not as usual.
    pub max_streams: Option<u32>,
    /// Where clients reach it: `host:port`.
    pub address: String,
    /// Which pages say what it is and what it was told.
    pub zpages: zpages::Options,
    /// Whether `/debug/pprof` is served.
    pub profiling: bool,
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
    hooks: Hooks,
    stopping: Arc<AtomicBool>,
    ready: watch::Receiver<bool>,
}

/// Connections end within this time once all requests are answered; upstream's patience.
const SENT: Duration = Duration::from_secs(2);

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
        let ground = Ground::lay(&config, tasks.clone())?;
        let authorization = authorize::Metrics::new(&ground.registry)?;
        let modes = config.authorization.modes();
        let has_rbac = modes.is_ok_and(|modes| modes.contains(&modes::Mode::Rbac));
        let authorizer = config
            .authorization
            .chain(&ground.cluster, &ground.rbac, &authorization)
            .map_err(Error::Authorization)?;
        let mut admission = config.admission;
        admission.measure(&ground.registry)?;
        let machine = Arc::new(Machine {
            catalog: ground.catalog(&config.served),
            admission,
            authorizer: Arc::new(authorizer),
            rbac: ground.rbac.clone(),
            authenticator: authenticate::Chain::new(config.authentication, &ground.authentication()?),
            impersonation: Impersonation::default(),
            clock: ground.clock.clone(),
            random: ground.random.clone(),
            services: Some(ground.services.clone()),
            token_requests: config.token_requests,
            event_ttl: config.event_ttl,
            watch_min: config.watch_min,
            collection_workers: config.collection_workers,
            connect: Connect::new(config.connect, Arc::new(Direct), &tasks)?,
            components: Components::new(ground.stores.all().to_vec()),
            metrics: ground.metrics.clone(),
        });
        ground.late.set(&machine);
        let (stopping, hooks) = (Arc::new(AtomicBool::new(false)), Hooks::new());
        hooks.expect(begin::hooks(has_rbac));
        hooks.expect(inside::HOOKS);
        let health = ground.health(config.patience, &hooks, &stopping);
        let page = ground.page(config.shown)?;
        let documents = Arc::new(Documents::new(config.served.clone(), documents_options(config.enums)));
        let mut inside_options = config.inside;
        inside_options.served = versions(&config.served);
        let told = Told {
            address: config.address,
            tokens: config.tokens,
            zpages: config.zpages,
            swagger_ui: config.swagger_ui,
            profiling: config.profiling,
            random: ground.random.clone(),
            tasks: tasks.clone(),
        };
        let pipeline = Arc::new(Pipeline {
            machine,
            paths: Paths::new(config.served, documents, health.clone(), page, told),
            in_flight: InFlight::new(config.in_flight.0, config.in_flight.1),
            deadline: config.request_timeout,
            authorization,
            filters: Filters::new(&config.filters, ground.random.clone())?,
            drain: Drain::new(config.drain),
        });
        let (port, connections) = (tasks.child(), tasks.child());
        let taking = listen(listener, tls, config.max_streams, pipeline.clone(), connections.clone());
        port.spawn_until("api listener", taking);
        let (inside, ready) = ground.begin(health, hooks.clone(), inside_options, has_rbac, config.storage_patience);
        Ok(Self {
            pipeline,
            tasks,
            port,
            connections,
            inside,
            hooks,
            stopping,
            ready,
        })
    }

    /// Waits until it is ready.
    pub async fn ready(&self) {
        // Where nobody says so any more it is on its way out.
        let _ = self.ready.clone().wait_for(|ready| *ready).await;
    }

    /// Waits until a part gave up that the server cannot be without; its name. Upstream's server ends then.
    pub async fn failed(&self) -> &'static str {
        self.hooks.failed().await.name
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

/// The versions that are served, the best first, with what tells how good they are.
fn versions(served: &Served) -> Vec<inside::ServedVersion> {
    let ranked = discovery::ranked(served).into_iter();
    let versions = ranked.map(|one| inside::ServedVersion {
        group: one.group.to_owned(),
        version: one.version.to_owned(),
        group_priority: one.group_rank,
        version_priority: one.version_rank,
    });
    versions.collect()
}

/// What documents say beside what is served.
fn documents_options(enums: bool) -> DocumentOptions {
    DocumentOptions {
        version: crate::version::API.to_owned(),
        enums,
        cbor: false,
    }
}
