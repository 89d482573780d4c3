//! `MutatingAdmissionPolicyBinding`: where a mutating policy applies, and with which parameters.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{GROUP, policy, selection};
use crate::check::count_generation;
use crate::column::{AGE, NAME};
use crate::kind::{Asked, Conversion, Kind, Rules, Version};

/// The entry of the table.
pub(super) const MUTATING_BINDING: Kind = Kind {
    group: GROUP,
    kind: "MutatingAdmissionPolicyBinding",
    plural: "mutatingadmissionpolicybindings",
    singular: "mutatingadmissionpolicybinding",
    categories: &["api-extensions"],
    namespaced: false,
    versions: &[
        Version {
            name: "v1",
            schema: "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding",
            conversion: Some(Conversion::SAME),
        },
        Version::stored(
            "v1beta1",
            "io.k8s.api.admissionregistration.v1beta1.MutatingAdmissionPolicyBinding",
        ),
        Version {
            name: "v1alpha1",
            schema: "io.k8s.api.admissionregistration.v1alpha1.MutatingAdmissionPolicyBinding",
            conversion: Some(Conversion {
                store: default_action,
                serve: |_| {},
            }),
        },
    ],
    folder: "mutatingadmissionpolicybindings",
    rules: &MutatingBinding,
    columns: &[NAME, policy::POLICY_NAME, policy::PARAM_REF, AGE],
    ..Kind::PLAIN
};

/// The oldest version alone need not say what follows where there are no parameters.
fn default_action(object: &mut Tree) {
    let given = object.child("spec").get_mut("paramRef");
    if let Some(given) = given.filter(|given| !given.is_null()) {
        given.set_default("parameterNotFoundAction", "Deny");
    }
}

struct MutatingBinding;

impl Rules for MutatingBinding {
    fn default(&self, object: &mut Tree) {
        selection::default(object.child("spec"), "matchResources");
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        count_generation(&MUTATING_BINDING, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        policy::validate_binding(object, refusals);
        let path = Path::of("spec");
        let matched = object.at("spec").at("matchResources");
        selection::validate_operations(&path.field("matchResources"), matched, refusals);
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, _old: &Tree, refusals: &mut Refusals) {
        self.validate(asked, object, refusals);
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::time::Time;
    use apiserver_api::tree::{self, Tree};

    use super::{MutatingBinding, default_action};
    use crate::kind::{Asked, Rules};

    #[test]
    fn a_binding_does_not_match_deletions() {
        let text = br#"{"metadata":{"name":"p"},"spec":{"policyName":"p","matchResources":{"matchPolicy":"Exact",
            "namespaceSelector":{},"objectSelector":{},"resourceRules":[{"operations":["DELETE"],"apiGroups":[""],
            "apiVersions":["v1"],"resources":["pods"]}]}}}"#;
        let object = tree::parse(text).unwrap().tree;
        let asked = Asked {
            now: Time::from_unix(0),
            user: &Tree::Null,
        };
        let mut refusals = Refusals::new();
        MutatingBinding.validate(&asked, &object, &mut refusals);
        let expected = r#"spec.matchResources.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE""#;
        assert_eq!(refusals.to_string(), expected);
    }

    #[test]
    fn the_oldest_version_denies_where_parameters_are_missing() {
        let mut object = tree::parse(br#"{"spec":{"paramRef":{"name":"a"}}}"#).unwrap().tree;
        default_action(&mut object);
        assert_eq!(
            object.below(&["spec", "paramRef"]).text("parameterNotFoundAction"),
            "Deny"
        );
    }
}
