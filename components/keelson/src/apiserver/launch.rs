//! One apiserver put together from its settings: files are read, ports taken, and the parts handed to the server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apiserver_access::authenticate::{self, Anonymous, Authorities, FrontProxy, TokenFile};
use apiserver_access::authorize::modes;
use apiserver_access::tokens::{Issuer, Keys, Metadata, PrivateKey, Requests};
use apiserver_admission::{Chain, Choice, Configurations, Parts as PluginParts};
use apiserver_server::connect;
use apiserver_server::discovery::Served;
use apiserver_server::inside::addresses::{NodePorts, PortRange};
use apiserver_server::inside::store::{StoredLeases, StoredRange};
use apiserver_server::inside::{self, AuthenticationInfo, EndpointReconciler};
use apiserver_server::server::{Config, Server};
use apiserver_server::{drain, filters};
use base::clock::{Clock, SystemClock};
use base::random::{Random, SystemRandom};
use base::task::Tasks;
use base::tls::{ClientOptions, Protocol, ServerOptions, ServerTls, cipher_suites};
use store_client::{Client, Options as StoreOptions};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::settings::{Authentication, Etcd, Mode, Serving, Settings};
use crate::apiserver::settings::Reconciler;
use crate::error::{Error, Result};

/// How many bytes of what happened are kept for each kind.
const HISTORY: usize = 32 * 1024 * 1024;

/// A server that runs.
pub(crate) struct Launched {
    server: Server,
    tasks: Tasks,
    shutdown_delay: Duration,
    /// Whoever follows whom it believes does so as long as this is kept.
    _believed: watch::Sender<AuthenticationInfo>,
}

impl Launched {
    /// Stops it, and waits until it has ended.
    pub(crate) async fn stop(self) {
        self.server.stop(self.shutdown_delay).await;
        self.tasks.shutdown().await;
    }

    /// Waits until a part of it has failed, which should not be; its name.
    pub(crate) async fn failed(&self) -> &'static str {
        self.tasks.failed().await
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
    let client = store(&settings.etcd, &tasks)?;
    let tls = tls(settings)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let known = authentication(settings)?;
    let believed = watch::Sender::new(known.info);
    let config = Config {
        served: served(settings)?,
        authentication: known.options,
        token_requests: token_requests(settings, &random)?,
        authorization: authorization(settings),
        admission: admission(settings, &clock, &random)?,
        connect: connect_settings(settings),
        inside: inside_options(settings, &client, &random, believed.subscribe(), port),
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
        features: settings.gates.features(),
        event_ttl: settings.event_ttl,
        address: format!("{}:{port}", external(settings)),
        prefix: settings.etcd.prefix.clone(),
        history: HISTORY,
        client,
        clock,
        random,
    };
    let server = Server::start(config, listener, tls, &tasks).map_err(|error| Error::chain(&error))?;
    Ok(Launched {
        server,
        tasks,
        _believed: believed,
        shutdown_delay: settings.generic.shutdown_delay,
    })
}

async fn bind(serving: &Serving) -> Result<TcpListener> {
    let address = (serving.bind_address, serving.port);
    TcpListener::bind(address).await.map_err(|error| {
        let (address, port) = address;
        Error::new(format!(
            "failed to create listener: failed to listen on {address}:{port}: {error}; end what has the port, or choose another with \
             --secure-port"
        ))
    })
}

fn store(etcd: &Etcd, tasks: &Tasks) -> Result<Client> {
    let mut options = StoreOptions::new(etcd.servers.iter().cloned());
    if etcd
        .servers
        .iter()
        .any(|server| server.starts_with("https://") || server.starts_with("unixs://"))
    {
        options = options.with_tls(ClientOptions {
            cert_file: etcd.cert_file.clone(),
            key_file: etcd.key_file.clone(),
            trusted_ca_file: etcd.ca_file.clone(),
            ..ClientOptions::default()
        });
    }
    Client::new(options, tasks).map_err(|error| Error::chain(&error))
}

/// The certificate that is shown: the one that was given, or one that is made once and kept.
fn tls(settings: &Settings) -> Result<ServerTls> {
    let serving = &settings.serving;
    let (cert_file, key_file) = match (&serving.cert_file, &serving.key_file) {
        (Some(cert), Some(key)) => (cert.clone(), key.clone()),
        _ => own_certificate(settings)?,
    };
    let suites = cipher_suites("tls-cipher-suites", &serving.cipher_suites).map_err(|error| Error::chain(&error))?;
    let alpn: &[&[u8]] = if serving.http2 {
        &[b"h2", b"http/1.1"]
    } else {
        &[b"http/1.1"]
    };
    let options = ServerOptions {
        cert_file,
        key_file,
        ask_client_cert: true,
        protocol: Protocol::new(Some(serving.min_version), None, suites).map_err(|error| Error::chain(&error))?,
        alpn: alpn.iter().map(|name| name.to_vec()).collect(),
        ..ServerOptions::default()
    };
    ServerTls::new(options).map_err(|error| Error::chain(&error))
}

