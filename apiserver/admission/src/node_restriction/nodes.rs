//! A node's own object: it may not change what decides which pods come to it.

use std::collections::BTreeSet;

use apiserver_api::go::quote;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::{Map, Tree};

use super::Asker;
use crate::plugin::Operation;

/// Labels of the cluster's own that a kubelet sets.
const LABELS: [&str; 11] = [
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];
/// Domains of labels that a kubelet may set.
const DOMAINS: [&str; 2] = ["kubelet.kubernetes.io", "node.kubernetes.io"];
/// The domain of labels that no kubelet may set: they keep pods to nodes that somebody trusts.
const RESTRICTED: &str = "node-restriction.kubernetes.io";

pub(super) fn check(asker: &Asker<'_>) -> Result<(), Status> {
    let node = asker.quoted();
    let name = asker.request.name;
    asker.must(name == asker.node, || {
        format!("node {node} is not allowed to modify node {}", quote(name))
    })?;
    match asker.operation() {
        Operation::Create => check_new(asker),
        Operation::Update => check_change(asker),
        _ => Ok(()),
    }
}

fn check_new(asker: &Asker<'_>) -> Result<(), Status> {
    let node = asker.quoted();
    asker.must(!asker.object.at("spec").has("configSource"), || {
        format!("node {node} is not allowed to create pods with a non-nil configSource")
    })?;
    let none = Map::new();
    let labels = forbidden_labels(meta::labels(asker.object), &none);
    asker.must(labels.is_empty(), || {
        format!(
            "node {node} is not allowed to set the following labels: {}",
            labels.join(", ")
        )
    })
}

fn check_change(asker: &Asker<'_>) -> Result<(), Status> {
    let (node, old) = (asker.quoted(), asker.old());
    let (spec, before) = (asker.object.at("spec"), old.at("spec"));
    let source = spec.at("configSource");
    asker.must(source.is_null() || source == before.at("configSource"), || {
        format!("node {node} is not allowed to update configSource to a new non-nil configSource")
    })?;
    asker.must(spec.items("taints") == before.items("taints"), || {
        format!("node {node} is not allowed to modify taints")
    })?;
    let owners = meta::owner_references;
    asker.must(owners(asker.object) == owners(old), || {
        format!("node {node} is not allowed to modify ownerReferences")
    })?;
    let labels = forbidden_labels(meta::labels(asker.object), meta::labels(old));
    asker.must(labels.is_empty(), || {
        format!("is not allowed to modify labels: {}", labels.join(", "))
    })
}

/// The labels that differ and that no kubelet may touch, in order.
fn forbidden_labels<'l>(labels: &'l Map, old: &'l Map) -> Vec<&'l str> {
    let keys: BTreeSet<&str> = labels.keys().chain(old.keys()).collect();
    let differ = keys.into_iter().filter(|key| {
        let value = |labels: &Map| labels.get(key).and_then(Tree::as_str).map(ToOwned::to_owned);
        value(labels) != value(old)
    });
    differ.filter(|key| !is_allowed(key)).collect()
}

/// Whether a domain is another or lies below it.
fn is_below(domain: &str, parent: &str) -> bool {
    domain == parent || domain.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}

fn is_allowed(label: &str) -> bool {
    let domain = label.split_once('/').map_or("", |(domain, _)| domain);
    if is_below(domain, RESTRICTED) {
        return false;
    }
    let of_cluster = is_below(domain, "kubernetes.io") || is_below(domain, "k8s.io");
    !of_cluster || LABELS.contains(&label) || DOMAINS.iter().any(|parent| is_below(domain, parent))
}
