//! What the apiserver is told, understood: flags become typed values, and are held against each other once, here.
//!
//! As upstream, what has to be completed comes first and ends it alone; what is then wrong is told all together.

mod admission;
mod api;
mod authentication;
mod authorization;
mod calls;
mod etcd;
mod generic;
mod host;
mod logging;
mod metrics;
pub(super) mod plugins;
mod services;
mod serving;
pub(super) mod suites;
mod url;
mod versions;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use base::flags::pflag::Parsed;

pub(crate) use admission::Admission;
pub(crate) use authentication::Authentication;
pub(crate) use authorization::Mode;
pub(crate) use calls::Aggregation;
pub(crate) use etcd::{CacheSize, Etcd, Override};
pub(crate) use generic::Generic;
pub(crate) use host::default_address;
pub(crate) use logging::Logging;
pub(crate) use metrics::Metrics;
pub(crate) use services::{Reconciler, Services};
pub(crate) use serving::Serving;
pub(crate) use versions::check as check_versions;

use super::flags::{TABLE, shown};
use super::gates::Gates;

/// Everything the apiserver is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// Requests in general, starting and ending.
    pub(crate) generic: Generic,
    /// The store.
    pub(crate) etcd: Etcd,
    /// The HTTPS port.
    pub(crate) serving: Serving,
    /// Who calls.
    pub(crate) authentication: Authentication,
    /// Who may do what: whom to ask, in this order.
    pub(crate) authorization: Vec<Mode>,
    /// `--authorization-policy-file`, for [`Mode::Abac`].
    pub(crate) policy_file: Option<PathBuf>,
    /// What may change or refuse a write.
    pub(crate) admission: Admission,
    /// `--runtime-config` by key: `/v1`, `apps/v1`, `apps/v1/deployments`, `api/all`, `api/ga`, `api/beta`, `api/alpha`.
    pub(crate) runtime_config: BTreeMap<String, bool>,
    /// Addresses and ports of services.
    pub(crate) services: Services,
    /// How kubelets are called.
    pub(crate) kubelets: apiserver_server::connect::Kubelets,
    /// How aggregated apiservers and webhooks are called.
    pub(crate) aggregation: Aggregation,
    /// What /metrics holds.
    pub(crate) metrics: Metrics,
    /// What is logged.
    pub(crate) logging: Logging,
    /// What is on and what is off.
    pub(crate) gates: Gates,
    /// `--allow-privileged`
    pub(crate) allow_privileged: bool,
    /// `--event-ttl`
    pub(crate) event_ttl: Duration,
    /// `--max-connection-bytes-per-sec`; 0 is no limit.
    pub(crate) connection_bytes_per_second: u64,
    /// All flags as `/flagz` shows them.
    pub(crate) flags: BTreeMap<String, String>,
    /// The version that clients are told, `v1.36.2`, perhaps with `--version`'s suffix.
    pub(crate) version: String,
}

/// The machine's address of the default route, of the sixth version of IP if asked for, where there is one.
pub(crate) type DefaultAddress<'a> = &'a dyn Fn(bool) -> Option<IpAddr>;

/// What is found while flags are understood.
#[derive(Debug, Default)]
struct Findings {
    /// What is wrong, a text each.
    errors: Vec<String>,
    /// What the operator should be told.
    notes: Vec<String>,
}

impl Findings {
    fn error(&mut self, text: impl Into<String>) {
        self.errors.push(text.into());
    }

    fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }
}

impl Settings {
    /// Understands flags and checks them; also what the operator should be told once logging works.
    ///
    /// # Errors
    /// Everything that is wrong, in upstream's order and words.
    pub(crate) fn new(
        parsed: &Parsed,
        gates: Gates,
        version: String,
        address: DefaultAddress<'_>,
    ) -> Result<(Self, Vec<String>), Vec<String>> {
        let mut found = Findings {
            errors: TABLE.refused(parsed),
            notes: Vec::new(),
        };
        let settings = Self::complete(parsed, gates, version, address, &mut found);
        let settings = settings.map_err(|error| {
            let mut errors = std::mem::take(&mut found.errors);
            errors.push(error);
            errors
        })?;
        if found.errors.is_empty() {
            Ok((settings, found.notes))
        } else {
            Err(found.errors)
        }
    }

    /// Completes what others are checked against, then reads and checks each part in upstream's order.
    fn complete(
        parsed: &Parsed,
        gates: Gates,
        version: String,
        address: DefaultAddress<'_>,
        found: &mut Findings,
    ) -> Result<Self, String> {
        let ranges = services::ranges(parsed.text("service-cluster-ip-range"), found)?;
        let advertised = host::advertised(parsed.ip("advertise-address"), parsed.ip("bind-address"), address)?;
        authentication::check_lifetime(parsed, found)?;
        let runtime_config = api::normal(parsed.pairs("runtime-config"));
        let watch_cache_sizes = etcd::cache_sizes(parsed)?;

        let generic = Generic::read(parsed, advertised, found);
        let etcd = Etcd::read(parsed, watch_cache_sizes, found);
        api::check_fairness(parsed, &runtime_config, found);
        let mut serving = Serving::read(parsed, found);
        let modes = authorization::modes(parsed);
        let authentication = Authentication::read(parsed, &modes, &gates, found);
        let authorization = authorization::check(parsed, &modes, found);
        let admission = Admission::read(parsed, found);
        api::check_groups(&runtime_config, found);
        authentication.check_signing(parsed, found);
        let metrics = Metrics::read(parsed, found);
        let services = Services::read(parsed, ranges, advertised, found);

        // What upstream finds only where it is used.
        serving.check(parsed, found);
        generic.check_limits(found);
        let runtime_config = api::switches(&runtime_config, found);
        let mut completed = vec![
            ("advertise-address", generic.advertise_address.to_string()),
            ("external-hostname", generic.external_hostname.clone()),
        ];
        if etcd.watch_cache {
            completed.push(("watch-cache-sizes", etcd::shown_sizes(&etcd.watch_cache_sizes)));
        }
        let flags = shown(parsed, &completed);
        Ok(Self {
            generic,
            etcd,
            serving,
            authentication,
            authorization,
            policy_file: path(parsed, "authorization-policy-file"),
            admission,
            runtime_config,
            services,
            kubelets: calls::kubelets(parsed),
            aggregation: Aggregation::read(parsed),
            metrics,
            logging: Logging::read(parsed),
            gates,
            allow_privileged: parsed.bool("allow-privileged"),
            event_ttl: parsed.span("event-ttl").as_duration(),
            flags,
            connection_bytes_per_second: u64::try_from(parsed.int("max-connection-bytes-per-sec")).unwrap_or(0),
            version,
        })
    }
}

/// Several errors as one text, each once, as upstream writes them.
pub(crate) fn aggregate(errors: &[String]) -> String {
    let mut texts: Vec<&str> = Vec::new();
    for error in errors {
        if !texts.contains(&error.as_str()) {
            texts.push(error);
        }
    }
    match texts.as_slice() {
        [one] => (*one).to_owned(),
        several => format!("[{}]", several.join(", ")),
    }
}

/// A path, if one is given.
fn path(parsed: &Parsed, name: &str) -> Option<PathBuf> {
    Some(parsed.text(name))
        .filter(|text| !text.is_empty())
        .map(PathBuf::from)
}

/// A number that counts; below zero is zero.
fn count(parsed: &Parsed, name: &str) -> usize {
    usize::try_from(parsed.int(name)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
