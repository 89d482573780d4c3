//! Values as upstream's internal types print in refusals: all fields under the names that Go gives them, in its order.
//!
//! The table of types says what fields there are and what is zero; [`names`] says where internal types differ. What is of
//! `meta` (metadata, selectors, conditions) is of no internal type and prints as clients know it.

mod names;

use apiserver_api::refusal::Shown;
use apiserver_api::tree::{Tree, quoted};
use apiserver_schema::{Field, Omit, Schema, Shape, Struct, TypeId, built_in};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
/// The type of label selectors.
pub(crate) const LABEL_SELECTOR: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector";
const POD: &str = "io.k8s.api.core.v1.PodSpec";
const SCHEMA: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

/// A value whose fields keep their order.
enum Value {
    Leaf(String),
    Map(Vec<(String, Self)>),
    List(Vec<Self>),
}

/// A value that is put into words only where it is told: there may be many, and each long.
struct Late<M>(M);

impl<M: FnOnce() -> Shown> From<Late<M>> for Shown {
    fn from(late: Late<M>) -> Self {
        (late.0)()
    }
}

/// A struct on one line: `of` is its type as documents name it. What is absent is `null`.
pub(crate) fn shown(of: &str, tree: &Tree) -> impl Into<Shown> {
    Late(move || Shown::raw(line(of, tree)))
}

/// The same as text.
pub(crate) fn line(of: &str, tree: &Tree) -> String {
    written(&value(of, tree))
}

/// A list of structs on one line.
pub(crate) fn shown_list(of: &str, list: &Tree) -> impl Into<Shown> {
    Late(move || {
        let items = list.as_list();
        let items = items.map(|items| items.iter().map(|item| value(of, item)).collect());
        Shown::raw(written(&items.map_or_else(null, Value::List)))
    })
}

/// A field of a struct of a type.
pub(crate) fn shown_field(of: &str, field: &str, tree: &Tree) -> impl Into<Shown> {
    Late(move || {
        let schema = built_in();
        let field = schema.named(of).and_then(|id| schema.get(id).field(field));
        match field.map(|field| (field, tree.at(&field.name))) {
            Some((field, Tree::Null)) if matches!(field.shape, Shape::Text) && !field.pointer => "".into(),
            Some((_, text @ Tree::Text(_))) => text.into(),
            Some((field, value)) => Shown::raw(written(&held(schema, &field.shape, field.pointer, value))),
            None => (&Tree::Null).into(),
        }
    })
}

/// A struct that stands in no type of its own.
pub(crate) fn shown_fields(fields: &[(&str, &Tree)]) -> Shown {
    let fields = fields.iter().map(|(name, tree)| ((*name).to_owned(), plain(tree)));
    Shown::raw(written(&Value::Map(fields.collect())))
}

/// A value that is of a plain type with a name of its own in Go, which is shown as JSON even where it is a string.
pub(crate) fn shown_json(tree: &Tree) -> impl Into<Shown> {
    Late(move || Shown::raw(json(tree)))
}

/// A struct on many lines, each a space further in than what it stands in.
pub(crate) fn lines(of: &str, tree: &Tree) -> String {
    let mut out = String::new();
    indented(&value(of, tree), 0, &mut out);
    out
}

fn null() -> Value {
    Value::Leaf("null".to_owned())
}

fn value(of: &str, tree: &Tree) -> Value {
    let schema = built_in();
    match schema.named(of) {
        Some(id) if !tree.is_null() => object(schema, id, tree),
        _ => null(),
    }
}

fn object(schema: &'static Schema, id: TypeId, tree: &Tree) -> Value {
    Value::Map(entries(schema, schema.get(id), tree))
}

fn entries(schema: &'static Schema, one: &'static Struct, tree: &Tree) -> Vec<(String, Value)> {
    if one.name.starts_with(META) {
        return known(schema, one, tree);
    }
    let moved = (&*one.name == POD).then(|| with_host(tree));
    let tree = moved.as_ref().unwrap_or(tree);
    let mut out = Vec::new();
    for field in names::fields(schema, one) {
        let value = tree.at(&field.name);
        if let Some(metadata) = metadata_of(schema, field) {
            out.extend(entries(schema, metadata, value));
        } else {
            let held = held(schema, &field.shape, names::is_pointer(one, field), value);
            out.push((names::name(one, field).into_owned(), held));
        }
    }
    out
}

