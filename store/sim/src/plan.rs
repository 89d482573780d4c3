//! What a seed decides before the first step: the cluster, its settings, its load, and which faults it may meet.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use store_node::{Config, InitialState};

use crate::clients::Load;
use crate::faults::Kind;
use crate::net::{self, Number};

/// The plan of one run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Members at first.
    pub(crate) members: usize,
    /// How long faults come and go.
    pub(crate) trouble: Duration,
    /// Which faults there are.
    pub(crate) kinds: Vec<Kind>,
    /// The longest quiet between two faults.
    pub(crate) lull: Duration,
    pub(crate) load: Load,
    /// Bytes of a file of the log.
    pub(crate) segment_bytes: u64,
    tuning: Tuning,
}

/// What all members have in their configuration.
#[derive(Clone, Copy, Debug)]
struct Tuning {
    heartbeat_ms: u64,
    election_ms: u64,
    pre_vote: bool,
    log_keep_bytes: u64,
    log_flush_bytes: u64,
    watch_ring_bytes: usize,
    compaction_batch: usize,
    lease_checkpoint: Option<Duration>,
    corrupt_check: bool,
}

impl Plan {
    pub(crate) fn draw(random: &mut StdRng) -> Self {
        let members = *[1, 3, 3, 3, 3, 5, 5].choose(random).unwrap_or(&3);
        let mut kinds = Vec::new();
        for kind in Kind::ALL {
            if random.random_ratio(1, 2) && (members > 1 || !kind.needs_others()) {
                kinds.push(*kind);
            }
        }
        if kinds.is_empty() {
            kinds.push(Kind::Crash);
        }
        let heartbeat_ms = *[50, 100].choose(random).unwrap_or(&100);
        let tuning = Tuning {
            heartbeat_ms,
            election_ms: heartbeat_ms * random.random_range(5..=12),
            pre_vote: random.random_ratio(7, 8),
            log_keep_bytes: *[2 << 10, 16 << 10, 256 << 10].choose(random).unwrap_or(&16_384),
            log_flush_bytes: *[2 << 10, 16 << 10, 256 << 10].choose(random).unwrap_or(&16_384),
            watch_ring_bytes: *[1 << 10, 64 << 10, 16 << 20].choose(random).unwrap_or(&65_536),
            compaction_batch: *[5, 100, 1000].choose(random).unwrap_or(&100),
            lease_checkpoint: random.random::<bool>().then_some(Duration::from_secs(1)),
            corrupt_check: random.random(),
        };
        let load = Load {
            writers: random.random_range(1..=3),
            watchers: random.random_range(1..=2),
            leases: random.random_range(0..=1),
            // What locks write is told by nobody, so most runs go without and judge every revision.
            locks: usize::from(random.random_ratio(1, 5)),
            pause: Duration::from_millis(*[30, 100, 400].choose(random).unwrap_or(&100)),
        };
        Self {
            members,
            trouble: Duration::from_secs(random.random_range(3..=8)),
            kinds,
            lull: Duration::from_millis(*[300, 1_500, 4_000].choose(random).unwrap_or(&1_500)),
            load,
            segment_bytes: *[8 << 10, 64 << 10].choose(random).unwrap_or(&65_536),
            tuning,
        }
    }

    /// The configuration of a founding member.
    pub(crate) fn config(&self, node: Number) -> Config {
        let founders = (0..self.members).map(|node| (name(node, 0), vec![net::url(node)]));
        self.configured(node, name(node, 0), founders.collect(), InitialState::New)
    }

    /// The configuration of one who joins in the place of another: `life` sets his name apart.
    pub(crate) fn joining(&self, node: Number, life: u64, others: BTreeMap<String, Vec<String>>) -> Config {
        let own = name(node, life);
        let mut cluster = others;
        cluster.insert(own.clone(), vec![net::url(node)]);
        self.configured(node, own, cluster, InitialState::Existing)
    }

    fn configured(
        &self,
        node: Number,
        name: String,
        initial_cluster: BTreeMap<String, Vec<String>>,
        initial_cluster_state: InitialState,
    ) -> Config {
        let tuning = self.tuning;
        Config {
            name,
            initial_advertise_peer_urls: vec![net::url(node)],
            advertise_client_urls: vec![format!("http://node-{node}:2379")],
            initial_cluster,
            initial_cluster_state,
            heartbeat_interval: Duration::from_millis(tuning.heartbeat_ms),
            election_timeout: Duration::from_millis(tuning.election_ms),
            pre_vote: tuning.pre_vote,
            log_keep_bytes: tuning.log_keep_bytes,
            log_flush_bytes: tuning.log_flush_bytes,
            watch_ring_bytes: tuning.watch_ring_bytes,
            compaction_batch_limit: tuning.compaction_batch,
            lease_checkpoint: tuning.lease_checkpoint,
            corrupt_check_time: Duration::from_secs(if tuning.corrupt_check { 5 } else { 0 }),
            watch_progress_notify_interval: Duration::from_millis(700),
            bcrypt_cost: 4,
            ..Config::default()
        }
    }
}

/// The name of a node's member.
pub(crate) fn name(node: Number, life: u64) -> String {
    format!("node{node}-{life}")
}
