//! Who of many pods gets a connection, and who may connect: affinity, policies, load balancers.

use std::collections::HashSet;

use apiserver_api::meta;
use apiserver_api::names::qualified_name;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::addresses::texts;
use super::{CLUSTER_IP, LOAD_BALANCER, NODE_PORT, validate_one_of};
use crate::address;

const AFFINITIES: &[&str] = &["ClientIP", "None"];
const POLICIES: &[&str] = &["Cluster", "Local"];
const DISTRIBUTIONS: &[&str] = &["PreferClose", "PreferSameZone", "PreferSameNode"];
/// How long clients stay with a pod, in seconds, and the longest that can be said.
const AFFINITY_SECONDS: i64 = 10_800;
const MAX_AFFINITY_SECONDS: i64 = 86_400;
/// The annotations that say where traffic goes, the older first.
pub(super) const TOPOLOGY_HINTS: &str = "service.kubernetes.io/topology-aware-hints";
pub(super) const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
/// The annotation that said who may connect before the field did.
const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

/// Whether others than the cluster's own pods reach a service.
pub(super) fn is_reached_from_outside(spec: &Tree) -> bool {
    match spec.text("type") {
        LOAD_BALANCER | NODE_PORT => true,
        CLUSTER_IP => !spec.items("externalIPs").is_empty(),
        _ => false,
    }
}

/// Whether a load balancer must ask nodes if they have pods of the service.
pub(super) fn needs_health_check(spec: &Tree) -> bool {
    spec.text("type") == LOAD_BALANCER && spec.text("externalTrafficPolicy") == "Local"
}

pub(super) fn default(spec: &mut Tree) {
    if spec.text("sessionAffinity").is_empty() {
        spec.set("sessionAffinity", "None");
    }
    match spec.text("sessionAffinity") {
        "None" => drop(spec.remove("sessionAffinityConfig")),
        "ClientIP" if !spec.at("sessionAffinityConfig").at("clientIP").has("timeoutSeconds") => {
            let config = spec.child("sessionAffinityConfig").child("clientIP");
            config.set("timeoutSeconds", AFFINITY_SECONDS);
        }
        _ => {}
    }
    if is_reached_from_outside(spec) && spec.text("externalTrafficPolicy").is_empty() {
        spec.set("externalTrafficPolicy", "Cluster");
    }
    if matches!(spec.text("type"), CLUSTER_IP | NODE_PORT | LOAD_BALANCER) {
        spec.set_default("internalTrafficPolicy", "Cluster");
    }
    if spec.text("type") == LOAD_BALANCER {
        spec.set_default("allocateLoadBalancerNodePorts", true);
    }
}

/// Both annotations must say the same.
pub(super) fn validate_topology(object: &Tree, refusals: &mut Refusals) {
    let (hints, mode) = (
        meta::annotation(object, TOPOLOGY_HINTS),
        meta::annotation(object, TOPOLOGY_MODE),
    );
    if let (Some(hints), Some(mode)) = (hints, mode)
        && hints != mode
    {
        let path = Path::of("metadata");
        let path = path.field("annotations");
        let detail = format!("must match annotations[{TOPOLOGY_HINTS}] when both are specified");
        refusals.invalid(&path.key(TOPOLOGY_MODE), mode, &detail);
    }
}

pub(super) fn validate_affinity(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let affinity = spec.text("sessionAffinity");
    validate_one_of(&path.field("sessionAffinity"), affinity, AFFINITIES, refusals);
    let path = path.field("sessionAffinityConfig");
    let config = spec.at("sessionAffinityConfig");
    if affinity == "None" && !config.is_null() {
        refusals.forbidden(&path, "must not be set when session affinity is None");
    }
    if affinity != "ClientIP" {
        return;
    }
    let needed = "when session affinity type is ClientIP";
    if config.is_null() {
        return refusals.required(&path, needed);
    }
    let (path, config) = (path.field("clientIP"), config.at("clientIP"));
    if config.is_null() {
        return refusals.required(&path, needed);
    }
    let path = path.field("timeoutSeconds");
    match config.at("timeoutSeconds").as_int() {
        None => refusals.required(&path, needed),
        Some(seconds) if seconds <= 0 || seconds > MAX_AFFINITY_SECONDS => {
            let detail = format!("must be greater than 0 and less than {MAX_AFFINITY_SECONDS}");
            refusals.invalid(&path, seconds, &detail);
        }
        Some(_) => {}
    }
}

