//! Claims that are made for a pod: the template of a volume that lives as long as it.

use std::cmp::Ordering;

use apiserver_api::labels::{self, Leniency, validate_labels};
use apiserver_api::meta::validate_annotations;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::{Refusals, Shown};
use apiserver_api::tree::Tree;

use crate::pod::resources::{quantity, validate_amount};
use crate::pod::shown::{required, tell};

const MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const VOLUME_MODES: &[&str] = &["Block", "Filesystem"];
/// What metadata has besides labels and annotations, in the order of its type.
const OTHER_METADATA: &[&str] = &[
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
    "finalizers",
    "managedFields",
];
const ONLY_OWN_GROUP: &str = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";

/// A template of a claim (`ValidatePersistentVolumeClaimTemplate`).
pub(super) fn validate_template(path: &Path<'_>, template: &Tree, refusals: &mut Refusals) {
    let metadata = template.at("metadata");
    let metadata_path = path.field("metadata");
    validate_annotations(
        &metadata_path.field("annotations"),
        metadata.entries("annotations"),
        refusals,
    );
    validate_labels(&metadata_path.field("labels"), metadata.entries("labels"), refusals);
    for field in OTHER_METADATA {
        let value = metadata.at(field);
        let pointer = *field == "deletionGracePeriodSeconds";
        if !value.is_zero() || (pointer && !value.is_null()) {
            // Upstream tells the name of the field in its type, the first letter made small.
            let told = if *field == "uid" { "uID" } else { field };
            refusals.forbidden(&metadata_path.field(told), "cannot be set");
        }
    }
    validate_spec(&path.field("spec"), template.at("spec"), refusals);
}

fn validate_spec(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let modes_path = path.field("accessModes");
    let modes: Vec<&str> = spec.items("accessModes").iter().filter_map(Tree::as_str).collect();
    if modes.is_empty() {
        refusals.required(&modes_path, "at least 1 access mode is required");
    }
    if spec.has("selector") {
        let selector = spec.at("selector");
        labels::validate(&path.field("selector"), selector, Leniency::default(), refusals);
    }
    for mode in modes.iter().filter(|mode| !MODES.contains(mode)) {
        refusals.not_supported(&modes_path, *mode, MODES);
    }
    let alone = |mode: &&str| *mode == "ReadWriteOncePod";
    if modes.iter().any(alone) && modes.iter().any(|mode| !alone(mode) && MODES.contains(mode)) {
        refusals.forbidden(&modes_path, "may not use ReadWriteOncePod with other access modes");
    }
    validate_storage(&path.field("resources").key("storage"), spec, refusals);
    if let Some(mode) = spec
        .at("volumeMode")
        .as_str()
        .filter(|mode| !VOLUME_MODES.contains(mode))
    {
        refusals.not_supported(&path.field("volumeMode"), mode, VOLUME_MODES);
    }
    for field in ["storageClassName", "volumeAttributesClassName"] {
        let name = spec.text(field);
        if !name.is_empty() {
            tell(
                &path.field(field),
                name,
                names::name_is_dns_subdomain(name, false),
                refusals,
            );
        }
    }
    validate_sources(path, spec, refusals);
}

fn validate_storage(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let Some(storage) = spec.at("resources").entries("requests").get("storage") else {
        return refusals.required(path, "");
    };
    let storage = quantity(storage);
    if storage.sign() == Ordering::Greater {
        validate_amount(path, "storage", &storage, refusals);
    } else {
        refusals.invalid(path, &storage, "must be greater than zero");
    }
}

/// What the volume is filled with: two ways of saying the same.
fn validate_sources(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let (old, new) = (spec.at("dataSource"), spec.at("dataSourceRef"));
    for field in ["dataSource", "dataSourceRef"] {
        if spec.has(field) {
            validate_source(&path.field(field), spec.at(field), refusals);
        }
    }
    let namespace = new.text("namespace");
    if !namespace.is_empty() {
        let path = path.field("dataSourceRef");
        let messages = names::name_is_dns_label(namespace, false);
        tell(&path.field("namespace"), namespace, messages, refusals);
    }
    if old.is_null() || new.is_null() {
        return;
    }
    let same = ["apiGroup", "kind", "name"]
        .iter()
        .all(|field| old.at(field) == new.at(field));
    let detail = if !namespace.is_empty() {
        "may not be specified when dataSourceRef.namespace is specified"
    } else if !same {
        "must match dataSourceRef"
    } else {
        return;
    };
    // Upstream shows the path of the field, a type of its own without fields that print.
    refusals.invalid(path, Shown::raw("{}"), detail);
}

fn validate_source(path: &Path<'_>, source: &Tree, refusals: &mut Refusals) {
    required(path, source, &["name", "kind"], refusals);
    let (group, kind) = (source.text("apiGroup"), source.text("kind"));
    if group.is_empty() && kind != "PersistentVolumeClaim" {
        refusals.invalid(path, kind, ONLY_OWN_GROUP);
    }
    if !group.is_empty() {
        tell(&path.field("apiGroup"), group, names::dns_subdomain(group), refusals);
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate_template};
    use crate::pod::testing::{json, words};

    const FINE: &str = r#""accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}"#;

    #[test]
    fn a_template_asks_for_storage_and_names_nothing() {
        let cases = [
            (format!(r#"{{"spec":{{{FINE}}}}}"#), ""),
            (
                format!(r#"{{"metadata":{{"name":"x"}},"spec":{{{FINE}}}}}"#),
                "t.metadata.name: Forbidden: cannot be set",
            ),
            (
                r#"{"spec":{"resources":{"requests":{"storage":"0"}}}}"#.to_owned(),
                "t.spec.accessModes: Required value: at least 1 access mode is required\n\
                 t.spec.resources[storage]: Invalid value: \"0\": must be greater than zero",
            ),
            (
                format!(r#"{{"spec":{{{FINE},"dataSource":{{"kind":"Pod","name":"x"}}}}}}"#),
                "t.spec.dataSource: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the \
                 default apiGroup",
            ),
        ];
        for (template, told) in cases {
            let mut refusals = Refusals::new();
            validate_template(&Path::of("t"), &json(&template), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }
}
