//! One member put together from its settings: folders, log, database, ports, consensus.

use std::sync::Arc;

use base::clock::SystemClock;
use base::random::SystemRandom;
use base::task::Tasks;
use base::tls::ServerTls;
use store_node::{Folder, Member, Parts, Stop};
use store_wire::{Bound, Channels, ChannelsOptions, Server, Serves};

use super::convert;
use super::security::{Place, Prepared, Side};
use super::settings::{Listen, Settings};
use crate::error::{Error, Result};

/// A member whose consensus runs and whose peers are served. Clients are served once [`Launched::serve`] has returned.
pub(crate) struct Launched {
    member: Member,
    server: Server,
    tasks: Tasks,
    /// Ports bound for clients, not served yet.
    waiting: Vec<(Bound, Serves)>,
    tls: Option<ServerTls>,
}

/// The ports of a member, bound and not served yet.
struct Ports {
    peer: Vec<Bound>,
    client: Vec<(Bound, Serves)>,
    metrics: Vec<Bound>,
}

/// Starts a member.
///
/// # Errors
/// A port that is taken, a folder, file or certificate that cannot be used; each says what to do.
pub(crate) async fn launch(settings: &Settings) -> Result<Launched> {
    let config = convert::node(settings)?;
    // Ports first: a port that is taken is the most frequent mistake, and nothing has been written yet.
    let ports = Ports::bind(&settings.listen).await?;
    let (client, peer) = prepare_tls(settings)?;
    let registry = prometheus::Registry::new();
    let tasks = Tasks::new();
    let options = ChannelsOptions {
        tls: peer.client,
        ..ChannelsOptions::default()
    };
    let channels = Channels::new(options, &registry, &tasks).map_err(|error| Error::chain(&error))?;
    let folder = Folder::open(&config).map_err(|error| Error::chain(&error))?;
    let parts = Parts {
        config,
        disk: Arc::new(convert::disk(&folder)?),
        engine: Arc::new(convert::engine(&folder)?),
        identity: Arc::new(folder),
        log: Default::default(),
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SystemRandom),
        transport: Arc::clone(&channels) as _,
        peers: Arc::clone(&channels) as _,
        registry: registry.clone(),
        tasks: tasks.clone(),
        on_fatal: store_node::abort_on_fatal(),
    };
    let member = store_node::assemble(parts)
        .await
        .map_err(|error| Error::chain(&error))?;
    let server = Server::new(member.clone(), &registry, convert::wire(settings), &tasks);
    let server = server.map_err(|error| Error::chain(&error))?;
    for bound in ports.peer {
        server.peer(bound, peer.server.clone(), &channels);
    }
    for bound in ports.metrics {
        server.metrics(bound, client.server.clone());
    }
    Ok(Launched {
        member,
        server,
        tasks,
        waiting: ports.client,
        tls: client.server,
    })
}

/// TLS of the clients' and of the peers' side.
fn prepare_tls(settings: &Settings) -> Result<(Prepared, Prepared)> {
    let (access, client_urls) = (&settings.access, settings.client_urls());
    let place = |urls| Place {
        data_dir: &settings.data_dir,
        urls,
        years: access.self_signed_years,
        alpn: store_wire::alpn(),
    };
    let client = access
        .client
        .prepare(Side::Client, &place(&client_urls), &access.protocol)?;
    let peer = access
        .peer
        .prepare(Side::Peer, &place(&settings.listen.peer), &access.protocol)?;
    Ok((client, peer))
}

impl Ports {
    async fn bind(listen: &Listen) -> Result<Self> {
        let peer = bind("listen-peer-urls", &listen.peer).await?;
        let grpc = bind("listen-client-urls", &listen.client).await?;
        let http = bind("listen-client-http-urls", &listen.client_http).await?;
        let metrics = bind("listen-metrics-urls", &listen.metrics).await?;
        let both = if http.is_empty() {
            Serves::Everything
        } else {
            Serves::Grpc
        };
        let grpc = grpc.into_iter().map(|bound| (bound, both));
        let http = http.into_iter().map(|bound| (bound, Serves::Http));
        Ok(Self {
            peer,
            client: grpc.chain(http).collect(),
            metrics,
        })
    }
}

async fn bind(flag: &str, urls: &[String]) -> Result<Vec<Bound>> {
    let mut bound = Vec::new();
    for url in urls {
        let port = store_wire::bind(url).await.map_err(|error| {
            let error = Error::chain(&error);
            if error.text.contains("Address already in use") {
                return Error::new(format!(
                    "cannot listen on {url}: another process has the port; stop it, or give another --{flag}"
                ));
            }
            Error::new(format!("{error}; check --{flag}"))
        })?;
        bound.push(port);
    }
    Ok(bound)
}

impl Launched {
    /// Waits until the cluster has a leader, then serves clients.
    ///
    /// # Errors
    /// The member was stopped or removed meanwhile.
    pub(crate) async fn serve(&mut self) -> Result<()> {
        self.member.ready().await.map_err(|error| Error::new(error.text()))?;
        for (bound, serves) in self.waiting.drain(..) {
            self.server.client(bound, self.tls.clone(), serves);
        }
        Ok(())
    }

    /// Waits until the member ends by itself: it was removed from the cluster, or cannot go on.
    ///
    /// # Errors
    /// Why it cannot go on.
    pub(crate) async fn ended(&self) -> Result<()> {
        tokio::select! {
            stop = self.member.stopped() => match stop {
                Stop::Fatal(text) => Err(Error::new(text)),
                Stop::Removed => {
                    tracing::warn!("this member was removed from its cluster; its data folder can be deleted");
                    Ok(())
                }
                Stop::Shutdown => Ok(()),
            },
            name = self.tasks.failed() => Err(Error::new(format!("the task {name:?} panicked; the log has the details"))),
        }
    }

    /// Hands leadership over, lets open requests end, closes ports and files.
    pub(crate) async fn stop(self) {
        self.member.shutdown().await;
        self.server.drain().await;
        self.tasks.shutdown().await;
    }
}
