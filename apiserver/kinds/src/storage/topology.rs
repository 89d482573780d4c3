//! Where volumes of a class may be: terms of labels with the values that they may have.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use apiserver_api::labels::validate_name;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::node_labels;

type Term<'t> = BTreeMap<&'t str, BTreeSet<&'t str>>;

/// Terms, of which no two may say the same.
pub(super) fn validate(path: &Path<'_>, terms: &[Tree], refusals: &mut Refusals) {
    // Upstream compares with one empty term for each that there is, so that none may be empty.
    let mut seen = HashMap::from([(Term::new(), terms.len())]);
    for (at, term) in terms.iter().enumerate() {
        let path = path.index(at);
        let path = path.field("matchLabelExpressions");
        let term = validate_term(&path, term.items("matchLabelExpressions"), refusals);
        let before = seen.entry(term).or_default();
        for _ in 0..*before {
            if refusals.is_full() {
                break;
            }
            refusals.duplicate(&path, "");
        }
        *before += 1;
    }
}

fn validate_term<'t>(path: &Path<'_>, expressions: &'t [Tree], refusals: &mut Refusals) -> Term<'t> {
    let mut term = Term::new();
    for (at, expression) in expressions.iter().enumerate() {
        let path = path.index(at);
        let key = expression.text("key");
        let values_path = path.field("values");
        let mut values = BTreeSet::new();
        if expression.items("values").is_empty() {
            refusals.required(&values_path, "");
        }
        for (at, value) in expression.items("values").iter().enumerate() {
            let value = value.as_str().unwrap_or_default();
            if !values.insert(value) {
                refusals.duplicate(&values_path.index(at), value);
            }
        }
        validate_name(&path.field("key"), key, refusals);
        if term.insert(key, values).is_some() {
            refusals.duplicate(&path.field("key"), key);
        }
    }
    term
}

/// What a client is told of old labels in terms.
pub(super) fn warnings(path: &Path<'_>, terms: &[Tree]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (at, term) in terms.iter().enumerate() {
        let path = path.index(at);
        let path = path.field("matchLabelExpressions");
        for (at, expression) in term.items("matchLabelExpressions").iter().enumerate() {
            let words = node_labels::words(expression.text("key"));
            warnings.extend(words.map(|words| format!("{}: {words}", path.index(at).field("key"))));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use crate::trial::tree;

    #[test]
    fn terms_say_something_and_each_something_else() {
        let one = r#"{"matchLabelExpressions":[{"key":"k","values":["v"]}]}"#;
        for (terms, wrong) in [
            (format!("[{one}]"), 0),
            (format!("[{one},{one}]"), 1),
            ("[{}]".to_owned(), 1),
            (r#"[{"matchLabelExpressions":[{"key":"k"}]}]"#.to_owned(), 1),
            (
                r#"[{"matchLabelExpressions":[{"key":"a b","values":["v","v"]}]}]"#.to_owned(),
                2,
            ),
        ] {
            let mut refusals = Refusals::new();
            let list = tree(&terms);
            super::validate(&Path::of("allowedTopologies"), list.as_list().unwrap(), &mut refusals);
            assert_eq!(refusals.len(), wrong, "{terms}: {refusals}");
        }
    }

    #[test]
    fn of_very_many_empty_terms_only_the_first_are_told() {
        let list = tree(&format!("[{}]", vec!["{}"; 100_000].join(",")));
        let mut refusals = Refusals::new();
        super::validate(&Path::of("allowedTopologies"), list.as_list().unwrap(), &mut refusals);
        assert!(refusals.is_full());
    }
}
