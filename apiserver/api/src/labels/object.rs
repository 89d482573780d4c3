//! The object form of label selectors: `matchLabels` and `matchExpressions`.

use super::{Error, Operator, Requirement, Selector};
use crate::go::quote;
use crate::names;
use crate::path::Path;
use crate::refusal::Refusals;
use crate::tree::{Map, Text, Tree};

/// What a selector may have that it should not, since objects of old have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leniency {
    /// Values that no label can have (`AllowInvalidLabelValueInSelector`).
    pub values: bool,
    /// Operators that mean nothing here (`AllowUnknownOperatorInRequirement`).
    pub operators: bool,
}

pub(super) fn read(selector: &Tree) -> Result<Selector, Error> {
    if selector.is_null() {
        return Ok(Selector::nothing());
    }
    let mut requirements = Vec::new();
    for (key, value) in selector.entries("matchLabels").iter() {
        let value = Text::from(value.as_str().unwrap_or_default());
        requirements.push(Requirement::new(key, Operator::Equals, vec![value])?);
    }
    for expression in selector.items("matchExpressions") {
        let operator = match expression.text("operator") {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            other => {
                return Err(Error(format!(
                    "{} is not a valid label selector operator",
                    quote(other)
                )));
            }
        };
        let values = expression.items("values").iter();
        let values = values.map(|value| value.as_str().unwrap_or_default().into()).collect();
        requirements.push(Requirement::new(expression.text("key"), operator, values)?);
    }
    Ok(Selector::all(requirements))
}

/// A `LabelSelector` as columns show it: `<none>` where it is empty, `<error>` where it is wrong.
pub fn format(selector: &Tree) -> String {
    match read(selector) {
        Err(_) => "<error>".to_owned(),
        Ok(selector) if selector.requirements().is_empty() => "<none>".to_owned(),
        Ok(selector) => selector.to_string(),
    }
}

/// Checks a `LabelSelector` (`ValidateLabelSelector`).
pub fn validate(path: &Path<'_>, selector: &Tree, leniency: Leniency, refusals: &mut Refusals) {
    validate_labels(&path.field("matchLabels"), selector.entries("matchLabels"), refusals);
    let path = path.field("matchExpressions");
    for (at, expression) in selector.items("matchExpressions").iter().enumerate() {
        validate_requirement(&path.index(at), expression, leniency, refusals);
    }
}

/// Checks one of `matchExpressions`.
pub fn validate_requirement(path: &Path<'_>, expression: &Tree, leniency: Leniency, refusals: &mut Refusals) {
    let values = expression.items("values");
    let values_path = path.field("values");
    match expression.text("operator") {
        "In" | "NotIn" if values.is_empty() => {
            refusals.required(&values_path, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            refusals.forbidden(&values_path, detail);
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other if !leniency.operators => {
            refusals.invalid(&path.field("operator"), other, "not a valid selector operator");
        }
        _ => {}
    }
    validate_name(&path.field("key"), expression.text("key"), refusals);
    if leniency.values {
        return;
    }
    for (at, value) in values.iter().enumerate() {
        let value = value.as_str().unwrap_or_default();
        for message in names::label_value(value) {
            refusals.invalid(&values_path.index(at), value, &message);
        }
    }
}

/// Checks labels. Upstream tells of each at the map's own path.
pub fn validate_labels(path: &Path<'_>, labels: &Map, refusals: &mut Refusals) {
    for (key, value) in labels.iter() {
        validate_name(path, key, refusals);
        let value = value.as_str().unwrap_or_default();
        for message in names::label_value(value) {
            refusals.invalid(path, value, &message);
        }
    }
}

/// Checks the key of a label.
pub fn validate_name(path: &Path<'_>, key: &str, refusals: &mut Refusals) {
    for message in names::qualified_name(key) {
        refusals.invalid(path, key, &message);
    }
}
