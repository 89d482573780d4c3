//! What rules see of the values that a schema describes: their types, and how large they may be.

use std::collections::{BTreeMap, HashSet};

use apiserver_api::tree::Tree;
use apiserver_cel::names::escape;
use apiserver_cel::{Declared, Type};

/// The largest request, which bounds what no schema bounds.
const REQUEST_MAX: u64 = 3 << 20;
/// The longest span and the longest point of time, and a day, in JSON.
const DURATION_MAX: u64 = 32;
const TIME_MAX: u64 = 32;
const DATE: u64 = 12;

/// What rules see of a schema's values; nothing if they do not see them. An object's type, kind and names are always
/// seen.
pub(super) fn declared(schema: &Tree, is_object: bool) -> Option<Declared> {
    if schema.flag("x-kubernetes-int-or-string") {
        return Some(simple(Type::Dyn, longest(schema, text_max(schema)), 1));
    }
    match schema.text("type") {
        "array" => {
            let item = below(schema.at("items"))?;
            let fitting = (REQUEST_MAX - 2) / (item.least_bytes + 1);
            let max = bound(schema, "maxItems").unwrap_or(fitting);
            Some(least(Declared::list(item, max), 2))
        }
        "object" if schema.at("additionalProperties").as_map().is_some() => map(schema),
        "object" => Some(object(schema, is_object)),
        "string" => Some(text(schema)),
        "boolean" => Some(simple(Type::Bool, 0, 4)),
        "number" => Some(simple(Type::Double, 0, 1)),
        "integer" => Some(simple(Type::Int, 0, 1)),
        _ => None,
    }
}

fn below(schema: &Tree) -> Option<Declared> {
    schema.as_map()?;
    declared(schema, schema.flag("x-kubernetes-embedded-resource"))
}

fn simple(of: Type, max: u64, least_bytes: u64) -> Declared {
    least(Declared::simple(of, max), least_bytes)
}

fn least(declared: Declared, least_bytes: u64) -> Declared {
    Declared {
        least_bytes,
        ..declared
    }
}

/// A bound that a schema sets; less than none is none.
fn bound(schema: &Tree, field: &str) -> Option<u64> {
    let given = schema.at(field).as_int()?;
    Some(u64::try_from(given).unwrap_or(0))
}

/// The most bytes of a text whose characters are bounded.
fn longest(schema: &Tree, otherwise: u64) -> u64 {
    bound(schema, "maxLength").map_or(otherwise, |max| max.saturating_mul(4))
}

/// The most bytes of a text that fit a request.
fn text_max(schema: &Tree) -> u64 {
    if schema.flag("x-kubernetes-int-or-string") {
        return REQUEST_MAX - 2;
    }
    match schema.text("format") {
        "duration" => DURATION_MAX,
        "date" => DATE,
        "date-time" => TIME_MAX,
        _ => REQUEST_MAX - 2,
    }
}

fn text(schema: &Tree) -> Declared {
    let max = text_max(schema);
    match schema.text("format") {
        "byte" => simple(Type::Bytes, bound(schema, "maxLength").unwrap_or(max), 2),
        "duration" => simple(Type::Duration, max, 3),
        "date" => simple(Type::Timestamp, max, DATE),
        "date-time" => simple(Type::Timestamp, max, 21),
        _ => {
            let words = schema.items("enum").iter().filter_map(Tree::as_str).map(str::len);
            let max = if schema.items("enum").is_empty() {
                max
            } else {
                words.max().unwrap_or(0) as u64
            };
            simple(Type::String, longest(schema, max), 2)
        }
    }
}

fn map(schema: &Tree) -> Option<Declared> {
    let value = below(schema.at("additionalProperties"))?;
    let fitting = (REQUEST_MAX - 2) / (value.least_bytes + 6);
    let max = bound(schema, "maxProperties").unwrap_or(fitting);
    let key = simple(Type::String, 0, 2);
    Some(least(Declared::map(key, value, max), 2))
}

