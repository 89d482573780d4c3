//! The conditions that must be met, or must not, before pods are bound to devices.

use std::collections::BTreeSet;

use apiserver_api::labels::validate_name;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::list::{each, unique};

const MOST: usize = 4;

/// Conditions for success and for failure, both or none, and none in both.
pub(super) fn validate(path: &Path<'_>, device: &Tree, refusals: &mut Refusals) {
    let (met_path, failed_path) = (path.field("bindingConditions"), path.field("bindingFailureConditions"));
    let (met, failed) = (
        device.items("bindingConditions"),
        device.items("bindingFailureConditions"),
    );
    for (path, conditions) in [(&met_path, met), (&failed_path, failed)] {
        each(path, conditions, MOST, refusals, |path, condition, refusals| {
            validate_name(path, condition.as_str().unwrap_or_default(), refusals);
        });
    }
    unique(&met_path, met.iter().filter_map(Tree::as_str), refusals);
    let known: BTreeSet<&str> = met.iter().filter_map(Tree::as_str).collect();
    let mut seen = BTreeSet::new();
    for (at, condition) in failed.iter().filter_map(Tree::as_str).enumerate() {
        if !seen.insert(condition) {
            refusals.duplicate(&failed_path.index(at), condition);
        }
        if known.contains(condition) {
            let detail = "bindingFailureConditions must not overlap with bindingConditions";
            refusals.invalid(&failed_path.index(at), condition, detail);
        }
    }
    if met.is_empty() && !failed.is_empty() {
        let detail = "bindingConditions are required to use bindingFailureConditions";
        refusals.invalid(&met_path, &Tree::Null, detail);
    }
    if failed.is_empty() && !met.is_empty() {
        let detail = "bindingFailureConditions are required to use bindingConditions";
        refusals.invalid(&failed_path, &Tree::Null, detail);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use crate::trial::tree;

    #[test]
    fn success_and_failure_are_told_apart() {
        for (met, failed, wrong) in [
            ("[]", "[]", 0),
            (r#"["a"]"#, r#"["b"]"#, 0),
            (r#"["a"]"#, r#"["a"]"#, 1),
            (r#"["a","a"]"#, "[]", 2),
            ("[]", r#"["a b"]"#, 2),
            (r#"["a","b","c","d","e"]"#, r#"["x"]"#, 1),
        ] {
            let device = format!(r#"{{"bindingConditions":{met},"bindingFailureConditions":{failed}}}"#);
            let mut refusals = Refusals::new();
            super::validate(&Path::of("device"), &tree(&device), &mut refusals);
            assert_eq!(refusals.len(), wrong, "{device}: {refusals}");
        }
    }
}
