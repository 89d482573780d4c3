//! Conditions as most kinds have them (`meta/v1.Condition`).

use std::collections::HashSet;

use apiserver_api::labels::validate_name;
use apiserver_api::names::condition_reason;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;

/// The most bytes of a reason.
const REASON_MAX: usize = 1 << 10;
/// The most bytes of a message.
const MESSAGE_MAX: usize = 32 << 10;

/// Checks conditions: of each type one, and each complete.
pub(crate) fn validate_all(path: &Path<'_>, conditions: &[Tree], refusals: &mut Refusals) {
    let mut seen = HashSet::new();
    for (at, condition) in conditions.iter().enumerate() {
        let path = path.index(at);
        let kind = condition.text("type");
        if !seen.insert(kind) {
            refusals.duplicate(&path.field("type"), kind);
        }
        validate(&path, condition, refusals);
    }
}

fn validate(path: &Path<'_>, condition: &Tree, refusals: &mut Refusals) {
    validate_name(&path.field("type"), condition.text("type"), refusals);
    let status = condition.text("status");
    let known = ["False", "True", "Unknown"];
    if !known.contains(&status) {
        refusals.not_supported(&path.field("status"), status, &known);
    }
    let generation = condition.int("observedGeneration");
    if generation < 0 {
        let detail = "must be greater than or equal to zero";
        refusals.invalid(&path.field("observedGeneration"), generation, detail);
    }
    let moment = condition.at("lastTransitionTime").as_str();
    if moment.and_then(|text| Time::parse(text).ok()).is_none_or(Time::is_zero) {
        refusals.required(&path.field("lastTransitionTime"), "");
    }
    let (reason, reason_path) = (condition.text("reason"), path.field("reason"));
    if reason.is_empty() {
        refusals.required(&reason_path, "");
    } else {
        for message in condition_reason(reason) {
            refusals.invalid(&reason_path, reason, &message);
        }
        if reason.len() > REASON_MAX {
            refusals.too_long(&reason_path, REASON_MAX);
        }
    }
    if condition.text("message").len() > MESSAGE_MAX {
        refusals.too_long(&path.field("message"), MESSAGE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree;

    use super::validate_all;

    #[test]
    fn a_condition_has_a_type_a_status_a_reason_and_a_time() {
        for (conditions, expected) in [
            (
                r#"[{"type":"A","status":"True","reason":"R","lastTransitionTime":"2026-01-01T00:00:00Z"}]"#,
                &[][..],
            ),
            (
                r#"[{"type":"A","observedGeneration":-1},{"type":"A","status":"True","reason":"!","lastTransitionTime":"2026-01-01T00:00:00Z"}]"#,
                &[
                    r#"c[0].status: Unsupported value: "": supported values: "False", "True", "Unknown""#,
                    "c[0].observedGeneration: Invalid value: -1: must be greater than or equal to zero",
                    "c[0].lastTransitionTime: Required value",
                    "c[0].reason: Required value",
                    r#"c[1].type: Duplicate value: "A""#,
                    r#"c[1].reason: Invalid value: "!": a condition reason"#,
                ],
            ),
        ] {
            let list = tree::parse(conditions.as_bytes()).unwrap().tree;
            let mut refusals = Refusals::new();
            validate_all(&Path::of("c"), list.as_list().unwrap(), &mut refusals);
            let said: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            assert_eq!(said.len(), expected.len(), "{said:?}");
            for (said, expected) in said.iter().zip(expected) {
                assert!(said.starts_with(expected), "{said}");
            }
        }
    }
}
