//! Defaults in schemas: they have no fields that the schema would prune, and the schema accepts them. Patterns, formats and
//! rules in CEL are not held against them here.

use apiserver_api::gvk::GroupVersion;
use apiserver_api::names::dns_1035_label;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Map, Tree};

/// Checks all defaults of the schema of a whole object.
pub(super) fn validate(path: &Path<'_>, schema: &Tree, pruned: bool, refusals: &mut Refusals) {
    walk(path, schema, true, pruned, refusals);
}

/// Whether a default has fields that would be pruned.
pub(super) fn has_unpruned(schema: &Tree) -> bool {
    super::any(schema, &|one| {
        one.get("default")
            .is_some_and(|default| !is_pruned(default, Some(one), false))
    })
}

fn walk(path: &Path<'_>, schema: &Tree, is_root: bool, pruned: bool, refusals: &mut Refusals) {
    let whole = is_root || schema.flag("x-kubernetes-embedded-resource");
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        validate_one(&path.field("default"), schema, default, whole, pruned, refusals);
    }
    if schema.at("items").as_map().is_some() {
        walk(&path.field("items"), schema.at("items"), false, pruned, refusals);
    }
    for (name, property) in schema.entries("properties").iter() {
        // What metadata, version and kind may be is known without the schema.
        if !(whole && matches!(name, "metadata" | "apiVersion" | "kind")) {
            walk(&path.field("properties").key(name), property, false, pruned, refusals);
        }
    }
}

fn validate_one(path: &Path<'_>, schema: &Tree, default: &Tree, whole: bool, pruned: bool, refusals: &mut Refusals) {
    if pruned && !is_pruned(default, Some(schema), whole) {
        refusals.invalid(path, default, "must not have unknown fields");
    }
    let before = refusals.len();
    if let (true, Some(object)) = (whole, default.as_map()) {
        validate_type_meta(path, object, refusals);
    }
    if refusals.len() == before {
        accept(path, "", schema, default, refusals);
    }
}

/// Whether pruning would leave a value as it is.
fn is_pruned(value: &Tree, schema: Option<&Tree>, whole: bool) -> bool {
    let open = schema.is_some_and(|schema| schema.flag("x-kubernetes-preserve-unknown-fields"));
    let whole = whole || schema.is_some_and(|schema| schema.flag("x-kubernetes-embedded-resource"));
    match value {
        Tree::Map(fields) => fields.iter().all(|(name, field)| {
            if whole && matches!(name, "metadata" | "apiVersion" | "kind") {
                return true;
            }
            let property = schema.and_then(|schema| schema.entries("properties").get(name));
            let additional = schema.map_or(&Tree::Null, |schema| schema.at("additionalProperties"));
            match (property, additional) {
                (Some(property), _) => is_pruned(field, Some(property), false),
                (None, Tree::Null) => open,
                (None, additional) => is_pruned(field, Some(additional).filter(|one| one.as_map().is_some()), false),
            }
        }),
        Tree::List(items) => {
            let item = schema
                .map(|schema| schema.at("items"))
                .filter(|item| item.as_map().is_some());
            items
                .iter()
                .all(|one| (open && item.is_none()) || is_pruned(one, item, false))
        }
        _ => true,
    }
}

/// A whole object says what it is.
fn validate_type_meta(path: &Path<'_>, object: &Map, refusals: &mut Refusals) {
    for field in ["apiVersion", "kind"] {
        if !object.contains(field) {
            refusals.required(&path.field(field), "");
        }
    }
    for field in ["apiVersion", "kind"] {
        let Some(given) = object.get(field) else {
            continue;
        };
        let path = path.field(field);
        let wrong = match given.as_str() {
            None => Some("must be a string".to_owned()),
            Some("") => Some("must not be empty".to_owned()),
            Some(text) if field == "kind" => {
                let messages = dns_1035_label(&text.to_lowercase());
                let head = "may have mixed case, but should otherwise match: ";
                (!messages.is_empty()).then(|| format!("{head}{}", messages.join(",")))
            }
            Some(text) => GroupVersion::parse(text).err().map(|error| error.to_string()),
        };
        if let Some(wrong) = wrong {
            refusals.invalid(&path, given, &wrong);
        }
    }
}

/// What JSON schemas call the type of a value.
fn type_of(value: &Tree) -> &'static str {
    match value {
        Tree::Null => "null",
        Tree::Bool(_) => "boolean",
        Tree::Int(_) => "integer",
        Tree::Number(number) if number.as_f64().fract() == 0.0 => "integer",
        Tree::Number(_) => "number",
        Tree::Text(_) => "string",
        Tree::List(_) => "array",
        Tree::Map(_) => "object",
    }
}

