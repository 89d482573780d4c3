//! One apiserver put together from its settings: files are read, ports taken, and the parts handed to the server.

mod cluster;
mod identity;
mod serving;
mod stores;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use apiserver_access::authorize::modes;
use apiserver_admission::{Chain, Choice, Configurations, Parts as PluginParts};
use apiserver_server::connect;
use apiserver_server::discovery::Served;
use apiserver_server::health::Patience;
use apiserver_server::metrics::ShownOptions;
use apiserver_server::server::{Config, Server};
use apiserver_server::{drain, filters, zpages};
use base::clock::{Clock, SystemClock};
use base::random::{Random, SystemRandom};
use base::task::Tasks;
use tokio::net::{TcpListener, TcpSocket};

use self::cluster::inside_options;
use self::identity::{authentication, token_requests};
use self::serving::tls;
use self::stores::stores;
use super::settings::{Mode, Serving, Settings};
use crate::error::{Error, Result};

/// Connections that wait to be taken; as many as where the port is not shared.
const BACKLOG: u32 = 1024;

/// A server that runs.
pub(crate) struct Launched {
    server: Server,
    tasks: Tasks,
    shutdown_delay: Duration,
}

impl Launched {
    /// Stops it, and waits until it has ended.
    pub(crate) async fn stop(self) {
        self.server.stop(self.shutdown_delay).await;
        self.tasks.shutdown().await;
    }

    /// Waits until a part of it has failed, which should not be; its name.
    pub(crate) async fn failed(&self) -> &'static str {
        tokio::select! {
            name = self.tasks.failed() => name,
            name = self.server.failed() => name,
        }
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&self) {
        self.server.ready().await;
    }
}

/// Starts a server.
///
/// # Errors
/// A port that is taken, or a file that cannot be used.
pub(crate) async fn launch(settings: &Settings) -> Result<Launched> {
    let listener = bind(&settings.serving).await?;
    let port = listener
        .local_addr()
        .map_or(settings.serving.port, |address| address.port());
    let tasks = Tasks::new();
    let stores = stores(&settings.etcd, &tasks)?;
    let tls = tls(settings)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let address = external_address(settings, port);
    let known = authentication(settings, &address)?;
    let believed = known.believed.follow(&tasks);
    let config = Config {
        served: served(settings)?,
        authentication: known.options,
        token_requests: token_requests(settings, &random)?,
        authorization: authorization(settings),
        admission: admission(settings, &clock, &random)?,
        connect: connect_settings(settings),
        inside: inside_options(settings, &stores.client, &random, believed, port),
        tokens: known.documents,
        in_flight: in_flight(settings),
        request_timeout: settings.generic.request_timeout,
        filters: filters::Options {
            cors_allowed_origins: settings.generic.cors_allowed_origins.clone(),
            hsts_directives: settings.generic.hsts_directives.clone(),
            goaway_chance: settings.generic.goaway_chance,
        },
        drain: drain::Options {
            send_retry_after: settings.generic.shutdown_send_retry_after,
            watch_grace: settings.generic.shutdown_watch_grace_period,
        },
        enums: settings.gates.on("OpenAPIEnums"),
        swagger_ui: settings.generic.swagger_ui,
        features: settings.gates.features(),
        shown: shown_metrics(settings),
        event_ttl: settings.event_ttl,
        watch_min: settings.generic.min_request_timeout,
        collection_workers: settings.etcd.delete_collection_workers,
        storage_patience: settings.generic.storage_initialization_timeout,
        max_streams: settings.serving.max_streams,
        zpages: zpages(settings),
        profiling: settings.generic.profiling,
        address,
        patience: Patience {
            health: settings.etcd.health_timeout,
            ready: settings.etcd.ready_timeout,
            boot: settings.generic.livez_grace_period,
        },
        stores,
        clock,
        random,
    };
    let server = Server::start(config, listener, tls, &tasks).map_err(|error| Error::chain(&error))?;
    Ok(Launched {
        server,
        tasks,
        shutdown_delay: settings.generic.shutdown_delay,
    })
}

