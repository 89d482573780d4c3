//! `CSIStorageCapacity`: how much room a class of storage has where.

use apiserver_api::labels::{self, Leniency};
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::quantity::Quantity;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::check::{NEGATIVE, immutable, immutable_struct};
use crate::core::metadata::validate_metadata_update;
use crate::internal::LABEL_SELECTOR;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};
use crate::node_labels;
use crate::text::tell;

/// The entry of the table.
pub(crate) const CSI_STORAGE_CAPACITY: Kind = Kind {
    group: GROUP,
    kind: "CSIStorageCapacity",
    plural: "csistoragecapacities",
    singular: "csistoragecapacity",
    versions: &[Version::stored("v1", "io.k8s.api.storage.v1.CSIStorageCapacity")],
    folder: "csistoragecapacities",
    rules: &Capacity,
    ..Kind::PLAIN
};

struct Capacity;

impl Rules for Capacity {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_capacity(object, Leniency::default(), refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let mut before = Refusals::new();
        let topology = Path::of("nodeTopology");
        labels::validate(&topology, old.at("nodeTopology"), Leniency::default(), &mut before);
        let leniency = Leniency {
            values: !before.is_empty(),
            ..Leniency::default()
        };
        validate_capacity(object, leniency, refusals);
        validate_metadata_update(object, old, refusals);
        let (new, kept) = (object.at("nodeTopology"), old.at("nodeTopology"));
        immutable_struct(&topology, LABEL_SELECTOR, new, kept, refusals);
        let class = |object: &Tree| Tree::from(object.text("storageClassName"));
        immutable(&Path::of("storageClassName"), &class(object), &class(old), refusals);
    }

    fn warnings(&self, object: &Tree, _old: Option<&Tree>) -> Vec<String> {
        let field = "nodeTopology";
        node_labels::selector_warnings(&Path::of(field), object.at(field))
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

fn validate_capacity(object: &Tree, leniency: Leniency, refusals: &mut Refusals) {
    validate_metadata(names::name_is_dns_subdomain, true, object, refusals);
    let topology = object.at("nodeTopology");
    labels::validate(&Path::of("nodeTopology"), topology, leniency, refusals);
    let class = object.text("storageClassName");
    tell(
        &Path::of("storageClassName"),
        class,
        names::dns_subdomain(class),
        refusals,
    );
    let capacity = object.at("capacity");
    if Quantity::read(capacity).is_ok_and(|quantity| quantity.sign().is_lt()) {
        refusals.invalid(&Path::of("capacity"), capacity, NEGATIVE);
    }
}

#[cfg(test)]
mod tests {
    use super::CSI_STORAGE_CAPACITY;
    use crate::trial::{refused, update, warnings};

    #[test]
    fn room_is_of_a_class_and_not_negative() {
        for (object, wrong) in [
            (r#"{"storageClassName":"sc","capacity":"1Gi"}"#, 0),
            (r#"{"storageClassName":"sc","capacity":"-1"}"#, 1),
            (r#"{"storageClassName":"a_b"}"#, 1),
            (
                r#"{"storageClassName":"sc","nodeTopology":{"matchLabels":{"a b":"c"}}}"#,
                1,
            ),
        ] {
            assert_eq!(refused(&CSI_STORAGE_CAPACITY, object).len(), wrong, "{object}");
        }
    }

    #[test]
    fn old_labels_of_a_topology_are_told() {
        let object =
            r#"{"storageClassName":"sc","nodeTopology":{"matchLabels":{"node-role.kubernetes.io/master":""}}}"#;
        let told = "nodeTopology.matchLabels.node-role.kubernetes.io/master: use \
                    \"node-role.kubernetes.io/control-plane\" instead";
        assert_eq!(warnings(&CSI_STORAGE_CAPACITY, object), [told]);
    }

    #[test]
    fn class_and_topology_stay() {
        let old = r#"{"storageClassName":"sc"}"#;
        let new = r#"{"storageClassName":"sd","nodeTopology":{"matchLabels":{"a":"b"}}}"#;
        let told = update(&CSI_STORAGE_CAPACITY, old, new).unwrap_err();
        let topology = r#"nodeTopology: Invalid value: {"matchLabels":{"a":"b"}}: field is immutable"#;
        assert_eq!((told.len(), &*told[0]), (2, topology));
    }
}
