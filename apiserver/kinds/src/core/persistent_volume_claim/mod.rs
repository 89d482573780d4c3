//! `PersistentVolumeClaim`: storage that pods of a namespace ask for.

mod change;
mod columns;
mod data_source;
pub(crate) mod spec;

use apiserver_api::meta;
use apiserver_api::names::{name_is_dns_subdomain, qualified_name};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::access_modes::{CLASS_ANNOTATION, CLASS_DEPRECATED};
use super::metadata::validate_metadata_update;
use super::resources;
use crate::amounts::is_native;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, validate_metadata};

/// How far the growth of a claim is.
const RESIZES: &[&str] = &[
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
];

/// The entry of the table.
pub(crate) const PERSISTENT_VOLUME_CLAIM: Kind = Kind {
    kind: "PersistentVolumeClaim",
    plural: "persistentvolumeclaims",
    singular: "persistentvolumeclaim",
    short_names: &["pvc"],
    versions: &[Version::stored("v1", "io.k8s.api.core.v1.PersistentVolumeClaim")],
    subresources: &[Subresource::STATUS],
    folder: "persistentvolumeclaims",
    rules: &PersistentVolumeClaim,
    columns: columns::COLUMNS,
    ..Kind::PLAIN
};

struct PersistentVolumeClaim;

impl Rules for PersistentVolumeClaim {
    fn default(&self, object: &mut Tree) {
        spec::default_claim(object);
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        let mut status = Tree::map();
        status.set("phase", "Pending");
        object.set("status", status);
        data_source::settle(object.child("spec"), &Tree::Null);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        data_source::settle(object.child("spec"), old.at("spec"));
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_claim(object, &Tree::Null, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_claim(object, old.at("spec"), refusals);
        validate_metadata_update(object, old, refusals);
        validate_claim(object, old.at("spec"), refusals);
        change::validate(object, old, refusals);
    }

    fn warnings(&self, object: &Tree, _old: Option<&Tree>) -> Vec<String> {
        let mut warnings = Vec::new();
        if meta::annotation(object, CLASS_ANNOTATION).is_some() {
            warnings.push(format!("metadata.annotations[{CLASS_ANNOTATION}]: {CLASS_DEPRECATED}"));
        }
        warnings.extend(spec::warnings(&Path::of("spec"), object.at("spec")));
        warnings
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(&Status)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

/// Checks a claim; what was odd in the old spec may stay so.
fn validate_claim(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    validate_metadata(name_is_dns_subdomain, true, object, refusals);
    spec::validate(&Path::of("spec"), object.at("spec"), old, refusals);
}

struct Status;

impl StatusRules for Status {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        if meta::resource_version(object).is_empty() {
            refusals.required(&Path::of("resourceVersion"), "");
        }
        if object.at("spec").items("accessModes").is_empty() {
            let path = Path::of("Spec");
            refusals.required(&path.field("accessModes"), "");
        }
        let (status, path) = (object.at("status"), Path::of("status"));
        let capacity = path.field("capacity");
        for (name, value) in status.entries("capacity").iter() {
            resources::validate_basic(&capacity.key(name), value, refusals);
        }
        let statuses = path.field("allocatedResourceStatuses");
        for (name, value) in status.entries("allocatedResourceStatuses").iter() {
            validate_resource(&statuses, name, refusals);
            if !RESIZES.contains(&value.as_str().unwrap_or_default()) {
                refusals.not_supported(&statuses, name, RESIZES);
            }
        }
        let allocated = path.field("allocatedResources");
        for (name, value) in status.entries("allocatedResources").iter() {
            let before = refusals.len();
            if validate_resource(&allocated, name, refusals) {
                let path = allocated.key(name);
                resources::validate_basic(&path, value, refusals);
                if refusals.len() == before {
                    resources::validate_amount(&path, "storage", value, refusals);
                }
            }
        }
    }
}

/// What a claim can have of a resource: storage, or what has a domain.
fn validate_resource(path: &Path<'_>, name: &str, refusals: &mut Refusals) -> bool {
    let messages = qualified_name(name);
    let native = messages.is_empty() && is_native(name) && name != "storage";
    let fine = messages.is_empty() && !native;
    for message in messages {
        refusals.invalid(path, name, &message);
    }
    if native {
        refusals.not_supported(path, name, &["storage"]);
    }
    fine
}

#[cfg(test)]
mod tests;
