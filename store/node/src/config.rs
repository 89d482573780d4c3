//! What can be set about a member: etcd's flags as plain values, and the checks between them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// Why a configuration cannot work; one line that names the flag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub(crate) String);

/// Whether the first start founds a cluster or joins one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InitialState {
    /// `--initial-cluster-state new`.
    #[default]
    New,
    /// `--initial-cluster-state existing`.
    Existing,
}

/// What `--auto-compaction-retention` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CompactionMode {
    /// Time.
    #[default]
    Periodic,
    /// Revisions.
    Revision,
}

impl CompactionMode {
    /// Reads the flag's value.
    ///
    /// # Errors
    /// When it is neither of the two words.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "" | "periodic" => Ok(Self::Periodic),
            "revision" => Ok(Self::Revision),
            other => Err(Error(format!(
                "--auto-compaction-mode must be 'periodic' or 'revision', got '{other}'"
            ))),
        }
    }
}

/// A member's configuration. Names are etcd's flags with `_`; [`Default`] has etcd's defaults.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one field a flag")]
pub struct Config {
    /// A name for people.
    pub name: String,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where the log is kept instead, if not below `data_dir`.
    pub wal_dir: Option<PathBuf>,
    /// Peer URLs that the others reach this member by.
    pub initial_advertise_peer_urls: Vec<String>,
    /// Client URLs published to the cluster.
    pub advertise_client_urls: Vec<String>,
    /// Client URLs listened on; only logged.
    pub listen_client_urls: Vec<String>,
    /// Name to peer URLs of the first members.
    pub initial_cluster: BTreeMap<String, Vec<String>>,
    /// Told apart from other clusters by this word.
    pub initial_cluster_token: String,
    /// Found or join.
    pub initial_cluster_state: InitialState,
    /// Restart as the only member of the cluster, with the data that is here.
    pub force_new_cluster: bool,
    /// Refuse member changes that could lose the quorum.
    pub strict_reconfig_check: bool,
    /// Ask before standing for election.
    pub pre_vote: bool,
    /// How many learners the cluster may have; the same on all members.
    pub max_learners: usize,
    /// Between two heartbeats of the leader.
    pub heartbeat_interval: Duration,
    /// Without a heartbeat for this long, a follower stands for election.
    pub election_timeout: Duration,
    /// Bytes of live data before writes are refused; 0 = 2 GiB, below 0 = no limit.
    pub quota_backend_bytes: i64,
    /// Operations in one branch of a transaction.
    pub max_txn_ops: usize,
    /// Bytes of one write.
    pub max_request_bytes: usize,
    /// What `compaction_retention` counts.
    pub compaction_mode: CompactionMode,
    /// "0" = off; "1h", "1000"; a bare number with periodic means hours.
    pub compaction_retention: String,
    /// `simple` or `jwt,option=value,...`.
    pub auth_token: String,
    /// Life of a simple token after its last use.
    pub auth_token_ttl: Duration,
    /// Work factor of password hashes.
    pub bcrypt_cost: u32,
    /// A verified client certificate's common name may be the user.
    pub client_cert_auth: bool,
    /// Between two progress notifications of an idle watch.
    pub watch_progress_notify_interval: Duration,
    /// A request that takes longer is logged.
    pub warning_unary_request_duration: Duration,
    /// A read that takes longer is logged.
    pub warning_apply_duration: Duration,
    /// Between two comparisons of the members' hashes; 0 = each `compact_hash_check_time`.
    pub corrupt_check_time: Duration,
    /// Compare with the others before serving.
    pub initial_corrupt_check: bool,
    /// Between two comparisons where `corrupt_check_time` is off.
    pub compact_hash_check_time: Duration,
    /// Compare at all while `corrupt_check_time` is off. The rolling hash makes it cheap, so it is on.
    pub compact_hash_check: bool,
    /// Write the remaining time of leases that live longer than this to the log, so often; `None`: never.
    pub lease_checkpoint: Option<Duration>,
    /// History entries that one step of the collector looks at.
    pub compaction_batch_limit: usize,
    /// Between two steps of the collector.
    pub compaction_sleep_interval: Duration,
    /// Bytes of recent events kept in memory for watches.
    pub watch_ring_bytes: usize,
    /// Bytes of log kept for slow followers.
    pub log_keep_bytes: u64,
    /// Bytes of log applied since the database was last flushed, at which it is flushed again.
    pub log_flush_bytes: u64,
    /// Do not wait for the disk. For benchmarks: a crash loses acknowledged writes.
    pub unsafe_no_fsync: bool,
    /// Serve linearizable reads from the leader's lease, on all members or on none. Wrong when clocks or processes stand
    /// still; off.
    pub lease_reads: bool,
}

