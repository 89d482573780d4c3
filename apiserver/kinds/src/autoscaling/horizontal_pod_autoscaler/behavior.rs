//! How fast the number of pods may change.

use apiserver_api::path::Path;
use apiserver_api::quantity::Quantity;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::check::NEGATIVE;

const WINDOW_MAX: i64 = 3600;
const PERIOD_MAX: i64 = 1800;

/// The behavior as the annotation of version 1 has it.
pub(super) const BEHAVIOR: &str = "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior";

fn policy(kind: &str, value: i64) -> Tree {
    let mut policy = Tree::map();
    policy.set("type", kind);
    policy.set("value", value);
    policy.set("periodSeconds", 15_i64);
    policy
}

/// Fills in what a behavior does not say.
pub(super) fn default(behavior: &mut Tree) {
    let up = behavior.child("scaleUp");
    up.set_default("stabilizationWindowSeconds", 0_i64);
    up.set_default("selectPolicy", "Max");
    up.set_default("policies", vec![policy("Pods", 4), policy("Percent", 100)]);
    // How long to wait before scaling down is the controller's to say.
    let down = behavior.child("scaleDown");
    down.set_default("selectPolicy", "Max");
    down.set_default("policies", vec![policy("Percent", 100)]);
}

/// Checks the rules of one direction.
pub(super) fn validate(path: &Path<'_>, rules: &Tree, refusals: &mut Refusals) {
    if let Some(window) = rules.at("stabilizationWindowSeconds").as_int() {
        let path = path.field("stabilizationWindowSeconds");
        if window < 0 {
            refusals.invalid(&path, window, "must be greater than or equal to zero");
        } else if window > WINDOW_MAX {
            refusals.invalid(&path, window, "must be less than or equal to 3600");
        }
    }
    let known = ["Disabled", "Max", "Min"];
    if let Some(select) = rules
        .at("selectPolicy")
        .as_str()
        .filter(|select| !known.contains(select))
    {
        refusals.not_supported(&path.field("selectPolicy"), select, &known);
    }
    let policies_path = path.field("policies");
    if rules.items("policies").is_empty() {
        refusals.required(&policies_path, "must specify at least one Policy");
    }
    for (at, policy) in rules.items("policies").iter().enumerate() {
        validate_policy(&policies_path.index(at), policy, refusals);
    }
    let tolerance = rules.at("tolerance");
    if Quantity::read(tolerance).is_ok_and(|amount| amount.sign().is_lt()) {
        refusals.invalid(&path.field("tolerance"), tolerance, NEGATIVE);
    }
}

fn validate_policy(path: &Path<'_>, policy: &Tree, refusals: &mut Refusals) {
    let (kind, known) = (policy.text("type"), ["Percent", "Pods"]);
    if !known.contains(&kind) {
        refusals.not_supported(&path.field("type"), kind, &known);
    }
    for field in ["value", "periodSeconds"] {
        let value = policy.int(field);
        if value <= 0 {
            refusals.invalid(&path.field(field), value, "must be greater than zero");
        }
    }
    let period = policy.int("periodSeconds");
    if period > PERIOD_MAX {
        refusals.invalid(
            &path.field("periodSeconds"),
            period,
            "must be less than or equal to 1800",
        );
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{Tree, parse};

    #[test]
    fn a_behavior_has_defaults_that_are_fine() {
        let mut behavior = Tree::map();
        super::default(&mut behavior);
        for direction in ["scaleUp", "scaleDown"] {
            let mut refusals = Refusals::new();
            super::validate(&Path::of(direction), behavior.at(direction), &mut refusals);
            assert_eq!(refusals.len(), 0, "{refusals}");
        }
    }

    #[test]
    fn rules_have_their_limits() {
        let policy = r#"{"type":"Pods","value":1,"periodSeconds":1}"#;
        for (rules, refused) in [
            (format!(r#"{{"policies":[{policy}]}}"#), 0),
            ("{}".to_owned(), 1),
            (
                format!(r#"{{"policies":[{policy}],"selectPolicy":"","tolerance":"-1"}}"#),
                2,
            ),
            (
                format!(r#"{{"policies":[{policy}],"stabilizationWindowSeconds":3601}}"#),
                1,
            ),
            (r#"{"policies":[{}]}"#.to_owned(), 3),
            (
                format!(r#"{{"policies":[{}]}}"#, policy.replace("s\":1", "s\":1801")),
                1,
            ),
        ] {
            let mut refusals = Refusals::new();
            super::validate(&Path::of("x"), &parse(rules.as_bytes()).unwrap().tree, &mut refusals);
            assert_eq!(refusals.len(), refused, "{rules}: {refusals}");
        }
    }
}
