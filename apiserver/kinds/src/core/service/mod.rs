//! `Service`: a name and an address for many pods.
//!
//! Addresses and ports are given by the cluster, not by these rules: see [`allocation`] for what comes before.

mod addresses;
pub mod allocation;
mod columns;
mod ports;
mod traffic;
mod transition;
mod warnings;

use apiserver_api::labels::validate_labels;
use apiserver_api::meta;
use apiserver_api::names::{NameRule, dns_subdomain, name_is_dns_label};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Verb, Version, keep, validate_metadata};
use crate::selection::{Selectable, Selection};

const CLUSTER_IP: &str = "ClusterIP";
const EXTERNAL_NAME: &str = "ExternalName";
const LOAD_BALANCER: &str = "LoadBalancer";
const NODE_PORT: &str = "NodePort";
const TYPES: &[&str] = &[CLUSTER_IP, EXTERNAL_NAME, LOAD_BALANCER, NODE_PORT];

/// The entry of the table.
pub(crate) const SERVICE: Kind = Kind {
    kind: "Service",
    plural: "services",
    singular: "service",
    short_names: &["svc"],
    categories: &["all"],
    versions: &[Version::stored("v1", "io.k8s.api.core.v1.Service")],
    subresources: &[
        Subresource {
            name: "proxy",
            verbs: &[Verb::Create, Verb::Delete, Verb::Get, Verb::Patch, Verb::Update],
            speaks: Some(("", "v1", "ServiceProxyOptions")),
        },
        Subresource::STATUS,
    ],
    folder: "services/specs",
    rules: &Service,
    columns: columns::COLUMNS,
    selection: Selection {
        labels: &["metadata.name", "metadata.namespace", "spec.clusterIP", "spec.type"],
        fields: &[Selectable::text("spec.clusterIP"), Selectable::text("spec.type")],
        ..Selection::OWN
    },
    ..Kind::PLAIN
};

struct Service;

impl Rules for Service {
    fn name(&self) -> NameRule {
        name_is_dns_label
    }

    fn default(&self, object: &mut Tree) {
        let spec = object.child("spec");
        if spec.text("type").is_empty() {
            spec.set("type", CLUSTER_IP);
        }
        ports::default(spec);
        traffic::default(spec);
        if spec.text("type") == LOAD_BALANCER {
            default_ip_mode(object);
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        let mut status = Tree::map();
        status.set("loadBalancer", Tree::map());
        object.set("status", status);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        transition::drop_unneeded(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        validate_service(object, &Tree::Null, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let (spec, before) = (object.at("spec"), old.at("spec"));
        addresses::validate_change(spec, before, refusals);
        traffic::validate_class_change(spec, before, refusals);
        if traffic::needs_health_check(before)
            && traffic::needs_health_check(spec)
            && spec.int("healthCheckNodePort") != before.int("healthCheckNodePort")
        {
            let path = Path::of("spec");
            refusals.forbidden(&path.field("healthCheckNodePort"), meta::FIELD_IS_IMMUTABLE);
        }
        validate_service(object, old, refusals);
    }

    fn warnings(&self, object: &Tree, _old: Option<&Tree>) -> Vec<String> {
        warnings::of(object)
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(&Status)
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

/// An address of a load balancer leads to it, unless its status says otherwise.
fn default_ip_mode(object: &mut Tree) {
    let status = object
        .get_mut("status")
        .and_then(|status| status.get_mut("loadBalancer"));
    let ingress = status.and_then(|balancer| balancer.get_mut("ingress"));
    for one in ingress.and_then(Tree::as_list_mut).into_iter().flatten() {
        if !one.text("ip").is_empty() {
            one.set_default("ipMode", "VIP");
        }
    }
}

/// Whether a service has no address of its own.
fn is_headless(spec: &Tree) -> bool {
    matches!(spec.items("clusterIPs"), [one] if one.as_str() == Some("None"))
}

/// A type of which there must be one, and it known.
fn validate_one_of(path: &Path<'_>, value: &str, known: &[&str], refusals: &mut Refusals) {
    if value.is_empty() {
        refusals.required(path, "");
    } else if !known.contains(&value) {
        refusals.not_supported(path, value, known);
    }
}

/// Checks a service but for its metadata; `old` is what it replaces.
fn validate_service(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    traffic::validate_topology(object, refusals);
    let before = old.at("spec");
    let (path, spec) = (Path::of("spec"), object.at("spec"));
    let of = spec.text("type");
    if spec.items("ports").is_empty() && !is_headless(spec) && of != EXTERNAL_NAME {
        refusals.required(&path.field("ports"), "");
    }
    if is_headless(spec) && (of == LOAD_BALANCER || of == NODE_PORT) {
        let detail = format!("may not be set to 'None' for {of} services");
        refusals.invalid(&path.field("clusterIPs").index(0), "None", &detail);
    }
    if of == EXTERNAL_NAME {
        validate_external_name(&path, spec, refusals);
    }
    ports::validate(&path, spec, refusals);
    validate_labels(&path.field("selector"), spec.entries("selector"), refusals);
    traffic::validate_affinity(&path, spec, refusals);
    addresses::validate(&path, spec, before, refusals);
    addresses::validate_external(&path, spec, before, refusals);
    validate_one_of(&path.field("type"), of, TYPES, refusals);
    ports::validate_node_ports(&path, spec, refusals);
    traffic::validate_balancer(object, old, refusals);
    traffic::validate_class(&path, spec, refusals);
    traffic::validate_policies(&path, spec, refusals);
}

/// A service that is only another name has no addresses.
fn validate_external_name(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    for (field, said) in [
        ("clusterIPs", !spec.items("clusterIPs").is_empty()),
        ("ipFamilies", !spec.items("ipFamilies").is_empty()),
        ("ipFamilyPolicy", spec.has("ipFamilyPolicy")),
    ] {
        if said {
            refusals.forbidden(&path.field(field), "may not be set for ExternalName services");
        }
    }
    let (path, name) = (path.field("externalName"), spec.text("externalName"));
    // A dot at its end says that the name is complete.
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        return refusals.required(&path, "");
    }
    for message in dns_subdomain(name) {
        refusals.invalid(&path, name, &message);
    }
}

struct Status;

impl StatusRules for Status {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        addresses::validate_balancer_status(object, old, refusals);
    }

    fn warnings(&self, object: &Tree, _old: &Tree) -> Vec<String> {
        warnings::of_status(object)
    }
}

#[cfg(test)]
mod tests;
