//! What is asked of storage: the spec of a claim, wherever it stands.

use apiserver_api::labels::{self, Leniency};
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::quantity::Quantity;
use apiserver_api::refusal::{Refusals, Shown};
use apiserver_api::tree::Tree;

const ACCESS_MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const VOLUME_MODES: &[&str] = &["Block", "Filesystem"];

/// Fills in what a claim does not say.
pub(crate) fn default_claim(claim: &mut Tree) {
    let spec = claim.child("spec");
    spec.set_default("volumeMode", "Filesystem");
    let resources = spec.child("resources");
    for field in ["limits", "requests"] {
        round_amounts(resources, field);
    }
    let status = claim.child("status");
    status.set_default("phase", "Pending");
    for field in ["capacity", "allocatedResources"] {
        round_amounts(status, field);
    }
}

/// Rounds amounts up that are finer than thousandths.
fn round_amounts(of: &mut Tree, field: &str) {
    let Some(amounts) = of.get_mut(field).and_then(Tree::as_map_mut) else {
        return;
    };
    for (_, amount) in amounts.iter_mut() {
        if let Ok(exact) = Quantity::read(amount) {
            let rounded = Quantity::milli(exact.milli_value(), exact.format());
            // Beyond 64 bits thousandths are cut off, so that such an amount is none of those that are too fine.
            if exact.milli_value() != i64::MAX && rounded != exact {
                *amount = rounded.to_string().into();
            }
        }
    }
}

/// Checks the spec of a claim.
pub(crate) fn validate_spec(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let modes_path = path.field("accessModes");
    let modes = || {
        spec.items("accessModes")
            .iter()
            .map(|mode| mode.as_str().unwrap_or_default())
    };
    if modes().len() == 0 {
        refusals.required(&modes_path, "at least 1 access mode is required");
    }
    if spec.has("selector") {
        labels::validate(
            &path.field("selector"),
            spec.at("selector"),
            Leniency::default(),
            refusals,
        );
    }
    for mode in modes().filter(|mode| !ACCESS_MODES.contains(mode)) {
        refusals.not_supported(&modes_path, mode, ACCESS_MODES);
    }
    let (one_pod, others): (Vec<&str>, Vec<&str>) = modes()
        .filter(|mode| ACCESS_MODES.contains(mode))
        .partition(|mode| *mode == "ReadWriteOncePod");
    if !one_pod.is_empty() && !others.is_empty() {
        refusals.forbidden(&modes_path, "may not use ReadWriteOncePod with other access modes");
    }
    validate_storage(path, spec, refusals);
    validate_class(&path.field("storageClassName"), spec.text("storageClassName"), refusals);
    if let Some(mode) = spec
        .at("volumeMode")
        .as_str()
        .filter(|mode| !VOLUME_MODES.contains(mode))
    {
        refusals.not_supported(&path.field("volumeMode"), mode, VOLUME_MODES);
    }
    validate_sources(path, spec, refusals);
    let field = "volumeAttributesClassName";
    validate_class(&path.field(field), spec.text(field), refusals);
}

fn validate_storage(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let resources = path.field("resources");
    let path = resources.key("storage");
    let storage = spec.below(&["resources", "requests", "storage"]);
    if storage.is_null() {
        refusals.required(&path, "");
    } else if Quantity::read(storage).is_ok_and(|amount| amount.sign().is_le()) {
        refusals.invalid(&path, storage, "must be greater than zero");
    }
}

fn validate_class(path: &Path<'_>, class: &str, refusals: &mut Refusals) {
    if !class.is_empty() {
        for message in names::dns_subdomain(class) {
            refusals.invalid(path, class, &message);
        }
    }
}