async fn bind(serving: &Serving) -> Result<TcpListener> {
    let address = SocketAddr::new(serving.bind_address, serving.port);
    let bound = if serving.port_sharing {
        shared(address)
    } else {
        TcpListener::bind(address).await
    };
    bound.map_err(|error| {
        let (address, port) = (serving.bind_address, serving.port);
        Error::new(format!(
            "failed to create listener: failed to listen on {address}:{port}: {error}; end what has the port, or choose another with \
             --secure-port"
        ))
    })
}

/// A port that other processes may have, too.
fn shared(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Where clients reach it, `host:port`: with the port that is listened at, unless the name already says one.
fn external_address(settings: &Settings, port: u16) -> String {
    let name = settings.generic.external_hostname.as_str();
    let (host, own) = name.rsplit_once(':').unwrap_or((name, ""));
    let is_bare = |host: &str| !host.contains([':', '[', ']']);
    let is_bracketed = |host: &str| {
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        inner.is_some_and(|inner| !inner.contains(['[', ']']))
    };
    // As Go tells a host with a port from one without.
    let has_port = name.contains(':') && !own.contains([']', '[']) && (is_bare(host) || is_bracketed(host));
    match has_port {
        true => name.to_owned(),
        false if name.contains(':') => format!("[{name}]:{port}"),
        false => format!("{name}:{port}"),
    }
}

fn zpages(settings: &Settings) -> zpages::Options {
    zpages::Options {
        statusz: settings.gates.on("ComponentStatusz"),
        flagz: settings.gates.on("ComponentFlagz").then(|| settings.flags.clone()),
    }
}

fn served(settings: &Settings) -> Result<Served> {
    let config = settings.runtime_config.iter();
    let config = config.map(|(key, on)| (key.clone(), on.to_string())).collect();
    Served::configured(&config).map_err(|error| Error::chain(&error))
}

fn authorization(settings: &Settings) -> modes::Options {
    let name = |mode: &Mode| match mode {
        Mode::AlwaysAllow => "AlwaysAllow",
        Mode::AlwaysDeny => "AlwaysDeny",
        Mode::Abac => "ABAC",
        Mode::Rbac => "RBAC",
        Mode::Node => "Node",
    };
    modes::Options {
        modes: settings
            .authorization
            .iter()
            .map(|mode| name(mode).to_owned())
            .collect(),
        policy_file: settings.policy_file.clone(),
        ..modes::Options::default()
    }
}

fn admission(settings: &Settings, clock: &Arc<dyn Clock>, random: &Arc<dyn Random>) -> Result<Chain> {
    let said = &settings.admission;
    let usual = apiserver_admission::chain::on_by_default();
    let names = |names: Vec<&&str>| names.into_iter().map(|name| (*name).to_owned()).collect();
    let choice = Choice {
        enable: names(said.plugins.iter().filter(|name| !usual.contains(name)).collect()),
        disable: names(usual.iter().filter(|name| !said.plugins.contains(name)).collect()),
    };
    let configurations = match &said.config_file {
        Some(file) => Configurations::load(file).map_err(|error| Error::chain(&error))?,
        None => Configurations::default(),
    };
    let parts = PluginParts {
        clock: clock.clone(),
        random: random.clone(),
        not_ready_toleration_seconds: said.not_ready_seconds,
        unreachable_toleration_seconds: said.unreachable_seconds,
        configurations,
    };
    Chain::new(&choice, &parts).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Error::new(texts.join(", "))
    })
}

fn connect_settings(settings: &Settings) -> connect::Settings {
    connect::Settings {
        kubelets: settings.kubelets.clone(),
        bytes_per_second: settings.connection_bytes_per_second,
    }
}

/// What of the metrics is shown.
fn shown_metrics(settings: &Settings) -> ShownOptions {
    let allowed = settings.metrics.allowed.iter();
    ShownOptions {
        disabled: settings.metrics.disabled.iter().cloned().collect(),
        allowed: allowed
            .map(|(of, values)| (of.clone(), values.iter().cloned().collect()))
            .collect(),
    }
}

/// How many requests are answered at once. With upstream's fairness on they share one limit, the sum of both; here each sort
/// keeps its own.
fn in_flight(settings: &Settings) -> (usize, usize) {
    let generic = &settings.generic;
    (generic.max_requests_in_flight, generic.max_mutating_requests_in_flight)
}

#[cfg(test)]
mod tests;