fn object(schema: &Tree, is_object: bool) -> Declared {
    let mut fields = BTreeMap::new();
    let mut bytes = 2;
    let required: HashSet<&str> = schema.items("required").iter().filter_map(Tree::as_str).collect();
    let given = schema.entries("properties");
    let replaced = |name: &str| is_object && matches!(name, "apiVersion" | "kind" | "metadata");
    for (name, property) in given.iter().filter(|(name, _)| !replaced(name) || has_meta(schema)) {
        let Some(field) = below(property) else {
            continue;
        };
        if required.contains(name) && !property.has("default") {
            bytes += name.len() as u64 + field.least_bytes + 4;
        }
        if let Some(name) = escape(name) {
            fields.insert(name, field);
        }
    }
    if is_object && !has_meta(schema) {
        let word = || simple(Type::String, REQUEST_MAX - 2, 2);
        let names = ["name", "generateName"].map(|name| (name.to_owned(), word()));
        let metadata = least(Declared::object("object", BTreeMap::from(names)), 2);
        for (name, field) in [("apiVersion", word()), ("kind", word()), ("metadata", metadata)] {
            if required.contains(name) {
                bytes += name.len() as u64 + field.least_bytes + 4;
            }
            fields.insert(name.to_owned(), field);
        }
    }
    least(Declared::object("object", fields), bytes)
}

/// Whether a schema itself says what every object has.
fn has_meta(schema: &Tree) -> bool {
    let properties = schema.entries("properties");
    let is = |name: &str, kind: &str| properties.get(name).is_some_and(|one| one.text("type") == kind);
    let metadata = properties.get("metadata");
    let named = |name: &str| {
        let names = metadata.map(|one| one.entries("properties"));
        names
            .and_then(|names| names.get(name))
            .is_some_and(|one| one.text("type") == "string")
    };
    is("kind", "string")
        && is("apiVersion", "string")
        && is("metadata", "object")
        && named("name")
        && named("generateName")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::tree;

    fn of(schema: &str) -> Option<Declared> {
        declared(&tree(schema), false)
    }

    #[test]
    fn values_have_the_types_and_the_bounds_of_their_schemas() {
        for (schema, expected, max, bytes) in [
            (r#"{"type":"string"}"#, "string", (3 << 20) - 2, 2),
            (r#"{"type":"string","maxLength":10}"#, "string", 40, 2),
            (r#"{"type":"string","maxLength":-1}"#, "string", 0, 2),
            (r#"{"type":"string","enum":["a","bcd"]}"#, "string", 3, 2),
            (r#"{"type":"string","format":"byte","maxLength":10}"#, "bytes", 10, 2),
            (
                r#"{"type":"string","format":"date"}"#,
                "google.protobuf.Timestamp",
                12,
                12,
            ),
            (
                r#"{"type":"string","format":"duration"}"#,
                "google.protobuf.Duration",
                32,
                3,
            ),
            (r#"{"type":"integer"}"#, "int", 0, 1),
            (r#"{"x-kubernetes-int-or-string":true}"#, "dyn", (3 << 20) - 2, 1),
            (
                r#"{"type":"array","items":{"type":"boolean"},"maxItems":5}"#,
                "list(bool)",
                5,
                2,
            ),
            (
                r#"{"type":"array","items":{"type":"integer"}}"#,
                "list(int)",
                ((3 << 20) - 2) / 2,
                2,
            ),
            (
                r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
                "map(string, string)",
                ((3 << 20) - 2) / 8,
                2,
            ),
            (
                r#"{"type":"object","required":["a","b"],"properties":{"a":{"type":"string"},"b":{"type":"integer","default":1}}}"#,
                "object",
                0,
                9,
            ),
        ] {
            let declared = of(schema).expect(schema);
            let got = (declared.of.to_string(), declared.max, declared.least_bytes);
            assert_eq!(got, (expected.to_owned(), max, bytes), "{schema}");
        }
    }

    #[test]
    fn what_has_no_type_is_not_seen() {
        assert_eq!(of(r#"{"x-kubernetes-preserve-unknown-fields":true}"#), None);
        assert_eq!(
            of(r#"{"type":"array","items":{"x-kubernetes-preserve-unknown-fields":true}}"#),
            None
        );
        let seen = of(r#"{"type":"object","properties":{"a":{},"a-b":{"type":"string"},"1":{"type":"string"}}}"#);
        let names: Vec<String> = seen.into_iter().flat_map(|one| one.fields.into_keys()).collect();
        assert_eq!(names, ["a__dash__b"]);
    }

    #[test]
    fn of_an_object_its_kind_and_names_are_seen() {
        let seen = declared(
            &tree(r#"{"type":"object","properties":{"metadata":{"type":"object"}}}"#),
            true,
        );
        let fields = seen.map(|one| one.fields).unwrap_or_default();
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        assert_eq!(names, ["apiVersion", "kind", "metadata"]);
        let names: Vec<&str> = fields["metadata"].fields.keys().map(String::as_str).collect();
        assert_eq!(names, ["generateName", "name"]);
    }
}