/// Checks what the volume is filled with.
fn validate_sources(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let (source, reference) = (spec.at("dataSource"), spec.at("dataSourceRef"));
    for (field, source) in [("dataSource", source), ("dataSourceRef", reference)] {
        if !source.is_null() {
            validate_source(&path.field(field), source, refusals);
        }
    }
    if source.is_null() {
        return;
    }
    // Upstream shows a path here, of which nothing can be seen.
    let shown = || Shown::raw("{}");
    if !reference.text("namespace").is_empty() {
        let detail = "may not be specified when dataSourceRef.namespace is specified";
        refusals.invalid(path, shown(), detail);
    } else if !reference.is_null()
        && ["apiGroup", "kind", "name"]
            .iter()
            .any(|part| source.at(part) != reference.at(part))
    {
        refusals.invalid(path, shown(), "must match dataSourceRef");
    }
}

fn validate_source(path: &Path<'_>, source: &Tree, refusals: &mut Refusals) {
    for field in ["name", "kind"] {
        if source.text(field).is_empty() {
            refusals.required(&path.field(field), "");
        }
    }
    let (group, kind) = (source.text("apiGroup"), source.text("kind"));
    if group.is_empty() && kind != "PersistentVolumeClaim" {
        let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        refusals.invalid(path, kind, detail);
    }
    validate_class(&path.field("apiGroup"), group, refusals);
    let namespace = source.text("namespace");
    if !namespace.is_empty() {
        for message in names::dns_label(namespace) {
            refusals.invalid(&path.field("namespace"), namespace, &message);
        }
    }
}

/// Warns of amounts of storage that are no whole bytes.
pub(crate) fn spec_warnings(path: &Path<'_>, spec: &Tree) -> Vec<String> {
    let resources = path.field("resources");
    let warning = |field: &&str| {
        let storage = spec.below(&["resources", field, "storage"]);
        let amount = Quantity::read(storage).ok()?;
        let path = resources.field(field);
        let path = path.key("storage");
        let detail = "is invalid, must be an integer";
        (amount.milli_value() % 1000 != 0).then(|| format!("{path}: fractional byte value \"{amount}\" {detail}"))
    };
    ["requests", "limits"].iter().filter_map(warning).collect()
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    #[test]
    fn a_claim_asks_for_storage_that_can_be_had() {
        let fine = r#"{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1"}}}"#;
        let storage = r#""resources":{"requests":{"storage":"1"}}"#;
        let source = r#""dataSource":{"kind":"PersistentVolumeClaim","name":"x"}"#;
        for (spec, refused) in [
            (fine.to_owned(), 0),
            ("{}".to_owned(), 2),
            (format!(r#"{{"accessModes":["x"],{storage}}}"#), 1),
            (
                format!(r#"{{"accessModes":["ReadWriteOnce","ReadWriteOncePod"],{storage}}}"#),
                1,
            ),
            (fine.replace("\"1\"", "\"0\""), 1),
            (
                format!(r#"{{"accessModes":["ReadWriteOnce"],"volumeMode":"",{storage}}}"#),
                1,
            ),
            (
                format!(r#"{{"accessModes":["ReadWriteOnce"],"storageClassName":"A",{storage}}}"#),
                1,
            ),
            (format!(r#"{{"accessModes":["ReadWriteOnce"],{source},{storage}}}"#), 0),
            (
                format!(r#"{{"accessModes":["ReadWriteOnce"],"dataSource":{{}},{storage}}}"#),
                3,
            ),
            (
                format!(
                    r#"{{"accessModes":["ReadWriteOnce"],{source},"dataSourceRef":{{"kind":"PersistentVolumeClaim","name":"y"}},{storage}}}"#
                ),
                1,
            ),
        ] {
            let mut refusals = Refusals::new();
            super::validate_spec(&Path::of("spec"), &parse(spec.as_bytes()).unwrap().tree, &mut refusals);
            assert_eq!(refusals.len(), refused, "{spec}: {refusals}");
        }
    }

    #[test]
    fn parts_of_bytes_are_warned_of_and_rounded_to_thousandths() {
        let mut claim = parse(br#"{"spec":{"resources":{"requests":{"storage":"1500u"}}}}"#)
            .unwrap()
            .tree;
        super::default_claim(&mut claim);
        let warnings = super::spec_warnings(&Path::of("spec"), claim.at("spec"));
        let expected = "spec.resources.requests[storage]: fractional byte value \"2m\" is invalid, must be an integer";
        assert_eq!(warnings, [expected]);
    }
}
