//! What schemas may say: a part of `OpenAPI` v3, and what Kubernetes adds to it.

use std::cell::OnceCell;

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{Strictness, TYPES, find, list, structural};

const REASONS: &[&str] = &[
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueRequired",
];

/// Where a schema stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    is_root: bool,
    /// Within the metadata of an object, or its version or kind.
    in_metadata: bool,
    /// Why there may be no defaults.
    no_defaults: Option<&'p str>,
}

impl Place<'_> {
    /// That of a whole object.
    pub(super) const fn root() -> Self {
        Self {
            is_root: true,
            in_metadata: false,
            no_defaults: None,
        }
    }

    const fn below(self) -> Self {
        Self { is_root: false, ..self }
    }
}

/// Checks a schema and those within it.
pub(super) fn validate(
    path: &Path<'_>,
    schema: &Tree,
    place: Place<'_>,
    strictness: Strictness,
    refusals: &mut Refusals,
) {
    validate_own(path, schema, place, strictness, refusals);
    if schema.flag("uniqueItems") {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        refusals.forbidden(&path.field("uniqueItems"), detail);
    }
    validate_additional(path, schema, place, strictness, refusals);
    validate_properties(path, schema, place, strictness, refusals);
    let mut one = |path: &Path<'_>, schema: &Tree| validate(path, schema, place.below(), strictness, refusals);
    if schema.has("not") {
        one(&path.field("not"), schema.at("not"));
    }
    for field in ["allOf", "oneOf", "anyOf"] {
        for (at, part) in schema.items(field).iter().enumerate() {
            one(&path.field(field).index(at), part);
        }
    }
    for (name, definition) in schema.entries("definitions").iter() {
        one(&path.field("definitions").key(name), definition);
    }
    match schema.at("items") {
        item @ Tree::Map(_) => one(&path.field("items"), item),
        items => {
            for (at, item) in items.as_list().unwrap_or_default().iter().enumerate() {
                one(&path.field("items").index(at), item);
            }
        }
    }
    for (name, dependency) in schema.entries("dependencies").iter() {
        if dependency.as_map().is_some() {
            one(&path.field("dependencies").key(name), dependency);
        }
    }
    if schema.at("x-kubernetes-preserve-unknown-fields").as_bool() == Some(false) {
        let path = path.field("x-kubernetes-preserve-unknown-fields");
        refusals.invalid(&path, false, "must be true or undefined");
    }
    list::validate(path, schema, strictness, refusals);
    validate_rules(path, schema, refusals);
}

fn validate_additional(
    path: &Path<'_>,
    schema: &Tree,
    place: Place<'_>,
    strictness: Strictness,
    refusals: &mut Refusals,
) {
    let (additional, path) = (schema.at("additionalProperties"), path.field("additionalProperties"));
    if additional.is_null() {
        return;
    }
    if !schema.entries("properties").is_empty() && additional.as_bool() != Some(true) {
        let detail = "additionalProperties and properties are mutual exclusive";
        refusals.forbidden(&path, detail);
    }
    if additional.as_map().is_none() {
        return;
    }
    let mut below = place.below();
    if place.in_metadata {
        below.no_defaults = Some("inside additionalProperties applying to object metadata");
    }
    validate(&path, additional, below, strictness, refusals);
}

fn validate_properties(
    path: &Path<'_>,
    schema: &Tree,
    place: Place<'_>,
    strictness: Strictness,
    refusals: &mut Refusals,
) {
    let is_object = place.is_root || schema.flag("x-kubernetes-embedded-resource");
    for (name, property) in schema.entries("properties").iter() {
        let why = format!("in top-level {name}");
        let mut below = place.below();
        if is_object && matches!(name, "metadata" | "kind" | "apiVersion") {
            below.in_metadata = true;
            if place.is_root {
                below.no_defaults = Some(&why);
            }
        }
        validate(
            &path.field("properties").key(name),
            property,
            below,
            strictness,
            refusals,
        );
    }
}