/// The file names and hosts are upstream's.
fn own_certificate(settings: &Settings) -> Result<(PathBuf, PathBuf)> {
    let dir = &settings.serving.cert_dir;
    let (cert, key) = (dir.join("apiserver.crt"), dir.join("apiserver.key"));
    if cert.exists() && key.exists() {
        return Ok((cert, key));
    }
    let hosts = [
        settings.generic.advertise_address.to_string(),
        external(settings),
        settings.services.kubernetes_ip.to_string(),
        "127.0.0.1".to_owned(),
        "localhost".to_owned(),
        "kubernetes".to_owned(),
        "kubernetes.default".to_owned(),
        "kubernetes.default.svc".to_owned(),
        "kubernetes.default.svc.cluster.local".to_owned(),
    ];
    let options = base::certs::CertOptions {
        common_name: format!("{}@keelson", hosts[0]),
        organizations: Vec::new(),
        hosts: hosts.to_vec(),
        validity_days: 365,
        usage: base::certs::Usage::Server,
    };
    let issued = base::certs::self_signed(&options).map_err(|error| Error::chain(&error))?;
    base::folder::create(dir)
        .map_err(|error| Error::new(format!("cannot make the folder {}: {error}", dir.display())))?;
    let pair = base::certs::KeyPair {
        cert_file: cert.clone(),
        key_file: key.clone(),
    };
    issued.save_as(&pair).map_err(|error| Error::chain(&error))?;
    tracing::info!(cert = %cert.display(), "generated self-signed cert");
    Ok((cert, key))
}

/// The name by which clients reach it.
fn external(settings: &Settings) -> String {
    if settings.generic.external_hostname.is_empty() {
        settings.generic.advertise_address.to_string()
    } else {
        settings.generic.external_hostname.clone()
    }
}

fn served(settings: &Settings) -> Result<Served> {
    let config = settings.runtime_config.iter();
    let config = config.map(|(key, on)| (key.clone(), on.to_string())).collect();
    Served::configured(&config).map_err(|error| Error::chain(&error))
}

/// How callers are known, and what others may learn of that.
struct Known {
    options: authenticate::Options,
    info: AuthenticationInfo,
    documents: Option<(String, String)>,
}

fn authentication(settings: &Settings) -> Result<Known> {
    let said = &settings.authentication;
    let authorities = |purpose: &str, file: &Option<PathBuf>| -> Result<Option<Arc<Authorities>>> {
        let read = file.as_ref().map(|file| Authorities::read(purpose, file)).transpose();
        Ok(read.map_err(|error| Error::chain(&error))?.map(Arc::new))
    };
    let clients = authorities("client-ca", &said.client_ca_file)?;
    let proxies = authorities("request-header", &said.proxies.ca_file)?;
    let keys = Arc::new(Keys::from_files(key_files(said)).map_err(|error| Error::chain(&error))?);
    let info = info(said, clients.as_deref(), proxies.as_deref());
    let token_file = said.token_file.as_deref().map(TokenFile::read).transpose();
    let options = authenticate::Options {
        client_authorities: clients,
        front_proxy: proxies.map(|authorities| FrontProxy {
            authorities,
            allowed_names: said.proxies.allowed_names.clone(),
            username_headers: said.proxies.username_headers.clone(),
            uid_headers: said.proxies.uid_headers.clone(),
            group_headers: said.proxies.group_headers.clone(),
            extra_prefixes: said.proxies.extra_prefixes.clone(),
        }),
        token_file: token_file.map_err(|error| Error::chain(&error))?,
        service_accounts: Some(authenticate::ServiceAccounts {
            keys: keys.clone(),
            issuers: said
                .service_accounts
                .issuers
                .iter()
                .map(|issuer| issuer.as_str().into())
                .collect(),
            lookup: said.service_accounts.lookup,
        }),
        bootstrap_tokens: said.bootstrap_tokens,
        anonymous: said.anonymous.then(Anonymous::everywhere),
        audiences: said.audiences.iter().map(|audience| audience.as_str().into()).collect(),
        ..authenticate::Options::default()
    };
    Ok(Known {
        options,
        info,
        documents: documents(settings, &keys),
    })
}

