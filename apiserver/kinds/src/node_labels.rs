//! Labels of nodes that have newer names: who uses the old ones is warned, and may move to the new ones.

use apiserver_api::tree::Tree;

/// The old names, what clients are told of them, and the names that some of them became.
const OLD: &[(&str, &str, Option<&str>)] = &[
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
];

/// What a client is told of the labels in a volume's node selector.
pub(crate) fn warnings(selector: &Tree) -> Vec<String> {
    let mut warnings = Vec::new();
    for (term, one) in selector.items("nodeSelectorTerms").iter().enumerate() {
        for (at, expression) in one.items("matchExpressions").iter().enumerate() {
            let key = expression.text("key");
            if let Some((_, words, _)) = OLD.iter().find(|(old, ..)| *old == key) {
                let path = format!("spec.nodeAffinity.required.nodeSelectorTerms[{term}].matchExpressions[{at}].key");
                warnings.push(format!("{path}: {key} is {words}"));
            }
        }
    }
    warnings
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
    use super::{same_but_for_names, warnings};
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
        assert_eq!(warnings(old.at("required")).len(), 1);
        assert!(warnings(new.at("required")).is_empty());
    }
}