/// What a schema says by itself.
fn validate_own(path: &Path<'_>, schema: &Tree, place: Place<'_>, strictness: Strictness, refusals: &mut Refusals) {
    let kind = schema.text("type");
    if strictness.types && !kind.is_empty() && !TYPES.contains(&kind) {
        refusals.not_supported(&path.field("type"), kind, TYPES);
    }
    if let (Some(why), true) = (place.no_defaults, schema.has("default")) {
        refusals.forbidden(&path.field("default"), &format!("must not be set {why}"));
    }
    let given = |field: &str| match field {
        "$ref" | "additionalItems" | "dependencies" => schema.has(field),
        _ => !schema.at(field).is_zero(),
    };
    for field in [
        "id",
        "additionalItems",
        "patternProperties",
        "definitions",
        "dependencies",
        "$ref",
    ] {
        if given(field) {
            refusals.forbidden(&path.field(field), &format!("{field} is not supported"));
        }
    }
    if kind == "null" {
        let detail = "type cannot be set to null, use nullable as an alternative";
        refusals.forbidden(&path.field("type"), detail);
    }
    if !schema.items("items").is_empty() {
        let detail = "items must be a schema object and not an array";
        refusals.forbidden(&path.field("items"), detail);
    }
    if place.in_metadata && schema.flag("x-kubernetes-embedded-resource") {
        let path = path.field("x-kubernetes-embedded-resource");
        refusals.forbidden(&path, "must not be used inside of resource meta");
    }
}

fn validate_rules(path: &Path<'_>, schema: &Tree, refusals: &mut Refusals) {
    let path = path.field("x-kubernetes-validations");
    // The whole schema is looked through for that, so that all rules share what is found.
    let unsupported = OnceCell::new();
    let leads = |field: &str| {
        let unsupported = *unsupported.get_or_init(|| structural::unsupported(schema).is_some());
        unsupported || find(schema, field, true).is_ok()
    };
    for (at, rule) in schema.items("x-kubernetes-validations").iter().enumerate() {
        validate_rule(&path.index(at), rule, &leads, refusals);
    }
}

fn validate_rule(path: &Path<'_>, rule: &Tree, leads: &dyn Fn(&str) -> bool, refusals: &mut Refusals) {
    let (expression, message) = (rule.text("rule").trim(), rule.text("message"));
    let message_path = path.field("message");
    if expression.is_empty() {
        refusals.required(&path.field("rule"), "rule is not specified");
    } else if !message.is_empty() && message.trim().is_empty() {
        refusals.invalid(&message_path, message, "must be non-empty if specified");
    } else if has_line_breaks(message.trim()) {
        refusals.invalid(&message_path, message, "must not contain line breaks");
    } else if has_line_breaks(expression) && message.is_empty() {
        let detail = "message must be specified if rule contains line breaks";
        refusals.required(&message_path, detail);
    }
    let given = rule.text("messageExpression");
    if !given.is_empty() && given.trim().is_empty() {
        let detail = "messageExpression must be non-empty if specified";
        refusals.required(&path.field("messageExpression"), detail);
    }
    if let Some(reason) = rule.at("reason").as_str().filter(|reason| !REASONS.contains(reason)) {
        refusals.not_supported(&path.field("reason"), reason, REASONS);
    }
    let (field, path) = (rule.text("fieldPath"), path.field("fieldPath"));
    if field.is_empty() {
        return;
    }
    if field.trim().is_empty() {
        refusals.invalid(&path, field, "must be non-empty if specified");
    }
    if has_line_breaks(field) {
        refusals.invalid(&path, field, "must not contain line breaks");
    }
    if !leads(field) {
        refusals.invalid(&path, field, "must be a valid path");
    }
}

fn has_line_breaks(text: &str) -> bool {
    text.contains(['\n', '\r'])
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use super::{Place, Strictness, validate};
    use crate::trial::tree;

    #[test]
    fn many_rules_name_fields_of_a_large_schema() {
        let all = |one: &dyn Fn(usize) -> String| (0..8_000).map(one).collect::<Vec<_>>().join(",");
        let properties = all(&|at| format!(r#""p{at}":{{"type":"string"}}"#));
        let rules = all(&|at| {
            format!(
                r#"{{"rule":"true","fieldPath":".{}{at}"}}"#,
                if at % 2 == 0 { "p" } else { "q" }
            )
        });
        let schema = tree(&format!(
            r#"{{"type":"object","properties":{{{properties}}},"x-kubernetes-validations":[{rules}]}}"#
        ));
        let mut refusals = Refusals::new();
        validate(&Path::root(), &schema, Place::root(), Strictness::all(), &mut refusals);
        assert_eq!(refusals.len(), 4_000);
        let told = refusals.iter().next().unwrap().to_string();
        assert_eq!(
            told,
            r#"x-kubernetes-validations[1].fieldPath: Invalid value: ".q1": must be a valid path"#
        );
    }
}
