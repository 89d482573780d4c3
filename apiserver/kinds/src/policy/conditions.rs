//! Conditions of the type that newer kinds share (`metav1.Condition`).

use std::collections::BTreeSet;

use apiserver_api::labels;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

const STATES: &[&str] = &["False", "True", "Unknown"];
const REASON_MAX: usize = 1 << 10;
const MESSAGE_MAX: usize = 32 << 10;

/// Checks conditions, of which each type stands once.
pub(super) fn validate(path: &Path<'_>, conditions: &[Tree], refusals: &mut Refusals) {
    let mut seen = BTreeSet::new();
    for (at, condition) in conditions.iter().enumerate() {
        let path = path.index(at);
        let kind = condition.text("type");
        if !seen.insert(kind) {
            refusals.duplicate(&path.field("type"), kind);
        }
        labels::validate_name(&path.field("type"), kind, refusals);
        let state = condition.text("status");
        if !STATES.contains(&state) {
            refusals.not_supported(&path.field("status"), state, STATES);
        }
        let observed = condition.int("observedGeneration");
        if observed < 0 {
            let detail = "must be greater than or equal to zero";
            refusals.invalid(&path.field("observedGeneration"), observed, detail);
        }
        if !condition.has("lastTransitionTime") {
            refusals.required(&path.field("lastTransitionTime"), "");
        }
        validate_words(&path, condition, refusals);
    }
}

fn validate_words(path: &Path<'_>, condition: &Tree, refusals: &mut Refusals) {
    let (reason_path, reason) = (path.field("reason"), condition.text("reason"));
    if reason.is_empty() {
        refusals.required(&reason_path, "");
    } else {
        for message in names::condition_reason(reason) {
            refusals.invalid(&reason_path, reason, &message);
        }
    }
    for (field, most) in [("reason", REASON_MAX), ("message", MESSAGE_MAX)] {
        if condition.text(field).len() > most {
            refusals.too_long(&path.field(field), most);
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    #[test]
    fn a_condition_says_what_when_and_why() {
        let fine = r#"{"type":"X","status":"True","reason":"Why","lastTransitionTime":"2026-01-01T00:00:00Z"}"#;
        for (conditions, refused) in [
            (format!("[{fine}]"), 0),
            (format!("[{fine},{fine}]"), 1),
            ("[{}]".to_owned(), 5),
            (format!("[{}]", fine.replace("Why", "a b")), 1),
            (format!("[{}]", fine.replace("True", "true")), 1),
        ] {
            let tree = parse(conditions.as_bytes()).unwrap().tree;
            let mut refusals = Refusals::new();
            super::validate(&Path::of("conditions"), tree.as_list().unwrap(), &mut refusals);
            assert_eq!(refusals.len(), refused, "{conditions}: {refusals}");
        }
    }
}
