//! What kinds share that make pods of a template: names, selectors, the template that must fit.

use apiserver_api::labels::{self, Leniency, Selector};
use apiserver_api::meta;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Map, Tree};

use crate::check::non_negative;
use crate::internal::{LABEL_SELECTOR, shown};

/// Warns of a name that the pods' names and hostnames could not have.
pub(crate) fn name_warning(object: &Tree) -> Option<String> {
    let messages = names::dns_label(meta::name(object));
    (!messages.is_empty()).then(|| {
        let messages = messages.join(" ");
        format!(
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS \
             label is recommended: [{messages}]"
        )
    })
}

/// What a selector may keep that objects of old have.
pub(crate) fn leniency_of(old: Option<&Tree>) -> Leniency {
    let expressions = old
        .map(|selector| selector.items("matchExpressions"))
        .unwrap_or_default();
    let mut values = expressions.iter().flat_map(|expression| expression.items("values"));
    Leniency {
        values: values.any(|value| !names::label_value(value.as_str().unwrap_or_default()).is_empty()),
        operators: false,
    }
}

/// Checks a selector that must be there and must select something; `empty` is what is said of one that does not.
pub(crate) fn validate_selector(path: &Path<'_>, selector: &Tree, empty: &str, refusals: &mut Refusals) {
    if selector.is_null() {
        refusals.required(path, "");
        return;
    }
    labels::validate(path, selector, Leniency::default(), refusals);
    refuse_empty_selector(path, selector, empty, refusals);
}

/// Refuses a selector that is there and selects everything.
pub(crate) fn refuse_empty_selector(path: &Path<'_>, selector: &Tree, empty: &str, refusals: &mut Refusals) {
    let entries = selector.entries("matchLabels").len() + selector.items("matchExpressions").len();
    if !selector.is_null() && entries == 0 {
        refusals.invalid(path, shown(LABEL_SELECTOR, selector), empty);
    }
}

/// The labels of a template.
pub(crate) fn template_labels(template: &Tree) -> &Map {
    template.at("metadata").entries("labels")
}

/// Checks that a selector selects the pods of a template.
pub(crate) fn validate_fit(path: &Path<'_>, selector: &Selector, template: &Tree, refusals: &mut Refusals) {
    if !selector.matches(template_labels(template)) {
        let metadata = path.field("metadata");
        let labels = template.below(&["metadata", "labels"]);
        let detail = "`selector` does not match template `labels`";
        refusals.invalid(&metadata.field("labels"), labels, detail);
    }
}

/// Checks what a template must say whose pods are never finished; `owner` is the kind that is told.
pub(crate) fn validate_always(path: &Path<'_>, template: &Tree, owner: &str, refusals: &mut Refusals) {
    let (path, spec) = (path.field("spec"), template.at("spec"));
    let policy = spec.text("restartPolicy");
    if policy != "Always" {
        refusals.not_supported(&path.field("restartPolicy"), policy, &["Always"]);
    }
    if spec.has("activeDeadlineSeconds") {
        let detail = format!("activeDeadlineSeconds in {owner} is not Supported");
        refusals.forbidden(&path.field("activeDeadlineSeconds"), &detail);
    }
}

/// Checks numbers that count.
pub(crate) fn validate_counts(path: &Path<'_>, of: &Tree, fields: &[&str], refusals: &mut Refusals) {
    for field in fields {
        non_negative(&path.field(field), of.int(field), refusals);
    }
}

/// Checks that no part of the pods is more than all of them, and that those which are available are ready; `ready` is how
/// the ready ones are told of.
pub(crate) fn validate_parts(path: &Path<'_>, status: &Tree, parts: &[&str], ready: &str, refusals: &mut Refusals) {
    let mut no_more = |fields: &[&str], than: &str, told: &str| {
        for field in fields.iter().filter(|field| status.int(field) > status.int(than)) {
            let detail = format!("cannot be greater than {told}");
            refusals.invalid(&path.field(field), status.int(field), &detail);
        }
    };
    no_more(parts, "replicas", "status.replicas");
    no_more(&["availableReplicas"], "readyReplicas", ready);
}

/// Checks that the count of hash collisions only grows.
pub(crate) fn validate_collisions(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    let count = |object: &Tree| object.below(&["status", "collisionCount"]).as_int();
    let (new, old) = (count(object), count(old));
    if old.is_some_and(|old| new.is_none_or(|new| new < old)) {
        let path = Path::of("status");
        let detail = "cannot be decremented";
        refusals.invalid(&path.field("collisionCount"), new.unwrap_or_default(), detail);
    }
}

/// Makes the status what it is before anyone wrote it: these counts are always told.
pub(crate) fn clear_status(object: &mut Tree, counts: &[&str]) {
    let status = counts.iter().map(|count| (*count, Tree::from(0_i64)));
    object.set("status", Tree::Map(status.collect()));
}

/// How many there should be and how many are ready, as tables show it.
pub(crate) fn ready_of(object: &Tree) -> String {
    let ready = object.at("status").int("readyReplicas");
    format!("{ready}/{}", object.at("spec").int("replicas"))
}

#[cfg(test)]
mod tests {
    use apiserver_api::labels::Selector;
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{Tree, parse};

    fn tree(json: &str) -> Tree {
        parse(json.as_bytes()).unwrap().tree
    }

    fn told(check: impl FnOnce(&Path<'_>, &mut Refusals)) -> Vec<String> {
        let mut refusals = Refusals::new();
        check(&Path::of("x"), &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_selector_must_be_there_and_select_something() {
        for (selector, expected) in [
            ("null", vec!["x: Required value"]),
            ("{}", vec!["x: Invalid value: {}: empty"]),
            (r#"{"matchLabels":{"a":"b"}}"#, vec![]),
        ] {
            let found = told(|path, refusals| super::validate_selector(path, &tree(selector), "empty", refusals));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_template_fits_its_selector_and_restarts_always() {
        let selector = Selector::from_object(&tree(r#"{"matchLabels":{"a":"b"}}"#)).unwrap();
        for (template, refused) in [
            (
                r#"{"metadata":{"labels":{"a":"b"}},"spec":{"restartPolicy":"Always"}}"#,
                0,
            ),
            (r#"{"spec":{"restartPolicy":"Never","activeDeadlineSeconds":1}}"#, 3),
        ] {
            let found = told(|path, refusals| {
                super::validate_fit(path, &selector, &tree(template), refusals);
                super::validate_always(path, &tree(template), "ReplicaSet", refusals);
            });
            assert_eq!(found.len(), refused, "{found:?}");
        }
    }

    #[test]
    fn collisions_are_not_forgotten_and_names_are_labels() {
        for (new, refused) in [
            ("{}", 1),
            (r#"{"status":{"collisionCount":1}}"#, 1),
            (r#"{"status":{"collisionCount":2}}"#, 0),
        ] {
            let old = tree(r#"{"status":{"collisionCount":2}}"#);
            let found = told(|_, refusals| super::validate_collisions(&tree(new), &old, refusals));
            assert_eq!(found.len(), refused, "{found:?}");
        }
        assert!(
            super::name_warning(&tree(r#"{"metadata":{"name":"a.b"}}"#))
                .is_some_and(|text| text.ends_with("[must not contain dots]"))
        );
        assert_eq!(super::name_warning(&tree(r#"{"metadata":{"name":"a"}}"#)), None);
    }
}
