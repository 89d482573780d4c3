//! What members exchange, counted under upstream's names; a member is labelled by its id in hexadecimal.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, exponential_buckets};

/// The metrics of the peer side. Clones count together.
#[derive(Clone)]
pub(crate) struct PeerMetrics {
    pub(super) sent_bytes: IntCounterVec,
    pub(super) received_bytes: IntCounterVec,
    pub(super) sent_failures: IntCounterVec,
    pub(super) disconnected: IntCounterVec,
    pub(super) round_trip: HistogramVec,
    pub(super) active: IntGaugeVec,
    pub(super) known: IntGaugeVec,
    pub(super) snapshots_sent: Transfers,
    pub(super) snapshots_received: Transfers,
}

/// Snapshots in one direction.
#[derive(Clone)]
pub(super) struct Transfers {
    success: IntCounterVec,
    failures: IntCounterVec,
    inflight: IntGaugeVec,
    seconds: HistogramVec,
}

/// The label of a member.
pub(super) fn label(id: u64) -> String {
    format!("{id:x}")
}

fn registered<C: prometheus::core::Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

impl PeerMetrics {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name: &str, help: &str, label: &str| {
            registered(registry, IntCounterVec::new(Opts::new(name, help), &[label])?)
        };
        let gauges = |name: &str, help: &str| {
            registered(registry, IntGaugeVec::new(Opts::new(name, help), &["Local", "Remote"])?)
        };
        let round_trip = HistogramOpts::new(
            "etcd_network_peer_round_trip_time_seconds",
            "Round-Trip-Time histogram between peers",
        )
        .buckets(exponential_buckets(0.0001, 2.0, 16)?);
        Ok(Self {
            sent_bytes: counters(
                "etcd_network_peer_sent_bytes_total",
                "The total number of bytes sent to peers.",
                "To",
            )?,
            received_bytes: counters(
                "etcd_network_peer_received_bytes_total",
                "The total number of bytes received from peers.",
                "From",
            )?,
            sent_failures: counters(
                "etcd_network_peer_sent_failures_total",
                "The total number of send failures from peers.",
                "To",
            )?,
            disconnected: registered(
                registry,
                IntCounterVec::new(
                    Opts::new(
                        "etcd_network_disconnected_peers_total",
                        "The total number of disconnected peers.",
                    ),
                    &["Local", "Remote"],
                )?,
            )?,
            round_trip: registered(registry, HistogramVec::new(round_trip, &["To"])?)?,
            active: gauges(
                "etcd_network_active_peers",
                "The current number of active peer connections.",
            )?,
            known: gauges("etcd_network_known_peers", "The current number of known peers.")?,
            snapshots_sent: Transfers::new(registry, "send", "To")?,
            snapshots_received: Transfers::new(registry, "receive", "From")?,
        })
    }
}

impl Transfers {
    fn new(registry: &Registry, direction: &str, label: &str) -> Result<Self, prometheus::Error> {
        let options = |what: &str, help: &str| {
            Opts::new(
                format!("etcd_network_snapshot_{direction}_{what}"),
                format!("{help} ({direction})"),
            )
        };
        let seconds = HistogramOpts::from(options(
            "total_duration_seconds",
            "Total latency distributions of snapshots",
        ))
        .buckets(exponential_buckets(0.1, 2.0, 10)?);
        Ok(Self {
            success: registered(
                registry,
                IntCounterVec::new(options("success", "Total number of successful snapshots"), &[label])?,
            )?,
            failures: registered(
                registry,
                IntCounterVec::new(options("failures", "Total number of snapshot failures"), &[label])?,
            )?,
            inflight: registered(
                registry,
                IntGaugeVec::new(
                    options("inflights_total", "Total number of inflight snapshots"),
                    &[label],
                )?,
            )?,
            seconds: registered(registry, HistogramVec::new(seconds, &[label])?)?,
        })
    }

    /// Counts a transfer from here to the end of what is given.
    pub(super) async fn count<T, E>(&self, id: u64, transfer: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let label = label(id);
        let inflight = self.inflight.with_label_values(&[&label]);
        inflight.inc();
        let since = tokio::time::Instant::now();
        let ended = transfer.await;
        inflight.dec();
        if ended.is_ok() {
            self.success.with_label_values(&[&label]).inc();
            self.seconds
                .with_label_values(&[&label])
                .observe(since.elapsed().as_secs_f64());
        } else {
            self.failures.with_label_values(&[&label]).inc();
        }
        ended
    }
}
