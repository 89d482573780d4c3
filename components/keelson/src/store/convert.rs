//! Settings as the crates below want them.

use std::time::Duration;

use store_log::RealDisk;
use store_node::{CompactionMode, Config, Folder, InitialState};
use store_rocks::Rocks;

use super::settings::Settings;
use crate::error::{Error, Result};

/// Between two checkpoints of a lease; upstream's interval, for which it has no flag.
const LEASE_CHECKPOINT: Duration = Duration::from_secs(300);

/// What the member itself is told.
///
/// # Errors
/// What only the member can see to be wrong.
pub(super) fn node(settings: &Settings) -> Result<Config> {
    let (cluster, limits, access) = (&settings.cluster, &settings.limits, &settings.access);
    let defaults = Config::default();
    let config = Config {
        name: settings.name.clone(),
        data_dir: settings.data_dir.clone(),
        wal_dir: settings.wal_dir.clone(),
        initial_advertise_peer_urls: cluster.advertise_peer.clone(),
        advertise_client_urls: cluster.advertise_client.clone(),
        listen_client_urls: settings.listen.client.clone(),
        initial_cluster: cluster.initial.clone(),
        initial_cluster_token: cluster.token.clone(),
        initial_cluster_state: if cluster.existing {
            InitialState::Existing
        } else {
            InitialState::New
        },
        force_new_cluster: cluster.force_new,
        strict_reconfig_check: cluster.strict,
        pre_vote: cluster.pre_vote,
        lease_reads: cluster.lease_reads,
        max_learners: cluster.max_learners,
        heartbeat_interval: cluster.heartbeat,
        election_timeout: cluster.election,
        quota_backend_bytes: limits.quota_bytes,
        max_txn_ops: limits.txn_ops,
        max_request_bytes: limits.request_bytes,
        compaction_mode: CompactionMode::parse(&cluster.compaction_mode).map_err(|error| Error::chain(&error))?,
        compaction_retention: cluster.compaction_retention.clone(),
        auth_token: access.token.clone(),
        auth_token_ttl: access.token_ttl,
        bcrypt_cost: access.bcrypt_cost,
        client_cert_auth: access.client.client_cert_auth,
        watch_progress_notify_interval: limits.progress_interval,
        warning_unary_request_duration: limits.warn_request,
        warning_apply_duration: limits.warn_apply,
        corrupt_check_time: limits.corrupt_check,
        initial_corrupt_check: settings.gates.on("InitialCorruptCheck"),
        compact_hash_check_time: limits.compact_hash_check,
        compact_hash_check: settings
            .gates
            .get("CompactHashCheck")
            .unwrap_or(defaults.compact_hash_check),
        lease_checkpoint: settings.gates.on("LeaseCheckpoint").then_some(LEASE_CHECKPOINT),
        compaction_batch_limit: limits.compaction_batch,
        compaction_sleep_interval: limits.compaction_rest,
        unsafe_no_fsync: settings.unsafe_no_fsync,
        ..defaults
    };
    config.validate().map_err(|error| Error::chain(&error))?;
    Ok(config)
}

/// What the ports are told. Zero turns pings off, as upstream.
pub(super) fn wire(settings: &Settings) -> store_wire::Options {
    let limits = &settings.limits;
    let off = Duration::from_secs(u64::from(u32::MAX));
    let pings = !limits.keepalive_interval.is_zero() && !limits.keepalive_timeout.is_zero();
    store_wire::Options {
        max_request_bytes: limits.request_bytes,
        max_concurrent_streams: limits.streams,
        keepalive_min_time: limits.keepalive_min_time,
        keepalive_interval: if pings { limits.keepalive_interval } else { off },
        keepalive_timeout: limits.keepalive_timeout,
        gateway: settings.gateway,
        cors: settings.access.cors.clone(),
        host_whitelist: settings.access.hosts.clone(),
        metrics_extensive: settings.extensive_metrics,
        ..store_wire::Options::default()
    }
}

/// The folder of the raft log; only one process may have it.
pub(super) fn disk(folder: &Folder) -> Result<RealDisk> {
    RealDisk::open(folder.log()).map_err(|error| {
        let path = folder.log().display();
        Error::new(format!(
            "cannot open the log in {path}: {error}; is another member running on this data folder?"
        ))
    })
}

/// The database of the state machine.
pub(super) fn engine(folder: &Folder) -> Result<Rocks> {
    Rocks::open(folder.db(), store_rocks::Options::default()).map_err(|error| {
        let path = folder.db().display();
        Error::new(format!("cannot open the database in {path}: {}", Error::chain(&error)))
    })
}