/// The type of an object's metadata, which Go embeds in it.
fn metadata_of(schema: &'static Schema, field: &Field) -> Option<&'static Struct> {
    match field.shape {
        Shape::Struct(id) if &*schema.get(id).name == METADATA => Some(schema.get(id)),
        _ => None,
    }
}

/// The spec of a pod, with what it shares with its host in its security context.
fn with_host(spec: &Tree) -> Tree {
    let mut spec = spec.clone();
    spec.child("securityContext");
    for field in names::SHARED {
        if let Some(value) = spec.remove(field) {
            spec.child("securityContext").set(field, value);
        }
    }
    spec
}

/// The fields of what clients know by the same names, without those that are empty.
fn known(schema: &'static Schema, one: &'static Struct, tree: &Tree) -> Vec<(String, Value)> {
    let fields = one.declared().filter_map(|field| {
        let value = tree.at(&field.name);
        let left_out = field.omit != Omit::Never && (value.is_null() || field.omits(value));
        (!left_out).then(|| {
            let held = held(schema, &field.shape, field.pointer, value);
            (field.name.to_string(), held)
        })
    });
    fields.collect()
}

fn held(schema: &'static Schema, shape: &'static Shape, pointer: bool, tree: &Tree) -> Value {
    match (shape, tree) {
        (_, Tree::Null) if pointer => null(),
        (Shape::Struct(id), tree) => object(schema, *id, tree),
        (Shape::List(item, _), Tree::List(items)) => {
            Value::List(items.iter().map(|one| held(schema, item, false, one)).collect())
        }
        (Shape::Map(value, _), Tree::Map(map)) => {
            let entries = map
                .iter()
                .map(|(key, one)| (key.to_owned(), held(schema, value, false, one)));
            Value::Map(entries.collect())
        }
        (Shape::PropsOrArray, tree) => either(["Schema", "JSONSchemas"], tree),
        (Shape::PropsOrStringArray, tree) => either(["Schema", "Property"], tree),
        (Shape::PropsOrBool, tree) => {
            let allows = Value::Leaf((tree != &Tree::Bool(false)).to_string());
            let schema = if let Tree::Map(_) = tree {
                value(SCHEMA, tree)
            } else {
                null()
            };
            Value::Map(vec![("Allows".to_owned(), allows), ("Schema".to_owned(), schema)])
        }
        (shape, Tree::Null) => Value::Leaf(zero(shape).to_owned()),
        (_, leaf) => plain(leaf),
    }
}

/// A schema, or a list: of schemas or of strings.
fn either(names: [&str; 2], tree: &Tree) -> Value {
    let item = |one: &Tree| match one {
        Tree::Map(_) => value(SCHEMA, one),
        text => plain(text),
    };
    let (schema, list) = match tree {
        Tree::List(items) => (null(), Value::List(items.iter().map(item).collect())),
        schema => (value(SCHEMA, schema), null()),
    };
    Value::Map(vec![(names[0].to_owned(), schema), (names[1].to_owned(), list)])
}

/// What Go prints of a value that nobody set and that is no pointer.
const fn zero(shape: &Shape) -> &'static str {
    match shape {
        Shape::Bool => "false",
        Shape::Int32 | Shape::Int64 | Shape::Float | Shape::IntOrString => "0",
        Shape::Text => "\"\"",
        Shape::Quantity => "\"0\"",
        Shape::Duration => "\"0s\"",
        _ => "null",
    }
}

/// What has the same form for all.
fn plain(tree: &Tree) -> Value {
    match tree {
        Tree::List(items) => Value::List(items.iter().map(plain).collect()),
        Tree::Map(map) => Value::Map(map.iter().map(|(key, value)| (key.to_owned(), plain(value))).collect()),
        leaf => Value::Leaf(json(leaf)),
    }
}

fn json(tree: &Tree) -> String {
    String::from_utf8_lossy(&tree.to_json()).into_owned()
}

fn key(name: &str, out: &mut String) {
    let mut bytes = Vec::new();
    quoted(name, &mut bytes);
    out.push_str(&String::from_utf8_lossy(&bytes));
}

fn written(value: &Value) -> String {
    let mut out = String::new();
    compact(value, &mut out);
    out
}

fn compact(value: &Value, out: &mut String) {
    match value {
        Value::Leaf(text) => out.push_str(text),
        Value::Map(fields) => {
            out.push('{');
            for (at, (name, value)) in fields.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                key(name, out);
                out.push(':');
                compact(value, out);
            }
            out.push('}');
        }
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                compact(item, out);
            }
            out.push(']');
        }
    }
}

