//! What a member is told, understood: options become typed values, and are held against each other once, here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use base::telemetry::LogOptions;
use base::tls::Protocol;

use super::gates::Gates;
use super::reader::{DEFAULT_NAME, Reader};
use super::security::{Security, Side};
use super::sources::Options;
use crate::error::{Error, Result};

/// URLs that a member listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) peer: Vec<String>,
    pub(crate) client: Vec<String>,
    /// If not empty, `client` serves gRPC only.
    pub(crate) client_http: Vec<String>,
    pub(crate) metrics: Vec<String>,
}

/// The cluster and this member's place in it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one field a flag")]
pub(crate) struct Cluster {
    pub(crate) advertise_peer: Vec<String>,
    pub(crate) advertise_client: Vec<String>,
    pub(crate) initial: BTreeMap<String, Vec<String>>,
    pub(crate) token: String,
    /// Joins a cluster that exists.
    pub(crate) existing: bool,
    pub(crate) force_new: bool,
    pub(crate) strict: bool,
    pub(crate) pre_vote: bool,
    pub(crate) lease_reads: bool,
    pub(crate) heartbeat: Duration,
    pub(crate) election: Duration,
    pub(crate) max_learners: usize,
    /// `periodic` or `revision`.
    pub(crate) compaction_mode: String,
    pub(crate) compaction_retention: String,
}

/// How much and how long.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) quota_bytes: i64,
    pub(crate) txn_ops: usize,
    pub(crate) request_bytes: usize,
    pub(crate) streams: u32,
    pub(crate) keepalive_min_time: Duration,
    pub(crate) keepalive_interval: Duration,
    pub(crate) keepalive_timeout: Duration,
    pub(crate) progress_interval: Duration,
    pub(crate) warn_apply: Duration,
    pub(crate) warn_request: Duration,
    pub(crate) compaction_batch: usize,
    pub(crate) compaction_rest: Duration,
    pub(crate) corrupt_check: Duration,
    pub(crate) compact_hash_check: Duration,
}

/// Who may come in.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) client: Security,
    pub(crate) peer: Security,
    pub(crate) protocol: Protocol,
    pub(crate) self_signed_years: u32,
    pub(crate) cors: Vec<String>,
    pub(crate) hosts: Vec<String>,
    pub(crate) token: String,
    pub(crate) token_ttl: Duration,
    pub(crate) bcrypt_cost: u32,
}

/// Everything a member is told.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) data_dir: PathBuf,
    pub(crate) wal_dir: Option<PathBuf>,
    pub(crate) listen: Listen,
    pub(crate) cluster: Cluster,
    pub(crate) limits: Limits,
    pub(crate) access: Access,
    pub(crate) gates: Gates,
    pub(crate) gateway: bool,
    pub(crate) extensive_metrics: bool,
    pub(crate) unsafe_no_fsync: bool,
    pub(crate) log: LogOptions,
    /// What the operator should be told once logging works.
    pub(crate) notes: Vec<String>,
}

/// Upstream's limit for `--election-timeout`.
const MAX_ELECTION: Duration = Duration::from_secs(50);

impl Settings {
    /// Understands `options` and checks them.
    ///
    /// # Errors
    /// The first option that is wrong by itself or together with others.
    pub(crate) fn new(options: Options) -> Result<Self> {
        let reader = Reader { options: &options };
        let (gates, gate_notes) = Gates::read(&options.parsed)?;
        let listen = Listen {
            peer: reader.urls("listen-peer-urls")?,
            client: reader.urls("listen-client-urls")?,
            client_http: reader.urls("listen-client-http-urls")?,
            metrics: reader.urls("listen-metrics-urls")?,
        };
        let mut settings = Self {
            name: reader.text("name")?,
            data_dir: reader.path("data-dir")?.unwrap_or_default(),
            wal_dir: reader.path("wal-dir")?,
            cluster: reader.cluster(&listen)?,
            listen,
            limits: reader.limits()?,
            access: reader.access()?,
            gates,
            gateway: reader.flag("enable-grpc-gateway")?,
            extensive_metrics: reader.metrics()?,
            unsafe_no_fsync: reader.flag("unsafe-no-fsync")?,
            log: reader.log()?,
            notes: options.notes.clone(),
        };
        settings.notes.extend(gate_notes);
        settings.complete();
        settings.check()?;
        Ok(settings)
    }

