//! Selectors of nodes, by labels and by name.

use apiserver_api::labels::validate_name;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::go_form::{Holds, Part, part};
use crate::text::tell;

const NO_OPERATOR: &str = "not a valid selector operator";

/// A term as messages show it.
pub(super) const TERM: &[Part] = &[
    part("MatchExpressions", "matchExpressions", Holds::List(EXPRESSION)),
    part("MatchFields", "matchFields", Holds::List(EXPRESSION)),
];
const EXPRESSION: &[Part] = &[
    part("Key", "key", Holds::Text),
    part("Operator", "operator", Holds::Text),
    part("Values", "values", Holds::Optional),
];

/// Terms, of which there is at least one.
pub(super) fn validate(path: &Path<'_>, selector: &Tree, refusals: &mut Refusals) {
    let path = path.field("nodeSelectorTerms");
    let terms = selector.items("nodeSelectorTerms");
    if terms.is_empty() {
        refusals.required(&path, "must have at least one node selector term");
    }
    for (at, term) in terms.iter().enumerate() {
        let path = path.index(at);
        let list = path.field("matchExpressions");
        for (at, expression) in term.items("matchExpressions").iter().enumerate() {
            validate_labels(&list.index(at), expression, refusals);
        }
        let list = path.field("matchFields");
        for (at, expression) in term.items("matchFields").iter().enumerate() {
            validate_fields(&list.index(at), expression, refusals);
        }
    }
}

fn validate_labels(path: &Path<'_>, expression: &Tree, refusals: &mut Refusals) {
    let (values, list) = (expression.items("values"), path.field("values"));
    match expression.text("operator") {
        "In" | "NotIn" if values.is_empty() => {
            refusals.required(&list, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            refusals.forbidden(&list, detail);
        }
        "Gt" | "Lt" if values.len() != 1 => {
            let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
            refusals.required(&list, detail);
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => refusals.invalid(&path.field("operator"), other, NO_OPERATOR),
    }
    validate_name(&path.field("key"), expression.text("key"), refusals);
    for (at, value) in values.iter().enumerate() {
        let value = value.as_str().unwrap_or_default();
        tell(&list.index(at), value, names::label_value(value), refusals);
    }
}

/// Of the fields of nodes only the name can be asked for.
fn validate_fields(path: &Path<'_>, expression: &Tree, refusals: &mut Refusals) {
    let (values, list) = (expression.items("values"), path.field("values"));
    match expression.text("operator") {
        "In" | "NotIn" if values.len() != 1 => {
            let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            refusals.required(&list, detail);
        }
        "In" | "NotIn" => {}
        other => refusals.invalid(&path.field("operator"), other, NO_OPERATOR),
    }
    let key = expression.text("key");
    if key != "metadata.name" {
        return refusals.invalid(&path.field("key"), key, "not a valid field selector key");
    }
    for (at, value) in values.iter().enumerate() {
        let value = value.as_str().unwrap_or_default();
        tell(&list.index(at), value, names::dns_subdomain(value), refusals);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use crate::trial::tree;

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
            super::validate(&Path::of("nodeSelector"), &selector, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{term}: {refusals}");
        }
    }
}
