//! Which requests are meant: operations, groups, versions, resources and scope.

use std::collections::HashSet;

use apiserver_api::names::path_segment;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::supported;

const OPERATIONS: &[&str] = &["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES: &[&str] = &["*", "Cluster", "Namespaced"];

/// Fills in the scope of each rule.
pub(super) fn default_scopes(object: &mut Tree, field: &str) {
    for rule in object.get_mut(field).and_then(Tree::as_list_mut).into_iter().flatten() {
        rule.set_default("scope", "*");
    }
}

fn has_wildcard(items: &[Tree]) -> bool {
    items.iter().any(|item| item.as_str() == Some("*"))
}

/// Checks a rule.
pub(super) fn validate(path: &Path<'_>, rule: &Tree, refusals: &mut Refusals) {
    validate_list(
        &path.field("operations"),
        rule.items("operations"),
        "operations",
        refusals,
    );
    for (at, operation) in rule.items("operations").iter().enumerate() {
        let operation = operation.as_str().unwrap_or_default();
        if !OPERATIONS.contains(&operation) {
            refusals.not_supported(&path.field("operations").index(at), operation, OPERATIONS);
        }
    }
    validate_list(
        &path.field("apiGroups"),
        rule.items("apiGroups"),
        "API groups",
        refusals,
    );
    let versions_path = path.field("apiVersions");
    validate_list(&versions_path, rule.items("apiVersions"), "API versions", refusals);
    for (at, version) in rule.items("apiVersions").iter().enumerate() {
        if version.is_zero() {
            refusals.required(&versions_path.index(at), "");
        }
    }
    validate_resources(&path.field("resources"), rule.items("resources"), refusals);
    supported(path, rule, "scope", SCOPES, refusals);
}

/// A list that has items, and none beside the wildcard.
fn validate_list(path: &Path<'_>, items: &[Tree], others: &str, refusals: &mut Refusals) {
    if items.is_empty() {
        refusals.required(path, "");
    }
    if items.len() > 1 && has_wildcard(items) {
        refusals.invalid(
            path,
            items,
            &format!("if '*' is present, must not specify other {others}"),
        );
    }
}

fn validate_resources(path: &Path<'_>, resources: &[Tree], refusals: &mut Refusals) {
    if resources.is_empty() {
        refusals.required(path, "");
    }
    let (mut all_below, mut all_above) = (HashSet::new(), HashSet::new());
    let (mut everything, mut any, mut plain) = (false, false, false);
    for (at, given) in resources.iter().enumerate() {
        let given = given.as_str().unwrap_or_default();
        if given.is_empty() {
            refusals.required(&path.index(at), "");
            continue;
        }
        everything |= given == "*/*";
        any |= given == "*";
        let Some((resource, below)) = given.split_once('/') else {
            // As upstream: the last one without a slash decides.
            plain = given != "*";
            continue;
        };
        if all_below.contains(resource) {
            let detail = format!("if '{resource}/*' is present, must not specify {given}");
            refusals.invalid(&path.index(at), given, &detail);
        }
        if all_above.contains(below) {
            let detail = format!("if '*/{below}' is present, must not specify {given}");
            refusals.invalid(&path.index(at), given, &detail);
        }
        if below == "*" {
            all_below.insert(resource);
        }
        if resource == "*" {
            all_above.insert(below);
        }
    }
    if resources.len() > 1 && everything {
        let detail = "if '*/*' is present, must not specify other resources";
        refusals.invalid(path, resources, detail);
    }
    if any && plain {
        let detail = "if '*' is present, must not specify other resources without subresources";
        refusals.invalid(path, resources, detail);
    }
}

/// Checks a rule that may name objects too.
pub(super) fn validate_named(path: &Path<'_>, rule: &Tree, refusals: &mut Refusals) {
    let mut seen = HashSet::new();
    for (at, name) in rule.items("resourceNames").iter().enumerate() {
        let path = path.field("resourceNames");
        let path = path.index(at);
        let given = name.as_str().unwrap_or_default();
        for message in path_segment(given) {
            refusals.invalid(&path, given, &message);
        }
        if !seen.insert(given) {
            refusals.duplicate(&path, given);
        }
    }
    validate(path, rule, refusals);
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree;

    use super::{validate, validate_named};

    fn said(rule: &str, named: bool) -> Vec<String> {
        let rule = tree::parse(rule.as_bytes()).unwrap().tree;
        let mut refusals = Refusals::new();
        let check = if named { validate_named } else { validate };
        check(&Path::of("r"), &rule, &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    fn with(field: &str, value: &str) -> Vec<String> {
        let plain = [
            ("operations", r#"["CREATE"]"#),
            ("apiGroups", r#"[""]"#),
            ("apiVersions", r#"["v1"]"#),
            ("resources", r#"["pods"]"#),
            ("scope", r#""*""#),
        ];
        let rest = plain.iter().filter(|(name, _)| *name != field);
        let mut parts: Vec<String> = rest.map(|(name, value)| format!("\"{name}\":{value}")).collect();
        parts.push(format!("\"{field}\":{value}"));
        said(&format!("{{{}}}", parts.join(",")), true)
    }

    #[test]
    fn a_rule_names_operations_groups_versions_and_resources() {
        let required = |field: &str| format!("r.{field}: Required value");
        let all = ["operations", "apiGroups", "apiVersions", "resources"].map(required);
        assert_eq!(said("{}", false), all);
        assert!(with("scope", r#""Cluster""#).is_empty());
    }

    #[test]
    fn wildcards_stand_alone_and_values_are_known() {
        for (field, value, expected) in [
            (
                "operations",
                r#"["*","CREATE"]"#,
                r#"r.operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations"#,
            ),
            (
                "operations",
                r#"["GET"]"#,
                r#"r.operations[0]: Unsupported value: "GET": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE""#,
            ),
            (
                "apiGroups",
                r#"["*","a"]"#,
                r#"r.apiGroups: Invalid value: ["*","a"]: if '*' is present, must not specify other API groups"#,
            ),
            ("apiVersions", r#"[""]"#, "r.apiVersions[0]: Required value"),
            (
                "resources",
                r#"["pods/*","pods/log"]"#,
                r#"r.resources[1]: Invalid value: "pods/log": if 'pods/*' is present, must not specify pods/log"#,
            ),
            (
                "resources",
                r#"["*/log","pods/log"]"#,
                r#"r.resources[1]: Invalid value: "pods/log": if '*/log' is present, must not specify pods/log"#,
            ),
            (
                "resources",
                r#"["*/*","a"]"#,
                r#"r.resources: Invalid value: ["*/*","a"]: if '*/*' is present, must not specify other resources"#,
            ),
            (
                "resources",
                r#"["*","a"]"#,
                r#"r.resources: Invalid value: ["*","a"]: if '*' is present, must not specify other resources without subresources"#,
            ),
            (
                "scope",
                r#""""#,
                r#"r.scope: Unsupported value: "": supported values: "*", "Cluster", "Namespaced""#,
            ),
            (
                "resourceNames",
                r#"["a","a"]"#,
                r#"r.resourceNames[1]: Duplicate value: "a""#,
            ),
            (
                "resourceNames",
                r#"["a/b"]"#,
                r#"r.resourceNames[0]: Invalid value: "a/b": may not contain '/'"#,
            ),
        ] {
            assert_eq!(with(field, value), [expected], "{field} {value}");
        }
    }
}
