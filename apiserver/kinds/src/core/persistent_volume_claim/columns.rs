//! What a table shows of claims.

use apiserver_api::tree::Tree;

use crate::amounts::amount;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::access_modes::short;
use crate::core::persistent_volume::columns::{class, or_unset, phase};

const SPEC: &str = "io.k8s.api.core.v1.PersistentVolumeClaimSpec";
const STATUS: &str = "io.k8s.api.core.v1.PersistentVolumeClaimStatus";

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
        name: "Status",
        words: Words::Of(STATUS, "phase"),
        cell: Cell::Is(|object| phase(object).into()),
        ..TEXT
    },
    Column {
        name: "Volume",
        words: Words::Of(SPEC, "volumeName"),
        cell: Cell::Is(|object| object.at("spec").text("volumeName").into()),
        ..TEXT
    },
    Column {
        name: "Capacity",
        words: Words::Of(STATUS, "capacity"),
        cell: Cell::Is(|object| capacity(object).into()),
        ..TEXT
    },
    Column {
        name: "Access Modes",
        words: Words::Of(STATUS, "accessModes"),
        cell: Cell::Is(|object| modes(object).into()),
        ..TEXT
    },
    Column {
        name: "StorageClass",
        words: Words::Text("StorageClass of the pvc"),
        cell: Cell::Is(|object| class(object).into()),
        ..TEXT
    },
    Column {
        name: "VolumeAttributesClass",
        words: Words::Text("VolumeAttributesClass of the pvc"),
        cell: Cell::Is(|object| or_unset(object, "volumeAttributesClassName").into()),
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

fn has_volume(object: &Tree) -> bool {
    !object.at("spec").text("volumeName").is_empty()
}

fn capacity(object: &Tree) -> String {
    if has_volume(object) {
        amount(object.at("status").at("capacity").at("storage")).to_string()
    } else {
        String::new()
    }
}

fn modes(object: &Tree) -> String {
    if has_volume(object) {
        short(object.at("status").items("accessModes"))
    } else {
        String::new()
    }
}
