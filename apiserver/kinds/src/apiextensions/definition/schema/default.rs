//! Defaults in schemas: they have no fields that the schema would prune, and the schema accepts them. Patterns, formats and
//! rules in CEL are not held against them here.

use std::fmt;

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
        accept(&Place::of(path), schema, default, refusals);
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

/// A place in a default. It costs nothing until it is told: a name may be long, and much may stand below it.
struct Place<'p> {
    /// Where the default stands.
    path: &'p Path<'p>,
    parent: Option<&'p Self>,
    step: Step<'p>,
}

enum Step<'p> {
    Root,
    Field(&'p str),
    Item(usize),
}

impl<'p> Place<'p> {
    const fn of(path: &'p Path<'p>) -> Self {
        let (parent, step) = (None, Step::Root);
        Self { path, parent, step }
    }

    const fn then<'c>(&'c self, step: Step<'c>) -> Place<'c> {
        let (path, parent) = (self.path, Some(self));
        Place { path, parent, step }
    }

    /// Whether it prints as nothing.
    fn is_empty(&self) -> bool {
        match self.step {
            Step::Root => true,
            Step::Field(name) => name.is_empty() && self.parent.is_none_or(Place::is_empty),
            Step::Item(_) => false,
        }
    }

    /// Refuses what stands here, told its path and its place below the default.
    fn refuse(&self, refusals: &mut Refusals, refuse: impl FnOnce(&Path<'_>, &str, &mut Refusals)) {
        // What is only counted is not put into words.
        let text = if refusals.is_full() {
            String::new()
        } else {
            self.to_string()
        };
        let place = self.path.field(&text);
        refuse(if text.is_empty() { self.path } else { &place }, &text, refusals);
    }
}

/// Its place below the default, with dots.
impl fmt::Display for Place<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parent = self.parent;
        if let Some(parent) = parent {
            parent.fmt(out)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Item(index) => write!(out, "[{index}]"),
            Step::Field(name) if parent.is_none_or(Place::is_empty) => out.write_str(name),
            Step::Field(name) => write!(out, ".{name}"),
        }
    }
}

/// Checks that a schema accepts a value.
fn accept(place: &Place<'_>, schema: &Tree, value: &Tree, refusals: &mut Refusals) {
    let (given, wanted) = (type_of(value), schema.text("type"));
    // Each of many values may be refused for each of many rules.
    if refusals.is_full() || (value.is_null() && schema.flag("nullable")) {
        return;
    }
    let any = schema.flag("x-kubernetes-int-or-string");
    let fits = if any {
        matches!(given, "integer" | "string")
    } else {
        wanted.is_empty() || given == wanted || (wanted == "number" && given == "integer")
    };
    if !fits {
        let wanted = if any { "integer,string" } else { wanted };
        return place.refuse(refusals, |path, at, refusals| {
            let detail = format!("{at} in body must be of type {wanted}: \"{given}\"");
            refusals.type_invalid(path, given, &detail);
        });
    }
    let values = schema.items("enum");
    if !values.is_empty() && !values.contains(value) {
        let known: Vec<String> = values.iter().map(plain).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        place.refuse(refusals, |path, _, refusals| {
            refusals.not_supported(path, value, &known);
        });
    }
    match value {
        Tree::Int(_) | Tree::Number(_) => accept_number(place, schema, value, refusals),
        Tree::Text(text) => accept_text(place, schema, text, refusals),
        Tree::List(items) => accept_list(place, schema, items, refusals),
        Tree::Map(fields) => accept_map(place, schema, fields, refusals),
        Tree::Null | Tree::Bool(_) => {}
    }
    for part in schema.items("allOf") {
        accept(place, part, value, refusals);
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

fn accept_number(place: &Place<'_>, schema: &Tree, value: &Tree, refusals: &mut Refusals) {
    let Some(given) = number(value) else {
        return;
    };
    let bound = |field: &str| number(schema.at(field)).map(|bound| (bound, plain(schema.at(field))));
    let should = |words: &str, shown: &str, refusals: &mut Refusals| {
        place.refuse(refusals, |path, at, refusals| {
            refusals.invalid(path, value, &format!("{at} in body should be {words} {shown}"));
        });
    };
    if let Some((most, shown)) = bound("maximum") {
        let exclusive = schema.flag("exclusiveMaximum");
        if given > most || (exclusive && given >= most) {
            let words = if exclusive {
                "less than"
            } else {
                "less than or equal to"
            };
            should(words, &shown, refusals);
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
            should(words, &shown, refusals);
        }
    }
    let divides = |factor: f64| factor <= 0.0 || (given / factor).fract() == 0.0;
    if let Some((_, shown)) = bound("multipleOf").filter(|(factor, _)| !divides(*factor)) {
        should("a multiple of", &shown, refusals);
    }
}

/// A bound of a length or a count.
fn limit(schema: &Tree, field: &str) -> Option<usize> {
    usize::try_from(schema.at(field).as_int()?).ok()
}

fn accept_text(place: &Place<'_>, schema: &Tree, text: &str, refusals: &mut Refusals) {
    let length = text.chars().count();
    if let Some(most) = limit(schema, "maxLength").filter(|most| length > *most) {
        place.refuse(refusals, |path, _, refusals| refusals.too_long(path, most));
    }
    if let Some(least) = limit(schema, "minLength").filter(|least| length < *least) {
        place.refuse(refusals, |path, at, refusals| {
            let detail = format!("{at} in body should be at least {least} chars long");
            refusals.invalid(path, text, &detail);
        });
    }
}

/// Checks how many parts a value has; `things` is what they are called.
fn accept_count(
    place: &Place<'_>,
    schema: &Tree,
    count: usize,
    [most, least, things]: [&str; 3],
    refusals: &mut Refusals,
) {
    if let Some(most) = limit(schema, most).filter(|most| count > *most) {
        place.refuse(refusals, |path, _, refusals| refusals.too_many(path, count, most));
    }
    if let Some(least) = limit(schema, least).filter(|least| count < *least) {
        place.refuse(refusals, |path, at, refusals| {
            let detail = format!("{at} in body should have at least {least} {things}");
            refusals.invalid(path, count, &detail);
        });
    }
}

fn accept_list(place: &Place<'_>, schema: &Tree, items: &[Tree], refusals: &mut Refusals) {
    accept_count(place, schema, items.len(), ["maxItems", "minItems", "items"], refusals);
    if schema.at("items").as_map().is_some() {
        for (index, item) in items.iter().enumerate() {
            accept(&place.then(Step::Item(index)), schema.at("items"), item, refusals);
        }
    }
}

fn accept_map(place: &Place<'_>, schema: &Tree, fields: &Map, refusals: &mut Refusals) {
    let words = ["maxProperties", "minProperties", "properties"];
    accept_count(place, schema, fields.len(), words, refusals);
    for name in schema.items("required").iter().filter_map(Tree::as_str) {
        if !fields.contains(name) {
            let missing = place.then(Step::Field(name));
            missing.refuse(refusals, |path, _, refusals| refusals.required(path, ""));
        }
    }
    for (name, value) in fields.iter() {
        let property = schema.entries("properties").get(name);
        let known = property.or_else(|| schema.get("additionalProperties"));
        if let Some(known) = known.filter(|known| known.as_map().is_some()) {
            accept(&place.then(Step::Field(name)), known, value, refusals);
        }
    }
}
