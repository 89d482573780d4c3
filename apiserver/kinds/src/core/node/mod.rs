//! `Node`: a machine that runs pods.

mod columns;
mod config;
mod declared;
mod pod_cidrs;
mod taints;

use std::collections::HashSet;

use apiserver_api::names::cidr_warnings;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::metadata::validate_metadata_update;
use super::resources;
use crate::internal::shown;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Verb, Version, keep, validate_metadata};
use crate::selection::{Selectable, Selection};

/// The entry of the table.
pub(crate) const NODE: Kind = Kind {
    kind: "Node",
    plural: "nodes",
    singular: "node",
    short_names: &["no"],
    namespaced: false,
    versions: &[Version::stored("v1", "io.k8s.api.core.v1.Node")],
    subresources: &[
        Subresource {
            name: "proxy",
            verbs: &[Verb::Create, Verb::Delete, Verb::Get, Verb::Patch, Verb::Update],
            speaks: Some(("", "v1", "NodeProxyOptions")),
        },
        Subresource::STATUS,
    ],
    folder: "minions",
    rules: &Node,
    columns: columns::COLUMNS,
    selection: Selection {
        labels: &["metadata.name", "spec.unschedulable"],
        fields: &[Selectable::flag("spec.unschedulable")],
        ..Selection::OWN
    },
    ..Kind::PLAIN
};

const ADDRESS: &str = "io.k8s.api.core.v1.NodeAddress";

struct Node;

impl Rules for Node {
    fn default(&self, object: &mut Tree) {
        pod_cidrs::fill(object);
        if let Some(status) = object.get_mut("status") {
            resources::round(status.get_mut("capacity"));
            if status.has("capacity") && !status.has("allocatable") {
                status.set("allocatable", status.at("capacity").clone());
            }
            resources::round(status.get_mut("allocatable"));
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        // A node brings its status with it, but nobody configures kubelets by nodes any more.
        drop_config_source(object, &Tree::Null);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        drop_config_source(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_node(object, &Tree::Null, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_node(object, old, refusals);
        validate_change(object, old, refusals);
    }

    fn warnings(&self, object: &Tree, _old: Option<&Tree>) -> Vec<String> {
        let spec = object.at("spec");
        let mut warnings = Vec::new();
        if spec.has("configSource") {
            warnings.push("spec.configSource: the feature is removed".to_owned());
        }
        if !spec.text("externalID").is_empty() {
            warnings.push("spec.externalID: this field is deprecated, and is unused by Kubernetes".to_owned());
        }
        let path = Path::of("spec");
        let path = path.field("podCIDRs");
        for (at, cidr) in spec.items("podCIDRs").iter().enumerate() {
            warnings.extend(cidr_warnings(&path.index(at), cidr.as_str().unwrap_or_default()));
        }
        warnings
    }

    fn canonicalize(&self, object: &mut Tree) {
        let images = object.get_mut("status").and_then(|status| status.get_mut("images"));
        for image in images.and_then(Tree::as_list_mut).into_iter().flatten() {
            // No names are stored as nothing.
            if image.items("names").is_empty() {
                image.set("names", Tree::Null);
            }
        }
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(&Status)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

fn drop_config_source(object: &mut Tree, old: &Tree) {
    if !old.at("spec").has("configSource")
        && let Some(spec) = object.get_mut("spec")
    {
        spec.remove("configSource");
    }
}

fn validate_node(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    validate_metadata(Node.name(), false, object, refusals);
    taints::validate_annotations(object, refusals);
    taints::validate(object, refusals);
    validate_resources(object, refusals);
    pod_cidrs::validate(object, old, refusals);
}

/// Amounts of the status are sound.
fn validate_resources(object: &Tree, refusals: &mut Refusals) {
    let path = Path::of("status");
    for list in ["capacity", "allocatable"] {
        let path = path.field(list);
        for (name, value) in object.at("status").entries(list).iter() {
            // An empty name prints as an index.
            let path = if name.is_empty() {
                path.key(name)
            } else {
                path.field(name)
            };
            resources::validate_amount(&path, name, value, refusals);
        }
    }
}

/// What is checked of every write to a node that exists, of the status too.
fn validate_change(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    validate_metadata_update(object, old, refusals);
    taints::validate_annotations(object, refusals);
    validate_resources(object, refusals);
    let (status, path) = (object.at("status"), Path::of("status"));
    let mut seen = HashSet::new();
    let addresses = path.field("addresses");
    for (at, address) in status.items("addresses").iter().enumerate() {
        if !seen.insert((address.text("type"), address.text("address"))) {
            refusals.duplicate(&addresses.index(at), shown(ADDRESS, address));
        }
    }
    declared::validate(
        &path.field("declaredFeatures"),
        status.items("declaredFeatures"),
        refusals,
    );
    pod_cidrs::validate_change(object, old, refusals);
    let (spec, before) = (Path::of("spec"), old.at("spec"));
    let provider = before.text("providerID");
    if !provider.is_empty() && provider != object.at("spec").text("providerID") {
        let detail = r#"node updates may not change providerID except from "" to valid"#;
        refusals.forbidden(&spec.field("providerID"), detail);
    }
    config::validate(object, refusals);
    taints::validate(object, refusals);
    if object.at("spec").text("externalID") != before.text("externalID") {
        refusals.forbidden(&spec.field("externalID"), "may not be updated");
    }
}

struct Status;

impl StatusRules for Status {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        if !old.at("status").has("config")
            && let Some(status) = object.get_mut("status")
        {
            status.remove("config");
        }
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_change(object, old, refusals);
    }
}

#[cfg(test)]
mod tests;
