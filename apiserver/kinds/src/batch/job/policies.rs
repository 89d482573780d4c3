//! What a job makes of pods that fail and of those that succeed.

use std::collections::BTreeSet;

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::indexes;
use crate::check::non_negative;
use crate::internal::shown;

const RULES_MAX: usize = 20;
const VALUES_MAX: usize = 255;
const PATTERNS_MAX: usize = 20;
const INDEXES_MAX: usize = 64 << 10;

/// The failure policy as refusals show it.
pub(super) const FAILURE: &str = "io.k8s.api.batch.v1.PodFailurePolicy";

/// The success policy as refusals show it.
pub(super) const SUCCESS: &str = "io.k8s.api.batch.v1.SuccessPolicy";

/// A value that must be one of these, which are told with it where it is missing.
fn validate_choice(path: &Path<'_>, value: &str, known: &[&str], refusals: &mut Refusals) {
    if value.is_empty() {
        let quoted: Vec<String> = known.iter().map(|value| format!("\"{value}\"")).collect();
        refusals.required(path, &format!("valid values: [{}]", quoted.join(" ")));
    } else if !known.contains(&value) {
        refusals.not_supported(path, value, known);
    }
}

/// Checks what happens when pods fail.
pub(super) fn validate_failure(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let (path, rules) = (path.field("rules"), spec.at("podFailurePolicy").items("rules"));
    if rules.len() > RULES_MAX {
        refusals.too_many(&path, rules.len(), RULES_MAX);
    }
    let pod = spec.below(&["template", "spec"]);
    let containers = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|list| pod.items(list));
    let containers: BTreeSet<&str> = containers.map(|container| container.text("name")).collect();
    for (at, rule) in rules.iter().enumerate() {
        validate_failure_rule(&path.index(at), rule, spec, &containers, refusals);
    }
}

fn validate_failure_rule(
    path: &Path<'_>,
    rule: &Tree,
    spec: &Tree,
    containers: &BTreeSet<&str>,
    refusals: &mut Refusals,
) {
    let (action_path, action) = (path.field("action"), rule.text("action"));
    if action != "FailIndex" {
        let known = ["Count", "FailIndex", "FailJob", "Ignore"];
        validate_choice(&action_path, action, &known, refusals);
    } else if !spec.has("backoffLimitPerIndex") {
        refusals.invalid(&action_path, action, "requires the backoffLimitPerIndex to be set");
    }
    let (codes, patterns) = (rule.at("onExitCodes"), rule.items("onPodConditions"));
    if !codes.is_null() {
        validate_exit_codes(&path.field("onExitCodes"), codes, containers, refusals);
    }
    if !patterns.is_empty() {
        validate_patterns(&path.field("onPodConditions"), patterns, refusals);
    }
    let detail = match (codes.is_null(), patterns.is_empty()) {
        (false, false) => "specifying both OnExitCodes and OnPodConditions is not supported",
        (true, true) => "specifying one of OnExitCodes and OnPodConditions is required",
        _ => return,
    };
    refusals.invalid_unseen(path, detail);
}

fn validate_exit_codes(path: &Path<'_>, codes: &Tree, containers: &BTreeSet<&str>, refusals: &mut Refusals) {
    let operator = codes.text("operator");
    validate_choice(&path.field("operator"), operator, &["In", "NotIn"], refusals);
    if let Some(name) = codes
        .at("containerName")
        .as_str()
        .filter(|name| !containers.contains(name))
    {
        let detail = "must be one of the container or initContainer names in the pod template";
        refusals.invalid(&path.field("containerName"), name, detail);
    }
    let (path, values) = (path.field("values"), codes.items("values"));
    if values.is_empty() {
        refusals.invalid(&path, codes.at("values"), "at least one value is required");
    } else if values.len() > VALUES_MAX {
        refusals.too_many(&path, values.len(), VALUES_MAX);
    }
    let values: Vec<i64> = values.iter().map(|value| value.as_int().unwrap_or_default()).collect();
    let mut seen = BTreeSet::new();
    for (at, value) in values.iter().enumerate() {
        if operator == "In" && *value == 0 {
            refusals.invalid(&path.index(at), *value, "must not be 0 for the In operator");
        }
        if !seen.insert(value) {
            refusals.duplicate(&path.index(at), *value);
        }
    }
    if !values.is_sorted() {
        refusals.invalid(&path, codes.at("values"), "must be ordered");
    }
}

fn validate_patterns(path: &Path<'_>, patterns: &[Tree], refusals: &mut Refusals) {
    if patterns.len() > PATTERNS_MAX {
        refusals.too_many(path, patterns.len(), PATTERNS_MAX);
    }
    for (at, pattern) in patterns.iter().enumerate() {
        let (path, kind) = (path.index(at), pattern.text("type"));
        for message in names::qualified_name(kind) {
            refusals.invalid(&path.field("type"), kind, &message);
        }
        let known = ["False", "True", "Unknown"];
        validate_choice(&path.field("status"), pattern.text("status"), &known, refusals);
    }
}

