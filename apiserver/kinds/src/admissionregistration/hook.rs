//! What both kinds of webhook configurations share.

use std::collections::HashSet;

use apiserver_api::labels::{self, Leniency};
use apiserver_api::meta;
use apiserver_api::names::{fully_qualified_name, name_is_dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::compile::Expressions;
use super::{FAILURE_POLICIES, MATCH_POLICIES, REINVOCATION_POLICIES, expression, rule, supported};
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::webhook;

/// The side effects that a new webhook may have.
const NO_SIDE_EFFECTS: &[&str] = &["None", "NoneOnDryRun"];
const SIDE_EFFECTS: &[&str] = &["None", "NoneOnDryRun", "Some", "Unknown"];

/// What tables show.
pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Webhooks",
        kind: "integer",
        format: "",
        words: Words::Text("Webhooks indicates the number of webhooks registered in this configuration"),
        priority: 0,
        cell: Cell::Is(|object| (object.items("webhooks").len() as i64).into()),
    },
    AGE,
];

/// Fills in what was not said of each webhook.
pub(super) fn default(object: &mut Tree, mutating: bool) {
    let hooks = object.get_mut("webhooks").and_then(Tree::as_list_mut);
    for hook in hooks.into_iter().flatten() {
        hook.set_default("failurePolicy", "Fail");
        hook.set_default("matchPolicy", "Equivalent");
        hook.set_default("namespaceSelector", Tree::map());
        hook.set_default("objectSelector", Tree::map());
        hook.set_default("timeoutSeconds", 10);
        if mutating {
            hook.set_default("reinvocationPolicy", "Never");
        }
        rule::default_scopes(hook, "rules");
        webhook::default_port(hook.child("clientConfig"));
    }
}

/// What an update may leave as it was although a new object may not have it.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
struct Kept {
    conditions: bool,
    side_effects: bool,
    review_versions: bool,
    names: bool,
    label_values: bool,
}

impl Kept {
    fn of(object: &Tree, old: &Tree) -> Self {
        let (new, old) = (object.items("webhooks"), old.items("webhooks"));
        let same = |(a, b): (&Tree, &Tree)| a.items("matchConditions") == b.items("matchConditions");
        let versions = |hook: &Tree| {
            let versions = hook.items("admissionReviewVersions");
            versions.is_empty() || webhook::has_known_review_version(versions)
        };
        let none = |hook: &Tree| NO_SIDE_EFFECTS.contains(&hook.text("sideEffects"));
        let mut seen = HashSet::new();
        Self {
            conditions: new.len() == old.len() && new.iter().zip(old).all(same),
            side_effects: !old.iter().all(none),
            review_versions: !old.iter().all(versions),
            names: !old.iter().all(|hook| seen.insert(hook.text("name"))),
            label_values: old.iter().any(has_bad_selector),
        }
    }
}

fn has_bad_selector(hook: &Tree) -> bool {
    let mut refusals = Refusals::new();
    for field in ["namespaceSelector", "objectSelector"] {
        labels::validate(&Path::root(), hook.at(field), Leniency::default(), &mut refusals);
    }
    !refusals.is_empty()
}

/// Checks a configuration that replaces `old` or is new.
pub(super) fn validate(object: &Tree, old: Option<&Tree>, mutating: bool, refusals: &mut Refusals) {
    let path = Path::of("metadata");
    meta::validate(&path, meta::metadata(object), false, name_is_dns_subdomain, refusals);
    let kept = old.map_or_else(Kept::default, |old| Kept::of(object, old));
    let hooks = object.items("webhooks");
    let mut seen = HashSet::new();
    for (at, hook) in hooks.iter().enumerate() {
        let path = Path::of("webhooks");
        let path = path.index(at);
        validate_hook(&path, hook, mutating, kept, refusals);
        webhook::validate_review_versions(
            &path.field("admissionReviewVersions"),
            hook.items("admissionReviewVersions"),
            "must specify one of v1, v1beta1",
            !kept.review_versions,
            refusals,
        );
        let name = hook.text("name");
        if !kept.names && !name.is_empty() && !seen.insert(name) {
            refusals.duplicate(&path.field("name"), name);
        }
    }
}

