//! A type as both dialects define it.

use std::fmt::Write as _;

use apiserver_api::tree::Tree;
use apiserver_schema::{Field, Lists, Omit, Shape, Struct, Values, words_of};

use super::types::{Leaf, Needed, STATUS, Types};

/// The dialect of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `OpenAPI` 2.0, of which there is one document for all.
    V2,
    /// `OpenAPI` 3.0, with a document for each group and version.
    V3,
}

/// What writes definitions into a document.
pub(super) struct Definer<'d> {
    pub(super) types: &'d Types,
    pub(super) dialect: Dialect,
    /// Whether values that have names are listed.
    pub(super) enums: bool,
    /// The group and version of the document.
    pub(super) scope: Option<(&'d str, &'d str)>,
}

impl Definer<'_> {
    /// All definitions that are needed, by name.
    pub(super) fn all(&self, needed: &Needed) -> Tree {
        let mut all = Tree::map();
        for leaf in &needed.leaves {
            all.set(leaf.name(), self.leaf(*leaf));
        }
        for id in &needed.structs {
            let one = self.types.schema.get(*id);
            all.set(&one.name, self.one(one));
        }
        all
    }

    fn leaf(&self, leaf: Leaf) -> Tree {
        let mut definition = Tree::map();
        describe(&mut definition, words_of(leaf.name()));
        let either = |one: &str, other: &str| [one, other].into_iter().map(typed).collect::<Tree>();
        match (leaf, self.dialect) {
            (Leaf::Quantity, Dialect::V3) => definition.set("oneOf", either("string", "number")),
            (Leaf::IntOrString, Dialect::V3) => {
                definition.set("format", "int-or-string");
                definition.set("oneOf", either("integer", "string"));
            }
            (Leaf::IntOrString, Dialect::V2) => {
                definition.set("format", "int-or-string");
                definition.set("type", "string");
            }
            (Leaf::Quantity | Leaf::Duration, _) => definition.set("type", "string"),
            (Leaf::Time | Leaf::MicroTime, _) => {
                definition.set("format", "date-time");
                definition.set("type", "string");
            }
            (Leaf::Raw | Leaf::FieldsV1, _) => definition.set("type", "object"),
            (Leaf::Json | Leaf::PropsOrArray | Leaf::PropsOrBool | Leaf::PropsOrStringArray, _) => {}
        }
        definition
    }

    fn one(&self, one: &Struct) -> Tree {
        let mut definition = typed("object");
        describe(
            &mut definition,
            &list_words(one).unwrap_or_else(|| one.words().to_owned()),
        );
        let mut properties = Tree::map();
        if one.typed {
            for name in ["apiVersion", "kind"] {
                let mut property = typed("string");
                describe(&mut property, type_words(name));
                properties.set(name, property);
            }
        }
        for field in one.declared() {
            properties.set(&field.name, self.property(one, field));
        }
        if !properties.is_zero() {
            definition.set("properties", properties);
        }
        let required: Tree = one
            .declared()
            .filter(|field| field.required)
            .map(|field| &*field.name)
            .collect();
        if !required.is_zero() {
            definition.set("required", required);
        }
        self.extend(one, &mut definition);
        definition
    }

    fn extend(&self, one: &Struct, definition: &mut Tree) {
        if one.atomic {
            definition.set("x-kubernetes-map-type", "atomic");
        }
        let kinds = self.types.kinds(one, self.scope);
        let kinds = kinds.into_iter().map(|(group, version)| kind(group, version, &one.go));
        let kinds: Tree = kinds.collect();
        if !kinds.is_zero() {
            definition.set("x-kubernetes-group-version-kind", kinds);
        }
        if let Some(union) = &one.union {
            let mut told = Tree::map();
            if !union.discriminator.is_empty() {
                told.set("discriminator", &*union.discriminator);
            }
            let fields = told.child("fields-to-discriminateBy");
            for field in &union.fields {
                // Go's name of it.
                fields.set(field, super::names::capital(field));
            }
            definition.set("x-kubernetes-unions", vec![told]);
        }
    }

    fn property(&self, one: &Struct, field: &Field) -> Tree {
        let values = field.values.as_deref().filter(|_| self.enums);
        let mut property = self.shape(&field.shape, values);
        let words = list_field_words(one, field).unwrap_or_else(|| one.field_words(field).to_owned());
        let named = values.filter(|_| field.shape == Shape::Text);
        describe(
            &mut property,
            &named.map_or(words.clone(), |values| with_values(&words, values)),
        );
        if self.dialect == Dialect::V3
            && let Some(default) = Self::default(field)
        {
            property.set("default", default);
        }
        tell_shape(field, &mut property);
        let strategy: Vec<&str> = [
            (field.patch.merge, "merge"),
            (field.patch.replace, "replace"),
            (field.patch.retain_keys, "retainKeys"),
        ]
        .into_iter()
        .filter_map(|(so, strategy)| so.then_some(strategy))
        .collect();
        if !strategy.is_empty() {
            property.set("x-kubernetes-patch-strategy", strategy.join(","));
        }
        if let Some(key) = &field.patch.key {
            property.set("x-kubernetes-patch-merge-key", &**key);
        }
        // In OpenAPI 3.0 a reference may have nothing beside it.
        if self.dialect == Dialect::V3
            && property.as_map().is_some_and(|map| map.len() > 1)
            && let Some(reference) = property.remove("$ref")
        {
            let mut of = Tree::map();
            of.set("$ref", reference);
            property.set("allOf", vec![of]);
        }
        property
    }

    fn shape(&self, shape: &Shape, values: Option<&Values>) -> Tree {
        match shape {
            Shape::Bool => typed("boolean"),
            Shape::Int32 => formatted("integer", "int32"),
            Shape::Int64 => formatted("integer", "int64"),
            Shape::Float => formatted("number", "double"),
            Shape::Bytes => formatted("string", "byte"),
            Shape::Text => {
                let mut text = typed("string");
                if let Some(values) = values {
                    text.set("enum", values.all.iter().map(|value| &**value).collect::<Tree>());
                }
                text
            }
            Shape::List(item, _) => {
                let mut list = typed("array");
                list.set("items", self.shape(item, values));
                list
            }
            Shape::Map(value, _) => {
                let mut map = typed("object");
                map.set("additionalProperties", self.shape(value, values));
                map
            }
            Shape::Struct(id) => reference(self.dialect, &self.types.schema.get(*id).name),
            leaf => Leaf::of(leaf).map_or_else(Tree::map, |leaf| reference(self.dialect, leaf.name())),
        }
    }

    /// What documents say a field is where nothing was said: upstream's marker, or the zero that Go cannot tell from
    /// nothing.
    fn default(field: &Field) -> Option<Tree> {
        if field.default.is_some() {
            return field.default.clone();
        }
        if field.pointer {
            return None;
        }
        let written = field.omit == Omit::Never;
        match &field.shape {
            Shape::Struct(_) => Some(Tree::map()),
            Shape::Bool => written.then(|| false.into()),
            Shape::Int32 | Shape::Int64 | Shape::Float => written.then(|| 0.into()),
            Shape::Text => written.then(|| "".into()),
            _ => None,
        }
    }
}

