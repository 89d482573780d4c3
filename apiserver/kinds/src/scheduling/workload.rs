//! `Workload`: the templates of the pod groups that a controller makes.

use std::collections::BTreeSet;

use apiserver_api::meta;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{GROUP, template};
use crate::check::immutable_fields;
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};

const TEMPLATES_MAX: usize = 8;

const SPEC: &str = "io.k8s.api.scheduling.v1alpha2.WorkloadSpec";

/// The entry of the table.
pub(crate) const WORKLOAD: Kind = Kind {
    group: GROUP,
    kind: "Workload",
    plural: "workloads",
    singular: "workload",
    versions: &[Version::stored("v1alpha2", "io.k8s.api.scheduling.v1alpha2.Workload")],
    folder: "workloads",
    rules: &Workload,
    ..Kind::PLAIN
};

struct Workload;

impl Rules for Workload {
    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
        drop_disabled(object, None);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        drop_disabled(object, Some(old));
        crate::check::count_generation(&WORKLOAD, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        let (path, spec) = (Path::of("spec"), object.at("spec"));
        validate_controller(&path.field("controllerRef"), spec.at("controllerRef"), refusals);
        validate_templates(
            &path.field("podGroupTemplates"),
            spec.items("podGroupTemplates"),
            refusals,
        );
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let (path, new, old) = (Path::of("spec"), object.at("spec"), old.at("spec"));
        immutable_fields(&path, SPEC, &["controllerRef", "podGroupTemplates"], new, old, refusals);
    }
}

/// Clears what this version does not do yet in templates, which are told apart by their names.
fn drop_disabled(object: &mut Tree, old: Option<&Tree>) {
    let old = old
        .map(|old| old.at("spec").items("podGroupTemplates"))
        .unwrap_or_default();
    let templates = object
        .child("spec")
        .get_mut("podGroupTemplates")
        .and_then(Tree::as_list_mut);
    for one in templates.into_iter().flatten() {
        let before = old.iter().find(|other| other.text("name") == one.text("name"));
        template::drop_disabled(one, before);
    }
}

fn validate_controller(path: &Path<'_>, controller: &Tree, refusals: &mut Refusals) {
    if controller.is_null() {
        return;
    }
    let group = controller.text("apiGroup");
    if !group.is_empty() {
        for message in names::dns_subdomain(group) {
            refusals.invalid(&path.field("apiGroup"), group, &message);
        }
    }
    for field in ["kind", "name"] {
        let (path, value) = (path.field(field), controller.text(field));
        if value.is_empty() {
            refusals.required(&path, "");
        }
        for message in names::path_segment(value) {
            refusals.invalid(&path, value, &message);
        }
    }
}

fn validate_templates(path: &Path<'_>, templates: &[Tree], refusals: &mut Refusals) {
    if templates.is_empty() {
        refusals.required(path, "");
    } else if templates.len() > TEMPLATES_MAX {
        refusals.too_many(path, templates.len(), TEMPLATES_MAX);
        return;
    }
    let mut seen = BTreeSet::new();
    for (at, one) in templates.iter().enumerate() {
        let (path, name) = (path.index(at), one.text("name"));
        if name.is_empty() {
            refusals.required(&path.field("name"), "");
        } else {
            for message in names::dns_label(name) {
                refusals.invalid(&path.field("name"), name, &message);
            }
        }
        if !seen.insert(name) {
            refusals.duplicate(&path, name);
        }
        template::validate_policy(&path.field("schedulingPolicy"), one.at("schedulingPolicy"), refusals);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    #[test]
    fn templates_are_few_and_have_names() {
        let fine = r#"{"name":"a","schedulingPolicy":{"basic":{}}}"#;
        for (templates, refused) in [
            (format!("[{fine}]"), 0),
            ("[]".to_owned(), 1),
            (format!("[{fine},{fine}]"), 1),
            (format!("[{}]", fine.replace("\"a\"", "\"A\"")), 1),
            (format!("[{}]", [fine; 9].join(",")), 1),
        ] {
            let tree = parse(templates.as_bytes()).unwrap().tree;
            let mut refusals = Refusals::new();
            super::validate_templates(&Path::of("templates"), tree.as_list().unwrap(), &mut refusals);
            assert_eq!(refusals.len(), refused, "{templates}: {refusals}");
        }
    }

    #[test]
    fn a_controller_is_named_with_its_kind() {
        for (controller, refused) in [
            ("null", 0),
            (r#"{"apiGroup":"apps","kind":"Deployment","name":"x"}"#, 0),
            ("{}", 2),
            (r#"{"apiGroup":"A","kind":"a/b","name":"x"}"#, 2),
        ] {
            let tree = parse(controller.as_bytes()).unwrap().tree;
            let mut refusals = Refusals::new();
            super::validate_controller(&Path::of("ref"), &tree, &mut refusals);
            assert_eq!(refusals.len(), refused, "{controller}: {refusals}");
        }
    }
}
