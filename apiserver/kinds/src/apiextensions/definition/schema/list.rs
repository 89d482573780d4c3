//! Lists that are merged by keys or as sets, and maps that are one value.

use std::collections::HashSet;

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::Strictness;

/// Whether a set has items that have parts of their own.
pub(super) fn has_set_of_parts(schema: &Tree) -> bool {
    schema.text("x-kubernetes-list-type") == "set" && part_of(schema.at("items")).is_some()
}

/// The field of a set's item that should say that it is one value.
fn part_of(item: &Tree) -> Option<&'static str> {
    let (list, map) = ("x-kubernetes-list-type", "x-kubernetes-map-type");
    match item.text("type") {
        "array" if item.has(list) && item.text(list) != "atomic" => Some(list),
        "object" if item.text(map) != "atomic" => Some(map),
        _ => None,
    }
}

/// Whether a list has keys that items may lack, or items that may be null.
pub(super) fn has_loose_keys(schema: &Tree) -> bool {
    let mut refusals = Refusals::new();
    validate_keys(&Path::root(), schema, &mut refusals);
    !refusals.is_empty()
}

/// Checks what a schema says of how it is merged.
pub(super) fn validate(path: &Path<'_>, schema: &Tree, strictness: Strictness, refusals: &mut Refusals) {
    let (kind, type_path) = (schema.text("type"), path.field("type"));
    let must_be = |wanted: &str, why: &str, refusals: &mut Refusals| {
        let detail = format!("must be {wanted} if {why} is specified");
        if kind.is_empty() {
            refusals.required(&type_path, &detail);
        } else {
            refusals.invalid(&type_path, kind, &detail);
        }
    };
    if let Some(map) = schema.at("x-kubernetes-map-type").as_str() {
        if kind != "object" {
            must_be("object", "x-kubernetes-map-type", refusals);
        }
        let known = ["atomic", "granular"];
        if !known.contains(&map) {
            refusals.not_supported(&path.field("x-kubernetes-map-type"), map, &known);
        }
    }
    let list = schema.at("x-kubernetes-list-type").as_str();
    let (list_path, item) = (path.field("x-kubernetes-list-type"), schema.at("items"));
    if list.is_some() && kind != "array" {
        must_be("array", "x-kubernetes-list-type", refusals);
    } else if let Some(part) = part_of(item).filter(|_| strictness.atomic_sets && list == Some("set")) {
        // Upstream shows the list type for both.
        let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
        let shown = item.at("x-kubernetes-list-type");
        refusals.invalid(&path.field("items").field(part), shown, detail);
    }
    let known = ["atomic", "set", "map"];
    if let Some(list) = list.filter(|list| !known.contains(list)) {
        refusals.not_supported(&list_path, list, &known);
    }
    if !schema.items("x-kubernetes-list-map-keys").is_empty() {
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        match list {
            None => refusals.required(&list_path, detail),
            Some("map") => {}
            Some(list) => refusals.invalid(&list_path, list, detail),
        }
    }
    if list == Some("map") {
        validate_map(path, schema, refusals);
    }
    if strictness.map_keys {
        validate_keys(path, schema, refusals);
    }
}

/// A list that is merged by keys.
fn validate_map(path: &Path<'_>, schema: &Tree, refusals: &mut Refusals) {
    let (keys, keys_path) = (
        schema.items("x-kubernetes-list-map-keys"),
        path.field("x-kubernetes-list-map-keys"),
    );
    let (item, item_path) = (schema.at("items"), path.field("items"));
    if keys.is_empty() {
        refusals.required(&keys_path, "must not be empty if x-kubernetes-list-type is map");
    }
    if item.is_null() {
        return refusals.required(&item_path, "must have a schema if x-kubernetes-list-type is map");
    }
    if item.as_list().is_some() {
        let detail = "must only have a single schema if x-kubernetes-list-type is map";
        return refusals.invalid(&item_path, item, detail);
    }
    let kind = item.text("type");
    if kind != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        return refusals.invalid(&item_path.field("type"), kind, detail);
    }
    let mut seen = HashSet::new();
    for key in keys {
        let name = key.as_str().unwrap_or_default();
        match item
            .entries("properties")
            .get(name)
            .map(|property| property.text("type"))
        {
            Some("array" | "object") => {
                let path = item_path.field("properties");
                let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                refusals.invalid(&path.key(name).field("type"), kind, detail);
            }
            Some(_) => {}
            None => refusals.invalid(&keys_path, keys, "entries must all be names of item properties"),
        }
        if !seen.insert(name) {
            refusals.invalid(&keys_path, keys, "must not contain duplicate entries");
        }
    }
}

