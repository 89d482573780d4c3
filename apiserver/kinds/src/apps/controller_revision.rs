//! `ControllerRevision`: what a controller wanted at some time, kept so that it can go back.

use apiserver_api::gvk::GroupVersionKind;
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::check::{immutable, non_negative};
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};

const TYPE: &str = "io.k8s.api.apps.v1.ControllerRevision";

/// The entry of the table.
pub(crate) const CONTROLLER_REVISION: Kind = Kind {
    group: GROUP,
    kind: "ControllerRevision",
    plural: "controllerrevisions",
    singular: "controllerrevision",
    versions: &[Version::stored("v1", TYPE)],
    folder: "controllerrevisions",
    rules: &ControllerRevision,
    columns: &[
        NAME,
        Column {
            name: "Controller",
            words: Words::Text("Controller of the object"),
            cell: Cell::Is(|object| {
                meta::controller(object)
                    .map_or_else(|| "<none>".to_owned(), shown_owner)
                    .into()
            }),
            ..AGE
        },
        Column {
            name: "Revision",
            words: Words::Of(TYPE, "revision"),
            cell: Cell::Is(|object| object.int("revision").into()),
            ..AGE
        },
        AGE,
    ],
    ..Kind::PLAIN
};

/// An owner as tables show it: `statefulset.apps/web`.
fn shown_owner(owner: &Tree) -> String {
    let id = GroupVersionKind::of(owner.text("apiVersion"), owner.text("kind"));
    let dot = if id.group.is_empty() { "" } else { "." };
    let name = owner.text("name");
    match id.kind.to_lowercase() {
        kind if kind.is_empty() => name.to_owned(),
        kind => format!("{kind}{dot}{}/{name}", id.group.to_lowercase()),
    }
}

struct ControllerRevision;

impl Rules for ControllerRevision {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        match object.at("data") {
            Tree::Null => refusals.required(&Path::of("data"), "data is mandatory"),
            Tree::Map(_) => {}
            _ => refusals.required(&Path::of("data"), "data must be a valid JSON object"),
        }
        non_negative(&Path::of("revision"), object.int("revision"), refusals);
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        self.validate(asked, object, refusals);
        immutable(&Path::of("data"), object.at("data"), old.at("data"), refusals);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;

    #[test]
    fn a_controller_is_shown_with_its_group() {
        for (owner, shown) in [
            (
                r#"{"apiVersion":"apps/v1","kind":"StatefulSet","name":"w"}"#,
                "statefulset.apps/w",
            ),
            (r#"{"apiVersion":"v1","kind":"Pod","name":"p"}"#, "pod/p"),
        ] {
            assert_eq!(super::shown_owner(&parse(owner.as_bytes()).unwrap().tree), shown);
        }
    }
}
