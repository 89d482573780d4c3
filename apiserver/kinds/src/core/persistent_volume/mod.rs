//! `PersistentVolume`: storage that outlives pods.

pub(super) mod columns;
mod disks;
mod inline;
mod iscsi;
mod source;

use apiserver_api::meta;
use apiserver_api::names::name_is_dns_subdomain;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

pub(crate) use self::inline::validate_inline;
use self::source::SOURCES;
use super::access_modes::{self, CLASS_ANNOTATION, CLASS_DEPRECATED};
use super::metadata::validate_metadata_update;
use super::resources;
use crate::check::{immutable, same_at};
use crate::diff::unified;
use crate::internal::{lines, shown};
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, validate_metadata};
use crate::{node_labels, node_selector};

const SPEC: &str = "io.k8s.api.core.v1.PersistentVolumeSpec";
const SOURCE: &str = "io.k8s.api.core.v1.PersistentVolumeSource";
const NODE_AFFINITY: &str = "io.k8s.api.core.v1.VolumeNodeAffinity";
/// The annotation that gave mount options before the field did.
const MOUNT_OPTIONS: &str = "volume.beta.kubernetes.io/mount-options";
/// What becomes of a volume that is given back.
const POLICIES: &[&str] = &["Delete", "Recycle", "Retain"];
/// Sources that no longer work, and since when; those that are named otherwise in warnings say so.
const GONE: &[(&str, &str, &str)] = &[
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    (
        "photonPersistentDisk",
        "photonPersistentDisk",
        "deprecated in v1.11, non-functional in v1.16+",
    ),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    (
        "storageos",
        "storageOS",
        "deprecated in v1.22, non-functional in v1.25+",
    ),
    (
        "glusterfs",
        "glusterfs",
        "deprecated in v1.25, non-functional in v1.26+",
    ),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];
/// Sources that are not mounted with options.
const WITHOUT_OPTIONS: &[&str] = &[
    "azureDisk",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "hostPath",
    "local",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
];

/// The entry of the table.
pub(crate) const PERSISTENT_VOLUME: Kind = Kind {
    kind: "PersistentVolume",
    plural: "persistentvolumes",
    singular: "persistentvolume",
    short_names: &["pv"],
    namespaced: false,
    versions: &[Version::stored("v1", "io.k8s.api.core.v1.PersistentVolume")],
    subresources: &[Subresource::STATUS],
    folder: "persistentvolumes",
    rules: &PersistentVolume,
    columns: columns::COLUMNS,
    ..Kind::PLAIN
};

struct PersistentVolume;

impl Rules for PersistentVolume {
    fn default(&self, object: &mut Tree) {
        let status = object.child("status");
        if status.text("phase").is_empty() {
            status.set("phase", "Pending");
        }
        let spec = object.child("spec");
        if spec.text("persistentVolumeReclaimPolicy").is_empty() {
            spec.set("persistentVolumeReclaimPolicy", "Retain");
        }
        spec.set_default("volumeMode", "Filesystem");
        if let Some(host_path) = spec.get_mut("hostPath").filter(|one| !one.is_null()) {
            host_path.set_default("type", "");
        }
        resources::round(spec.get_mut("capacity"));
    }