fn validate_hook(path: &Path<'_>, hook: &Tree, mutating: bool, kept: Kept, refusals: &mut Refusals) {
    fully_qualified_name(&path.field("name"), hook.text("name"), refusals);
    for (at, one) in hook.items("rules").iter().enumerate() {
        rule::validate(&path.field("rules").index(at), one, refusals);
    }
    supported(path, hook, "failurePolicy", FAILURE_POLICIES, refusals);
    supported(path, hook, "matchPolicy", MATCH_POLICIES, refusals);
    let effects = if kept.side_effects {
        SIDE_EFFECTS
    } else {
        NO_SIDE_EFFECTS
    };
    if hook.has("sideEffects") {
        supported(path, hook, "sideEffects", effects, refusals);
    } else {
        let detail = format!("must specify one of {}", effects.join(", "));
        refusals.required(&path.field("sideEffects"), &detail);
    }
    if let Some(timeout) = hook
        .at("timeoutSeconds")
        .as_int()
        .filter(|given| !(1..=30).contains(given))
    {
        let detail = "the timeout value must be between 1 and 30 seconds";
        refusals.invalid(&path.field("timeoutSeconds"), timeout, detail);
    }
    let leniency = Leniency {
        values: kept.label_values,
        operators: false,
    };
    for field in ["namespaceSelector", "objectSelector"] {
        labels::validate(&path.field(field), hook.at(field), leniency, refusals);
    }
    if mutating {
        supported(path, hook, "reinvocationPolicy", REINVOCATION_POLICIES, refusals);
    }
    webhook::validate(&path.field("clientConfig"), hook.at("clientConfig"), refusals);
    if !kept.conditions {
        let conditions = hook.items("matchConditions");
        let path = path.field("matchConditions");
        expression::validate_conditions(&path, conditions, &Expressions::default(), refusals);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{self, Tree};

    use super::{default, validate};

    fn object(hooks: &str) -> Tree {
        let text = format!(r#"{{"metadata":{{"name":"w"}},"webhooks":{hooks}}}"#);
        let mut object = tree::parse(text.as_bytes()).unwrap().tree;
        default(&mut object, true);
        object
    }

    fn said(object: &Tree, old: Option<&Tree>) -> Vec<String> {
        let mut refusals = Refusals::new();
        validate(object, old, true, &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    const GOOD: &str = r#"{"name":"h.example.com","sideEffects":"None","admissionReviewVersions":["v1"],
        "clientConfig":{"service":{"name":"s","namespace":"t"}},"rules":[{"operations":["CREATE"],"apiGroups":[""],
        "apiVersions":["v1"],"resources":["pods"]}]}"#;

    #[test]
    fn what_is_not_said_of_a_webhook_is_filled_in() {
        let object = object(&format!("[{GOOD}]"));
        let hook = &object.items("webhooks")[0];
        assert_eq!(hook.text("failurePolicy"), "Fail");
        assert_eq!(hook.text("reinvocationPolicy"), "Never");
        assert_eq!(hook.items("rules")[0].text("scope"), "*");
        assert_eq!(hook.below(&["clientConfig", "service"]).int("port"), 443);
        assert!(said(&object, None).is_empty());
    }

    #[test]
    fn a_webhook_has_a_domain_side_effects_a_server_and_review_versions() {
        let expected = [
            "webhooks[0].name: Required value",
            "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",
            "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
            "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1",
        ];
        assert_eq!(said(&object("[{}]"), None), expected);
        let twice = object(&format!("[{GOOD},{GOOD}]"));
        assert_eq!(
            said(&twice, None),
            [r#"webhooks[1].name: Duplicate value: "h.example.com""#]
        );
        let slow = object(&format!(
            "[{}]",
            GOOD.replace(r#""sideEffects""#, r#""timeoutSeconds":31,"sideEffects""#)
        ));
        assert_eq!(
            said(&slow, None),
            ["webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"]
        );
    }

    #[test]
    fn what_an_old_object_has_wrong_may_stay() {
        let old = GOOD
            .replace(r#""None""#, r#""Some""#)
            .replace(r#"["v1"],"#, r#"["v7"],"#);
        let old = object(&format!("[{old},{old}]"));
        assert!(!said(&old, None).is_empty());
        assert!(said(&old, Some(&old)).is_empty(), "{:?}", said(&old, Some(&old)));
    }
}
