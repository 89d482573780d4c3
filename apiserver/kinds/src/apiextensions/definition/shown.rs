//! Versions and schemas as Go prints its own form of them, which has no names of JSON.

use apiserver_api::refusal::Shown;
use apiserver_api::tree::{Tree, quoted};

use super::view::View;

/// How a field is printed where it is absent, and what it holds.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Flag,
    Number,
    /// Printed as it is, or `null`.
    Any,
    Schema,
    SchemaOrBool,
    Items,
    Schemas,
    SchemaMap,
    Dependencies,
    Docs,
    Rules,
}

/// The fields of a schema in the order of Go's struct.
const SCHEMA: &[(&str, &str, Form)] = &[
    ("ID", "id", Form::Text),
    ("Schema", "$schema", Form::Text),
    ("Ref", "$ref", Form::Any),
    ("Description", "description", Form::Text),
    ("Type", "type", Form::Text),
    ("Nullable", "nullable", Form::Flag),
    ("Format", "format", Form::Text),
    ("Title", "title", Form::Text),
    ("Default", "default", Form::Any),
    ("Maximum", "maximum", Form::Any),
    ("ExclusiveMaximum", "exclusiveMaximum", Form::Flag),
    ("Minimum", "minimum", Form::Any),
    ("ExclusiveMinimum", "exclusiveMinimum", Form::Flag),
    ("MaxLength", "maxLength", Form::Any),
    ("MinLength", "minLength", Form::Any),
    ("Pattern", "pattern", Form::Text),
    ("MaxItems", "maxItems", Form::Any),
    ("MinItems", "minItems", Form::Any),
    ("UniqueItems", "uniqueItems", Form::Flag),
    ("MultipleOf", "multipleOf", Form::Any),
    ("Enum", "enum", Form::Any),
    ("MaxProperties", "maxProperties", Form::Any),
    ("MinProperties", "minProperties", Form::Any),
    ("Required", "required", Form::Any),
    ("Items", "items", Form::Items),
    ("AllOf", "allOf", Form::Schemas),
    ("OneOf", "oneOf", Form::Schemas),
    ("AnyOf", "anyOf", Form::Schemas),
    ("Not", "not", Form::Schema),
    ("Properties", "properties", Form::SchemaMap),
    ("AdditionalProperties", "additionalProperties", Form::SchemaOrBool),
    ("PatternProperties", "patternProperties", Form::SchemaMap),
    ("Dependencies", "dependencies", Form::Dependencies),
    ("AdditionalItems", "additionalItems", Form::SchemaOrBool),
    ("Definitions", "definitions", Form::SchemaMap),
    ("ExternalDocs", "externalDocs", Form::Docs),
    ("Example", "example", Form::Any),
    (
        "XPreserveUnknownFields",
        "x-kubernetes-preserve-unknown-fields",
        Form::Any,
    ),
    ("XEmbeddedResource", "x-kubernetes-embedded-resource", Form::Flag),
    ("XIntOrString", "x-kubernetes-int-or-string", Form::Flag),
    ("XListMapKeys", "x-kubernetes-list-map-keys", Form::Any),
    ("XListType", "x-kubernetes-list-type", Form::Any),
    ("XMapType", "x-kubernetes-map-type", Form::Any),
    ("XValidations", "x-kubernetes-validations", Form::Rules),
];

const RULE: &[(&str, &str, Form)] = &[
    ("Rule", "rule", Form::Text),
    ("Message", "message", Form::Text),
    ("MessageExpression", "messageExpression", Form::Text),
    ("Reason", "reason", Form::Any),
    ("FieldPath", "fieldPath", Form::Text),
    ("OptionalOldSelf", "optionalOldSelf", Form::Any),
];

const COLUMN: &[(&str, &str, Form)] = &[
    ("Name", "name", Form::Text),
    ("Type", "type", Form::Text),
    ("Format", "format", Form::Text),
    ("Description", "description", Form::Text),
    ("Priority", "priority", Form::Number),
    ("JSONPath", "jsonPath", Form::Text),
];

/// A schema.
pub(super) fn schema(schema: &Tree) -> Shown {
    Shown::raw(object(schema, SCHEMA))
}

/// All versions, without what they share.
pub(super) fn versions(view: &View<'_>) -> String {
    let all: Vec<String> = view.versions.iter().map(|one| version(view, one)).collect();
    format!("[{}]", all.join(","))
}

fn version<'v>(view: &View<'v>, one: &'v Tree) -> String {
    let own = |field| view.own(one, field);
    let schema = match own("schema") {
        Tree::Null => "null".to_owned(),
        schema => format!(
            "{{\"OpenAPIV3Schema\":{}}}",
            print(schema.at("openAPIV3Schema"), Form::Schema)
        ),
    };
    let subresources = match own("subresources") {
        Tree::Null => "null".to_owned(),
        given => {
            let status = if given.has("status") { "{}" } else { "null" };
            format!("{{\"Status\":{status},\"Scale\":{}}}", scale(given.at("scale")))
        }
    };
    let columns = list(own("additionalPrinterColumns"), |column| object(column, COLUMN));
    let fields = list(own("selectableFields"), |field| {
        object(field, &[("JSONPath", "jsonPath", Form::Text)])
    });
    format!(
        "{{\"Name\":{},\"Served\":{},\"Storage\":{},\"Deprecated\":{},\"DeprecationWarning\":{},\"Schema\":{schema},\
         \"Subresources\":{subresources},\"AdditionalPrinterColumns\":{columns},\"SelectableFields\":{fields}}}",
        print(one.at("name"), Form::Text),
        one.flag("served"),
        one.flag("storage"),
        one.flag("deprecated"),
        print(one.at("deprecationWarning"), Form::Any),
    )
}

