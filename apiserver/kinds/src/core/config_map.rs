//! `ConfigMap`: configuration as keys and values.

use apiserver_api::names::config_map_key;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::base64;
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};

const TYPE: &str = "io.k8s.api.core.v1.ConfigMap";
/// The most bytes of all values together; Secrets have the same limit.
const MOST: usize = 1 << 20;

/// The entry of the table.
pub(crate) const CONFIG_MAP: Kind = Kind {
    kind: "ConfigMap",
    plural: "configmaps",
    singular: "configmap",
    short_names: &["cm"],
    versions: &[Version::stored("v1", TYPE)],
    folder: "configmaps",
    rules: &ConfigMap,
    columns: &[
        NAME,
        Column {
            name: "Data",
            kind: "string",
            format: "",
            words: Words::Of(TYPE, "data"),
            priority: 0,
            cell: Cell::Is(|object| {
                let count = object.entries("data").len() + object.entries("binaryData").len();
                (count as i64).into()
            }),
        },
        AGE,
    ],
    ..Kind::PLAIN
};

struct ConfigMap;

impl Rules for ConfigMap {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        let (text, binary) = (Path::of("data"), Path::of("binaryData"));
        let mut size = 0;
        for (key, value) in object.entries("data").iter() {
            check_key(&text.key(key), key, refusals);
            if object.entries("binaryData").contains(key) {
                let detail = "duplicate of key present in binaryData";
                refusals.invalid(&text.key(key), key, detail);
            }
            size += value.as_str().unwrap_or_default().len();
        }
        for (key, value) in object.entries("binaryData").iter() {
            check_key(&binary.key(key), key, refusals);
            size += base64::decoded_len(value.as_str().unwrap_or_default());
        }
        if size > MOST {
            // As Go prints a path to a field without a name.
            refusals.too_long(&Path::root().key(""), MOST);
        }
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        if old.flag("immutable") {
            if !object.flag("immutable") {
                refusals.forbidden(&Path::of("immutable"), "field is immutable when `immutable` is set");
            }
            for field in ["data", "binaryData"] {
                // No data is told from none at all.
                if object.at(field) != old.at(field) {
                    refusals.forbidden(&Path::of(field), "field is immutable when `immutable` is set");
                }
            }
        }
        self.validate(asked, object, refusals);
    }
}

fn check_key(path: &Path<'_>, key: &str, refusals: &mut Refusals) {
    for message in config_map_key(key) {
        refusals.invalid(path, key, &message);
    }
}
