//! What is asked of storage: a claim's spec, wherever it stands.

use apiserver_api::labels::{self, Leniency};
use apiserver_api::names::name_is_dns_subdomain;
use apiserver_api::path::Path;
use apiserver_api::quantity::Quantity;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::data_source;
use crate::core::{access_modes, resources};

/// Fills in what a claim does not say.
pub(crate) fn default_claim(object: &mut Tree) {
    let status = object.child("status");
    if status.text("phase").is_empty() {
        status.set("phase", "Pending");
    }
    resources::round(status.get_mut("capacity"));
    resources::round(status.get_mut("allocatedResources"));
    let spec = object.child("spec");
    spec.set_default("volumeMode", "Filesystem");
    for list in ["limits", "requests"] {
        resources::round(spec.get_mut("resources").and_then(|resources| resources.get_mut(list)));
    }
}

/// Checks a spec; what was odd in the old one may stay so.
pub(crate) fn validate(path: &Path<'_>, spec: &Tree, old: &Tree, refusals: &mut Refusals) {
    if spec.items("accessModes").is_empty() {
        let detail = "at least 1 access mode is required";
        refusals.required(&path.field("accessModes"), detail);
    }
    if spec.has("selector") {
        let mut odd = Refusals::new();
        labels::validate(path, old.at("selector"), Leniency::default(), &mut odd);
        let leniency = Leniency {
            values: !odd.is_empty(),
            operators: false,
        };
        labels::validate(&path.field("selector"), spec.at("selector"), leniency, refusals);
    }
    access_modes::validate(path, spec, refusals);
    validate_size(&path.field("resources").key("storage"), spec, refusals);
    validate_class(&path.field("storageClassName"), spec.text("storageClassName"), refusals);
    access_modes::validate_volume_mode(path, spec, refusals);
    data_source::validate(path, spec, old, refusals);
    let class = spec.text("volumeAttributesClassName");
    validate_class(&path.field("volumeAttributesClassName"), class, refusals);
}

/// A claim says how much it wants.
fn validate_size(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let size = spec.at("resources").at("requests").at("storage");
    if size.is_null() {
        return refusals.required(path, "");
    }
    let before = refusals.len();
    resources::validate_positive(path, size, refusals);
    if refusals.len() == before {
        resources::validate_amount(path, "storage", size, refusals);
    }
}

fn validate_class(path: &Path<'_>, class: &str, refusals: &mut Refusals) {
    for message in name_is_dns_subdomain(class, false)
        .into_iter()
        .filter(|_| !class.is_empty())
    {
        refusals.invalid(path, class, &message);
    }
}

/// Warns of amounts of storage that are no whole bytes.
pub(crate) fn warnings(path: &Path<'_>, spec: &Tree) -> Vec<String> {
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
    use apiserver_api::tree::{Tree, parse};

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
            let spec_tree = parse(spec.as_bytes()).unwrap().tree;
            super::validate(&Path::of("spec"), &spec_tree, &Tree::Null, &mut refusals);
            assert_eq!(refusals.len(), refused, "{spec}: {refusals}");
        }
    }

    #[test]
    fn parts_of_bytes_are_warned_of_and_rounded_to_thousandths() {
        let mut claim = parse(br#"{"spec":{"resources":{"requests":{"storage":"1500u"}}}}"#)
            .unwrap()
            .tree;
        super::default_claim(&mut claim);
        let warnings = super::warnings(&Path::of("spec"), claim.at("spec"));
        let expected = "spec.resources.requests[storage]: fractional byte value \"2m\" is invalid, must be an integer";
        assert_eq!(warnings, [expected]);
    }
}
