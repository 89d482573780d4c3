//! Schemas of versions: `OpenAPI` v3 as far as it can be pruned, defaulted and merged ("structural").

mod declared;
mod default;
mod find;
mod list;
mod props;
mod rules;
mod structural;

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

pub(super) use self::find::find;
use super::shown;

const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];

/// What is asked of schemas. An update need not mend what the old ones have wrong.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub(super) struct Strictness {
    types: bool,
    structural: bool,
    pruned_defaults: bool,
    atomic_sets: bool,
    map_keys: bool,
    /// Whether each rule is bounded in its cost.
    costs: bool,
}

impl Strictness {
    /// All that is asked of new schemas.
    pub(super) const fn all() -> Self {
        Self {
            types: true,
            structural: true,
            pruned_defaults: true,
            atomic_sets: true,
            map_keys: true,
            costs: true,
        }
    }

    /// What these schemas fulfil.
    pub(super) fn of(schemas: &[&Tree]) -> Self {
        let none = |test: fn(&Tree) -> bool| !schemas.iter().any(|one| any(one, &test));
        Self {
            types: none(has_unknown_type),
            structural: !schemas.iter().any(|one| !structural::is_structural(one)),
            pruned_defaults: !schemas.iter().any(|one| default::has_unpruned(one)),
            atomic_sets: none(list::has_set_of_parts),
            map_keys: none(list::has_loose_keys),
            costs: true,
        }
    }

    /// The same for a schema that did not change, which may keep what its rules cost.
    pub(super) const fn unchanged(self) -> Self {
        Self { costs: false, ..self }
    }

    /// The same, and structural if this says so.
    pub(super) const fn with_structural(self, structural: bool) -> Self {
        Self {
            structural: self.structural || structural,
            ..self
        }
    }
}

/// The schemas right below a schema.
fn children(schema: &Tree) -> Vec<&Tree> {
    let mut found = Vec::new();
    for field in ["items", "not", "additionalProperties", "additionalItems"] {
        match schema.at(field) {
            Tree::List(items) => found.extend(items),
            one @ Tree::Map(_) => found.push(one),
            _ => {}
        }
    }
    for field in ["allOf", "anyOf", "oneOf"] {
        found.extend(schema.items(field));
    }
    for field in ["properties", "patternProperties", "definitions", "dependencies"] {
        let values = schema.entries(field).iter().map(|(_, value)| value);
        found.extend(values.filter(|value| value.as_map().is_some()));
    }
    found
}

/// Whether this holds of a schema or of one within it.
pub(super) fn any(schema: &Tree, test: &dyn Fn(&Tree) -> bool) -> bool {
    test(schema) || children(schema).into_iter().any(|child| any(child, test))
}

/// Whether it says what is there where nothing is said.
pub(super) fn has_default(schema: &Tree) -> bool {
    schema.has("default")
}

/// Whether it uses what Kubernetes adds to `OpenAPI`.
pub(super) fn has_extension(schema: &Tree) -> bool {
    schema.has("x-kubernetes-preserve-unknown-fields")
        || schema.has("x-kubernetes-list-type")
        || [
            "x-kubernetes-embedded-resource",
            "x-kubernetes-int-or-string",
            "x-kubernetes-list-map-keys",
            "x-kubernetes-validations",
        ]
        .iter()
        .any(|field| !schema.at(field).is_zero())
}

fn has_unknown_type(schema: &Tree) -> bool {
    let given = schema.text("type");
    !given.is_empty() && !TYPES.contains(&given)
}

/// The formats in a schema that no server knows.
pub(super) fn unknown_formats(schema: &Tree) -> Vec<String> {
    const TEXT: &[&str] = &[
        "bsonobjectid",
        "uri",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "cidr",
        "mac",
        "uuid",
        "uuid3",
        "uuid4",
        "uuid5",
        "isbn",
        "isbn10",
        "isbn13",
        "creditcard",
        "ssn",
        "hexcolor",
        "rgbcolor",
        "byte",
        "password",
        "date",
        "duration",
        "datetime",
        "k8sshortname",
        "k8slongname",
    ];
    let format = schema.text("format");
    let known = match schema.text("type") {
        "" | "string" => TEXT.contains(&format.replace('-', "").as_str()),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    };
    let mut found = Vec::new();
    if !format.is_empty() && !known {
        found.push(format.to_owned());
    }
    found.extend(children(schema).into_iter().flat_map(unknown_formats));
    found
}

/// Checks what a version or the definition has under `schema`.
pub(super) fn validate(
    path: &Path<'_>,
    validation: &Tree,
    has_status: bool,
    strictness: Strictness,
    refusals: &mut Refusals,
) {
    let schema = validation.at("openAPIV3Schema");
    if schema.is_null() {
        return;
    }
    let path = path.field("openAPIV3Schema");
    let before = refusals.len();
    if has_status {
        validate_root(&path, schema, refusals);
    }
    if schema.flag("nullable") {
        refusals.forbidden(&path.field("nullable"), "nullable cannot be true at the root");
    }
    let unsupported = if strictness.structural {
        structural::unsupported(schema)
    } else {
        None
    };
    let mut sound = strictness.structural && unsupported.is_none();
    if sound {
        let mut found = structural::validate(&path, schema);
        if found.is_empty() {
            default::validate(&path, schema, strictness.pruned_defaults, &mut found);
        }
        sound = found.is_empty();
        refusals.extend(found);
    }
    let own = refusals.len();
    props::validate(&path, schema, props::Place::root(), strictness, refusals);
    if sound {
        let mut wrong: Vec<String> = refusals.iter().skip(own).map(|one| one.field.clone()).collect();
        wrong.sort_unstable();
        rules::validate(&path, schema, &wrong, strictness.costs, refusals);
    }
    if let (Some(wrong), true) = (unsupported, refusals.len() == before) {
        refusals.invalid(&path, "", &wrong);
    }
}

/// Where the status is written apart, the root says nothing that could concern it.
fn validate_root(path: &Path<'_>, schema: &Tree, refusals: &mut Refusals) {
    const FORBIDDEN: &[&str] = &[
        "id",
        "$schema",
        "$ref",
        "nullable",
        "default",
        "enum",
        "maxProperties",
        "minProperties",
        "allOf",
        "oneOf",
        "anyOf",
        "not",
        "additionalProperties",
        "patternProperties",
        "dependencies",
        "additionalItems",
        "definitions",
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
    ];
    /// These stand before the type, so that they are told and the type is not.
    const BEFORE_TYPE: usize = 3;
    let given = |field: &&str| schema.has(field);
    let early = FORBIDDEN[..BEFORE_TYPE].iter().any(given);
    let kind = schema.text("type");
    if !early && !kind.is_empty() && kind != "object" {
        let detail =
            "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
        return refusals.invalid(&path.field("type"), kind, detail);
    }
    if FORBIDDEN.iter().any(given) {
        let allowed = "[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength \
            Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example \
            XPreserveUnknownFields XValidations]";
        let detail =
            format!("only {allowed} fields are allowed at the root of the schema if the status subresource is enabled");
        refusals.invalid(path, shown::schema(schema), &detail);
    }
}

#[cfg(test)]
mod tests;
