//! The selectors of a question: which objects it is about.
//!
//! What cannot be read of them is left out, as upstream does (`ResourceAttributesFrom`): it makes the question a broader one,
//! and the answer says so.

use apiserver_api::tree::{Text, Tree};
use apiserver_api::{fields, labels};

/// What was read of a selector.
#[derive(Debug)]
pub(super) struct Read<T> {
    pub(super) terms: Vec<T>,
    /// Whether there is more that could not be read.
    failed: bool,
}

impl<T> Read<T> {
    fn of(read: impl Iterator<Item = Option<T>>) -> Self {
        let mut failed = false;
        let terms = read.inspect(|one| failed |= one.is_none()).flatten().collect();
        Self { terms, failed }
    }

    /// What the answer says of it.
    pub(super) fn complaint(&self, selector: &str) -> Option<String> {
        let partially = if self.terms.is_empty() { "" } else { "partially " };
        let path = "spec.resourceAttributes";
        self.failed
            .then(|| format!("{path}.{selector} {partially}ignored due to parse error"))
    }
}

/// Reads a `FieldSelectorAttributes`.
pub(super) fn fields(selector: &Tree) -> Read<fields::Term> {
    let requirements = selector.items("requirements");
    if !requirements.is_empty() {
        return Read::of(requirements.iter().map(term));
    }
    match fields::Selector::parse(selector.text("rawSelector")) {
        Ok(read) => Read::of(read.terms().iter().cloned().map(Some)),
        Err(_) => Read::of([None].into_iter()),
    }
}

/// Fields are compared with one value only.
fn term(requirement: &Tree) -> Option<fields::Term> {
    let [value] = requirement.items("values") else {
        return None;
    };
    Some(fields::Term {
        field: requirement.text("key").into(),
        value: value.as_str()?.into(),
        equal: match requirement.text("operator") {
            "In" => true,
            "NotIn" => false,
            _ => return None,
        },
    })
}

/// Reads a `LabelSelectorAttributes`.
pub(super) fn labels(selector: &Tree) -> Read<labels::Requirement> {
    let requirements = selector.items("requirements");
    if !requirements.is_empty() {
        return Read::of(requirements.iter().map(requirement));
    }
    match labels::Selector::parse(selector.text("rawSelector")) {
        Ok(read) => Read::of(read.requirements().iter().cloned().map(Some)),
        Err(_) => Read::of([None].into_iter()),
    }
}

fn requirement(one: &Tree) -> Option<labels::Requirement> {
    let operator = match one.text("operator") {
        "In" => labels::Operator::In,
        "NotIn" => labels::Operator::NotIn,
        "Exists" => labels::Operator::Exists,
        "DoesNotExist" => labels::Operator::DoesNotExist,
        _ => return None,
    };
    let values = one.items("values").iter();
    let values: Vec<Text> = values.filter_map(|value| value.as_str().map(Into::into)).collect();
    labels::Requirement::new(one.text("key"), operator, values).ok()
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::{Tree, parse};

    fn tree(text: &str) -> Tree {
        parse(text.as_bytes()).unwrap().tree
    }

    /// What was read, and what is complained of.
    fn fields(selector: &str) -> (Vec<String>, Option<String>) {
        let read = super::fields(&tree(selector));
        let terms = read.terms.iter().map(ToString::to_string).collect();
        (terms, read.complaint("fieldSelector"))
    }

    fn labels(selector: &str) -> (Vec<String>, Option<String>) {
        let read = super::labels(&tree(selector));
        let terms = read.terms.iter().map(ToString::to_string).collect();
        (terms, read.complaint("labelSelector"))
    }

    #[test]
    fn what_is_read_is_told_and_what_is_not_is_complained_of() {
        assert_eq!(fields("null"), (vec![], None));
        let raw = r#"{"rawSelector":"spec.nodeName=n,status.phase!=Failed"}"#;
        let both = ["spec.nodeName=n".to_owned(), "status.phase!=Failed".to_owned()];
        assert_eq!(fields(raw), (both.to_vec(), None));
        let ignored = Some("spec.resourceAttributes.fieldSelector ignored due to parse error".to_owned());
        assert_eq!(fields(r#"{"rawSelector":"a"}"#), (vec![], ignored.clone()));
        let exists = r#"{"key":"metadata.name","operator":"Exists"}"#;
        assert_eq!(fields(&format!(r#"{{"requirements":[{exists}]}}"#)), (vec![], ignored));
        let within = r#"{"key":"spec.nodeName","operator":"In","values":["n"]}"#;
        let partially = "spec.resourceAttributes.fieldSelector partially ignored due to parse error";
        assert_eq!(
            fields(&format!(r#"{{"requirements":[{exists},{within}]}}"#)),
            (both[..1].to_vec(), Some(partially.to_owned()))
        );
    }

    #[test]
    fn labels_are_read_as_selectors_of_objects_are() {
        let two =
            r#"{"requirements":[{"key":"a","operator":"Exists"},{"key":"b","operator":"In","values":["d","c"]}]}"#;
        assert_eq!(labels(two), (vec!["a".to_owned(), "b in (c,d)".to_owned()], None));
        assert_eq!(labels(r#"{"rawSelector":"a,b in (c)"}"#).0, ["a", "b in (c)"]);
        let ignored = Some("spec.resourceAttributes.labelSelector ignored due to parse error".to_owned());
        let wrong = r#"{"requirements":[{"key":"a","operator":"In"}]}"#;
        assert_eq!(labels(wrong), (vec![], ignored));
    }
}