    fn complete(&mut self) {
        if self.data_dir.as_os_str().is_empty() {
            self.data_dir = format!("{}.etcd", self.name).into();
            let note = format!("'data-dir' was empty; using default {}", self.data_dir.display());
            self.notes.push(note);
        }
        if self.name == DEFAULT_NAME {
            self.notes.push(
                "it isn't recommended to use default name, please set a value for --name. Several members of the same \
                 name are hard to tell apart"
                    .to_owned(),
            );
        }
        if !(4..=31).contains(&self.access.bcrypt_cost) {
            let cost = self.access.bcrypt_cost;
            self.notes
                .push(format!("--bcrypt-cost={cost} is not between 4 and 31; using 10"));
            self.access.bcrypt_cost = 10;
        }
        if self.cluster.lease_reads {
            self.notes.push(
                "--experimental-lease-reads: a member whose clock or process stands still may answer stale reads"
                    .to_owned(),
            );
        }
        if self.unsafe_no_fsync {
            self.notes
                .push("--unsafe-no-fsync: a crash loses acknowledged writes".to_owned());
        }
    }

    fn check(&mut self) -> Result<()> {
        self.check_urls()?;
        self.check_timing()?;
        if self.limits.compact_hash_check.is_zero() {
            return Err(Error::new("--compact-hash-check-time must be >0 (set to 0s)"));
        }
        if self.name.is_empty() || self.name.contains(['=', ',']) {
            return Err(Error::new(format!(
                "--name {:?} is not usable: give a text without '=' and ','",
                self.name
            )));
        }
        let client = self.access.client.check(Side::Client, &self.client_urls())?;
        let peer = self.access.peer.check(Side::Peer, &self.listen.peer)?;
        self.notes.extend(client.into_iter().chain(peer));
        Ok(())
    }

    /// All URLs that serve with the clients' TLS.
    pub(crate) fn client_urls(&self) -> Vec<String> {
        [&self.listen.client, &self.listen.client_http, &self.listen.metrics]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    fn check_urls(&self) -> Result<()> {
        let listen = &self.listen;
        for (flag, urls) in [
            ("listen-peer-urls", &listen.peer),
            ("listen-client-urls", &listen.client),
        ] {
            if urls.is_empty() {
                return Err(Error::new(format!("--{flag} must name at least one URL")));
            }
        }
        if self.cluster.advertise_client.is_empty() {
            return Err(Error::new(
                "--advertise-client-urls is required when --listen-client-urls is set explicitly",
            ));
        }
        if self.cluster.advertise_peer.is_empty() {
            return Err(Error::new("--initial-advertise-peer-urls must name at least one URL"));
        }
        let mut seen: BTreeMap<(String, u16), &str> = BTreeMap::new();
        for (flag, urls) in [
            ("listen-peer-urls", &listen.peer),
            ("listen-client-urls", &listen.client),
            ("listen-client-http-urls", &listen.client_http),
            ("listen-metrics-urls", &listen.metrics),
        ] {
            for url in urls {
                let Some((host, port)) = base::flags::host_port(url) else {
                    continue;
                };
                if host != "localhost" && host.parse::<std::net::IpAddr>().is_err() {
                    return Err(Error::new(format!(
                        "--{flag}: expected IP in URL for binding ({url}); give an IP address or localhost"
                    )));
                }
                if let Some(other) = seen.insert((host, port), flag).filter(|_| port != 0) {
                    return Err(Error::new(format!(
                        "--{flag} and --{other} both listen on {url}; give each a port of its own"
                    )));
                }
            }
        }
        Ok(())
    }

    fn check_timing(&self) -> Result<()> {
        let (heartbeat, election) = (self.cluster.heartbeat.as_millis(), self.cluster.election.as_millis());
        if heartbeat == 0 {
            return Err(Error::new("--heartbeat-interval must be >0 (set to 0ms)"));
        }
        if election == 0 {
            return Err(Error::new("--election-timeout must be >0 (set to 0ms)"));
        }
        if 5 * heartbeat > election {
            return Err(Error::new(format!(
                "--election-timeout[{election}ms] should be at least as 5 times as --heartbeat-interval[{heartbeat}ms]"
            )));
        }
        if self.cluster.election > MAX_ELECTION {
            let most = MAX_ELECTION.as_millis();
            return Err(Error::new(format!(
                "--election-timeout[{election}ms] is too long, and should be set less than {most}ms"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
