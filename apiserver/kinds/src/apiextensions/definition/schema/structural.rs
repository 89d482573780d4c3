//! Structural schemas: every value has its type and its parts stated once, outside of what only judges values.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Map, Tree};
use apiserver_cel::go_regex;

/// What cannot be said in a structural schema at all, in the first place where it is said.
pub(super) fn unsupported(schema: &Tree) -> Option<String> {
    for field in [
        "id",
        "$schema",
        "$ref",
        "patternProperties",
        "dependencies",
        "additionalItems",
        "definitions",
    ] {
        let given = schema.at(field);
        if !given.is_zero() || (field == "additionalItems" && !given.is_null()) {
            let field = field.strip_prefix("$s").map_or(field, |_| "schema");
            return Some(format!("OpenAPIV3Schema '{field}' is not supported"));
        }
    }
    let judges = ["not"]
        .iter()
        .filter_map(|field| schema.get(field))
        .filter(|one| !one.is_null());
    let parts = ["allOf", "anyOf", "oneOf"].iter().flat_map(|field| schema.items(field));
    if let Some(found) = judges.chain(parts).find_map(unsupported) {
        return Some(found);
    }
    if schema.at("x-kubernetes-preserve-unknown-fields").as_bool() == Some(false) {
        return Some("internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined".to_owned());
    }
    if !schema.items("items").is_empty() {
        return Some("OpenAPIV3Schema 'items' must be a schema, but is an array".to_owned());
    }
    let properties = schema.entries("properties").iter().map(|(_, value)| value);
    let rest = ["items", "additionalProperties"].iter().map(|field| schema.at(field));
    let below = rest.chain(properties).filter(|one| one.as_map().is_some());
    below.into_iter().find_map(unsupported)
}

/// Whether nothing is wrong with a schema.
pub(super) fn is_structural(schema: &Tree) -> bool {
    unsupported(schema).is_none() && validate(&Path::root(), schema).is_empty()
}

/// What a schema is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// Checks a schema; what is wrong is told in the order of its text.
pub(super) fn validate(path: &Path<'_>, schema: &Tree) -> Refusals {
    let mut found = Refusals::new();
    validate_shape(path, schema, Level::Root, &mut found);
    complete(path, path, schema, Some(schema), &mut found);
    let mut sorted: Vec<_> = found.into_iter().map(|one| (one.to_string(), one)).collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut found = Refusals::new();
    for (_, one) in sorted {
        found.push(one);
    }
    found
}

fn validate_shape(path: &Path<'_>, schema: &Tree, level: Level, refusals: &mut Refusals) {
    let (kind, item) = (schema.text("type"), schema.at("items"));
    if kind == "array" && item.as_map().is_none() {
        refusals.required(&path.field("items"), "must be specified");
    }
    if item.as_map().is_some() {
        validate_shape(&path.field("items"), item, Level::Item, refusals);
    }
    for (name, property) in schema.entries("properties").iter() {
        validate_shape(&path.field("properties").key(name), property, Level::Field, refusals);
    }
    let additional = schema.at("additionalProperties");
    let additional_path = path.field("additionalProperties");
    if level == Level::Root && !additional.is_null() {
        refusals.forbidden(&additional_path, "must not be used at the root");
    }
    if additional.as_map().is_some() {
        validate_shape(&additional_path, additional, Level::Field, refusals);
    }
    validate_extensions(path, schema, refusals);
    let skip_any = is_int_or_string(schema);
    let skip_first = schema.items("allOf").first().is_some_and(is_int_or_string);
    validate_judging(path, schema, skip_any, skip_first, refusals);
    validate_type(path, schema, level, refusals);
    validate_metadata(path, schema, level, refusals);
}

/// `x-kubernetes-*`.
fn validate_extensions(path: &Path<'_>, schema: &Tree, refusals: &mut Refusals) {
    if !schema.flag("x-kubernetes-int-or-string") {
        return;
    }
    for field in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
        if schema.flag(field) {
            let detail = "must be false if x-kubernetes-int-or-string is true";
            refusals.invalid(&path.field(field), true, detail);
        }
    }
}

fn validate_type(path: &Path<'_>, schema: &Tree, level: Level, refusals: &mut Refusals) {
    let (kind, type_path) = (schema.text("type"), path.field("type"));
    let embedded = schema.flag("x-kubernetes-embedded-resource");
    let open = schema.flag("x-kubernetes-int-or-string") || schema.flag("x-kubernetes-preserve-unknown-fields");
    if embedded && kind != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        if kind.is_empty() {
            refusals.required(&type_path, detail);
        } else {
            refusals.invalid(&type_path, kind, detail);
        }
    } else if kind.is_empty() && !open {
        let place = match level {
            Level::Root => "at the root",
            Level::Item => "for specified array items",
            Level::Field => "for specified object fields",
        };
        refusals.required(&type_path, &format!("must not be empty {place}"));
    }
    if embedded && schema.has("additionalProperties") {
        let detail = "must not be used if x-kubernetes-embedded-resource is set";
        refusals.forbidden(&path.field("additionalProperties"), detail);
    }
    if level == Level::Root && !kind.is_empty() && kind != "object" {
        refusals.invalid(&type_path, kind, "must be object at the root");
    }
    let preserves = schema.flag("x-kubernetes-preserve-unknown-fields");
    if embedded && !preserves && schema.entries("properties").is_empty() {
        let detail =
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        refusals.required(&path.field("properties"), detail);
    }
}