impl Default for Config {
    fn default() -> Self {
        let peer_url = "http://localhost:2380".to_owned();
        Self {
            name: "default".to_owned(),
            data_dir: PathBuf::from("default.etcd"),
            wal_dir: None,
            initial_advertise_peer_urls: vec![peer_url.clone()],
            advertise_client_urls: vec!["http://localhost:2379".to_owned()],
            listen_client_urls: vec!["http://localhost:2379".to_owned()],
            initial_cluster: BTreeMap::from([("default".to_owned(), vec![peer_url])]),
            initial_cluster_token: "etcd-cluster".to_owned(),
            initial_cluster_state: InitialState::New,
            force_new_cluster: false,
            strict_reconfig_check: true,
            pre_vote: true,
            max_learners: 1,
            heartbeat_interval: Duration::from_millis(100),
            election_timeout: Duration::from_secs(1),
            quota_backend_bytes: 0,
            max_txn_ops: 128,
            max_request_bytes: 1_572_864,
            compaction_mode: CompactionMode::Periodic,
            compaction_retention: "0".to_owned(),
            auth_token: "simple".to_owned(),
            auth_token_ttl: Duration::from_secs(300),
            bcrypt_cost: 10,
            client_cert_auth: false,
            watch_progress_notify_interval: Duration::from_secs(600),
            warning_unary_request_duration: Duration::from_millis(300),
            warning_apply_duration: Duration::from_millis(100),
            corrupt_check_time: Duration::ZERO,
            initial_corrupt_check: false,
            compact_hash_check_time: Duration::from_secs(60),
            compact_hash_check: true,
            lease_checkpoint: None,
            compaction_batch_limit: 1000,
            compaction_sleep_interval: Duration::from_millis(10),
            watch_ring_bytes: 256 << 20,
            log_keep_bytes: 256 << 20,
            log_flush_bytes: 64 << 20,
            unsafe_no_fsync: false,
            lease_reads: false,
        }
    }
}

/// Upstream's bound for `--election-timeout`.
const MAX_ELECTION: Duration = Duration::from_secs(50);
/// What a quota of 0 means.
const DEFAULT_QUOTA: i64 = 2 << 30;

impl Config {
    /// Checks what single flags cannot see.
    ///
    /// # Errors
    /// The first rule that is broken, naming the flags.
    pub fn validate(&self) -> Result<(), Error> {
        let refuse = |text: String| Err(Error(text));
        if self.heartbeat_interval.is_zero() {
            return refuse("--heartbeat-interval must be >0 (set to 0ms)".to_owned());
        }
        if self.election_timeout < 5 * self.heartbeat_interval {
            return refuse(format!(
                "--election-timeout[{}ms] should be at least as 5 times as --heartbeat-interval[{}ms]",
                self.election_timeout.as_millis(),
                self.heartbeat_interval.as_millis()
            ));
        }
        if self.election_timeout > MAX_ELECTION {
            return refuse(format!(
                "--election-timeout[{}ms] is too long, and should be set less than {}ms",
                self.election_timeout.as_millis(),
                MAX_ELECTION.as_millis()
            ));
        }
        if self.advertise_client_urls.is_empty() {
            return refuse(
                "--advertise-client-urls is required when --listen-client-urls is set explicitly".to_owned(),
            );
        }
        if self.initial_advertise_peer_urls.is_empty() {
            return refuse("--initial-advertise-peer-urls must name at least one URL".to_owned());
        }
        if self.watch_progress_notify_interval < Duration::from_millis(100) {
            return refuse("--watch-progress-notify-interval must be at least 100ms".to_owned());
        }
        Ok(())
    }

    /// Checks what matters only at the first start: this member stands in the initial cluster, and a founder as it
    /// advertises itself. Who joins has announced its URLs before, so upstream does not hold the flags together then.
    ///
    /// # Errors
    /// One line that names the flags, in upstream's words.
    pub(crate) fn validate_initial_cluster(&self) -> Result<(), Error> {
        let Some(listed) = self.initial_cluster.get(&self.name) else {
            return Err(Error(format!(
                "couldn't find local name \"{}\" in the initial cluster configuration: add it to --initial-cluster",
                self.name
            )));
        };
        if self.initial_cluster_state == InitialState::New {
            self.validate_advertised(listed)?;
        }
        let mut seen = BTreeSet::new();
        if self.initial_cluster.values().flatten().all(|url| seen.insert(url)) {
            return Ok(());
        }
        let all = self.initial_cluster.iter();
        let all = all.flat_map(|(name, urls)| urls.iter().map(move |url| (name, url)));
        Err(Error(format!("initial cluster {} has duplicate url", pairs(all))))
    }

