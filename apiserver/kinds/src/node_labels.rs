//! Labels of nodes that have newer names, or none any more: who uses them is warned, and may move to the new ones.

use apiserver_api::names::label_value;
use apiserver_api::path::Path;
use apiserver_api::tree::Tree;

/// The old names, what clients are told of them, and the names that some of them became.
const OLD: &[(&str, &str, Option<&str>)] = &[
    ("app.kubernetes.io/created-by", "deprecated since v1.9", None),
    (
        "beta.kubernetes.io/arch",
        r#"deprecated since v1.14; use "kubernetes.io/arch" instead"#,
        Some("kubernetes.io/arch"),
    ),
    (
        "beta.kubernetes.io/instance-type",
        r#"deprecated since v1.17; use "node.kubernetes.io/instance-type" instead"#,
        Some("node.kubernetes.io/instance-type"),
    ),
    (
        "beta.kubernetes.io/os",
        r#"deprecated since v1.14; use "kubernetes.io/os" instead"#,
        Some("kubernetes.io/os"),
    ),
    (
        "failure-domain.beta.kubernetes.io/region",
        r#"deprecated since v1.17; use "topology.kubernetes.io/region" instead"#,
        Some("topology.kubernetes.io/region"),
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        r#"deprecated since v1.17; use "topology.kubernetes.io/zone" instead"#,
        Some("topology.kubernetes.io/zone"),
    ),
    (
        "node-role.kubernetes.io/master",
        r#"use "node-role.kubernetes.io/control-plane" instead"#,
        None,
    ),
    (
        "scheduler.alpha.kubernetes.io/preferAvoidPods",
        "deprecated since v1.22; use Taints and Tolerations instead",
        None,
    ),
];

/// What a client is told of a label, where it is an old one.
pub(crate) fn words(label: &str) -> Option<&'static str> {
    OLD.iter().find(|(old, ..)| *old == label).map(|(_, words, _)| *words)
}

/// What a client is told of the labels in a volume's node selector.
pub(crate) fn warnings(selector: &Tree) -> Vec<String> {
    let (spec, terms) = (Path::of("spec"), selector.items("nodeSelectorTerms"));
    let affinity = spec.field("nodeAffinity");
    let required = affinity.field("required");
    let path = required.field("nodeSelectorTerms");
    let of = |(at, term)| term_warnings(&path.index(at), term, false);
    terms.iter().enumerate().flat_map(of).collect()
}

/// What a client is told of the labels in a term of a node selector; with `values` also of values that no label can
/// have, where they are not refused.
pub(crate) fn term_warnings(path: &Path<'_>, term: &Tree, values: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    let list = path.field("matchExpressions");
    for (at, expression) in term.items("matchExpressions").iter().enumerate() {
        let path = list.index(at);
        warnings.extend(key_warning(&path, expression));
        let at_values = path.field("values");
        for (at, value) in expression.items("values").iter().enumerate().filter(|_| values) {
            let (path, value) = (at_values.index(at), value.as_str().unwrap_or_default());
            let messages = label_value(value);
            warnings.extend(messages.iter().map(|why| format!("{path}: {value} is invalid, {why}")));
        }
    }
    warnings
}

/// What a client is told of the labels in a label selector by which nodes are meant.
pub(crate) fn selector_warnings(path: &Path<'_>, selector: &Tree) -> Vec<String> {
    let list = path.field("matchExpressions");
    let expressions = selector.items("matchExpressions").iter().enumerate();
    let mut warnings: Vec<String> = expressions
        .filter_map(|(at, expression)| key_warning(&list.index(at), expression))
        .collect();
    let path = path.field("matchLabels");
    for key in selector.entries("matchLabels").keys() {
        warnings.extend(words(key).map(|words| format!("{}: {words}", path.field(key))));
    }
    warnings
}

fn key_warning(path: &Path<'_>, expression: &Tree) -> Option<String> {
    let key = expression.text("key");
    words(key).map(|words| format!("{}: {key} is {words}", path.field("key")))
}

/// Whether a node affinity is the old one, but for old names that became new ones.
pub(crate) fn same_but_for_names(new: &Tree, old: &Tree) -> bool {
    let mut renamed = old.clone();
    let new_terms = new.at("required").items("nodeSelectorTerms");
    let terms = renamed
        .get_mut("required")
        .and_then(|required| required.get_mut("nodeSelectorTerms"));
    for (at, term) in terms.and_then(Tree::as_list_mut).into_iter().flatten().enumerate() {
        for list in ["matchExpressions", "matchFields"] {
            let new = new_terms.get(at).map(|term| term.items(list)).unwrap_or_default();
            let expressions = term.get_mut(list).and_then(Tree::as_list_mut);
            for (expression, new) in expressions.into_iter().flatten().zip(new) {
                let became = OLD.iter().find(|(name, ..)| *name == expression.text("key"));
                let key = new.text("key");
                if became.is_some_and(|(.., name)| *name == Some(key)) {
                    expression.set("key", key);
                }
            }
        }
    }
    *new == renamed
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;

    use super::{same_but_for_names, selector_warnings, term_warnings, warnings};
    use crate::trial::tree;

    #[test]
    fn old_names_are_told_and_may_become_new_ones() {
        let with = |key: &str| {
            let term = format!(r#"{{"matchExpressions": [{{"key": "{key}", "operator": "Exists"}}]}}"#);
            tree(&format!(r#"{{"required": {{"nodeSelectorTerms": [{term}]}}}}"#))
        };
        let (old, new, other) = (with("beta.kubernetes.io/os"), with("kubernetes.io/os"), with("a"));
        assert!(same_but_for_names(&new, &old) && same_but_for_names(&old, &old));
        assert!(!same_but_for_names(&other, &old) && !same_but_for_names(&old, &new));
        let told = "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is \
                    deprecated since v1.14; use \"kubernetes.io/os\" instead";
        assert_eq!(warnings(old.at("required")), [told]);
        assert!(warnings(new.at("required")).is_empty());
    }

    #[test]
    fn values_that_no_label_has_are_told_where_they_are_not_refused() {
        let term = tree(
            r#"{"matchExpressions":[{"key":"node-role.kubernetes.io/master","operator":"In","values":["a","-1"]}]}"#,
        );
        let key = "t.matchExpressions[0].key: node-role.kubernetes.io/master is use \
                   \"node-role.kubernetes.io/control-plane\" instead";
        assert_eq!(term_warnings(&Path::of("t"), &term, false), [key]);
        let value = "t.matchExpressions[0].values[1]: -1 is invalid, a valid label must be an empty string or consist \
                     of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character \
                     (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
                     '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
        assert_eq!(term_warnings(&Path::of("t"), &term, true), [key, value]);
    }

    #[test]
    fn labels_of_a_selector_are_told_in_both_halves() {
        let selector = tree(
            r#"{"matchLabels":{"beta.kubernetes.io/os":"linux"},"matchExpressions":[{"key":"beta.kubernetes.io/arch",
                "operator":"Exists"},{"key":"a","operator":"Exists"}]}"#,
        );
        assert_eq!(
            selector_warnings(&Path::of("t"), &selector),
            [
                "t.matchExpressions[0].key: beta.kubernetes.io/arch is deprecated since v1.14; use \
                 \"kubernetes.io/arch\" instead",
                "t.matchLabels.beta.kubernetes.io/os: deprecated since v1.14; use \"kubernetes.io/os\" instead",
            ]
        );
    }
}