/// Items of sets and maps are there, and have their keys.
fn validate_keys(path: &Path<'_>, schema: &Tree, refusals: &mut Refusals) {
    let (list, item) = (schema.text("x-kubernetes-list-type"), schema.at("items"));
    if item.as_map().is_none() || !matches!(list, "set" | "map") {
        return;
    }
    let path = path.field("items");
    if item.flag("nullable") {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {list}");
        refusals.forbidden(&path.field("nullable"), &detail);
    }
    if list == "set" {
        return;
    }
    let path = path.field("properties");
    let required: HashSet<Option<&str>> = item.items("required").iter().map(Tree::as_str).collect();
    for key in schema.items("x-kubernetes-list-map-keys") {
        let name = key.as_str().unwrap_or_default();
        let Some(property) = item.entries("properties").get(name) else {
            continue;
        };
        let path = path.key(name);
        if !required.contains(&key.as_str()) && !property.has("default") {
            let detail =
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            refusals.required(&path.field("default"), detail);
        }
        if property.flag("nullable") {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            refusals.forbidden(&path.field("nullable"), detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree;

    use super::super::Strictness;
    use super::validate;

    fn said(schema: &str) -> Vec<String> {
        let schema = tree::parse(schema.as_bytes()).unwrap().tree;
        let mut refusals = Refusals::new();
        validate(&Path::of("s"), &schema, Strictness::all(), &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn how_values_are_merged_fits_their_type() {
        let scalar = r#""type":"array","x-kubernetes-list-type""#;
        for (schema, expected) in [
            (format!(r#"{{{scalar}:"set","items":{{"type":"string"}}}}"#), &[][..]),
            (
                r#"{"type":"string","x-kubernetes-map-type":"x","x-kubernetes-list-type":"x"}"#.to_owned(),
                &[
                    r#"s.type: Invalid value: "string": must be object if x-kubernetes-map-type is specified"#,
                    r#"s.x-kubernetes-map-type: Unsupported value: "x": supported values: "atomic", "granular""#,
                    r#"s.type: Invalid value: "string": must be array if x-kubernetes-list-type is specified"#,
                    r#"s.x-kubernetes-list-type: Unsupported value: "x": supported values: "atomic", "set", "map""#,
                ],
            ),
            (
                format!(r#"{{{scalar}:"set","items":{{"type":"object"}}}}"#),
                &[
                    "s.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set",
                ],
            ),
            (
                r#"{"x-kubernetes-list-map-keys":["a"]}"#.to_owned(),
                &["s.x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty"],
            ),
        ] {
            assert_eq!(said(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn keys_are_scalar_properties_that_are_always_there() {
        let with = |keys: &str, item: &str| {
            said(&format!(
                r#"{{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":{keys},"items":{item}}}"#
            ))
        };
        let item = r#"{"type":"object","required":["a"],"properties":{"a":{"type":"string"},"b":{"type":"object"}}}"#;
        assert!(with(r#"["a"]"#, item).is_empty());
        assert_eq!(
            with("[]", r#"{"type":"string"}"#),
            [
                "s.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
                r#"s.items.type: Invalid value: "string": must be object if parent array's x-kubernetes-list-type is map"#,
            ]
        );
        assert_eq!(
            with(r#"["a","a","b","c"]"#, item),
            [
                r#"s.x-kubernetes-list-map-keys: Invalid value: ["a","a","b","c"]: must not contain duplicate entries"#,
                r#"s.items.properties[b].type: Invalid value: "object": must be a scalar type if parent array's x-kubernetes-list-type is map"#,
                r#"s.x-kubernetes-list-map-keys: Invalid value: ["a","a","b","c"]: entries must all be names of item properties"#,
                "s.items.properties[b].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
            ]
        );
    }
}
