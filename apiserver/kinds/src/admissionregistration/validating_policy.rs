//! `ValidatingAdmissionPolicy`: expressions that decide whether objects may come in.

use std::collections::HashSet;

use apiserver_api::meta;
use apiserver_api::names::qualified_name;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;
use apiserver_cel::Type;

use super::compile::{Expression, Expressions, check};
use super::{GROUP, policy, supported};
use crate::check::count_generation;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::condition;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, keep_metadata};

const REASONS: &[&str] = &["Forbidden", "Invalid", "RequestEntityTooLarge"];
/// The most annotations of a policy.
const ANNOTATIONS_MAX: usize = 20;
/// The most bytes of an annotation's expression.
const ANNOTATION_MAX: usize = 5 * 1024;

/// The entry of the table.
pub(super) const VALIDATING_POLICY: Kind = Kind {
    group: GROUP,
    kind: "ValidatingAdmissionPolicy",
    plural: "validatingadmissionpolicies",
    singular: "validatingadmissionpolicy",
    categories: &["api-extensions"],
    namespaced: false,
    versions: &[Version::stored(
        "v1",
        "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy",
    )],
    subresources: &[Subresource::STATUS],
    folder: "validatingadmissionpolicies",
    rules: &ValidatingPolicy,
    columns: &[
        NAME,
        Column {
            name: "Validations",
            kind: "integer",
            format: "",
            words: Words::Text("Validations indicates the number of validation rules defined in this configuration"),
            priority: 0,
            cell: Cell::Is(|object| (object.at("spec").items("validations").len() as i64).into()),
        },
        policy::PARAM_KIND,
        AGE,
    ],
    ..Kind::PLAIN
};

struct ValidatingPolicy;