    fn prepare_create(&self, asked: &Asked<'_>, object: &mut Tree) {
        let mut status = Tree::map();
        status.set("phase", "Pending");
        status.set("lastPhaseTransitionTime", asked.now.to_string());
        object.set("status", status);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_volume(object, false, refusals);
        validate_mount_options(object, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let required = old.at("spec").at("nodeAffinity").at("required");
        let lenient = node_selector::has_odd_values(required);
        validate_volume(object, lenient, refusals);
        validate_mount_options(object, refusals);
        validate_volume(object, lenient, refusals);
        validate_change(object.at("spec"), old.at("spec"), refusals);
    }

    fn warnings(&self, object: &Tree, _old: Option<&Tree>) -> Vec<String> {
        let mut warnings = Vec::new();
        let annotations = meta::annotations(object);
        for (annotation, words) in [
            (CLASS_ANNOTATION, CLASS_DEPRECATED),
            (
                MOUNT_OPTIONS,
                r#"deprecated since v1.31; use "mountOptions" attribute instead"#,
            ),
        ] {
            if annotations.contains(annotation) {
                warnings.push(format!("metadata.annotations[{annotation}]: {words}"));
            }
        }
        let spec = object.at("spec");
        if spec.text("persistentVolumeReclaimPolicy") == "Recycle" {
            let words = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.";
            warnings.push(format!("spec.persistentVolumeReclaimPolicy: {words}"));
        }
        warnings.extend(node_labels::warnings(spec.at("nodeAffinity").at("required")));
        for (field, name, words) in GONE {
            if spec.has(field) {
                warnings.push(format!("spec.{name}: {words}"));
            }
        }
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

fn validate_volume(object: &Tree, lenient: bool, refusals: &mut Refusals) {
    validate_metadata(name_is_dns_subdomain, false, object, refusals);
    let (path, spec) = (Path::of("spec"), object.at("spec"));
    validate_access(&path, spec, refusals);
    validate_capacity(&path.field("capacity"), spec, refusals);
    validate_spec(&path, spec, meta::name(object), lenient, refusals);
}

/// A volume says how it can be used.
fn validate_access(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    if spec.items("accessModes").is_empty() {
        refusals.required(&path.field("accessModes"), "");
    }
    access_modes::validate(path, spec, refusals);
}

/// A volume from which the host's root would be wiped.
fn validate_recycling(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let policy = "persistentVolumeReclaimPolicy";
    if spec.text(policy) == "Recycle" && disks::is_root(spec.at("hostPath").text("path")) {
        let detail = "may not be 'recycle' for a hostPath mount of '/'";
        refusals.forbidden(&path.field(policy), detail);
    }
}

fn validate_spec(path: &Path<'_>, spec: &Tree, volume: &str, lenient: bool, refusals: &mut Refusals) {
    let policy = spec.text("persistentVolumeReclaimPolicy");
    if !policy.is_empty() && !POLICIES.contains(&policy) {
        refusals.not_supported(&path.field("persistentVolumeReclaimPolicy"), policy, POLICIES);
    }
    let affinity = spec.at("nodeAffinity");
    if !affinity.is_null() {
        let path = path.field("nodeAffinity");
        if affinity.has("required") {
            node_selector::validate(&path.field("required"), affinity.at("required"), lenient, refusals);
        } else {
            refusals.required(&path.field("required"), "must specify required node constraints");
        }
    }
    source::validate(path, spec, volume, !affinity.is_null(), refusals);
    validate_recycling(path, spec, refusals);
    validate_class(path, spec, "storageClassName", refusals);
    access_modes::validate_volume_mode(path, spec, refusals);
    if let Some(class) = spec.at("volumeAttributesClassName").as_str() {
        if class.is_empty() {
            let path = path.field("volumeAttributesClassName");
            refusals.required(&path, "an empty string is disallowed");
        }
        validate_class(path, spec, "volumeAttributesClassName", refusals);
        if !spec.has("csi") {
            let detail = "has to be specified when using volumeAttributesClassName";
            refusals.required(&path.field("csi"), detail);
        }
    }
}

/// The name of a class, where there is one.
fn validate_class(path: &Path<'_>, spec: &Tree, field: &str, refusals: &mut Refusals) {
    let class = spec.text(field);
    for message in name_is_dns_subdomain(class, false)
        .into_iter()
        .filter(|_| !class.is_empty())
    {
        refusals.invalid(&path.field(field), class, &message);
    }
}

/// A volume says how large it is, and nothing else.
fn validate_capacity(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let capacity = spec.entries("capacity");
    if capacity.is_empty() {
        refusals.required(path, "");
    }
    if !capacity.contains("storage") || capacity.len() > 1 {
        refusals.not_supported(path, spec.at("capacity"), &["storage"]);
    }
    for (name, value) in capacity.iter() {
        resources::validate_basic(&path.key(name), value, refusals);
        resources::validate_positive(&path.key(name), value, refusals);
    }
}

fn validate_mount_options(object: &Tree, refusals: &mut Refusals) {
    let spec = object.at("spec");
    let source = SOURCES.iter().map(|source| source.0).find(|field| spec.has(field));
    let without = source.is_none_or(|field| WITHOUT_OPTIONS.contains(&field));
    if without && meta::annotation(object, MOUNT_OPTIONS).is_some() {
        let path = Path::of("metadata");
        let path = path.field("annotations");
        let detail = "may not specify mount options for this volume type";
        refusals.forbidden(&path.field(MOUNT_OPTIONS), detail);
    }
}

/// What of a spec stays as it was.
fn validate_change(new: &Tree, old: &Tree, refusals: &mut Refusals) {
    let mut source = new.clone();
    let expand = "controllerExpandSecretRef";
    // A secret for growing may come later.
    if old.has("csi")
        && !old.at("csi").has(expand)
        && let Some(csi) = source.get_mut("csi")
    {
        csi.remove(expand);
    }
    if SOURCES.iter().any(|one| !same_at(SPEC, &[one.0], &source, old)) {
        let changes = unified(&lines(SOURCE, old), &lines(SOURCE, &source));
        let path = Path::of("spec");
        let detail = format!("spec.persistentvolumesource is immutable after creation\n{changes}");
        refusals.forbidden(&path.field("persistentvolumesource"), &detail);
    }
    immutable(
        &Path::of("volumeMode"),
        new.at("volumeMode"),
        old.at("volumeMode"),
        refusals,
    );
    let (affinity, before) = (new.at("nodeAffinity"), old.at("nodeAffinity"));
    if !before.is_null() && !node_labels::same_but_for_names(affinity, before) {
        let detail = "field is immutable, except for updating from beta label to GA";
        refusals.invalid(&Path::of("nodeAffinity"), shown(NODE_AFFINITY, affinity), detail);
    }
    let class = "volumeAttributesClassName";
    if old.has(class) && !new.has(class) {
        let path = Path::of("spec");
        refusals.forbidden(&path.field(class), "update from non-nil value to nil is forbidden");
    }
}

struct Status;

impl StatusRules for Status {
    fn prepare(&self, asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        let moved = object.at("status").text("phase") != old.at("status").text("phase");
        let field = "lastPhaseTransitionTime";
        let before = old.at("status").at(field).clone();
        let status = object.child("status");
        if !moved && !status.has(field) && !before.is_null() {
            status.set(field, before);
        } else if moved && (!status.has(field) || *status.at(field) == before) {
            status.set(field, asked.now.to_string());
        }
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        if meta::resource_version(object).is_empty() {
            refusals.required(&Path::of("resourceVersion"), "");
        }
    }
}

#[cfg(test)]
mod tests;
