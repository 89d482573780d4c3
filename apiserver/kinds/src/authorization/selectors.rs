//! The selectors of a list or a watch that a question is about.

use apiserver_api::labels::{Leniency, validate_requirement};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

/// What newer clients ask may have operators that are not known here.
const ANY_OPERATOR: Leniency = Leniency {
    operators: true,
    values: false,
};

/// Checks a requirement.
type Rule = fn(&Path<'_>, &Tree, &mut Refusals);

/// The two selectors of resource attributes.
pub(super) fn validate(path: &Path<'_>, attributes: &Tree, refusals: &mut Refusals) {
    let rules: [(&str, Rule); 2] = [
        ("fieldSelector", validate_field),
        ("labelSelector", |path, requirement, refusals| {
            validate_requirement(path, requirement, ANY_OPERATOR, refusals);
        }),
    ];
    for (field, rule) in rules {
        let selector = attributes.at(field);
        if selector.is_null() {
            continue;
        }
        let path = path.field(field);
        let (raw, requirements) = (selector.text("rawSelector"), selector.items("requirements"));
        let list = path.field("requirements");
        if !raw.is_empty() && !requirements.is_empty() {
            let detail = "may not specified at the same time as requirements";
            refusals.invalid(&path.field("rawSelector"), raw, detail);
        }
        if raw.is_empty() && requirements.is_empty() {
            let detail = format!("when {path} is specified, requirements or rawSelector is required");
            refusals.required(&list, &detail);
        }
        for (at, requirement) in requirements.iter().enumerate() {
            rule(&list.index(at), requirement, refusals);
        }
    }
}

fn validate_field(path: &Path<'_>, requirement: &Tree, refusals: &mut Refusals) {
    if requirement.text("key").is_empty() {
        refusals.required(&path.field("key"), "must be specified");
    }
    let empty = requirement.items("values").is_empty();
    let path = path.field("values");
    match requirement.text("operator") {
        "In" | "NotIn" if empty => {
            refusals.required(&path, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !empty => {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            refusals.forbidden(&path, detail);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use crate::trial::tree;

    #[test]
    fn a_selector_is_raw_or_made_of_requirements() {
        for (selector, fields, labels) in [
            ("{}", 1, 1),
            (r#"{"rawSelector":"a=b"}"#, 0, 0),
            (r#"{"requirements":[{"key":"k","operator":"Exists"}]}"#, 0, 0),
            (r#"{"requirements":[{"key":"k","operator":"New"}]}"#, 0, 0),
            (r#"{"requirements":[{"key":"a b","operator":"In"}]}"#, 1, 2),
            (
                r#"{"requirements":[{"key":"k","operator":"Exists","values":["v"]}]}"#,
                1,
                1,
            ),
            (r#"{"rawSelector":"a","requirements":[{"key":"","operator":""}]}"#, 2, 3),
        ] {
            for (field, wrong) in [("fieldSelector", fields), ("labelSelector", labels)] {
                let attributes = tree(&format!(r#"{{"{field}":{selector}}}"#));
                let mut refusals = Refusals::new();
                super::validate(&Path::of("spec"), &attributes, &mut refusals);
                assert_eq!(refusals.len(), wrong, "{field} {selector}: {refusals}");
            }
        }
    }
}
