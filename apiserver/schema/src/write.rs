//! A tree as Go's encoder writes it: what is empty is left out, and fields stand in the order in which they are declared.

use std::borrow::Cow;

use apiserver_api::tree::{Map, Tree, quoted};

use crate::model::{Lists, Schema, Shape, Struct, TypeId};

/// The type of schemas, which some shapes hold without saying so.
pub(crate) const PROPS: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

impl Schema {
    /// Leaves out of an object of a type what Go's encoder leaves out. Reading kept lists, maps and bytes with nothing in
    /// them, because rules tell them from none; what is stored and sent has them only where the type always writes them.
    pub fn omit(&self, id: TypeId, tree: &mut Tree) {
        let one = self.get(id);
        let Some(map) = tree.as_map_mut() else {
            return;
        };
        map.retain(|name, value| {
            one.field(name).is_none_or(|field| {
                self.omit_within(&field.shape, value);
                !field.omits(value)
            })
        });
    }

    /// An object of a type as Go's encoder writes it; a copy only where something is left out.
    pub fn written<'t>(&self, one: &Struct, tree: &'t Tree) -> Cow<'t, Tree> {
        match self.named(&one.name) {
            Some(id) if self.has_omitted(one, tree) => {
                let mut written = tree.clone();
                self.omit(id, &mut written);
                Cow::Owned(written)
            }
            _ => Cow::Borrowed(tree),
        }
    }

    fn has_omitted(&self, one: &Struct, tree: &Tree) -> bool {
        let mut entries = tree.as_map().into_iter().flat_map(Map::iter);
        entries.any(|(name, value)| {
            let field = one.field(name);
            field.is_some_and(|field| field.omits(value) || self.has_omitted_within(&field.shape, value))
        })
    }

    fn has_omitted_within(&self, shape: &Shape, tree: &Tree) -> bool {
        match (&*self.held(shape, tree), tree) {
            (Shape::Struct(id), tree) => self.has_omitted(self.get(*id), tree),
            (Shape::List(item, _), Tree::List(items)) => items.iter().any(|one| self.has_omitted_within(item, one)),
            (Shape::Map(value, _), Tree::Map(entries)) => {
                entries.iter().any(|(_, one)| self.has_omitted_within(value, one))
            }
            _ => false,
        }
    }

    fn omit_within(&self, shape: &Shape, tree: &mut Tree) {
        match (&*self.held(shape, tree), tree) {
            (Shape::Struct(id), tree) => self.omit(*id, tree),
            (Shape::List(item, _), Tree::List(items)) => {
                for one in items {
                    self.omit_within(item, one);
                }
            }
            (Shape::Map(value, _), Tree::Map(entries)) => {
                for (_, one) in entries.iter_mut() {
                    self.omit_within(value, one);
                }
            }
            _ => {}
        }
    }

    /// Appends a value of some shape as JSON in Go's order: `kind` and `apiVersion` first, fields as they are declared, the
    /// keys of maps sorted.
    pub fn write_declared(&self, shape: &Shape, tree: &Tree, out: &mut Vec<u8>) {
        match (&*self.held(shape, tree), tree) {
            (Shape::Struct(id), Tree::Map(_)) => self.write_struct(self.get(*id), tree, out),
            (Shape::List(item, _), Tree::List(items)) => {
                out.push(b'[');
                for (at, one) in items.iter().enumerate() {
                    separate(at, out);
                    self.write_declared(item, one, out);
                }
                out.push(b']');
            }
            (Shape::Map(value, _), Tree::Map(entries)) => {
                out.push(b'{');
                for (at, (key, one)) in entries.iter().enumerate() {
                    separate(at, out);
                    write_key(key, out);
                    self.write_declared(value, one, out);
                }
                out.push(b'}');
            }
            (_, leaf) => leaf.write_json(out),
        }
    }

    fn write_struct(&self, one: &Struct, tree: &Tree, out: &mut Vec<u8>) {
        out.push(b'{');
        let start = out.len();
        let names: &[&str] = if one.typed { &["kind", "apiVersion"] } else { &[] };
        for (name, value) in names.iter().filter_map(|name| Some((name, tree.get(name)?))) {
            separate(out.len() - start, out);
            write_key(name, out);
            value.write_json(out);
        }
        let fields = one.declared().filter_map(|field| Some((field, tree.get(&field.name)?)));
        for (field, value) in fields {
            separate(out.len() - start, out);
            write_key(&field.name, out);
            self.write_declared(&field.shape, value, out);
        }
        out.push(b'}');
    }

    /// What a value is that may be of several shapes.
    fn held<'s>(&self, shape: &'s Shape, tree: &Tree) -> Cow<'s, Shape> {
        let props = || self.named(PROPS).map(Shape::Struct);
        let held = match (shape, tree) {
            (Shape::PropsOrArray | Shape::PropsOrBool | Shape::PropsOrStringArray, Tree::Map(_)) => props(),
            (Shape::PropsOrArray, Tree::List(_)) => props().map(|props| Shape::List(Box::new(props), Lists::Atomic)),
            _ => None,
        };
        held.map_or(Cow::Borrowed(shape), Cow::Owned)
    }
}

fn separate(written: usize, out: &mut Vec<u8>) {
    if written > 0 {
        out.push(b',');
    }
}

fn write_key(key: &str, out: &mut Vec<u8>) {
    quoted(key, out);
    out.push(b':');
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;

    use crate::built_in;
    use crate::model::Shape;

    #[test]
    fn what_is_empty_is_left_out_of_what_is_stored() {
        for (name, read, stored) in [
            (
                "api.core.v1.PodSpec",
                r#"{"containers":[],"volumes":[],"nodeSelector":{},"overhead":{"cpu":"1"},"hostAliases":[{"ip":"1.1.1.1","hostnames":[]}],"automountServiceAccountToken":false}"#,
                r#"{"automountServiceAccountToken":false,"containers":[],"hostAliases":[{"ip":"1.1.1.1"}],"overhead":{"cpu":"1"}}"#,
            ),
            (
                "apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps",
                r#"{"items":{"required":[]},"default":[],"dependencies":{},"properties":{"a":{"enum":[]}}}"#,
                r#"{"default":[],"items":{},"properties":{"a":{}}}"#,
            ),
            (
                "api.admissionregistration.v1.WebhookClientConfig",
                r#"{"caBundle":"","url":""}"#,
                r#"{"url":""}"#,
            ),
        ] {
            let mut tree = parse(read.as_bytes()).unwrap().tree;
            built_in().omit(built_in().named(&format!("io.k8s.{name}")).unwrap(), &mut tree);
            assert_eq!(String::from_utf8(tree.to_json()).unwrap(), stored);
        }
    }

    #[test]
    fn fields_are_written_as_go_declares_them() {
        let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"b":"","a":""},"name":"n"},"spec":{"containers":[{"image":"i","name":"c"}],"volumes":[{"emptyDir":{},"name":"v"}]}}"#;
        let shape = Shape::Struct(built_in().named("io.k8s.api.core.v1.Pod").unwrap());
        let mut out = Vec::new();
        built_in().write_declared(&shape, &parse(pod.as_bytes()).unwrap().tree, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"n","labels":{"a":"","b":""}},"spec":{"volumes":[{"name":"v","emptyDir":{}}],"containers":[{"name":"c","image":"i"}]}}"#
        );
    }
}