/// A reference to a type.
pub(super) fn reference(dialect: Dialect, name: &str) -> Tree {
    let place = match dialect {
        Dialect::V2 => "#/definitions/",
        Dialect::V3 => "#/components/schemas/",
    };
    let mut of = Tree::map();
    of.set("$ref", format!("{place}{name}"));
    of
}

/// A group, version and kind as extensions write them.
pub(super) fn kind(group: &str, version: &str, kind: &str) -> Tree {
    let mut one = Tree::map();
    one.set("group", group);
    one.set("version", version);
    one.set("kind", kind);
    one
}

pub(super) fn typed(name: &str) -> Tree {
    let mut of = Tree::map();
    of.set("type", name);
    of
}

fn formatted(name: &str, format: &str) -> Tree {
    let mut of = typed(name);
    of.set("format", format);
    of
}

fn describe(of: &mut Tree, words: &str) {
    if !words.is_empty() {
        of.set("description", words);
    }
}

/// How items of a list are told apart, and whether a map is one value, where upstream's markers say it.
fn tell_shape(field: &Field, property: &mut Tree) {
    if !field.told {
        return;
    }
    match &field.shape {
        Shape::List(_, Lists::Set) => property.set("x-kubernetes-list-type", "set"),
        Shape::List(_, Lists::Map(keys)) => {
            property.set("x-kubernetes-list-type", "map");
            property.set(
                "x-kubernetes-list-map-keys",
                keys.iter().map(|key| &**key).collect::<Tree>(),
            );
        }
        Shape::List(_, Lists::Atomic) | Shape::Bytes => property.set("x-kubernetes-list-type", "atomic"),
        Shape::Map(_, true) => property.set("x-kubernetes-map-type", "atomic"),
        _ => property.set("x-kubernetes-map-type", "granular"),
    }
}

/// What is said of `apiVersion` and `kind`, the same of every object.
fn type_words(name: &str) -> &'static str {
    apiserver_schema::field_words_of(STATUS, name)
}

/// Words with the values that a field may have, and what is said of each.
fn with_values(words: &str, values: &Values) -> String {
    let mut all = String::from(words);
    if !all.is_empty() {
        all.push_str("\n\n");
    }
    all.push_str("Possible enum values:");
    for value in &values.all {
        // Writing to a string does not fail.
        let _ = write!(all, "\n - `{value:?}` {}", values.words(value));
        all.truncate(all.trim_end().len());
    }
    all
}

/// The kind whose list a type is. The words of upstream for each list are in no package that we could take them from, so
/// that lists have ours.
fn listed(one: &Struct) -> Option<&str> {
    let kind = one.go.strip_suffix("List")?;
    (one.words().is_empty() && one.field("items").is_some()).then_some(kind)
}

fn list_words(one: &Struct) -> Option<String> {
    listed(one).map(|kind| format!("{kind}List is a list of objects of kind {kind}."))
}

fn list_field_words(one: &Struct, field: &Field) -> Option<String> {
    let kind = listed(one)?;
    Some(match &*field.name {
        "items" => format!("The objects of kind {kind}."),
        _ => "What is true of the list as a whole.".to_owned(),
    })
}
