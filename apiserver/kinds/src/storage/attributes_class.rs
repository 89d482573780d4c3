//! `VolumeAttributesClass`: attributes that volumes can have and change.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::class::marked;
use super::{GROUP, parameters};
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Conversion, Kind, Rules, Version, validate_metadata};

const TYPE: &str = "io.k8s.api.storage.v1.VolumeAttributesClass";
/// What marks the class of claims that name none.
const DEFAULT: &str = "volumeattributesclass.alpha.kubernetes.io/is-default-class";

/// The entry of the table.
pub(crate) const VOLUME_ATTRIBUTES_CLASS: Kind = Kind {
    group: GROUP,
    kind: "VolumeAttributesClass",
    plural: "volumeattributesclasses",
    singular: "volumeattributesclass",
    short_names: &["vac"],
    namespaced: false,
    versions: &[
        Version::stored("v1", TYPE),
        Version {
            name: "v1beta1",
            schema: "io.k8s.api.storage.v1beta1.VolumeAttributesClass",
            conversion: Some(Conversion::SAME),
        },
    ],
    folder: "volumeattributesclasses",
    rules: &AttributesClass,
    columns: &[
        Column {
            cell: Cell::Is(|object| marked(object, &[DEFAULT])),
            ..NAME
        },
        Column {
            name: "DriverName",
            words: Words::Of(TYPE, "driverName"),
            cell: Cell::Is(|object| object.text("driverName").into()),
            ..AGE
        },
        AGE,
    ],
    ..Kind::PLAIN
};

struct AttributesClass;

impl Rules for AttributesClass {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        parameters::validate_driver(&Path::of("driverName"), object.text("driverName"), refusals);
        let path = Path::of("parameters");
        parameters::validate(&path, object, refusals);
        if object.entries("parameters").is_empty() {
            refusals.required(&path, "must contain at least one key/value pair");
        }
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        for field in ["driverName", "parameters"] {
            if !VOLUME_ATTRIBUTES_CLASS.same(&[field], object, old) {
                refusals.forbidden(&Path::of(field), &format!("updates to {field} are forbidden."));
            }
        }
        self.validate(asked, object, refusals);
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::VOLUME_ATTRIBUTES_CLASS;
    use crate::trial::{refused, update};

    #[test]
    fn a_class_names_its_driver_and_says_something_and_stays() {
        let sound = r#"{"driverName":"d.example.com","parameters":{"a":"b"}}"#;
        assert_eq!(refused(&VOLUME_ATTRIBUTES_CLASS, sound).len(), 0);
        assert_eq!(refused(&VOLUME_ATTRIBUTES_CLASS, "{}").len(), 2);
        let other = r#"{"driverName":"e","parameters":{"a":"c"}}"#;
        assert_eq!(update(&VOLUME_ATTRIBUTES_CLASS, sound, other).unwrap_err().len(), 2);
    }
}
