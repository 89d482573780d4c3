//! Which built-in APIs are served.

use std::collections::{BTreeMap, BTreeSet};

use base::flags::go;
use base::flags::pflag::Parsed;

use super::Findings;

/// Keys that stand for many versions.
const MANY: &[&str] = &["api/all", "api/ga", "api/beta", "api/alpha"];

/// Groups that upstream knows, the core group among them.
const GROUPS: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "imagepolicy.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Writes the core group as all others, `/v1`, and drops a key that means nothing any more.
pub(super) fn normal(given: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let core = |key: &str| {
        let key = key.strip_prefix("api/").unwrap_or(key);
        key == "v1" || key.starts_with("v1/")
    };
    let kept = given.into_iter().filter(|(key, _)| key != "api/legacy");
    kept.map(|(key, value)| {
        if core(&key) {
            ("/v1".to_owned(), value)
        } else {
            (key, value)
        }
    })
    .collect()
}

/// Priority and fairness is configured through an API, which must then be served.
pub(super) fn check_fairness(parsed: &Parsed, config: &BTreeMap<String, String>, found: &mut Findings) {
    if !parsed.bool("enable-priority-and-fairness") {
        return;
    }
    for key in ["flowcontrol.apiserver.k8s.io/v1", "api/ga", "api/all"] {
        match config.get(key).map(String::as_str) {
            Some(value) if value.starts_with("false") => {
                return found.error(format!(
                    "--runtime-config={key}=false conflicts with --enable-priority-and-fairness=true"
                ));
            }
            Some(value) if value.starts_with("true") => return,
            _ => {}
        }
    }
}

/// Keys must be of known groups, and something must be left to serve.
pub(super) fn check_groups(config: &BTreeMap<String, String>, found: &mut Findings) {
    if config.len() == 1 && config.get("api/all").is_some_and(|value| value == "false") {
        return found.error("invalid runtime-config with only api/all=false");
    }
    let mut unknown = BTreeSet::new();
    for key in config.keys().filter(|key| !MANY.contains(&key.as_str())) {
        let parts: Vec<&str> = key.split('/').collect();
        let (2 | 3, [group, version, ..]) = (parts.len(), parts.as_slice()) else {
            return found.error(format!("runtime-config invalid key {key}"));
        };
        if !GROUPS.contains(group) {
            unknown.insert(format!("{group}/{version}"));
        }
    }
    if !unknown.is_empty() {
        let unknown: Vec<String> = unknown.into_iter().collect();
        found.error(format!("unknown api groups {}", unknown.join(",")));
    }
}

/// The values as booleans.
pub(super) fn switches(config: &BTreeMap<String, String>, found: &mut Findings) -> BTreeMap<String, bool> {
    let mut switches = BTreeMap::new();
    for (key, text) in config {
        let value = match text.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ if MANY.contains(&key.as_str()) => Err(format!("invalid value {key}={text}")),
            "" => Ok(true),
            _ => go::boolean(text).map_err(|why| format!("invalid value of {key}: {text}, err: {why}")),
        };
        match value {
            Ok(value) => drop(switches.insert(key.clone(), value)),
            Err(error) => found.error(error),
        }
    }
    switches
}
