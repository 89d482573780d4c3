//! How evenly pods are spread over a topology.

use std::collections::HashMap;

use apiserver_api::labels::{self, Leniency};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::affinity::{doubled_keys, validate_keys};
use super::scope::{Mistake, Scope};

const ACTIONS: &[&str] = &["DoNotSchedule", "ScheduleAnyway"];
const POLICIES: &[&str] = &["Honor", "Ignore"];
const NOT_POSITIVE: &str = "must be greater than zero";

/// The constraints of a spec.
pub(super) fn validate(path: &Path<'_>, scope: &Scope<'_>, refusals: &mut Refusals) {
    let constraints = scope.spec.items("topologySpreadConstraints");
    // How many of each kind there are from here on.
    let mut left: HashMap<(&str, &str), usize> = HashMap::new();
    for one in constraints {
        *left
            .entry((one.text("topologyKey"), one.text("whenUnsatisfiable")))
            .or_default() += 1;
    }
    for (at, constraint) in constraints.iter().enumerate() {
        let path = path.index(at);
        let skew = constraint.int("maxSkew");
        if skew <= 0 {
            refusals.invalid(&path.field("maxSkew"), skew, NOT_POSITIVE);
        }
        let (key, action) = (constraint.text("topologyKey"), constraint.text("whenUnsatisfiable"));
        if key.is_empty() {
            refusals.required(&path.field("topologyKey"), "can not be empty");
        }
        if !ACTIONS.contains(&action) {
            refusals.not_supported(&path.field("whenUnsatisfiable"), action, ACTIONS);
        }
        let left = left.entry((key, action)).or_default();
        *left -= 1;
        if *left > 0 {
            let shown = format!("{{{key}, {action}}}");
            refusals.duplicate(&path.field("{topologyKey, whenUnsatisfiable}"), &shown);
        }
        validate_domains(&path.field("minDomains"), constraint, refusals);
        for field in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            if let Some(policy) = constraint.at(field).as_str()
                && !POLICIES.contains(&policy)
            {
                refusals.not_supported(&path.field(field), policy, POLICIES);
            }
        }
        let keys = constraint.items("matchLabelKeys");
        let keys_path = path.field("matchLabelKeys");
        validate_keys(&keys_path, keys, constraint, refusals);
        if !scope.options.forgives(Mistake::SpreadKeys) {
            for (at, key) in doubled_keys(keys, constraint.at("labelSelector")) {
                let detail = "exists in both matchLabelKeys and labelSelector";
                refusals.invalid(&keys_path.index(at), key, detail);
            }
        }
        if !scope.options.forgives(Mistake::SpreadSelectors) {
            let selector = constraint.at("labelSelector");
            labels::validate(&path.field("labelSelector"), selector, Leniency::default(), refusals);
        }
    }
}

/// Whether some constraint has a key in its selector and beside it.
pub(super) fn has_doubled_keys(spec: &Tree) -> bool {
    let constraints = spec.items("topologySpreadConstraints").iter();
    constraints
        .filter(|one| one.has("labelSelector"))
        .any(|one| !doubled_keys(one.items("matchLabelKeys"), one.at("labelSelector")).is_empty())
}

fn validate_domains(path: &Path<'_>, constraint: &Tree, refusals: &mut Refusals) {
    let Some(domains) = constraint.at("minDomains").as_int() else {
        return;
    };
    if domains <= 0 {
        refusals.invalid(path, domains, NOT_POSITIVE);
    }
    let action = constraint.text("whenUnsatisfiable");
    if action != "DoNotSchedule" {
        let detail = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
        refusals.invalid(path, domains, &detail);
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate};
    use crate::pod::scope::Scope;
    use crate::pod::testing::{json, words};

    #[test]
    fn a_constraint_says_how_uneven_it_may_be_over_what() {
        let cases = [
            (
                r#"[{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"}]"#,
                "",
            ),
            (
                r#"[{"maxSkew":0,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"}]"#,
                "t[0].maxSkew: Invalid value: 0: must be greater than zero",
            ),
            (
                r#"[{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"ScheduleAnyway","minDomains":1}]"#,
                "t[0].minDomains: Invalid value: 1: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not \
                 ScheduleAnyway",
            ),
            (
                r#"[{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"},
                    {"maxSkew":2,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"}]"#,
                r#"t[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{z, DoNotSchedule}""#,
            ),
        ];
        for (constraints, told) in cases {
            let spec = json(&format!(r#"{{"topologySpreadConstraints":{constraints}}}"#));
            let mut refusals = Refusals::new();
            validate(&Path::of("t"), &Scope::for_tests(&spec), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }
}
