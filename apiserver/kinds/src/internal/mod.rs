//! Values as upstream's internal types print in refusals: all fields under the names that Go gives them, in its order.
//!
//! The table of types says what fields there are and what is zero; [`names`] says where internal types differ. What is of
//! `meta` (metadata, selectors, conditions) is of no internal type and prints as clients know it.

mod names;
mod page;

use std::borrow::Borrow;

use apiserver_api::refusal::Shown;
use apiserver_api::tree::Tree;
use apiserver_schema::{Field, Omit, Schema, Shape, Struct, TypeId, built_in};

use page::Page;

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
/// The type of label selectors.
pub(crate) const LABEL_SELECTOR: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector";
const POD: &str = "io.k8s.api.core.v1.PodSpec";
const SCHEMA: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

/// A value in a refusal ends with so many bytes, as [`Refusals`](apiserver_api::refusal::Refusals) do.
const BYTES_MAX: usize = 8 << 20;

/// A value that is put into words only where it is told: there may be many, and each long.
struct Late<M>(M);

impl<M: FnOnce() -> Shown> From<Late<M>> for Shown {
    fn from(late: Late<M>) -> Self {
        (late.0)()
    }
}

fn told(write: impl FnOnce(&mut Page)) -> Shown {
    let mut page = Page::on_one_line(BYTES_MAX);
    write(&mut page);
    Shown::raw(page.text())
}

/// A struct on one line: `of` is its type as documents name it. What is absent is `null`.
pub(crate) fn shown(of: &str, tree: &Tree) -> impl Into<Shown> {
    Late(move || told(|page| value(page, of, tree)))
}

/// The same as text, whole.
pub(crate) fn line(of: &str, tree: &Tree) -> String {
    let mut page = Page::on_one_line(usize::MAX);
    value(&mut page, of, tree);
    page.text()
}

/// A list of structs on one line.
pub(crate) fn shown_list(of: &str, list: &Tree) -> impl Into<Shown> {
    shown_items(of, list.as_list())
}

/// The same, of items that are made one by one.
pub(crate) fn shown_items<T: Borrow<Tree>>(of: &str, items: Option<impl IntoIterator<Item = T>>) -> impl Into<Shown> {
    Late(move || {
        told(|page| match items {
            Some(items) => page.list(items, |page, item| value(page, of, item.borrow())),
            None => page.null(),
        })
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
            Some((field, value)) => told(|page| held(page, schema, &field.shape, field.pointer, value)),
            None => (&Tree::Null).into(),
        }
    })
}

/// A struct that stands in no type of its own.
pub(crate) fn shown_fields(fields: &[(&str, &Tree)]) -> Shown {
    told(|page| page.entries(fields.iter().copied(), plain))
}

/// A value that is of a plain type with a name of its own in Go, which is shown as JSON even where it is a string.
pub(crate) fn shown_json(tree: &Tree) -> impl Into<Shown> {
    Late(move || told(|page| page.json(tree)))
}

/// A struct on many lines, each a space further in than what it stands in.
pub(crate) fn lines(of: &str, tree: &Tree) -> String {
    let mut page = Page::on_many_lines();
    value(&mut page, of, tree);
    page.text()
}

fn value(page: &mut Page, of: &str, tree: &Tree) {
    let schema = built_in();
    match schema.named(of) {
        Some(id) if !tree.is_null() => object(page, schema, id, tree),
        _ => page.null(),
    }
}

fn object(page: &mut Page, schema: &'static Schema, id: TypeId, tree: &Tree) {
    page.map(|page| fields(page, schema, schema.get(id), tree));
}

fn fields(page: &mut Page, schema: &'static Schema, one: &'static Struct, tree: &Tree) {
    if one.name.starts_with(META) {
        return known(page, schema, one, tree);
    }
    let moved = (&*one.name == POD).then(|| with_host(tree));
    let tree = moved.as_ref().unwrap_or(tree);
    for field in names::fields(schema, one) {
        let value = tree.at(&field.name);
        if let Some(metadata) = metadata_of(schema, field) {
            fields(page, schema, metadata, value);
        } else {
            let page = page.field(&names::name(one, field));
            held(page, schema, &field.shape, names::is_pointer(one, field), value);
        }
    }
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
fn known(page: &mut Page, schema: &'static Schema, one: &'static Struct, tree: &Tree) {
    for field in one.declared() {
        let value = tree.at(&field.name);
        if field.omit == Omit::Never || !(value.is_null() || field.omits(value)) {
            held(page.field(&field.name), schema, &field.shape, field.pointer, value);
        }
    }
}

fn held(page: &mut Page, schema: &'static Schema, shape: &'static Shape, pointer: bool, tree: &Tree) {
    match (shape, tree) {
        (_, Tree::Null) if pointer => page.null(),
        (Shape::Struct(id), tree) => object(page, schema, *id, tree),
        (Shape::List(item, _), Tree::List(items)) => {
            page.list(items, |page, one| held(page, schema, item, false, one));
        }
        (Shape::Map(value, _), Tree::Map(map)) => {
            page.entries(map.iter(), |page, one| held(page, schema, value, false, one));
        }
        (Shape::PropsOrArray, tree) => either(page, ["Schema", "JSONSchemas"], tree),
        (Shape::PropsOrStringArray, tree) => either(page, ["Schema", "Property"], tree),
        (Shape::PropsOrBool, tree) => page.map(|page| {
            let allows = tree != &Tree::Bool(false);
            page.field("Allows").json(&allows.into());
            schema_or_null(page.field("Schema"), tree);
        }),
        (shape, Tree::Null) => page.leaf(zero(shape)),
        (_, leaf) => plain(page, leaf),
    }
}

fn schema_or_null(page: &mut Page, tree: &Tree) {
    match tree {
        Tree::Map(_) => value(page, SCHEMA, tree),
        _ => page.null(),
    }
}

/// A schema, or a list: of schemas or of strings.
fn either(page: &mut Page, names: [&str; 2], tree: &Tree) {
    let item = |page: &mut Page, one: &Tree| match one {
        Tree::Map(_) => value(page, SCHEMA, one),
        text => plain(page, text),
    };
    page.map(|page| {
        let list = tree.as_list();
        let one = if list.is_some() { &Tree::Null } else { tree };
        value(page.field(names[0]), SCHEMA, one);
        match list {
            Some(items) => page.field(names[1]).list(items, item),
            None => page.field(names[1]).null(),
        }
    });
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
fn plain(page: &mut Page, tree: &Tree) {
    match tree {
        Tree::List(items) => page.list(items, plain),
        Tree::Map(map) => page.entries(map.iter(), plain),
        leaf => page.json(leaf),
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
    fn a_value_in_a_refusal_is_no_book() {
        let list = Tree::List(vec![Tree::map(); 20_000]);
        let spec = text(shown_list(super::POD, &list));
        assert!((8 << 20..9 << 20).contains(&spec.len()), "{}", spec.len());
        assert!(spec.ends_with("},...]"), "{}", &spec[spec.len() - 100..]);
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
