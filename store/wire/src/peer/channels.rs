//! One set of channels for each member that is talked to, kept until its URLs change or nobody uses it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::task::Tasks;
use base::tls::ClientTls;
use parking_lot::Mutex;
use prometheus::Registry;
use proto::peer::peer_client::PeerClient;
use proto::peer::{self, ClusterInfoRequest};
use tokio::time::Instant;
use tonic::Request;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::dial::Dialer;
use super::identity::Ends;
use super::limits::Answer;
use super::metrics::{PeerMetrics, label};
use crate::address::{Address, Place};

/// How often each member is asked who it is, for the round-trip histogram.
const PROBE_EVERY: Duration = Duration::from_secs(4);
/// Channels that nobody asked for so long are closed; a removed member leaves nothing behind.
const UNUSED: Duration = Duration::from_secs(600);
/// Flow-control windows: a follower that lags takes megabytes at a time.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// How members are reached.
#[derive(Clone)]
pub struct ChannelsOptions {
    /// For peer URLs of scheme `https`. Its ALPN must be [`alpn`](crate::alpn).
    pub tls: Option<ClientTls>,
    /// How long a connection may take, per URL. Half an election timeout is right.
    pub connect_timeout: Duration,
    /// A connection on which nothing arrived for so long is probed...
    pub keepalive_interval: Duration,
    /// ...and closed if the probe is not answered within this.
    pub keepalive_timeout: Duration,
}

impl Default for ChannelsOptions {
    fn default() -> Self {
        Self {
            tls: None,
            connect_timeout: Duration::from_millis(500),
            keepalive_interval: Duration::from_secs(1),
            keepalive_timeout: Duration::from_secs(2),
        }
    }
}

/// What a call is about. Each lane is a connection of its own, so that a snapshot delays no heartbeat.
#[derive(Clone, Copy)]
pub(super) enum Lane {
    /// Log replication and votes.
    Consensus,
    /// Clients' requests on their way to the leader.
    Forward,
    /// Snapshots.
    Bulk,
}

/// The channels to all other members.
pub struct Channels {
    pub(super) options: ChannelsOptions,
    pub(crate) metrics: PeerMetrics,
    me: OnceLock<(u64, u64)>,
    peers: Mutex<BTreeMap<u64, Peer>>,
}

#[derive(Clone)]
struct Peer {
    urls: Vec<String>,
    lanes: [Channel; 3],
    used: Instant,
}

impl Channels {
    /// Prepares to talk; nothing is dialled before it is needed. Must be called on a Tokio runtime.
    ///
    /// # Errors
    /// When the registry holds one of the metrics already.
    pub fn new(options: ChannelsOptions, registry: &Registry, tasks: &Tasks) -> Result<Arc<Self>, crate::Error> {
        let channels = Arc::new(Self {
            options,
            metrics: PeerMetrics::new(registry)?,
            me: OnceLock::new(),
            peers: Mutex::default(),
        });
        let probing = Arc::downgrade(&channels);
        tasks.spawn_until("peer-probes", async move {
            loop {
                tokio::time::sleep(PROBE_EVERY).await;
                let Some(channels) = probing.upgrade() else { return };
                channels.probe_all().await;
            }
        });
        Ok(channels)
    }

    /// Says who this member is. Every call carries it from then on; the first call of this counts.
    pub fn identify(&self, cluster_id: u64, member_id: u64) {
        let _ = self.me.set((cluster_id, member_id));
        // A member knows itself, too, as upstream counts.
        let me = label(member_id);
        self.metrics.known.with_label_values(&[&me, &me]).set(1);
    }

    /// A client of a member on a lane, for a call that is answered like this.
    pub(super) fn client(&self, target: &peer::Node, lane: Lane, answer: Answer) -> PeerClient<Channel> {
        let mut peers = self.peers.lock();
        let peer = peers
            .entry(target.id)
            .and_modify(|peer| {
                if peer.urls != target.peer_urls {
                    *peer = self.open(target);
                }
            })
            .or_insert_with(|| self.open(target));
        peer.used = Instant::now();
        limited(peer.lanes[lane as usize].clone(), answer)
    }

    /// A request with both its ends written on it.
    pub(super) fn addressed<T>(&self, target: Option<u64>, message: T) -> Request<T> {
        let me = self.me.get();
        let ends = Ends {
            cluster: me.map(|me| me.0),
            from: me.map(|me| me.1),
            to: target,
        };
        let mut request = Request::new(message);
        ends.write(request.metadata_mut());
        request
    }

