//! `NodeSelector`: which nodes are meant by their labels and names.

use apiserver_api::labels::validate_name;
use apiserver_api::names::{label_value, name_is_dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

/// A term as messages show it.
pub(crate) const TERM: &str = "io.k8s.api.core.v1.NodeSelectorTerm";

/// Checks a selector. `lenient` lets values stay that no label can have.
pub(crate) fn validate(path: &Path<'_>, selector: &Tree, lenient: bool, refusals: &mut Refusals) {
    let path = path.field("nodeSelectorTerms");
    let terms = selector.items("nodeSelectorTerms");
    if terms.is_empty() {
        refusals.required(&path, "must have at least one node selector term");
    }
    for (at, term) in terms.iter().enumerate() {
        validate_term(&path.index(at), term, lenient, refusals);
    }
}

/// Checks one of its terms.
pub(crate) fn validate_term(path: &Path<'_>, term: &Tree, lenient: bool, refusals: &mut Refusals) {
    let expressions = path.field("matchExpressions");
    for (at, one) in term.items("matchExpressions").iter().enumerate() {
        validate_expression(&expressions.index(at), one, lenient, refusals);
    }
    let fields = path.field("matchFields");
    for (at, one) in term.items("matchFields").iter().enumerate() {
        validate_field(&fields.index(at), one, refusals);
    }
}

/// Whether a selector has a value that no label can have.
pub(crate) fn has_odd_values(selector: &Tree) -> bool {
    let terms = selector.items("nodeSelectorTerms").iter();
    let mut values = terms
        .flat_map(|term| term.items("matchExpressions"))
        .flat_map(|one| one.items("values"));
    values.any(|value| !label_value(value.as_str().unwrap_or_default()).is_empty())
}

fn validate_expression(path: &Path<'_>, one: &Tree, lenient: bool, refusals: &mut Refusals) {
    let values = one.items("values");
    let at_values = path.field("values");
    match one.text("operator") {
        "In" | "NotIn" if values.is_empty() => {
            refusals.required(&at_values, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            refusals.forbidden(&at_values, detail);
        }
        "Gt" | "Lt" if values.len() != 1 => {
            let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
            refusals.required(&at_values, detail);
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => refusals.invalid(&path.field("operator"), other, "not a valid selector operator"),
    }
    validate_name(&path.field("key"), one.text("key"), refusals);
    for (at, value) in values.iter().enumerate().filter(|_| !lenient) {
        let value = value.as_str().unwrap_or_default();
        for message in label_value(value) {
            refusals.invalid(&at_values.index(at), value, &message);
        }
    }
}

/// A field of nodes: only their name is known.
fn validate_field(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    let values = one.items("values");
    let at_values = path.field("values");
    match one.text("operator") {
        "In" | "NotIn" => {
            if values.len() != 1 {
                let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
                refusals.required(&at_values, detail);
            }
        }
        other => refusals.invalid(&path.field("operator"), other, "not a valid selector operator"),
    }
    let key = one.text("key");
    if key != "metadata.name" {
        refusals.invalid(&path.field("key"), key, "not a valid field selector key");
        return;
    }
    for (at, value) in values.iter().enumerate() {
        let value = value.as_str().unwrap_or_default();
        for message in name_is_dns_subdomain(value, false) {
            refusals.invalid(&at_values.index(at), value, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, has_odd_values, validate};
    use crate::trial::tree;

    #[test]
    fn operators_take_the_values_that_they_need() {
        for (term, count) in [
            (
                r#""matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]"#,
                0,
            ),
            (r#""matchExpressions": [{"key": "a", "operator": "In"}]"#, 1),
            (
                r#""matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]"#,
                1,
            ),
            (
                r#""matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1", "2"]}]"#,
                1,
            ),
            (
                r#""matchExpressions": [{"key": "a b", "operator": "x", "values": ["b c"]}]"#,
                3,
            ),
            (
                r#""matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]"#,
                0,
            ),
            (
                r#""matchFields": [{"key": "metadata.name", "operator": "In", "values": ["B"]}]"#,
                1,
            ),
            (r#""matchFields": [{"key": "a", "operator": "Exists"}]"#, 2),
        ] {
            let selector = tree(&format!(r#"{{"nodeSelectorTerms": [{{{term}}}]}}"#));
            let mut refusals = Refusals::new();
            validate(&Path::of("s"), &selector, false, &mut refusals);
            assert_eq!(refusals.len(), count, "{term}");
        }
        let mut refusals = Refusals::new();
        validate(&Path::of("s"), &tree("{}"), false, &mut refusals);
        assert_eq!(refusals.len(), 1);
    }

    #[test]
    fn odd_values_may_stay_where_they_were() {
        let json =
            r#"{"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b c"]}]}]}"#;
        let mut refusals = Refusals::new();
        validate(&Path::of("s"), &tree(json), true, &mut refusals);
        assert!(refusals.is_empty() && has_odd_values(&tree(json)));
    }

    #[test]
    fn nodes_are_selected_by_labels_and_by_name() {
        for (term, wrong) in [
            (r#"{"matchExpressions":[{"key":"k","operator":"Exists"}]}"#, 0),
            (r#"{"matchExpressions":[{"key":"k","operator":"In"}]}"#, 1),
            (
                r#"{"matchExpressions":[{"key":"k","operator":"Gt","values":["1","2"]}]}"#,
                1,
            ),
            (
                r#"{"matchExpressions":[{"key":"a b","operator":"x","values":["a b"]}]}"#,
                3,
            ),
            (
                r#"{"matchFields":[{"key":"metadata.name","operator":"In","values":["n"]}]}"#,
                0,
            ),
            (r#"{"matchFields":[{"key":"k","operator":"Exists"}]}"#, 2),
        ] {
            let selector = tree(&format!(r#"{{"nodeSelectorTerms":[{term}]}}"#));
            let mut refusals = Refusals::new();
            validate(&Path::of("nodeSelector"), &selector, false, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{term}: {refusals}");
        }
    }
}