impl Rules for ValidatingPolicy {
    fn default(&self, object: &mut Tree) {
        policy::default(object);
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        object.set("status", Tree::map());
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        count_generation(&VALIDATING_POLICY, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate(object, None, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate(object, Some(old), refusals);
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

impl StatusRules for ValidatingPolicy {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        keep_metadata(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, _old: &Tree, refusals: &mut Refusals) {
        let (path, status) = (Path::of("status"), object.at("status"));
        let checking = path.field("typeChecking");
        let warnings = checking.field("expressionWarnings");
        let given = status.at("typeChecking").items("expressionWarnings");
        for (at, warning) in given.iter().enumerate() {
            let path = warnings.index(at);
            if warning.text("warning").is_empty() {
                refusals.required(&path.field("warning"), "");
            }
            if warning.text("fieldRef").trim().is_empty() {
                refusals.required(&path.field("fieldRef"), "");
            }
        }
        condition::validate_all(&path.field("conditions"), status.items("conditions"), refusals);
    }
}

fn validate(object: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let expressions = policy::validate(object, old, false, refusals);
    let (path, spec) = (Path::of("spec"), object.at("spec"));
    let (validations, annotations) = (spec.items("validations"), spec.items("auditAnnotations"));
    let annotations_path = path.field("auditAnnotations");
    if validations.is_empty() && annotations.is_empty() {
        let detail = "validations or auditAnnotations must contain at least one item";
        refusals.required(&path.field("validations"), detail);
        return refusals.required(&annotations_path, detail);
    }
    for (at, one) in validations.iter().enumerate() {
        validate_validation(&path.field("validations").index(at), one, &expressions, refusals);
    }
    if annotations.len() > ANNOTATIONS_MAX {
        let detail = format!("must not have more than {ANNOTATIONS_MAX} auditAnnotations");
        refusals.invalid(&annotations_path, annotations, &detail);
    }
    let mut seen = HashSet::new();
    for (at, one) in annotations.iter().enumerate() {
        let path = annotations_path.index(at);
        validate_annotation(&path, meta::name(object), one, &expressions, refusals);
        let key = one.text("key");
        if !seen.insert(key) {
            refusals.duplicate(&path.field("key"), key);
        }
    }
}

fn validate_validation(path: &Path<'_>, one: &Tree, expressions: &Expressions, refusals: &mut Refusals) {
    let (text, text_path) = (one.text("expression"), path.field("expression"));
    if text.trim().is_empty() {
        refusals.required(&text_path, "expression is not specified");
    } else {
        let environment = expressions.environment(true, false);
        check(environment, &Expression::new(&text_path, text), &[Type::Bool], refusals);
    }
    let (text, text_path) = (one.text("messageExpression"), path.field("messageExpression"));
    if !text.trim().is_empty() {
        let environment = expressions.environment(false, false);
        check(
            environment,
            &Expression::new(&text_path, text),
            &[Type::String],
            refusals,
        );
    } else if !text.is_empty() {
        refusals.invalid(&text_path, text, "must be non-empty if specified");
    }
    let (message, message_path) = (one.text("message"), path.field("message"));
    if !message.is_empty() && message.trim().is_empty() {
        refusals.invalid(&message_path, message, "must be non-empty if specified");
    } else if message.trim().contains(['\n', '\r']) {
        refusals.invalid(&message_path, message, "must not contain line breaks");
    }
    supported(path, one, "reason", REASONS, refusals);
}

fn validate_annotation(path: &Path<'_>, name: &str, one: &Tree, expressions: &Expressions, refusals: &mut Refusals) {
    let key = one.text("key");
    if name.is_empty() {
        refusals.invalid(&path.field("key"), key, "requires metadata.name be non-empty");
    } else {
        let whole = format!("{name}/{key}");
        for message in qualified_name(&whole) {
            refusals.invalid(&path.field("key"), &whole, &message);
        }
    }
    let (shown, path) = (one.text("valueExpression"), path.field("valueExpression"));
    let text = shown.trim();
    if text.is_empty() {
        refusals.required(&path, "valueExpression is not specified");
    } else if text.len() > ANNOTATION_MAX {
        refusals.required(&path, &format!("must not exceed {ANNOTATION_MAX} bytes in length"));
    } else {
        let one = Expression {
            path: &path,
            shown,
            text,
        };
        let environment = expressions.environment(true, false);
        check(environment, &one, &[Type::String, Type::Null], refusals);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::time::Time;
    use apiserver_api::tree::{self, Tree};

    use super::{ValidatingPolicy, validate};
    use crate::kind::{Asked, StatusRules};

    fn said(rest: &str) -> Vec<String> {
        let text = format!(
            r#"{{"metadata":{{"name":"p"}},"spec":{{"failurePolicy":"Fail","matchConstraints":{{"matchPolicy":"Exact",
            "namespaceSelector":{{}},"objectSelector":{{}},"resourceRules":[{{"operations":["*"],"apiGroups":["*"],
            "apiVersions":["*"],"resources":["*"]}}]}}{rest}}}}}"#
        );
        let object = tree::parse(text.as_bytes()).unwrap().tree;
        let mut refusals = Refusals::new();
        validate(&object, None, &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_policy_validates_or_annotates() {
        let detail = "Required value: validations or auditAnnotations must contain at least one item";
        assert_eq!(
            said(""),
            ["validations", "auditAnnotations"].map(|field| format!("spec.{field}: {detail}"))
        );
        assert!(said(r#","validations":[{"expression":"true","message":"m"}]"#).is_empty());
        assert_eq!(
            said(r#","validations":[{"message":"a\nb","messageExpression":" ","reason":"x"}]"#),
            [
                "spec.validations[0].expression: Required value: expression is not specified",
                r#"spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified"#,
                r#"spec.validations[0].message: Invalid value: "a\nb": must not contain line breaks"#,
                r#"spec.validations[0].reason: Unsupported value: "x": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge""#,
            ]
        );
    }

    #[test]
    fn annotations_have_keys_of_their_own_and_expressions() {
        let long = "x".repeat(5121);
        assert!(said(r#","auditAnnotations":[{"key":"k","valueExpression":"'x'"}]"#).is_empty());
        assert_eq!(
            said(&format!(
                r#","auditAnnotations":[{{"key":"k","valueExpression":" "}},{{"key":"k","valueExpression":"{long}"}}]"#
            )),
            [
                "spec.auditAnnotations[0].valueExpression: Required value: valueExpression is not specified",
                "spec.auditAnnotations[1].valueExpression: Required value: must not exceed 5120 bytes in length",
                r#"spec.auditAnnotations[1].key: Duplicate value: "k""#,
            ]
        );
    }

    #[test]
    fn warnings_in_the_status_say_where_and_what() {
        let text = br#"{"status":{"typeChecking":{"expressionWarnings":[{"fieldRef":"spec"},{"warning":"w"}]}}}"#;
        let object = tree::parse(text).unwrap().tree;
        let mut refusals = Refusals::new();
        let asked = Asked {
            now: Time::from_unix(0),
            user: &Tree::Null,
        };
        StatusRules::validate(&ValidatingPolicy, &asked, &object, &object, &mut refusals);
        let said: Vec<_> = refusals.iter().map(|one| one.field.as_str()).collect();
        let path = "status.typeChecking.expressionWarnings";
        assert_eq!(said, [format!("{path}[0].warning"), format!("{path}[1].fieldRef")]);
    }

    #[test]
    fn expressions_come_to_what_their_places_want() {
        assert_eq!(
            said(
                r#","paramKind":{"apiVersion":"v1","kind":"ConfigMap"},"variables":[{"name":"v","expression":"1"}],
                "validations":[{"expression":"variables.v","messageExpression":"authorizer.path('/').check('get').reason()"},
                {"expression":"params.x == variables.v","messageExpression":"string(variables.v)"}],
                "auditAnnotations":[{"key":"k","valueExpression":" 1"},{"key":"l","valueExpression":"null"}]"#
            ),
            [
                r#"spec.validations[0].expression: Invalid value: "variables.v": must evaluate to bool but got int"#,
                "spec.validations[0].messageExpression: Invalid value: \"authorizer.path('/').check('get').reason()\": \
                 compilation failed: ERROR: <input>:1:1: undeclared reference to 'authorizer' (in container '')\n | \
                 authorizer.path('/').check('get').reason()\n | ^",
                r#"spec.auditAnnotations[0].valueExpression: Invalid value: " 1": must evaluate to one of [string null_type] but got int"#,
            ]
        );
    }
}
