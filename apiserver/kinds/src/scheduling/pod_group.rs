//! `PodGroup`: pods that are scheduled together.

use apiserver_api::meta;
use apiserver_api::names::{self, Messages};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{GROUP, template};
use crate::check::immutable_fields;
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, validate_metadata};

const SPEC: &str = "io.k8s.api.scheduling.v1alpha2.PodGroupSpec";

/// The entry of the table.
pub(crate) const POD_GROUP: Kind = Kind {
    group: GROUP,
    kind: "PodGroup",
    plural: "podgroups",
    singular: "podgroup",
    versions: &[Version::stored("v1alpha2", "io.k8s.api.scheduling.v1alpha2.PodGroup")],
    subresources: &[Subresource::STATUS],
    folder: "podgroups",
    rules: &PodGroup,
    ..Kind::PLAIN
};

struct PodGroup;

impl Rules for PodGroup {
    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        object.set("status", Tree::map());
        meta::set_generation(object, 1);
        template::drop_disabled(object.child("spec"), None);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        template::drop_disabled(object.child("spec"), Some(old.at("spec")));
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        let (path, spec) = (Path::of("spec"), object.at("spec"));
        validate_reference(
            &path.field("podGroupTemplateRef"),
            spec.at("podGroupTemplateRef"),
            refusals,
        );
        template::validate_policy(&path.field("schedulingPolicy"), spec.at("schedulingPolicy"), refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let (path, new, old) = (Path::of("spec"), object.at("spec"), old.at("spec"));
        let fields = [
            "podGroupTemplateRef",
            "schedulingPolicy",
            "schedulingConstraints",
            "resourceClaims",
            "disruptionMode",
            "priorityClassName",
            "priority",
        ];
        immutable_fields(&path, SPEC, &fields, new, old, refusals);
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

impl StatusRules for PodGroup {}

/// Checks of which template a group was made.
fn validate_reference(path: &Path<'_>, reference: &Tree, refusals: &mut Refusals) {
    if reference.is_null() {
        return;
    }
    let workload = reference.at("workload");
    if workload.is_null() {
        refusals.invalid(path, "", "must specify one of: `workload`");
        return;
    }
    let path = path.field("workload");
    let mut check = |field: &str, rule: fn(&str) -> Messages| {
        let (path, name) = (path.field(field), workload.text(field));
        if name.is_empty() {
            refusals.required(&path, "");
            return;
        }
        for message in rule(name) {
            refusals.invalid(&path, name, &message);
        }
    };
    check("workloadName", names::dns_subdomain);
    check("podGroupTemplateName", names::dns_label);
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    #[test]
    fn a_template_is_named_with_its_workload() {
        for (reference, refused) in [
            ("null", 0),
            (r#"{"workload":{"workloadName":"w","podGroupTemplateName":"t"}}"#, 0),
            ("{}", 1),
            (r#"{"workload":{}}"#, 2),
            (r#"{"workload":{"workloadName":"w","podGroupTemplateName":"a.b"}}"#, 1),
        ] {
            let mut refusals = Refusals::new();
            super::validate_reference(
                &Path::of("ref"),
                &parse(reference.as_bytes()).unwrap().tree,
                &mut refusals,
            );
            assert_eq!(refusals.len(), refused, "{reference}: {refusals}");
        }
    }
}