    /// The member's URLs in `--initial-cluster` must be those of `--initial-advertise-peer-urls`.
    fn validate_advertised(&self, listed: &[String]) -> Result<(), Error> {
        let sorted = |urls: &[String]| {
            let mut urls = urls.to_vec();
            urls.sort();
            urls
        };
        let (listed, advertised) = (sorted(listed), sorted(&self.initial_advertise_peer_urls));
        if listed == advertised {
            return Ok(());
        }
        let only_in = |some: &[String], others: &[String]| -> Vec<String> {
            some.iter().filter(|url| !others.contains(url)).cloned().collect()
        };
        let named = |urls: &[String]| pairs(urls.iter().map(|url| (&self.name, url)));
        let missing = only_in(&listed, &advertised);
        if missing.is_empty() {
            return Err(Error(format!(
                "--initial-advertise-peer-urls has {} but missing from --initial-cluster={}",
                only_in(&advertised, &listed).join(","),
                named(&listed)
            )));
        }
        let differ = |(one, other): (&String, &String)| (one != other).then(|| format!("{one:?} != {other:?}"));
        let why = if listed.len() == advertised.len() {
            advertised.iter().zip(&listed).find_map(differ).unwrap_or_default()
        } else {
            format!("{} URLs != {} URLs", advertised.len(), listed.len())
        };
        Err(Error(format!(
            "--initial-cluster has {} but missing from --initial-advertise-peer-urls={} ({why})",
            named(&missing),
            advertised.join(",")
        )))
    }

    /// How long a request may take: upstream's 5 s for disk and network, and two elections.
    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_secs(5) + 2 * self.election_timeout
    }

    /// The quota in bytes; `None` = no limit.
    pub(crate) const fn quota(&self) -> Option<i64> {
        match self.quota_backend_bytes {
            0 => Some(DEFAULT_QUOTA),
            bytes if bytes < 0 => None,
            bytes => Some(bytes),
        }
    }

    /// The shortest TTL that a lease is granted, in seconds: 1.5 elections, rounded up.
    pub(crate) fn min_lease_ttl(&self) -> i64 {
        let ms = self.election_timeout.as_millis() as i64 * 3 / 2;
        (ms + 999) / 1000
    }
}

/// `name=url` pairs as `--initial-cluster` takes them.
fn pairs<'a>(urls: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    urls.map(|(name, url)| format!("{name}={url}"))
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        let config = Config::default();
        assert_eq!(config.validate(), Ok(()));
        assert_eq!(config.validate_initial_cluster(), Ok(()));
        assert_eq!(config.min_lease_ttl(), 2);
        assert_eq!(config.request_timeout(), Duration::from_secs(7));
        assert_eq!(config.quota(), Some(2_147_483_648));
    }

    #[test]
    fn a_founder_stands_in_the_initial_cluster_as_it_advertises_itself() {
        let said = |initial: &[(&str, &[&str])], advertised: &[&str], state| {
            let owned = |urls: &[&str]| urls.iter().map(|url| (*url).to_owned()).collect::<Vec<_>>();
            let config = Config {
                name: "m".to_owned(),
                initial_cluster: initial
                    .iter()
                    .map(|(name, urls)| ((*name).to_owned(), owned(urls)))
                    .collect(),
                initial_advertise_peer_urls: owned(advertised),
                initial_cluster_state: state,
                ..Config::default()
            };
            config
                .validate_initial_cluster()
                .err()
                .map(|error| error.0)
                .unwrap_or_default()
        };
        let (new, existing) = (InitialState::New, InitialState::Existing);
        let (a, b, c) = ("http://a:1", "http://b:1", "http://c:1");
        assert_eq!(said(&[("m", &[a, b])], &[b, a], new), "");
        assert_eq!(said(&[("m", &[a])], &[b], existing), "", "announced before");
        let absent = "couldn't find local name \"m\" in the initial cluster configuration";
        assert!(said(&[("x", &[a])], &[a], new).starts_with(absent));
        assert!(said(&[("x", &[a])], &[a], existing).starts_with(absent));
        assert!(said(&[], &[a], new).starts_with(absent));
        for (listed, advertised, text) in [
            (
                &[b][..],
                &[a][..],
                "--initial-cluster has m=http://b:1 but missing from --initial-advertise-peer-urls=http://a:1 \
                 (\"http://a:1\" != \"http://b:1\")",
            ),
            (
                &[a, b, c],
                &[a],
                "--initial-cluster has m=http://b:1,m=http://c:1 but missing from \
                 --initial-advertise-peer-urls=http://a:1 (1 URLs != 3 URLs)",
            ),
            (
                &[a],
                &[a, b],
                "--initial-advertise-peer-urls has http://b:1 but missing from --initial-cluster=m=http://a:1",
            ),
        ] {
            assert_eq!(said(&[("m", listed)], advertised, new), text);
        }
        assert_eq!(
            said(&[("m", &[a]), ("x", &[a])], &[a], new),
            "initial cluster m=http://a:1,x=http://a:1 has duplicate url"
        );
    }

    #[test]
    fn elections_must_outlast_heartbeats() {
        let config = Config {
            election_timeout: Duration::from_millis(300),
            ..Config::default()
        };
        assert!(config.validate().is_err());
    }
}
