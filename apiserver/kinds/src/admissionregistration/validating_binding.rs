//! `ValidatingAdmissionPolicyBinding`: where a validating policy applies, with which parameters, and what follows.

use std::collections::HashSet;

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{GROUP, policy, selection};
use crate::check::count_generation;
use crate::column::{AGE, NAME};
use crate::kind::{Asked, Kind, Rules, Version};

const ACTIONS: &[&str] = &["Audit", "Deny", "Warn"];

/// The entry of the table.
pub(super) const VALIDATING_BINDING: Kind = Kind {
    group: GROUP,
    kind: "ValidatingAdmissionPolicyBinding",
    plural: "validatingadmissionpolicybindings",
    singular: "validatingadmissionpolicybinding",
    categories: &["api-extensions"],
    namespaced: false,
    versions: &[Version::stored(
        "v1",
        "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding",
    )],
    folder: "validatingadmissionpolicybindings",
    rules: &ValidatingBinding,
    columns: &[NAME, policy::POLICY_NAME, policy::PARAM_REF, AGE],
    ..Kind::PLAIN
};

struct ValidatingBinding;

impl Rules for ValidatingBinding {
    fn default(&self, object: &mut Tree) {
        selection::default(object.child("spec"), "matchResources");
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        count_generation(&VALIDATING_BINDING, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        policy::validate_binding(object, refusals);
        let path = Path::of("spec");
        let actions = object.at("spec").items("validationActions");
        validate_actions(&path.field("validationActions"), actions, refusals);
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, _old: &Tree, refusals: &mut Refusals) {
        self.validate(asked, object, refusals);
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

fn validate_actions(path: &Path<'_>, actions: &[Tree], refusals: &mut Refusals) {
    let mut seen = HashSet::new();
    for (at, action) in actions.iter().enumerate() {
        let given = action.as_str().unwrap_or_default();
        if !ACTIONS.contains(&given) {
            refusals.not_supported(&path.index(at), given, ACTIONS);
        }
        if !seen.insert(given) {
            refusals.duplicate(&path.index(at), given);
        }
    }
    let has = |name: &str| actions.iter().any(|action| action.as_str() == Some(name));
    if has("Deny") && has("Warn") {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the \
            API response and headers serves no purpose)";
        refusals.invalid(path, actions, detail);
    }
    if actions.is_empty() {
        refusals.required(path, "at least one validation action is required");
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use super::validate_actions;

    #[test]
    fn actions_are_known_each_once_and_do_not_deny_and_warn() {
        for (actions, expected) in [
            (&["Deny", "Audit"][..], &[][..]),
            (&[], &["a: Required value: at least one validation action is required"]),
            (
                &["x", "x"],
                &[
                    r#"a[0]: Unsupported value: "x": supported values: "Audit", "Deny", "Warn""#,
                    r#"a[1]: Unsupported value: "x": supported values: "Audit", "Deny", "Warn""#,
                    r#"a[1]: Duplicate value: "x""#,
                ],
            ),
            (
                &["Deny", "Warn"],
                &[
                    r#"a: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)"#,
                ],
            ),
        ] {
            let actions: Vec<_> = actions.iter().map(|one| (*one).into()).collect();
            let mut refusals = Refusals::new();
            validate_actions(&Path::of("a"), &actions, &mut refusals);
            let said: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            assert_eq!(said, expected);
        }
    }
}
