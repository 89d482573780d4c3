//! Which objects a quota is for (`ScopedResourceSelectorRequirement`).

use std::fmt;

use apiserver_api::go::quote;
use apiserver_api::labels::{Operator, Requirement};
use apiserver_api::tree::{Text, Tree};

/// A scope, and for which values of what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// `PriorityClass`.
    pub(super) name: Text,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub(super) operator: Text,
    values: Vec<Text>,
}

impl Scope {
    /// One that is named without more.
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            operator: Text::const_new("Exists"),
            values: Vec::new(),
        }
    }

    /// As selectors write it.
    pub(super) fn read(tree: &Tree) -> Self {
        let values = tree.items("values").iter().filter_map(Tree::as_str);
        Self {
            name: tree.text("scopeName").into(),
            operator: tree.text("operator").into(),
            values: values.map(Text::from).collect(),
        }
    }

    /// Whether it asks for no more than that there is a value.
    pub(super) fn asks_for_any(&self) -> bool {
        self.operator == "Exists"
    }

    /// Whether one of an object's values is meant. An object without a value may be meant, too.
    pub(super) fn means(&self, values: &[&str]) -> Result<bool, String> {
        let operator = match self.operator.as_str() {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            other => {
                let error = format!("{} is not a valid scope selector operator", quote(other));
                return Err(format!("failed to parse and convert selector: {error}"));
            }
        };
        let requirement = Requirement::new(&self.name, operator, self.values.clone())
            .map_err(|error| format!("failed to parse and convert selector: {error}"))?;
        if values.is_empty() {
            return Ok(requirement.matches(None));
        }
        Ok(values.iter().any(|value| requirement.matches(Some(value))))
    }
}

/// As Go prints a struct: `{PriorityClass In [a b]}`.
impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{{{} {} [{}]}}", self.name, self.operator, self.values.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;
    use crate::double::json;

    #[test]
    fn a_scope_means_values_or_that_there_is_none() {
        let scope = |operator: &str, values: &str| {
            Scope::read(&json(&format!(
                r#"{{"scopeName":"PriorityClass","operator":"{operator}","values":{values}}}"#
            )))
        };
        for (operator, list, values, expected) in [
            ("In", r#"["a","b"]"#, &["b"][..], true),
            ("In", r#"["a","b"]"#, &["c"], false),
            ("In", r#"["a"]"#, &[], false),
            ("NotIn", r#"["a"]"#, &["b"], true),
            ("NotIn", r#"["a"]"#, &[], true),
            ("Exists", "[]", &["x"], true),
            ("Exists", "[]", &[], false),
            ("DoesNotExist", "[]", &[], true),
            ("DoesNotExist", "[]", &["x"], false),
        ] {
            assert_eq!(
                scope(operator, list).means(values),
                Ok(expected),
                "{operator} {values:?}"
            );
        }
        let error = "failed to parse and convert selector: \"Like\" is not a valid scope selector operator";
        assert_eq!(scope("Like", "[]").means(&[]), Err(error.to_owned()));
        assert_eq!(scope("In", r#"["a","b"]"#).to_string(), "{PriorityClass In [a b]}");
    }
}
