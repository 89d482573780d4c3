//! Single options as typed values, with the defaults that depend on other options.

use std::collections::BTreeMap;
use std::net::{IpAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use base::flags::{self, Value};
use base::telemetry::{LogOptions, Rotation};
use base::tls::{Protocol, Version, cipher_suites};

use super::flags::TABLE;
use super::security::Security;
use super::settings::{Access, Cluster, Limits, Listen};
use super::sources::Options;
use crate::error::{Error, Result};

/// The name of a member that is given none.
pub(super) const DEFAULT_NAME: &str = "default";
/// Upstream's default of `--initial-cluster`.
const SOLE: &str = "default=http://localhost:2380";

/// Options by name.
pub(super) struct Reader<'a> {
    pub(super) options: &'a Options,
}

impl Reader<'_> {
    fn value(&self, name: &str) -> Result<Value> {
        let row = TABLE
            .find(name)
            .ok_or_else(|| Error::new(format!("there is no flag --{name}")))?;
        Ok(self.options.parsed.value(row))
    }

    pub(super) fn text(&self, name: &str) -> Result<String> {
        Ok(self.value(name)?.text)
    }

    pub(super) fn path(&self, name: &str) -> Result<Option<PathBuf>> {
        Ok(Some(self.text(name)?)
            .filter(|text| !text.is_empty())
            .map(PathBuf::from))
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        let value = self.value(name)?;
        Ok(flags::boolean(&value.spelled, &value.text)?)
    }

    pub(super) fn urls(&self, name: &str) -> Result<Vec<String>> {
        let value = self.value(name)?;
        if value.text.is_empty() {
            return Ok(Vec::new());
        }
        Ok(flags::urls(&value.spelled, &value.text)?)
    }

    fn list(&self, name: &str) -> Result<Vec<String>> {
        Ok(flags::list(&self.text(name)?))
    }

    fn duration(&self, name: &str) -> Result<Duration> {
        let value = self.value(name)?;
        Ok(flags::duration(&value.spelled, &value.text)?)
    }

    fn signed(&self, name: &str) -> Result<i64> {
        let value = self.value(name)?;
        Ok(flags::integer(&value.spelled, &value.text)?)
    }

    /// A number that fits `T`.
    fn number<T: TryFrom<u64>>(&self, name: &str) -> Result<T> {
        let value = self.value(name)?;
        let number = flags::unsigned(&value.spelled, &value.text)?;
        let large = || flags::Error::new(&value.spelled, &value.text, "a smaller number");
        Ok(T::try_from(number).map_err(|_| large())?)
    }

    /// A number that upstream keeps signed though it counts; below zero is refused.
    fn count(&self, name: &str) -> Result<usize> {
        let value = self.value(name)?;
        let number = flags::integer(&value.spelled, &value.text)?;
        let small = || flags::Error::new(&value.spelled, &value.text, "a whole number, zero or more");
        Ok(usize::try_from(number).map_err(|_| small())?)
    }

    fn one_of(&self, name: &str, accepted: &[&str]) -> Result<String> {
        let value = self.value(name)?;
        if accepted.contains(&value.text.as_str()) {
            return Ok(value.text);
        }
        Err(flags::Error::new(&value.spelled, &value.text, accepted.join(" or ")).into())
    }

    pub(super) fn metrics(&self) -> Result<bool> {
        Ok(self.one_of("metrics", &["basic", "extensive"])? == "extensive")
    }

    pub(super) fn cluster(&self, listen: &Listen) -> Result<Cluster> {
        let advertise_peer = self.advertised("initial-advertise-peer-urls", &listen.peer)?;
        let given = self.value("initial-cluster")?;
        let set = |name| self.options.parsed.is_set(name);
        let name = self.text("name")?;
        let initial = if set("initial-cluster") && given.text != SOLE {
            flags::name_urls(&given.spelled, &given.text)?
        } else if name == DEFAULT_NAME && set("initial-advertise-peer-urls") {
            // Upstream's default follows the advertised URLs for a name of one's own only.
            flags::name_urls(&given.spelled, SOLE)?
        } else {
            BTreeMap::from([(name, advertise_peer.clone())])
        };
        Ok(Cluster {
            advertise_peer,
            advertise_client: self.advertised_client(listen)?,
            initial,
            token: self.text("initial-cluster-token")?,
            existing: self.one_of("initial-cluster-state", &["new", "existing"])? == "existing",
            force_new: self.flag("force-new-cluster")?,
            strict: self.flag("strict-reconfig-check")?,
            pre_vote: self.flag("pre-vote")?,
            lease_reads: self.flag("experimental-lease-reads")?,
            heartbeat: Duration::from_millis(self.number("heartbeat-interval")?),
            election: Duration::from_millis(self.number("election-timeout")?),
            max_learners: self.count("max-learners")?,
            compaction_mode: self.one_of("auto-compaction-mode", &["periodic", "revision"])?,
            compaction_retention: self.text("auto-compaction-retention")?,
        })
    }

    /// Upstream has no default for the advertised URLs once others are listened on, but for those of a file.
    fn advertised_client(&self, listen: &Listen) -> Result<Vec<String>> {
        let given = |name| self.options.parsed.is_set(name);
        if given("listen-client-urls") && !given("advertise-client-urls") && !self.options.from_file {
            return Ok(Vec::new());
        }
        self.advertised("advertise-client-urls", &listen.client)
    }

    /// The URLs to advertise. A default `localhost` becomes this machine's address if all addresses are listened on.
    fn advertised(&self, name: &str, listen: &[String]) -> Result<Vec<String>> {
        let urls = self.urls(name)?;
        let first = listen.first().and_then(|url| flags::host_port(url));
        match first {
            Some((host, port)) if host == "0.0.0.0" && !self.options.parsed.is_set(name) => {
                Ok(default_host().map_or(urls, |host| vec![format!("http://{host}:{port}")]))
            }
            _ => Ok(urls),
        }
    }

    pub(super) fn limits(&self) -> Result<Limits> {
        Ok(Limits {
            quota_bytes: self.signed("quota-backend-bytes")?,
            txn_ops: self.number("max-txn-ops")?,
            request_bytes: self.number("max-request-bytes")?,
            streams: self.number("max-concurrent-streams")?,
            keepalive_min_time: self.duration("grpc-keepalive-min-time")?,
            keepalive_interval: self.duration("grpc-keepalive-interval")?,
            keepalive_timeout: self.duration("grpc-keepalive-timeout")?,
            progress_interval: self.duration("watch-progress-notify-interval")?,
            warn_apply: self.duration("warning-apply-duration")?,
            warn_request: self.duration("warning-unary-request-duration")?,
            compaction_batch: self.count("compaction-batch-limit")?,
            compaction_rest: self.duration("compaction-sleep-interval")?,
            corrupt_check: self.duration("corrupt-check-time")?,
            compact_hash_check: self.duration("compact-hash-check-time")?,
        })
    }

    pub(super) fn access(&self) -> Result<Access> {
        let version = |name: &str| Ok::<_, Error>(Version::parse(name, &self.text(name)?)?);
        let suites = cipher_suites("cipher-suites", &self.list("cipher-suites")?)?;
        Ok(Access {
            client: Security {
                cert_file: self.path("cert-file")?,
                key_file: self.path("key-file")?,
                client_cert_file: self.path("client-cert-file")?,
                client_key_file: self.path("client-key-file")?,
                trusted_ca_file: self.path("trusted-ca-file")?,
                crl_file: self.path("client-crl-file")?,
                client_cert_auth: self.flag("client-cert-auth")?,
                allowed_cns: Vec::new(),
                allowed_hostnames: self.list("client-cert-allowed-hostname")?,
                auto: self.flag("auto-tls")?,
                skip_san_check: true,
            },
            peer: Security {
                cert_file: self.path("peer-cert-file")?,
                key_file: self.path("peer-key-file")?,
                client_cert_file: self.path("peer-client-cert-file")?,
                client_key_file: self.path("peer-client-key-file")?,
                trusted_ca_file: self.path("peer-trusted-ca-file")?,
                crl_file: self.path("peer-crl-file")?,
                client_cert_auth: self.flag("peer-client-cert-auth")?,
                allowed_cns: self.list("peer-cert-allowed-cn")?,
                allowed_hostnames: self.list("peer-cert-allowed-hostname")?,
                auto: self.flag("peer-auto-tls")?,
                skip_san_check: self.flag("peer-skip-client-san-verification")?,
            },
            protocol: Protocol::new(version("tls-min-version")?, version("tls-max-version")?, suites)?,
            self_signed_years: self.number("self-signed-cert-validity")?,
            cors: self.list("cors")?,
            hosts: self.list("host-whitelist")?,
            token: self.text("auth-token")?,
            token_ttl: Duration::from_secs(self.number("auth-token-ttl")?),
            bcrypt_cost: self.number("bcrypt-cost")?,
        })
    }

    pub(super) fn log(&self) -> Result<LogOptions> {
        let rotation = if self.flag("enable-log-rotation")? {
            Some(Rotation::parse(&self.text("log-rotation-config-json")?)?)
        } else {
            None
        };
        Ok(LogOptions {
            level: self.text("log-level")?.parse()?,
            format: self.text("log-format")?.parse()?,
            outputs: self.list("log-outputs")?,
            rotation,
        })
    }
}

/// The address that this machine calls others from; nothing is sent to find it.
fn default_host() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified() && !address.is_loopback()).then_some(address)
}
