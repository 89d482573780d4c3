//! An HTTP client of one kind of peers: connections that are kept for the next request, and those that are taken over.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use base::task::Tasks;
use base::tls::{ClientOptions, ClientTls};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::{TokioIo, TokioTimer};
use tower_service::Service;

use super::dial::{self, Limits, Stream, dial};
use super::location::Location;
use super::network::Network;
use super::settings::Kubelets;

/// Connections to one peer that wait for a request, at most; upstream's.
const IDLE: usize = 25;
/// How long they wait; Go's.
const IDLE_FOR: Duration = Duration::from_secs(90);
/// How long a connection to a pod may take to stand, and then to be secured; Go's.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(30),
    handshake: Duration::from_secs(10),
};

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// There is no connection.
    #[error(transparent)]
    Dial(#[from] dial::Error),
    /// It broke, or what came was no HTTP.
    #[error("{0}")]
    Broken(String),
}

/// A client of one kind of peers.
#[derive(Clone)]
pub(super) struct Client {
    connector: Connector,
    pool: Pool<Connector, Body>,
    tasks: Tasks,
}

impl Client {
    /// A client of kubelets.
    ///
    /// # Errors
    /// The file that is wrong.
    pub(super) fn kubelets(
        settings: &Kubelets,
        check: bool,
        network: &Arc<dyn Network>,
        tasks: &Tasks,
    ) -> Result<Self, base::tls::Error> {
        let authority = settings.certificate_authority.clone().filter(|_| check);
        let tls = ClientOptions {
            cert_file: settings.client_certificate.clone(),
            key_file: settings.client_key.clone(),
            insecure_skip_verify: authority.is_none(),
            trusted_ca_file: authority,
            ..ClientOptions::default()
        };
        let limits = Limits {
            connect: settings.timeout,
            handshake: settings.timeout,
        };
        Self::new(tls, limits, network, tasks)
    }

    /// A client of pods and services, whose certificates nobody can check.
    ///
    /// # Errors
    /// There is no file that could be wrong.
    pub(super) fn others(network: &Arc<dyn Network>, tasks: &Tasks) -> Result<Self, base::tls::Error> {
        let tls = ClientOptions {
            insecure_skip_verify: true,
            ..ClientOptions::default()
        };
        Self::new(tls, LIMITS, network, tasks)
    }

    fn new(
        tls: ClientOptions,
        limits: Limits,
        network: &Arc<dyn Network>,
        tasks: &Tasks,
    ) -> Result<Self, base::tls::Error> {
        let tls = ClientTls::new(ClientOptions {
            alpn: vec![b"http/1.1".to_vec()],
            ..tls
        })?;
        let connector = Connector {
            network: network.clone(),
            tls,
            limits,
        };
        let mut builder = Pool::builder(Spawner(tasks.clone()));
        builder
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(IDLE)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new());
        Ok(Self {
            pool: builder.build(connector.clone()),
            connector,
            tasks: tasks.clone(),
        })
    }

    /// Sends a request, whose address is a whole one, on a connection of the pool.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(super) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Error> {
        self.pool.request(request).await.map_err(|error| told(&error))
    }

    /// A connection of its own.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn dial(&self, to: &Location) -> Result<Stream, dial::Error> {
        let Connector { network, tls, limits } = &self.connector;
        dial(&**network, tls, *limits, to).await
    }

    /// Sends a request on a connection of its own, which can be taken over when the answer is to switch protocols.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(super) async fn send_alone(&self, stream: Stream, request: Request<Body>) -> Result<Response<Incoming>, Error> {
        let connected = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = connected.map_err(|error| told(&error))?;
        let connection = connection.with_upgrades();
        self.tasks.spawn_until("node connection", async move {
            // Whoever waits for the answer learns what went wrong.
            let _ = connection.await;
        });
        sender.send_request(request).await.map_err(|error| told(&error))
    }
}

/// What went wrong, from the error that knows best.
fn told(error: &(dyn StdError + 'static)) -> Error {
    let mut deepest = error;
    loop {
        if let Some(error) = deepest.downcast_ref::<dial::Error>() {
            return Error::Broken(error.to_string());
        }
        if let Some(error) = deepest.downcast_ref::<hyper::Error>()
            && error.is_incomplete_message()
        {
            return Error::Broken("EOF".to_owned());
        }
        match deepest.source() {
            Some(source) => deepest = source,
            None => break,
        }
    }
    match deepest.downcast_ref::<std::io::Error>() {
        Some(error) => Error::Broken(dial::words(error)),
        None => Error::Broken(deepest.to_string()),
    }
}

/// Makes the pool's connections.
#[derive(Clone)]
struct Connector {
    network: Arc<dyn Network>,
    tls: ClientTls,
    limits: Limits,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = dial::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { network, tls, limits } = self.clone();
        Box::pin(async move {
            let host = uri.host().unwrap_or_default();
            let to = Location {
                secure: uri.scheme_str() == Some("https"),
                host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
                port: uri.port().map(|port| port.as_str().to_owned()).unwrap_or_default(),
                ..Location::default()
            };
            dial(&*network, &tls, limits, &to).await.map(TokioIo::new)
        })
    }
}

/// Runs what the pool's connections need.
#[derive(Clone)]
struct Spawner(Tasks);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawner {
    fn execute(&self, future: F) {
        self.0.spawn_until("node connection", future);
    }
}
