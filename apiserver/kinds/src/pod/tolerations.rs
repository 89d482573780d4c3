//! Which taints of nodes a pod bears, and what holds back its scheduling.

use std::collections::BTreeSet;

use apiserver_api::labels;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::text::tell;

pub(crate) const EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Tolerations (`ValidateTolerations`).
pub(crate) fn validate(path: &Path<'_>, tolerations: &[Tree], refusals: &mut Refusals) {
    for (at, toleration) in tolerations.iter().enumerate() {
        let path = path.index(at);
        let key = toleration.text("key");
        let operator = toleration.text("operator");
        let operator_path = path.field("operator");
        if !key.is_empty() {
            labels::validate_name(&path.field("key"), key, refusals);
        } else if operator != "Exists" {
            let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            refusals.invalid(&operator_path, operator, detail);
        }
        let effect = toleration.text("effect");
        if toleration.has("tolerationSeconds") && effect != "NoExecute" {
            let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            refusals.invalid(&path.field("effect"), effect, detail);
        }
        let value = toleration.text("value");
        match operator {
            "Equal" | "" => {
                let messages = names::label_value(value);
                if !messages.is_empty() {
                    refusals.invalid(&operator_path, value, &messages.join(";"));
                }
            }
            "Exists" if !value.is_empty() => {
                let detail = "value must be empty when `operator` is 'Exists'";
                refusals.invalid(&operator_path, value, detail);
            }
            "Exists" => {}
            // These two are behind a gate that is off, and named all the same.
            "Lt" | "Gt" => refusals.not_supported(&operator_path, operator, &["Equal", "Exists", "Lt", "Gt"]),
            other => refusals.not_supported(&operator_path, other, &["Equal", "Exists"]),
        }
        if !effect.is_empty() && !EFFECTS.contains(&effect) {
            refusals.not_supported(&path.field("effect"), effect, EFFECTS);
        }
    }
}

/// What must come off before a pod is scheduled.
pub(super) fn validate_gates(path: &Path<'_>, gates: &[Tree], refusals: &mut Refusals) {
    let mut seen = BTreeSet::new();
    for (at, gate) in gates.iter().enumerate() {
        let name = gate.text("name");
        tell(&path.index(at), name, names::qualified_name(name), refusals);
        if !seen.insert(name) {
            refusals.duplicate(&path.index(at), name);
        }
    }
}

/// What else must be true before a pod is ready.
pub(super) fn validate_readiness(path: &Path<'_>, gates: &[Tree], refusals: &mut Refusals) {
    for (at, gate) in gates.iter().enumerate() {
        let condition = gate.text("conditionType");
        let path = path.index(at);
        tell(
            &path.field("conditionType"),
            condition,
            names::qualified_name(condition),
            refusals,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate, validate_gates, validate_readiness};
    use crate::pod::testing::{json, words};

    #[test]
    fn a_toleration_names_a_taint() {
        let cases = [
            (r#"[{"operator":"Exists"}]"#, ""),
            (r#"[{"key":"k","value":"v","effect":"NoSchedule"}]"#, ""),
            (
                "[{}]",
                "t[0].operator: Invalid value: \"\": operator must be Exists when `key` is empty, which means \"match \
                 all values and all keys\"",
            ),
            (
                r#"[{"key":"k","operator":"Exists","value":"v"}]"#,
                r#"t[0].operator: Invalid value: "v": value must be empty when `operator` is 'Exists'"#,
            ),
            (
                r#"[{"key":"k","tolerationSeconds":1}]"#,
                "t[0].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set",
            ),
            (
                r#"[{"key":"k","operator":"Gt"}]"#,
                r#"t[0].operator: Unsupported value: "Gt": supported values: "Equal", "Exists", "Lt", "Gt""#,
            ),
        ];
        for (tolerations, told) in cases {
            let mut refusals = Refusals::new();
            validate(&Path::of("t"), json(tolerations).as_list().unwrap(), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }

    #[test]
    fn gates_have_names_and_stand_once() {
        let mut refusals = Refusals::new();
        let gates = json(r#"[{"name":"e.com/x"},{"name":"e.com/x"},{"name":"-"}]"#);
        validate_gates(&Path::of("g"), gates.as_list().unwrap(), &mut refusals);
        assert_eq!(refusals.len(), 2);
        validate_readiness(
            &Path::of("r"),
            json(r#"[{"conditionType":"a b"}]"#).as_list().unwrap(),
            &mut refusals,
        );
        assert_eq!(refusals.len(), 3);
    }
}