/// What only load balancers have. Networks that the old service has may stay as they are.
pub(super) fn validate_balancer(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    let (root, spec) = (Path::of("spec"), object.at("spec"));
    let balanced = spec.text("type") == LOAD_BALANCER;
    let only = "may only be used when `type` is 'LoadBalancer'";
    let ranges = texts(spec, "loadBalancerSourceRanges");
    if !ranges.is_empty() {
        // Upstream writes this field in its own way.
        let path = root.field("LoadBalancerSourceRanges");
        if !balanced {
            refusals.forbidden(&path, only);
        }
        let had: HashSet<&str> = texts(old.at("spec"), "loadBalancerSourceRanges")
            .into_iter()
            .map(str::trim)
            .collect();
        for (at, range) in ranges.iter().map(|range| range.trim()).enumerate() {
            address::cidr(&path.index(at), range, had.contains(range), refusals);
        }
    } else if let Some(list) = meta::annotation(object, SOURCE_RANGES) {
        let path = Path::of("metadata");
        let path = path.field("annotations");
        let path = path.key(SOURCE_RANGES);
        if !balanced {
            refusals.forbidden(&path, only);
        }
        let had = meta::annotation(old, SOURCE_RANGES) == Some(list);
        for range in list.trim().split(',').filter(|_| !list.trim().is_empty()) {
            address::cidr(&path, range.trim(), had, refusals);
        }
    }
    let ports = "allocateLoadBalancerNodePorts";
    if spec.has(ports) && !balanced {
        refusals.forbidden(&root.field(ports), only);
    } else if !spec.has(ports) && balanced {
        refusals.required(&Path::of(ports), "");
    }
}

/// The class of a load balancer.
pub(super) fn validate_class(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let path = path.field("loadBalancerClass");
    let Some(class) = spec.at("loadBalancerClass").as_str() else {
        return;
    };
    if spec.text("type") == LOAD_BALANCER {
        for message in qualified_name(class) {
            refusals.invalid(&path, class, &message);
        }
    } else {
        refusals.forbidden(&path, "may only be used when `type` is 'LoadBalancer'");
    }
}

/// A load balancer keeps its class; upstream checks its form here too.
pub(super) fn validate_class_change(spec: &Tree, before: &Tree, refusals: &mut Refusals) {
    let (path, class) = (Path::of("spec"), spec.at("loadBalancerClass"));
    let both = spec.text("type") == LOAD_BALANCER && before.text("type") == LOAD_BALANCER;
    if both && class != before.at("loadBalancerClass") {
        refusals.invalid(&path.field("loadBalancerClass"), class, "may not change once set");
    }
    validate_class(&path, spec, refusals);
}

pub(super) fn validate_policies(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let external = spec.text("externalTrafficPolicy");
    let at_external = path.field("externalTrafficPolicy");
    if is_reached_from_outside(spec) {
        validate_one_of(&at_external, external, POLICIES, refusals);
    } else if !external.is_empty() {
        let detail = "may only be set for externally-accessible services";
        refusals.invalid(&at_external, external, detail);
    }
    let (at_port, port) = (path.field("healthCheckNodePort"), spec.int("healthCheckNodePort"));
    if !needs_health_check(spec) {
        if port != 0 {
            let detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            refusals.invalid(&at_port, port, detail);
        }
    } else if port == 0 {
        refusals.required(&at_port, "");
    } else if !(1..=65535).contains(&port) {
        refusals.invalid(&at_port, port, "must be between 1 and 65535, inclusive");
    }
    let at_internal = path.field("internalTrafficPolicy");
    match spec.at("internalTrafficPolicy").as_str() {
        None if matches!(spec.text("type"), CLUSTER_IP | NODE_PORT | LOAD_BALANCER) => {
            refusals.required(&at_internal, "");
        }
        Some(policy) if !POLICIES.contains(&policy) => refusals.not_supported(&at_internal, policy, POLICIES),
        _ => {}
    }
    if let Some(one) = spec
        .at("trafficDistribution")
        .as_str()
        .filter(|one| !DISTRIBUTIONS.contains(one))
    {
        refusals.not_supported(&path.field("trafficDistribution"), one, DISTRIBUTIONS);
    }
}