    /// A client of whoever answers at a URL.
    pub(super) fn stranger(&self, url: &str) -> PeerClient<Channel> {
        limited(self.channel(&[url.to_owned()], "0"), Answer::Many)
    }

    fn open(&self, target: &peer::Node) -> Peer {
        let label = label(target.id);
        let ends = [&*self.my_label(), &*label];
        self.metrics.known.with_label_values(&ends).set(1);
        // Shown from the start, so that the first failure is a rise.
        self.metrics.disconnected.with_label_values(&ends);
        self.metrics.sent_failures.with_label_values(&[&label]);
        let lanes = std::array::from_fn(|_| self.channel(&target.peer_urls, &label));
        Peer {
            urls: target.peer_urls.clone(),
            lanes,
            used: Instant::now(),
        }
    }

    fn my_label(&self) -> String {
        label(self.me.get().map_or(0, |me| me.1))
    }

    fn channel(&self, urls: &[String], label: &str) -> Channel {
        let meters = (
            self.metrics.sent_bytes.with_label_values(&[label]),
            self.metrics.received_bytes.with_label_values(&[label]),
        );
        let dialer = Dialer::new(urls, self.options.tls.clone(), self.options.connect_timeout, meters);
        endpoint(urls)
            .http2_keep_alive_interval(self.options.keepalive_interval)
            .keep_alive_timeout(self.options.keepalive_timeout)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .connect_with_connector_lazy(service_fn(move |_| dialer.clone().dial()))
    }

    /// Asks every member who it is, and forgets those that nobody uses.
    async fn probe_all(&self) {
        let now = Instant::now();
        let peers: Vec<(u64, Channel)> = {
            let mut peers = self.peers.lock();
            let me = self.my_label();
            peers.retain(|id, peer| {
                let kept = now.duration_since(peer.used) < UNUSED;
                if !kept {
                    let _ = self.metrics.known.remove_label_values(&[&me, &label(*id)]);
                    let _ = self.metrics.active.remove_label_values(&[&me, &label(*id)]);
                }
                kept
            });
            peers
                .iter()
                .map(|(id, peer)| (*id, peer.lanes[Lane::Consensus as usize].clone()))
                .collect()
        };
        let probes = peers.into_iter().map(|(id, channel)| self.probe(id, channel));
        futures_util::future::join_all(probes).await;
    }

    async fn probe(&self, id: u64, channel: Channel) {
        let label = label(id);
        let since = Instant::now();
        let request = self.addressed(Some(id), ClusterInfoRequest::default());
        let mut client = limited(channel, Answer::Many);
        let answered = tokio::time::timeout(PROBE_EVERY, client.cluster_info(request)).await;
        let active = matches!(answered, Ok(Ok(_)));
        if active {
            self.metrics
                .round_trip
                .with_label_values(&[&label])
                .observe(since.elapsed().as_secs_f64());
        }
        let ends = [&*self.my_label(), &*label];
        let gauge = self.metrics.active.with_label_values(&ends);
        if gauge.get() == 1 && !active {
            self.metrics.disconnected.with_label_values(&ends).inc();
        }
        if !active {
            self.failed_to_send(id);
        }
        gauge.set(i64::from(active));
    }

    /// Counts a message that a member did not get.
    pub(super) fn failed_to_send(&self, id: u64) {
        self.metrics.sent_failures.with_label_values(&[&label(id)]).inc();
    }
}

/// Whoever answers at a URL is believed to be a member, but not that it has gigabytes to say.
fn limited(channel: Channel, answer: Answer) -> PeerClient<Channel> {
    PeerClient::new(channel).max_decoding_message_size(answer.limit())
}

/// The head of the requests. The scheme is that of the bytes within; TLS, where it is spoken, is the dialer's business.
fn endpoint(urls: &[String]) -> Endpoint {
    let authority = urls
        .first()
        .and_then(|url| Address::parse(url).ok())
        .and_then(|address| match address.place {
            Place::Tcp { host, port } if host.contains(':') => Some(format!("http://[{host}]:{port}")),
            Place::Tcp { host, port } => Some(format!("http://{host}:{port}")),
            Place::Unix(_) => None,
        });
    authority
        .and_then(|authority| Endpoint::from_shared(authority).ok())
        .unwrap_or_else(|| Endpoint::from_static("http://localhost"))
}
