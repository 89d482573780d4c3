//! `PodTemplate`: a template of pods, kept for others to use.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::check::count_generation;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};
use crate::pod;
use crate::template_columns::{CONTAINERS, IMAGES, images, names, pairs};

const FIELD: &str = "template";

/// The entry of the table.
pub(crate) const POD_TEMPLATE: Kind = Kind {
    kind: "PodTemplate",
    plural: "podtemplates",
    singular: "podtemplate",
    versions: &[Version::stored("v1", "io.k8s.api.core.v1.PodTemplate")],
    folder: "podtemplates",
    rules: &PodTemplate,
    columns: &[
        NAME,
        Column {
            priority: 0,
            cell: Cell::Is(|object| names(object.at(FIELD))),
            ..CONTAINERS
        },
        Column {
            priority: 0,
            cell: Cell::Is(|object| images(object.at(FIELD))),
            ..IMAGES
        },
        Column {
            name: "Pod Labels",
            words: Words::Text("The labels for the pod template."),
            cell: Cell::Is(|object| pairs(meta::labels(object.at(FIELD)))),
            ..AGE
        },
    ],
    ..Kind::PLAIN
};

struct PodTemplate;

impl Rules for PodTemplate {
    fn default(&self, object: &mut Tree) {
        pod::default_template(object.child(FIELD));
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
        pod::drop_disabled(object.child(FIELD), None);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        pod::drop_disabled(object.child(FIELD), Some(old.at(FIELD)));
        count_generation(&POD_TEMPLATE, object, old, FIELD);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        pod::validate_template(&Path::of(FIELD), object.at(FIELD), refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        pod::validate_template_update(&Path::of(FIELD), object.at(FIELD), old.at(FIELD), refusals);
    }

    fn warnings(&self, object: &Tree, old: Option<&Tree>) -> Vec<String> {
        if old.is_some_and(|old| meta::generation(old) == meta::generation(object)) {
            return Vec::new();
        }
        let old = old.map(|old| old.at(FIELD));
        pod::template_warnings(&Path::of(FIELD), object.at(FIELD), old)
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_api::tree::Tree;

    use super::{POD_TEMPLATE, PodTemplate};
    use crate::kind::{Asked, Rules};
    use crate::pod::testing::json;

    #[test]
    fn the_generation_counts_changes_of_the_template() {
        let user = Tree::Null;
        let now = Time::parse("2026-01-01T00:00:00Z").unwrap();
        let asked = Asked { now, user: &user };
        let mut object = json(
            r#"{"metadata":{"name":"t","namespace":"n","resourceVersion":"1"},
                "template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}"#,
        );
        PodTemplate.default(&mut object);
        assert_eq!(POD_TEMPLATE.create(&asked, &mut object), Ok(Vec::new()));
        let old = object.clone();
        object.child("metadata").set("labels", json(r#"{"a":"b"}"#));
        assert!(POD_TEMPLATE.update(&asked, &mut object, &old).is_ok());
        assert_eq!(object.at("metadata").int("generation"), 1);
        object.child("template").child("spec").set("hostname", "h");
        assert!(POD_TEMPLATE.update(&asked, &mut object, &old).is_ok());
        assert_eq!(object.at("metadata").int("generation"), 2);
    }
}