/// The keys that may have signed tokens: those given, or the one that signs.
fn key_files(said: &Authentication) -> Vec<&Path> {
    let accounts = &said.service_accounts;
    if accounts.key_files.is_empty() {
        return accounts.signing_key_file.iter().map(PathBuf::as_path).collect();
    }
    accounts.key_files.iter().map(PathBuf::as_path).collect()
}

fn info(said: &Authentication, clients: Option<&Authorities>, proxies: Option<&Authorities>) -> AuthenticationInfo {
    let pem = |authorities: Option<&Authorities>| {
        let pem = authorities.map(Authorities::pem).unwrap_or_default();
        String::from_utf8_lossy(&pem).into_owned()
    };
    AuthenticationInfo {
        client_ca: pem(clients),
        proxy_ca: pem(proxies),
        username_headers: said.proxies.username_headers.clone(),
        uid_headers: said.proxies.uid_headers.clone(),
        group_headers: said.proxies.group_headers.clone(),
        extra_headers_prefix: said.proxies.extra_prefixes.clone(),
        allowed_names: said.proxies.allowed_names.clone(),
    }
}

/// The documents by which others check tokens. Upstream runs on without them where the issuer is no URL.
fn documents(settings: &Settings, keys: &Keys) -> Option<(String, String)> {
    let accounts = &settings.authentication.service_accounts;
    let issuer = accounts.issuers.first()?;
    let address = format!("{}:{}", external(settings), settings.serving.port);
    match Metadata::new(issuer, accounts.jwks_uri.as_deref().unwrap_or_default(), &address, keys) {
        Ok(made) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Some((text(&made.configuration), text(&made.keys)))
        }
        Err(error) => {
            tracing::warn!(%error, "the documents of the tokens' issuer are not served");
            None
        }
    }
}

fn token_requests(settings: &Settings, random: &Arc<dyn Random>) -> Result<Option<Requests>> {
    let accounts = &settings.authentication.service_accounts;
    let (Some(file), Some(issuer)) = (&accounts.signing_key_file, accounts.issuers.first()) else {
        return Ok(None);
    };
    let key = PrivateKey::from_file(file).map_err(|error| Error::chain(&error))?;
    Ok(Some(Requests {
        issuer: Issuer::new(issuer, key),
        audiences: settings
            .authentication
            .audiences
            .iter()
            .map(|audience| audience.as_str().into())
            .collect(),
        max_seconds: accounts.max_expiration.map(|most| most.as_secs() as i64),
        extend: accounts.extend_expiration,
        random: random.clone(),
    }))
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

fn inside_options(
    settings: &Settings,
    client: &Client,
    random: &Arc<dyn Random>,
    info: watch::Receiver<AuthenticationInfo>,
    port: u16,
) -> inside::Options {
    let services = &settings.services;
    let prefix = settings.etcd.prefix.as_str();
    // The flags were checked: ports lie below 65,536.
    let (first, count) = (services.node_ports.first, services.node_ports.count);
    let port_of = |number: i64| u16::try_from(number).unwrap_or(u16::MAX);
    let ports = PortRange {
        first: port_of(first),
        last: port_of(first + count - 1),
    };
    let stored = Arc::new(StoredRange::node_ports(client.clone(), prefix));
    let reconciler = match services.reconciler {
        Reconciler::Lease | Reconciler::MasterCount => {
            EndpointReconciler::Lease(Arc::new(StoredLeases::new(client.clone(), prefix)))
        }
        Reconciler::None => EndpointReconciler::None,
    };
    inside::Options {
        hostname: hostname(),
        advertise_address: settings.generic.advertise_address,
        peer_address: String::new(),
        secure_port: port,
        service_ranges: services.ranges.iter().map(ToString::to_string).collect(),
        kubernetes_service_node_port: services.kubernetes_node_port.unwrap_or(0),
        node_ports: Arc::new(NodePorts::new(ports, stored, random.clone())),
        endpoint_reconciler: reconciler,
        authentication: info,
        served: Vec::new(),
        ready: watch::Sender::new(false).subscribe(),
    }
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// How many requests are answered at once. With upstream's fairness on they share one limit, the sum of both; here each sort
/// keeps its own.
fn in_flight(settings: &Settings) -> (usize, usize) {
    let generic = &settings.generic;
    (generic.max_requests_in_flight, generic.max_mutating_requests_in_flight)
}
