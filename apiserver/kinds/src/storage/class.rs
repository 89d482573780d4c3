//! `StorageClass`: how volumes of a name are made.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{GROUP, parameters, topology};
use crate::check::immutable_fields;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};

const TYPE: &str = "io.k8s.api.storage.v1.StorageClass";
/// What marks the class of claims that name none; the second is of old.
const DEFAULT: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

/// The entry of the table.
pub(crate) const STORAGE_CLASS: Kind = Kind {
    group: GROUP,
    kind: "StorageClass",
    plural: "storageclasses",
    singular: "storageclass",
    short_names: &["sc"],
    namespaced: false,
    versions: &[Version::stored("v1", TYPE)],
    folder: "storageclasses",
    rules: &StorageClass,
    columns: &[
        Column {
            cell: Cell::Is(|object| marked(object, &DEFAULT)),
            ..NAME
        },
        Column {
            name: "Provisioner",
            words: Words::Of(TYPE, "provisioner"),
            cell: Cell::Is(|object| object.text("provisioner").into()),
            ..AGE
        },
        Column {
            name: "ReclaimPolicy",
            words: Words::Of(TYPE, "reclaimPolicy"),
            cell: Cell::Is(|object| object.at("reclaimPolicy").as_str().unwrap_or("Delete").into()),
            ..AGE
        },
        Column {
            name: "VolumeBindingMode",
            words: Words::Of(TYPE, "volumeBindingMode"),
            cell: Cell::Is(|object| object.at("volumeBindingMode").as_str().unwrap_or("Immediate").into()),
            ..AGE
        },
        Column {
            name: "AllowVolumeExpansion",
            words: Words::Of(TYPE, "allowVolumeExpansion"),
            cell: Cell::Is(expands),
            ..AGE
        },
        AGE,
    ],
    ..Kind::PLAIN
};

fn expands(object: &Tree) -> Tree {
    object.flag("allowVolumeExpansion").into()
}

/// The name, and whether an annotation says that the class is the default.
pub(super) fn marked(object: &Tree, annotations: &[&str]) -> Tree {
    let name = meta::name(object);
    if annotations
        .iter()
        .any(|key| meta::annotation(object, key) == Some("true"))
    {
        format!("{name} (default)").into()
    } else {
        name.into()
    }
}

struct StorageClass;

impl Rules for StorageClass {
    fn default(&self, object: &mut Tree) {
        object.set_default("reclaimPolicy", "Delete");
        object.set_default("volumeBindingMode", "Immediate");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        parameters::validate_driver(&Path::of("provisioner"), object.text("provisioner"), refusals);
        parameters::validate(&Path::of("parameters"), object, refusals);
        let policy = object.text("reclaimPolicy");
        if !matches!(policy, "" | "Delete" | "Retain") {
            refusals.not_supported(&Path::of("reclaimPolicy"), policy, &["Delete", "Retain"]);
        }
        let (mode, path) = (object.text("volumeBindingMode"), Path::of("volumeBindingMode"));
        if !object.has("volumeBindingMode") {
            refusals.required(&path, "");
        } else if !matches!(mode, "Immediate" | "WaitForFirstConsumer") {
            refusals.not_supported(&path, mode, &["Immediate", "WaitForFirstConsumer"]);
        }
        topology::validate(
            &Path::of("allowedTopologies"),
            object.items("allowedTopologies"),
            refusals,
        );
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        self.validate(asked, object, refusals);
        validate_metadata_update(object, old, refusals);
        let fields = ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"];
        immutable_fields(&Path::root(), TYPE, &fields, object, old, refusals);
    }

    fn warnings(&self, object: &Tree, _old: Option<&Tree>) -> Vec<String> {
        let field = "allowedTopologies";
        topology::warnings(&Path::of(field), object.items(field))
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::STORAGE_CLASS;
    use crate::trial::{cells, create, refused, update, warnings};

    #[test]
    fn a_class_names_who_makes_volumes_and_how() {
        for (object, wrong) in [
            (r#"{"provisioner":"p"}"#, 0),
            ("{}", 1),
            (r#"{"provisioner":"p","reclaimPolicy":"Recycle"}"#, 1),
            (r#"{"provisioner":"p","volumeBindingMode":""}"#, 1),
        ] {
            assert_eq!(refused(&STORAGE_CLASS, object).len(), wrong, "{object}");
        }
        let made = create(&STORAGE_CLASS, r#"{"provisioner":"p"}"#).unwrap();
        assert_eq!(made.text("volumeBindingMode"), "Immediate");
    }

    #[test]
    fn how_volumes_are_made_stays() {
        let old = r#"{"provisioner":"p","parameters":{"a":"b"}}"#;
        for (new, wrong) in [
            (old, 0),
            (
                r#"{"provisioner":"p","parameters":{"a":"b"},"allowVolumeExpansion":true}"#,
                0,
            ),
            (r#"{"provisioner":"q"}"#, 2),
        ] {
            let told = update(&STORAGE_CLASS, old, new).err().unwrap_or_default();
            assert_eq!(told.len(), wrong, "{new}");
        }
    }

    #[test]
    fn old_labels_of_topologies_are_told() {
        let object = r#"{"provisioner":"p","allowedTopologies":[{"matchLabelExpressions":[{"key":"a","values":["v"]},
            {"key":"failure-domain.beta.kubernetes.io/zone","values":["z"]}]}]}"#;
        let told = "allowedTopologies[0].matchLabelExpressions[1].key: deprecated since v1.17; use \
                    \"topology.kubernetes.io/zone\" instead";
        assert_eq!(warnings(&STORAGE_CLASS, object), [told]);
    }

    #[test]
    fn tables_mark_the_default() {
        let object = r#"{"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}}"#;
        assert_eq!(cells(&STORAGE_CLASS, object)[0], "x (default)");
    }
}
