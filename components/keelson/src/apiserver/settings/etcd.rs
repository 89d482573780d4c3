//! The store and what is kept in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use base::flags::pflag::Parsed;

use super::{Findings, count, path};

/// What upstream says of caches before anybody else does.
const EVENTS: [&str; 2] = ["events#0", "events.events.k8s.io#0"];

/// The store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Etcd {
    /// `--etcd-servers`: URLs, at least one.
    pub(crate) servers: Vec<String>,
    /// `--etcd-servers-overrides`
    pub(crate) overrides: Vec<Override>,
    /// `--etcd-prefix`
    pub(crate) prefix: String,
    /// `--etcd-cafile`
    pub(crate) ca_file: Option<PathBuf>,
    /// `--etcd-certfile`
    pub(crate) cert_file: Option<PathBuf>,
    /// `--etcd-keyfile`
    pub(crate) key_file: Option<PathBuf>,
    /// `--etcd-compaction-interval`; zero is never.
    pub(crate) compaction_interval: Duration,
    /// `--etcd-count-metric-poll-period`; zero is never.
    pub(crate) count_interval: Duration,
    /// `--etcd-db-metric-poll-interval`; zero is never.
    pub(crate) size_interval: Duration,
    /// `--etcd-healthcheck-timeout`
    pub(crate) health_timeout: Duration,
    /// `--etcd-readycheck-timeout`
    pub(crate) ready_timeout: Duration,
    /// `--lease-reuse-duration-seconds`
    pub(crate) lease_reuse: Duration,
    /// `--delete-collection-workers`
    pub(crate) delete_collection_workers: usize,
    /// `--enable-garbage-collector`
    pub(crate) garbage_collector: bool,
    /// `--watch-cache`
    pub(crate) watch_cache: bool,
    /// `--watch-cache-sizes`, with those that upstream puts before them: events have no cache.
    pub(crate) watch_cache_sizes: Vec<CacheSize>,
}

/// The store of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Override {
    /// Empty for the core group.
    pub(crate) group: String,
    /// `pods`
    pub(crate) resource: String,
    /// URLs, at least one.
    pub(crate) servers: Vec<String>,
}

/// The cache of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CacheSize {
    /// `pods`
    pub(crate) resource: String,
    /// Empty for the core group.
    pub(crate) group: String,
    /// Zero is no cache; all others mean the same.
    pub(crate) size: usize,
}

impl Etcd {
    pub(super) fn read(parsed: &Parsed, watch_cache_sizes: Vec<CacheSize>, found: &mut Findings) -> Self {
        let servers = parsed.texts("etcd-servers").to_vec();
        if servers.is_empty() {
            found.error("--etcd-servers must be specified");
        }
        if !matches!(parsed.text("storage-backend"), "" | "etcd3") {
            found.error(
                "--storage-backend invalid, allowed values: etcd3. If not specified, it will default to 'etcd3'",
            );
        }
        let overrides = parsed.texts("etcd-servers-overrides").iter();
        let overrides: Option<Vec<Override>> = overrides.map(|text| overriding(text)).collect();
        if overrides.is_none() {
            found.error(
                "--etcd-servers-overrides invalid, must be of format: group/resource#servers, where servers are URLs, \
                 semicolon separated",
            );
        }
        check_media_type(parsed.text("storage-media-type"), found);
        let duration = |name| parsed.span(name).as_duration();
        Self {
            servers,
            overrides: overrides.unwrap_or_default(),
            prefix: parsed.text("etcd-prefix").to_owned(),
            ca_file: path(parsed, "etcd-cafile"),
            cert_file: path(parsed, "etcd-certfile"),
            key_file: path(parsed, "etcd-keyfile"),
            compaction_interval: duration("etcd-compaction-interval"),
            count_interval: duration("etcd-count-metric-poll-period"),
            size_interval: duration("etcd-db-metric-poll-interval"),
            health_timeout: duration("etcd-healthcheck-timeout"),
            ready_timeout: duration("etcd-readycheck-timeout"),
            lease_reuse: Duration::from_secs(count(parsed, "lease-reuse-duration-seconds") as u64),
            delete_collection_workers: count(parsed, "delete-collection-workers").max(1),
            garbage_collector: parsed.bool("enable-garbage-collector"),
            watch_cache: parsed.bool("watch-cache"),
            watch_cache_sizes,
        }
    }
}

/// Objects are JSON in the store whatever upstream's default says; only YAML would surprise.
fn check_media_type(media_type: &str, found: &mut Findings) {
    match media_type {
        "" | "application/json" | "application/vnd.kubernetes.protobuf" => {}
        "application/yaml" => {
            found.error(
                "--storage-media-type=application/yaml cannot be used: objects are stored as JSON; leave the flag out",
            );
        }
        other => found.error(format!(
            "--storage-media-type {other:?} invalid, allowed values: application/json, \
             application/vnd.kubernetes.protobuf, application/yaml"
        )),
    }
}

fn overriding(text: &str) -> Option<Override> {
    let (of, servers) = pair(text, '#')?;
    let (group, resource) = pair(of, '/')?;
    let servers: Vec<String> = servers.split(';').map(str::to_owned).collect();
    servers.iter().all(|server| !server.is_empty()).then(|| Override {
        group: group.to_owned(),
        resource: resource.to_owned(),
        servers,
    })
}

/// Two parts at the only separator.
fn pair(text: &str, separator: char) -> Option<(&str, &str)> {
    text.split_once(separator).filter(|(_, rest)| !rest.contains(separator))
}

/// Reads `--watch-cache-sizes`, which nobody looks at without a watch cache.
///
/// # Errors
/// One that is not `resource[.group]#size`.
pub(super) fn cache_sizes(parsed: &Parsed) -> Result<Vec<CacheSize>, String> {
    if !parsed.bool("watch-cache") {
        return Ok(Vec::new());
    }
    let given = parsed.texts("watch-cache-sizes").iter().map(String::as_str);
    EVENTS.into_iter().chain(given).map(cache_size).collect()
}

/// The sizes as they were understood, those of one resource as the last says.
pub(super) fn shown_sizes(sizes: &[CacheSize]) -> String {
    let mut all = BTreeMap::new();
    for one in sizes {
        let dot = if one.group.is_empty() { "" } else { "." };
        all.insert(format!("{}{dot}{}", one.resource, one.group), one.size);
    }
    let all: Vec<String> = all.iter().map(|(of, size)| format!("{of}#{size}")).collect();
    format!("[{}]", all.join(","))
}

fn cache_size(text: &str) -> Result<CacheSize, String> {
    let (of, size) = pair(text, '#').ok_or_else(|| format!("invalid value of watch cache size: {text}"))?;
    let size: i64 = size
        .parse()
        .map_err(|_| format!("invalid size of watch cache size: {text}"))?;
    let size = usize::try_from(size).map_err(|_| format!("watch cache size cannot be negative: {text}"))?;
    let (resource, group) = of.split_once('.').unwrap_or((of, ""));
    Ok(CacheSize {
        resource: resource.to_owned(),
        group: group.to_owned(),
        size,
    })
}