/// What whole objects always have is not for schemas to state, but for what their names may be.
fn validate_metadata(path: &Path<'_>, schema: &Tree, level: Level, refusals: &mut Refusals) {
    let (properties, path) = (schema.entries("properties"), path.field("properties"));
    let whole = level == Level::Root || schema.flag("x-kubernetes-embedded-resource");
    for name in ["kind", "apiVersion"] {
        let given = properties.get(name).map(|property| property.text("type"));
        if let Some(given) = given.filter(|given| whole && *given != "string") {
            refusals.invalid(&path.key(name).field("type"), given, "must be string");
        }
    }
    let Some(metadata) = properties.get("metadata") else {
        return;
    };
    let path = path.key("metadata");
    if whole && metadata.text("type") != "object" {
        refusals.invalid(&path.field("type"), metadata.text("type"), "must be object");
    }
    if level != Level::Root {
        return;
    }
    let allowed = |name: &str| matches!(name, "name" | "generateName");
    let is_said = |(field, value): (&str, &Tree)| match field {
        "type" | "default" => false,
        "properties" => !metadata.entries("properties").keys().all(allowed),
        _ => !value.is_zero() || field == "additionalProperties",
    };
    if metadata.as_map().is_some_and(|fields| fields.iter().any(is_said)) {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        refusals.forbidden(&path, detail);
    }
}

/// `anyOf: [{type: integer}, {type: string}]`, which may state types.
fn is_int_or_string(schema: &Tree) -> bool {
    let typed = |kind: &str| Tree::Map(Map::from_iter([("type", kind)]));
    schema.items("anyOf") == [typed("integer"), typed("string")]
}

/// What judges values states no structure.
fn validate_judging(path: &Path<'_>, schema: &Tree, skip_any: bool, skip_first: bool, refusals: &mut Refusals) {
    for field in ["anyOf", "allOf", "oneOf"] {
        if field == "anyOf" && skip_any {
            continue;
        }
        for (at, part) in schema.items(field).iter().enumerate() {
            let skip = field == "allOf" && at == 0 && skip_first;
            validate_nested(&path.field(field).index(at), part, skip, refusals);
        }
    }
    if schema.has("not") {
        validate_nested(&path.field("not"), schema.at("not"), false, refusals);
    }
    let given = schema.text("pattern");
    if let Some(wrong) = go_regex::wrong(given) {
        let detail = format!("must be a valid regular expression, but isn't: error parsing regexp: {wrong}");
        refusals.invalid(&path.field("pattern"), given, &detail);
    }
}

fn validate_nested(path: &Path<'_>, part: &Tree, skip_any: bool, refusals: &mut Refusals) {
    const EMPTY: &str = "must be empty to be structural";
    const UNDEFINED: &str = "must be undefined to be structural";
    const FALSE: &str = "must be false to be structural";
    validate_judging(path, part, skip_any, false, refusals);
    if part.at("items").as_map().is_some() {
        validate_nested(&path.field("items"), part.at("items"), false, refusals);
    }
    for (name, property) in part.entries("properties").iter() {
        validate_nested(&path.field("properties").key(name), property, false, refusals);
    }
    for (field, detail) in [
        ("type", EMPTY),
        ("additionalProperties", UNDEFINED),
        ("default", UNDEFINED),
        ("title", EMPTY),
        ("description", EMPTY),
        ("nullable", FALSE),
        ("x-kubernetes-preserve-unknown-fields", FALSE),
        ("x-kubernetes-embedded-resource", FALSE),
        ("x-kubernetes-int-or-string", FALSE),
        ("x-kubernetes-list-map-keys", EMPTY),
        ("x-kubernetes-list-type", UNDEFINED),
        ("x-kubernetes-map-type", UNDEFINED),
        ("x-kubernetes-validations", EMPTY),
    ] {
        let given = part.at(field);
        let there = match field {
            "additionalProperties" => given.as_map().is_some() || given.as_bool() == Some(true),
            _ if detail == UNDEFINED => !given.is_null(),
            _ => !given.is_zero(),
        };
        if there {
            refusals.forbidden(&path.field(field), detail);
        }
    }
    if part.entries("properties").contains("metadata") {
        let path = path.field("properties");
        refusals.forbidden(&path.key("metadata"), "must not be specified in a nested context");
    }
}

/// What is judged has a structure: `structure` is what the schema states at the path of the values.
fn complete(
    path: &Path<'_>,
    judging_path: &Path<'_>,
    judging: &Tree,
    structure: Option<&Tree>,
    refusals: &mut Refusals,
) {
    if judging.has("not") {
        complete_nested(path, &judging_path.field("not"), judging.at("not"), structure, refusals);
    }
    for field in ["allOf", "anyOf", "oneOf"] {
        for (at, part) in judging.items(field).iter().enumerate() {
            complete_nested(path, &judging_path.field(field).index(at), part, structure, refusals);
        }
    }
}

fn complete_nested(
    path: &Path<'_>,
    judging_path: &Path<'_>,
    judging: &Tree,
    structure: Option<&Tree>,
    refusals: &mut Refusals,
) {
    let Some(structure) = structure else {
        // What is only counted is not put into words: paths may be long.
        let full = refusals.is_full();
        let detail = if full {
            String::new()
        } else {
            format!("because it is defined in {judging_path}")
        };
        return refusals.required(path, &detail);
    };
    complete(path, judging_path, judging, Some(structure), refusals);
    if judging.at("items").as_map().is_some() {
        let item = Some(structure.at("items")).filter(|item| item.as_map().is_some());
        let (path, judging_path) = (path.field("items"), judging_path.field("items"));
        complete_nested(&path, &judging_path, judging.at("items"), item, refusals);
    }
    for (name, property) in judging.entries("properties").iter() {
        let (path, judging_path) = (path.field("properties"), judging_path.field("properties"));
        let (path, judging_path) = (path.key(name), judging_path.key(name));
        let stated = structure.entries("properties").get(name);
        complete_nested(&path, &judging_path, property, stated, refusals);
    }
}