fn scale(scale: &Tree) -> String {
    if scale.is_null() {
        return "null".to_owned();
    }
    let fields = [
        ("SpecReplicasPath", "specReplicasPath", Form::Text),
        ("StatusReplicasPath", "statusReplicasPath", Form::Text),
        ("LabelSelectorPath", "labelSelectorPath", Form::Any),
    ];
    object(scale, &fields)
}

fn object(tree: &Tree, fields: &[(&str, &str, Form)]) -> String {
    let fields = fields
        .iter()
        .map(|(go, json, form)| format!("\"{go}\":{}", print(tree.at(json), *form)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

fn list(tree: &Tree, one: impl Fn(&Tree) -> String) -> String {
    match tree.as_list() {
        None => "null".to_owned(),
        Some(items) => format!("[{}]", items.iter().map(one).collect::<Vec<_>>().join(",")),
    }
}

fn map(tree: &Tree, one: impl Fn(&Tree) -> String) -> String {
    let Some(entries) = tree.as_map() else {
        return "null".to_owned();
    };
    let entries = entries
        .iter()
        .map(|(key, value)| format!("{}:{}", json(&key.into()), one(value)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
}

fn json(tree: &Tree) -> String {
    let mut out = Vec::new();
    match tree.as_str() {
        Some(text) => quoted(text, &mut out),
        None => out = tree.to_json(),
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn print(tree: &Tree, form: Form) -> String {
    match form {
        Form::Text => json(&tree.as_str().unwrap_or_default().into()),
        Form::Flag => matches!(tree, Tree::Bool(true)).to_string(),
        Form::Number => tree.as_int().unwrap_or_default().to_string(),
        Form::Any => json(tree),
        Form::Schema | Form::Docs if tree.is_null() => "null".to_owned(),
        Form::Schema => object(tree, SCHEMA),
        Form::SchemaOrBool => match tree {
            Tree::Null => "null".to_owned(),
            Tree::Bool(allows) => format!("{{\"Allows\":{allows},\"Schema\":null}}"),
            schema => format!("{{\"Allows\":true,\"Schema\":{}}}", object(schema, SCHEMA)),
        },
        Form::Items => match tree {
            Tree::Null => "null".to_owned(),
            Tree::List(_) => format!("{{\"Schema\":null,\"JSONSchemas\":{}}}", print(tree, Form::Schemas)),
            schema => format!("{{\"Schema\":{},\"JSONSchemas\":null}}", object(schema, SCHEMA)),
        },
        Form::Schemas => list(tree, |one| object(one, SCHEMA)),
        Form::SchemaMap => map(tree, |one| object(one, SCHEMA)),
        Form::Dependencies => map(tree, |one| match one {
            Tree::List(_) => format!("{{\"Schema\":null,\"Property\":{}}}", json(one)),
            schema => format!("{{\"Schema\":{},\"Property\":null}}", object(schema, SCHEMA)),
        }),
        Form::Docs => object(
            tree,
            &[("Description", "description", Form::Text), ("URL", "url", Form::Text)],
        ),
        Form::Rules => list(tree, |one| object(one, RULE)),
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree;

    use super::super::view::View;
    use super::{schema, versions};

    #[test]
    fn go_prints_all_fields() {
        let spec = r#"{"versions":[{"name":"v1","served":true},{"name":"v2","subresources":{"status":{}}}]}"#;
        let spec = tree::parse(spec.as_bytes()).unwrap().tree;
        let rest = r#""AdditionalPrinterColumns":null,"SelectableFields":null}"#;
        let head = r#""Storage":false,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources""#;
        let expected = format!(
            r#"[{{"Name":"v1","Served":true,{head}:null,{rest},{{"Name":"v2","Served":false,{head}:{{"Status":{{}},"Scale":null}},{rest}]"#
        );
        assert_eq!(versions(&View::of(&spec)), expected);
        let given = tree::parse(br#"{"type":"object","properties":{"a":{}}}"#).unwrap().tree;
        let mut refusals = Refusals::new();
        refusals.invalid(&apiserver_api::path::Path::root(), schema(&given), "");
        let said = refusals.to_string();
        assert!(said.starts_with(
            r#": Invalid value: {"ID":"","Schema":"","Ref":null,"Description":"","Type":"object","Nullable":false,"#
        ));
        assert!(said.contains(r#""Properties":{"a":{"ID":"""#), "{said}");
    }
}
