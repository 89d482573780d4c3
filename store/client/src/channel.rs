//! The endpoints of a client: whose turn it is, and which are set aside because they are broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base::tls::ClientTls;
use parking_lot::Mutex;
use proto::etcd::auth_client::AuthClient;
use proto::etcd::cluster_client::ClusterClient;
use proto::etcd::kv_client::KvClient;
use proto::etcd::lease_client::LeaseClient;
use proto::etcd::maintenance_client::MaintenanceClient;
use proto::etcd::watch_client::WatchClient;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};

use crate::connect::{Connector, Target};
use crate::retry::backoff;
use crate::{Error, Options};

/// A broken endpoint is tried again after this at the latest, as long as others work.
const ASIDE_MAX: Duration = Duration::from_secs(10);

/// All endpoints, taken in turn.
pub(crate) struct Endpoints {
    links: Vec<Link>,
    turn: AtomicUsize,
}

/// One endpoint: a connection that is opened when first needed and again whenever it breaks.
#[derive(Clone)]
pub(crate) struct Link {
    channel: Channel,
    health: Arc<Mutex<Health>>,
    receive_bytes_max: usize,
}

#[derive(Clone, Copy, Default)]
struct Health {
    failures: u32,
    aside_until: Option<Instant>,
}

impl Endpoints {
    /// Opens nothing yet.
    pub(crate) fn new(options: &Options, tls: Option<&ClientTls>) -> Result<Self, Error> {
        let links = options.endpoints.iter().map(|text| Link::new(text, options, tls));
        let mut links = links.collect::<Result<Vec<_>, _>>()?;
        if links.is_empty() {
            return Err(Error::Options("no endpoints".to_owned()));
        }
        // Each client starts at another endpoint, so that many clients spread over the members.
        let start = rand::random_range(0..links.len());
        links.rotate_left(start);
        Ok(Self {
            links,
            turn: AtomicUsize::new(0),
        })
    }

    /// How many there are; at least one.
    pub(crate) fn len(&self) -> usize {
        self.links.len()
    }

    /// The endpoint whose turn it is. If all are set aside, the one that comes back first.
    pub(crate) fn pick(&self) -> Link {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.links.len();
        // Nearly always; the rest is for when something is broken.
        if self.links[turn].health.lock().aside_until.is_none() {
            return self.links[turn].clone();
        }
        let aside: Vec<_> = self.links.iter().map(|link| link.health.lock().aside_until).collect();
        self.links[choose(&aside, turn, Instant::now())].clone()
    }
}

fn choose(aside_until: &[Option<Instant>], turn: usize, now: Instant) -> usize {
    let order = (0..aside_until.len()).map(|step| (turn + step) % aside_until.len());
    let usable = |at: usize| aside_until[at].is_none_or(|until| until <= now);
    order
        .clone()
        .find(|&at| usable(at))
        .or_else(|| order.min_by_key(|&at| aside_until[at]))
        .unwrap_or(0)
}

impl Link {
    fn new(text: &str, options: &Options, tls: Option<&ClientTls>) -> Result<Self, Error> {
        let target = Target::parse(text, tls.is_some())?;
        let scheme = if target.tls { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{}", target.authority))
            .map_err(|error| Error::Options(format!("endpoint {text:?}: {error}")))?
            .http2_keep_alive_interval(options.keepalive_interval)
            .keep_alive_timeout(options.keepalive_timeout)
            .keep_alive_while_idle(false)
            .initial_stream_window_size(1024 * 1024)
            .initial_connection_window_size(4 * 1024 * 1024);
        Ok(Self {
            channel: endpoint.connect_with_connector_lazy(Connector::new(target, tls, options.dial_timeout)?),
            health: Arc::default(),
            receive_bytes_max: options.receive_bytes_max,
        })
    }

    /// Learns from the outcome of a call whether this endpoint can be used.
    pub(crate) fn report(&self, failed: Option<&Error>) {
        let mut health = self.health.lock();
        if failed.is_some_and(Error::is_transport) {
            health.aside_until = Some(Instant::now() + backoff(health.failures).min(ASIDE_MAX));
            health.failures = health.failures.saturating_add(1);
        } else if health.failures > 0 {
            *health = Health::default();
        }
    }

    pub(crate) fn kv(&self) -> KvClient<Channel> {
        KvClient::new(self.channel.clone()).max_decoding_message_size(self.receive_bytes_max)
    }

    pub(crate) fn watch(&self) -> WatchClient<Channel> {
        WatchClient::new(self.channel.clone()).max_decoding_message_size(self.receive_bytes_max)
    }

    pub(crate) fn lease(&self) -> LeaseClient<Channel> {
        LeaseClient::new(self.channel.clone()).max_decoding_message_size(self.receive_bytes_max)
    }

    pub(crate) fn cluster(&self) -> ClusterClient<Channel> {
        ClusterClient::new(self.channel.clone()).max_decoding_message_size(self.receive_bytes_max)
    }

    pub(crate) fn maintenance(&self) -> MaintenanceClient<Channel> {
        MaintenanceClient::new(self.channel.clone()).max_decoding_message_size(self.receive_bytes_max)
    }

    pub(crate) fn auth(&self) -> AuthClient<Channel> {
        AuthClient::new(self.channel.clone()).max_decoding_message_size(self.receive_bytes_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_turns_and_passes_over_the_broken() {
        let now = Instant::now();
        let later = Some(now + Duration::from_secs(1));
        let sooner = Some(now + Duration::from_millis(1));
        assert_eq!(choose(&[None, None, None], 1, now), 1);
        assert_eq!(choose(&[None, later, None], 1, now), 2);
        assert_eq!(choose(&[None, None, later], 2, now), 0, "wraps round");
        assert_eq!(choose(&[later, Some(now), later], 0, now), 1, "its time has come");
        assert_eq!(
            choose(&[later, sooner, later], 2, now),
            1,
            "all are aside: the first to come back"
        );
    }
}