/// Checks when a job has succeeded.
pub(super) fn validate_success(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let policy = spec.at("successPolicy");
    if spec.text("completionMode") != "Indexed" {
        refusals.invalid(path, shown(SUCCESS, policy), "requires indexed completion mode");
        return;
    }
    let (path, rules) = (path.field("rules"), policy.items("rules"));
    if rules.is_empty() {
        let detail = "at least one rules must be specified when the successPolicy is specified";
        refusals.required(&path, detail);
    }
    if rules.len() > RULES_MAX {
        refusals.too_many(&path, rules.len(), RULES_MAX);
    }
    let completions = spec.at("completions").as_int();
    for (at, rule) in rules.iter().enumerate() {
        validate_success_rule(&path.index(at), rule, completions, refusals);
    }
}

/// Upstream does not survive a rule where there are no completions; they are missed anyway, so that such a rule is refused.
fn validate_success_rule(path: &Path<'_>, rule: &Tree, completions: Option<i64>, refusals: &mut Refusals) {
    let (text, count) = (rule.at("succeededIndexes").as_str(), rule.at("succeededCount").as_int());
    if text.is_none() && count.is_none() {
        let detail = "at least one of succeededCount or succeededIndexes must be specified";
        refusals.required(path, detail);
    }
    let mut indexes = 0;
    if let Some(text) = text {
        let path = path.field("succeededIndexes");
        if text.len() > INDEXES_MAX {
            refusals.too_long(&path, INDEXES_MAX);
        }
        match indexes::count(text, completions.unwrap_or_default()) {
            Ok(count) => indexes = count,
            Err(error) => refusals.invalid(&path, text, &format!("error parsing succeededIndexes: {error}")),
        }
    }
    if let Some(count) = count {
        let path = path.field("succeededCount");
        non_negative(&path, count, refusals);
        if let Some(completions) = completions.filter(|completions| count > *completions) {
            let what = "the number of specified completions";
            refusals.invalid(
                &path,
                count,
                &format!("must be less than or equal to {completions} ({what})"),
            );
        }
        if text.is_some() && count > indexes {
            let what = "the number of indexes in the specified succeededIndexes field";
            refusals.invalid(
                &path,
                count,
                &format!("must be less than or equal to {indexes} ({what})"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{Tree, parse};

    fn tree(json: &str) -> Tree {
        parse(json.as_bytes()).unwrap().tree
    }

    #[test]
    fn a_failure_rule_says_what_happens_upon_what() {
        for (rule, refused) in [
            (
                r#"{"action":"Ignore","onPodConditions":[{"type":"X","status":"True"}]}"#,
                0,
            ),
            (
                r#"{"action":"FailJob","onExitCodes":{"operator":"In","values":[1,2]}}"#,
                0,
            ),
            ("{}", 2),
            (
                r#"{"action":"FailIndex","onExitCodes":{"operator":"In","values":[1]}}"#,
                1,
            ),
            (
                r#"{"action":"Count","onExitCodes":{"operator":"In","values":[2,1,0,1]}}"#,
                3,
            ),
            (
                r#"{"action":"Count","onExitCodes":{"containerName":"x","operator":"y"}}"#,
                3,
            ),
            (r#"{"action":"Count","onPodConditions":[{}]}"#, 3),
        ] {
            let spec = tree(&format!(r#"{{"podFailurePolicy":{{"rules":[{rule}]}}}}"#));
            let mut refusals = Refusals::new();
            super::validate_failure(&Path::of("podFailurePolicy"), &spec, &mut refusals);
            assert_eq!(refusals.len(), refused, "{rule}: {refusals}");
        }
    }

    #[test]
    fn a_success_rule_asks_for_what_there_can_be() {
        for (policy, refused) in [
            (r#"{"rules":[{"succeededCount":1}]}"#, 0),
            (r#"{"rules":[{"succeededIndexes":"0-1","succeededCount":2}]}"#, 0),
            ("{}", 1),
            (r#"{"rules":[{}]}"#, 1),
            (r#"{"rules":[{"succeededCount":9}]}"#, 1),
            (r#"{"rules":[{"succeededIndexes":"0","succeededCount":2}]}"#, 1),
            (r#"{"rules":[{"succeededIndexes":"x"}]}"#, 1),
        ] {
            let spec = format!(r#"{{"completionMode":"Indexed","completions":3,"successPolicy":{policy}}}"#);
            let mut refusals = Refusals::new();
            super::validate_success(&Path::of("successPolicy"), &tree(&spec), &mut refusals);
            assert_eq!(refusals.len(), refused, "{policy}: {refusals}");
        }
    }
}