/// Checks that a schema accepts a value; `at` is its place below the default, with dots.
fn accept(path: &Path<'_>, at: &str, schema: &Tree, value: &Tree, refusals: &mut Refusals) {
    let place = path.field(at);
    let here = if at.is_empty() { *path } else { place };
    let (given, wanted) = (type_of(value), schema.text("type"));
    if value.is_null() && schema.flag("nullable") {
        return;
    }
    if schema.flag("x-kubernetes-int-or-string") {
        if !matches!(given, "integer" | "string") {
            let detail = format!("{at} in body must be of type integer,string: \"{given}\"");
            return refusals.type_invalid(&here, given, &detail);
        }
    } else if !(wanted.is_empty() || given == wanted || (wanted == "number" && given == "integer")) {
        let detail = format!("{at} in body must be of type {wanted}: \"{given}\"");
        return refusals.type_invalid(&here, given, &detail);
    }
    let values = schema.items("enum");
    if !values.is_empty() && !values.contains(value) {
        let known: Vec<String> = values.iter().map(plain).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        refusals.not_supported(&here, value, &known);
    }
    match value {
        Tree::Int(_) | Tree::Number(_) => accept_number(&here, at, schema, value, refusals),
        Tree::Text(text) => accept_text(&here, at, schema, text, refusals),
        Tree::List(items) => accept_list(path, &here, at, schema, items, refusals),
        Tree::Map(fields) => accept_map(path, &here, at, schema, fields, refusals),
        Tree::Null | Tree::Bool(_) => {}
    }
    for part in schema.items("allOf") {
        accept(path, at, part, value, refusals);
    }
}

/// A value as lists of allowed values show it.
fn plain(value: &Tree) -> String {
    let json = || String::from_utf8_lossy(&value.to_json()).into_owned();
    value.as_str().map_or_else(json, str::to_owned)
}

fn number(value: &Tree) -> Option<f64> {
    match value {
        Tree::Int(value) => value.to_string().parse().ok(),
        Tree::Number(value) => Some(value.as_f64()),
        _ => None,
    }
}

fn accept_number(path: &Path<'_>, at: &str, schema: &Tree, value: &Tree, refusals: &mut Refusals) {
    let Some(given) = number(value) else {
        return;
    };
    let bound = |field: &str| number(schema.at(field)).map(|bound| (bound, plain(schema.at(field))));
    if let Some((most, shown)) = bound("maximum") {
        let exclusive = schema.flag("exclusiveMaximum");
        if given > most || (exclusive && given >= most) {
            let words = if exclusive {
                "less than"
            } else {
                "less than or equal to"
            };
            refusals.invalid(path, value, &format!("{at} in body should be {words} {shown}"));
        }
    }
    if let Some((least, shown)) = bound("minimum") {
        let exclusive = schema.flag("exclusiveMinimum");
        if given < least || (exclusive && given <= least) {
            let words = if exclusive {
                "greater than"
            } else {
                "greater than or equal to"
            };
            refusals.invalid(path, value, &format!("{at} in body should be {words} {shown}"));
        }
    }
    let divides = |factor: f64| factor <= 0.0 || (given / factor).fract() == 0.0;
    if let Some((_, shown)) = bound("multipleOf").filter(|(factor, _)| !divides(*factor)) {
        refusals.invalid(path, value, &format!("{at} in body should be a multiple of {shown}"));
    }
}

/// A bound of a length or a count.
fn limit(schema: &Tree, field: &str) -> Option<usize> {
    usize::try_from(schema.at(field).as_int()?).ok()
}

fn accept_text(path: &Path<'_>, at: &str, schema: &Tree, text: &str, refusals: &mut Refusals) {
    let length = text.chars().count();
    if let Some(most) = limit(schema, "maxLength").filter(|most| length > *most) {
        refusals.too_long(path, most);
    }
    if let Some(least) = limit(schema, "minLength").filter(|least| length < *least) {
        let detail = format!("{at} in body should be at least {least} chars long");
        refusals.invalid(path, text, &detail);
    }
}

fn accept_list(path: &Path<'_>, here: &Path<'_>, at: &str, schema: &Tree, items: &[Tree], refusals: &mut Refusals) {
    if let Some(most) = limit(schema, "maxItems").filter(|most| items.len() > *most) {
        refusals.too_many(here, items.len(), most);
    }
    if let Some(least) = limit(schema, "minItems").filter(|least| items.len() < *least) {
        let detail = format!("{at} in body should have at least {least} items");
        refusals.invalid(here, items.len(), &detail);
    }
    if schema.at("items").as_map().is_some() {
        for (index, item) in items.iter().enumerate() {
            accept(path, &format!("{at}[{index}]"), schema.at("items"), item, refusals);
        }
    }
}

fn accept_map(path: &Path<'_>, here: &Path<'_>, at: &str, schema: &Tree, fields: &Map, refusals: &mut Refusals) {
    if let Some(most) = limit(schema, "maxProperties").filter(|most| fields.len() > *most) {
        refusals.too_many(here, fields.len(), most);
    }
    if let Some(least) = limit(schema, "minProperties").filter(|least| fields.len() < *least) {
        let detail = format!("{at} in body should have at least {least} properties");
        refusals.invalid(here, fields.len(), &detail);
    }
    let below = |name: &str| {
        if at.is_empty() {
            name.to_owned()
        } else {
            format!("{at}.{name}")
        }
    };
    for name in schema.items("required").iter().filter_map(Tree::as_str) {
        if !fields.contains(name) {
            refusals.required(&path.field(&below(name)), "");
        }
    }
    for (name, value) in fields.iter() {
        let property = schema.entries("properties").get(name);
        let known = property.or_else(|| schema.get("additionalProperties"));
        if let Some(known) = known.filter(|known| known.as_map().is_some()) {
            accept(path, &below(name), known, value, refusals);
        }
    }
}
