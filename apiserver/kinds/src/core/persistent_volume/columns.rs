//! What a table shows of volumes.

use apiserver_api::meta;
use apiserver_api::tree::Tree;

use crate::amounts::amount;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::access_modes::{CLASS_ANNOTATION, short};

const SPEC: &str = "io.k8s.api.core.v1.PersistentVolumeSpec";
const STATUS: &str = "io.k8s.api.core.v1.PersistentVolumeStatus";

const TEXT: Column = Column {
    name: "",
    kind: "string",
    format: "",
    words: Words::Text(""),
    priority: 0,
    cell: Cell::Is(|_| Tree::Null),
};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Capacity",
        words: Words::Of(SPEC, "capacity"),
        cell: Cell::Is(|object| {
            amount(object.at("spec").at("capacity").at("storage"))
                .to_string()
                .into()
        }),
        ..TEXT
    },
    Column {
        name: "Access Modes",
        words: Words::Of(SPEC, "accessModes"),
        cell: Cell::Is(|object| short(object.at("spec").items("accessModes")).into()),
        ..TEXT
    },
    Column {
        name: "Reclaim Policy",
        words: Words::Of(SPEC, "persistentVolumeReclaimPolicy"),
        cell: Cell::Is(|object| object.at("spec").text("persistentVolumeReclaimPolicy").into()),
        ..TEXT
    },
    Column {
        name: "Status",
        words: Words::Of(STATUS, "phase"),
        cell: Cell::Is(|object| phase(object).into()),
        ..TEXT
    },
    Column {
        name: "Claim",
        words: Words::Of(SPEC, "claimRef"),
        cell: Cell::Is(|object| claim(object).into()),
        ..TEXT
    },
    Column {
        name: "StorageClass",
        words: Words::Text("StorageClass of the pv"),
        cell: Cell::Is(|object| class(object).into()),
        ..TEXT
    },
    Column {
        name: "VolumeAttributesClass",
        words: Words::Text("VolumeAttributesClass of the pv"),
        cell: Cell::Is(|object| or_unset(object, "volumeAttributesClassName").into()),
        ..TEXT
    },
    Column {
        name: "Reason",
        words: Words::Of(STATUS, "reason"),
        cell: Cell::Is(|object| object.at("status").text("reason").into()),
        ..TEXT
    },
    AGE,
    Column {
        name: "VolumeMode",
        words: Words::Of(SPEC, "volumeMode"),
        priority: 1,
        cell: Cell::Is(|object| or_unset(object, "volumeMode").into()),
        ..TEXT
    },
];

fn claim(object: &Tree) -> String {
    let claim = object.at("spec").at("claimRef");
    if claim.is_null() {
        return String::new();
    }
    format!("{}/{}", claim.text("namespace"), claim.text("name"))
}

/// The phase of a volume or of a claim, or that it is on its way out.
pub(crate) fn phase(object: &Tree) -> &str {
    if meta::is_deleting(object) {
        "Terminating"
    } else {
        object.at("status").text("phase")
    }
}

/// The storage class of a volume or of a claim.
pub(crate) fn class(object: &Tree) -> &str {
    let annotated = meta::annotation(object, CLASS_ANNOTATION);
    annotated.unwrap_or_else(|| object.at("spec").text("storageClassName"))
}

/// A field of the spec, where it is said.
pub(crate) fn or_unset<'o>(object: &'o Tree, field: &str) -> &'o str {
    object.at("spec").at(field).as_str().unwrap_or("<unset>")
}