fn indented(value: &Value, depth: usize, out: &mut String) {
    let line = |depth: usize, at: usize, out: &mut String| {
        out.push_str(if at > 0 { ",\n" } else { "\n" });
        out.extend(std::iter::repeat_n(' ', depth));
    };
    let close = |bracket: char, out: &mut String| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', depth));
        out.push(bracket);
    };
    match value {
        Value::Map(fields) if !fields.is_empty() => {
            out.push('{');
            for (at, (name, value)) in fields.iter().enumerate() {
                line(depth + 1, at, out);
                key(name, out);
                out.push_str(": ");
                indented(value, depth + 1, out);
            }
            close('}', out);
        }
        Value::List(items) if !items.is_empty() => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                line(depth + 1, at, out);
                indented(item, depth + 1, out);
            }
            close(']', out);
        }
        flat => compact(flat, out),
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::{Refusals, Shown};
    use apiserver_api::tree::Tree;

    use super::{lines, shown, shown_field, shown_fields, shown_json, shown_list};
    use crate::trial::tree;

    fn text(shown: impl Into<Shown>) -> String {
        let mut refusals = Refusals::new();
        refusals.invalid(&Path::of("x"), shown, "");
        let text = refusals.to_string();
        text.strip_prefix("x: Invalid value: ").unwrap().to_owned()
    }

    #[test]
    fn what_is_absent_prints_as_zero_and_what_is_empty_as_empty() {
        let taint = |json| text(shown("io.k8s.api.core.v1.Taint", &tree(json)));
        assert_eq!(taint("{}"), r#"{"Key":"","Value":"","Effect":"","TimeAdded":null}"#);
        assert_eq!(taint("null"), "null");
        let resources = text(shown(
            "io.k8s.api.core.v1.ResourceRequirements",
            &tree(r#"{"claims":[],"limits":{}}"#),
        ));
        assert_eq!(resources, r#"{"Limits":{},"Requests":null,"Claims":[]}"#);
        let port = text(shown("io.k8s.api.core.v1.ServicePort", &tree("{}")));
        assert_eq!(
            port,
            r#"{"Name":"","Protocol":"","AppProtocol":null,"Port":0,"TargetPort":0,"NodePort":0}"#
        );
    }

    #[test]
    fn what_is_of_meta_prints_as_clients_know_it() {
        let selector = r#"{"matchExpressions":[{"key":"k","operator":"Exists","values":[]}],"matchLabels":{}}"#;
        assert_eq!(
            text(shown(super::LABEL_SELECTOR, &tree(selector))),
            r#"{"matchExpressions":[{"key":"k","operator":"Exists"}]}"#
        );
        let template = tree(r#"{"metadata":{"finalizers":[],"labels":{"b":"<"},"name":"n"},"spec":{}}"#);
        let shown = text(shown("io.k8s.api.core.v1.PodTemplateSpec", &template));
        assert!(
            shown.starts_with(r#"{"name":"n","labels":{"b":"\u003c"},"Spec":{"Volumes":null,"#),
            "{shown}"
        );
    }

    #[test]
    fn a_pod_s_host_stands_in_its_security_context() {
        let spec = tree(r#"{"hostNetwork":true,"volumes":[{"name":"v","emptyDir":{}}]}"#);
        let shown = text(shown("io.k8s.api.core.v1.PodSpec", &spec));
        let start = "{\"Volumes\":[{\"Name\":\"v\",\"HostPath\":null,\"EmptyDir\":{\"Medium\":\"\",\"SizeLimit\":null},\
                     \"GCEPersistentDisk\":null,";
        assert!(shown.starts_with(start), "{shown}");
        assert!(
            shown.contains("\"SecurityContext\":{\"HostNetwork\":true,\"HostPID\":false,"),
            "{shown}"
        );
    }

    #[test]
    fn schemas_hold_one_thing_or_another() {
        let schema = tree(r#"{"items":{"type":"x"},"additionalProperties":false,"dependencies":{"a":["b"]}}"#);
        let shown = text(shown(super::SCHEMA, &schema));
        for part in [
            r#""Type":"","Nullable":false,"Format":"","#,
            r#""Items":{"Schema":{"ID":"","#,
            r#""JSONSchemas":null}"#,
            r#""AdditionalProperties":{"Allows":false,"Schema":null}"#,
            r#""Dependencies":{"a":{"Schema":null,"Property":["b"]}}"#,
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }

    #[test]
    fn lists_and_structs_without_a_type() {
        let list = tree(r#"[{"ip":"::1"},{}]"#);
        assert_eq!(
            text(shown_list("io.k8s.api.core.v1.PodIP", &list)),
            r#"[{"IP":"::1"},{"IP":""}]"#
        );
        assert_eq!(text(shown_list("io.k8s.api.core.v1.PodIP", &Tree::Null)), "null");
        assert_eq!(
            text(shown_fields(&[("A", &"x".into()), ("B", &Tree::Null)])),
            r#"{"A":"x","B":null}"#
        );
    }

    #[test]
    fn what_is_not_told_is_not_put_into_words() {
        let mut affinity = Tree::map();
        affinity.set("nodeSelectorTerms", (0..100_000_i64).collect::<Tree>());
        let (of, terms) = ("io.k8s.api.core.v1.NodeSelector", "nodeSelectorTerms");
        let (path, mut refusals) = (Path::of("x"), Refusals::new());
        // In words, these are some terabytes.
        for _ in 0..100_000 {
            refusals.invalid(&path, shown(of, &affinity), "");
            refusals.invalid(&path, shown_field(of, terms, &affinity), "");
            refusals.invalid(&path, shown_list(of, affinity.at(terms)), "");
            refusals.invalid(&path, shown_json(&affinity), "");
        }
        assert_eq!(refusals.len(), 400_000);
        assert!(refusals.is_full());
    }

    #[test]
    fn lines_are_a_space_further_in() {
        let value = tree(r#"{"matchExpressions":[{"key":"k","values":["a"]}],"matchFields":[]}"#);
        assert_eq!(
            lines("io.k8s.api.core.v1.NodeSelectorTerm", &value),
            "{\n \"MatchExpressions\": [\n  {\n   \"Key\": \"k\",\n   \"Operator\": \"\",\n   \"Values\": [\n    \"a\"\n   ]\n  }\n ],\n \
             \"MatchFields\": []\n}"
        );
    }
}
