//! One object as the cache keeps it: the bytes that go on the wire, and the little that selectors ask for.

use std::sync::Arc;

use apiserver_api::meta;
use apiserver_api::tree::{Map, Text, Tree};
use bytes::Bytes;

/// What selectors see of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// Its namespace; empty for objects of the cluster.
    pub namespace: Text,
    /// Its name.
    pub name: Text,
    /// Its labels.
    pub labels: Map,
    /// What its kind's selectable fields hold, in the kind's order.
    pub fields: Vec<Text>,
}

/// An object at one revision. It never changes; whoever has it shares it.
#[derive(Debug)]
pub struct Object {
    /// Its key in the store.
    pub key: Text,
    /// The revision that wrote it.
    pub revision: i64,
    /// What selectors see.
    pub index: Index,
    /// As JSON of the stored version, with `resourceVersion`.
    pub json: Bytes,
}

/// How the objects of a kind are read: which fields selectors may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// The values of the kind's selectable fields.
    pub fields: fn(&Tree) -> Vec<Text>,
}

impl Object {
    /// The object that a tree is, as it stands under a key since a revision.
    pub fn of(key: &str, revision: i64, mut tree: Tree, reading: Reading) -> Self {
        meta::set_resource_version(&mut tree, &revision.to_string());
        Self {
            key: key.into(),
            revision,
            index: Index {
                namespace: meta::namespace(&tree).into(),
                name: meta::name(&tree).into(),
                labels: meta::labels(&tree).clone(),
                fields: (reading.fields)(&tree),
            },
            json: tree.to_json().into(),
        }
    }

    /// The same object with another resource version: what was deleted is told with the revision that deleted it.
    #[must_use]
    pub fn at(&self, revision: i64) -> Self {
        let json = with_version(&self.json, self.revision, revision);
        Self {
            key: self.key.clone(),
            revision,
            index: self.index.clone(),
            json,
        }
    }

    /// The bytes that it takes, roughly: what memory limits count.
    pub fn weight(&self) -> usize {
        let labels: usize = self
            .index
            .labels
            .iter()
            .map(|(key, value)| key.len() + value.weight())
            .sum();
        let fields: usize = self
            .index
            .fields
            .iter()
            .map(|field| size_of::<Text>() + field.len())
            .sum();
        size_of::<Self>() + self.key.len() + self.json.len() + labels + fields
    }
}

/// Writes another resource version into JSON. Others may be named in it; if so, the tree tells which one is its own.
fn with_version(json: &Bytes, old: i64, new: i64) -> Bytes {
    let plain = format!("\"resourceVersion\":\"{old}\"");
    let text = json.as_ref();
    let mut found = text
        .windows(plain.len())
        .enumerate()
        .filter(|(_, window)| *window == plain.as_bytes());
    if let (Some((at, _)), None) = (found.next(), found.next()) {
        let mut out = Vec::with_capacity(text.len() + 8);
        out.extend_from_slice(&text[..at]);
        out.extend_from_slice(format!("\"resourceVersion\":\"{new}\"").as_bytes());
        out.extend_from_slice(&text[at + plain.len()..]);
        return out.into();
    }
    match apiserver_api::tree::parse(text) {
        Ok(parsed) => {
            let mut tree = parsed.tree;
            meta::set_resource_version(&mut tree, &new.to_string());
            tree.to_json().into()
        }
        Err(_) => json.clone(),
    }
}

/// A change of one object.
#[derive(Debug)]
pub struct Change {
    /// What it is now; `None` where it is gone.
    pub now: Option<Arc<Object>>,
    /// What it was; `None` where it is new.
    pub before: Option<Arc<Object>>,
    /// The revision that changed it.
    pub revision: i64,
}

impl Change {
    /// The bytes that keeping it costs beyond the objects that the cache keeps anyway.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.before.as_ref().map_or(0, |object| object.weight())
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;

    use super::{Object, Reading};

    const READING: Reading = Reading {
        namespaced: true,
        fields: |_| Vec::new(),
    };

    fn object(json: &str) -> Object {
        Object::of("/registry/x/a", 7, parse(json.as_bytes()).unwrap().tree, READING)
    }

    #[test]
    fn an_object_carries_the_revision_that_wrote_it() {
        let one = object(r#"{"metadata":{"name":"a","namespace":"n","labels":{"l":"v"}}}"#);
        let text = r#"{"metadata":{"labels":{"l":"v"},"name":"a","namespace":"n","resourceVersion":"7"}}"#;
        assert_eq!(
            (one.json.as_ref(), &*one.index.name, &*one.index.namespace),
            (text.as_bytes(), "a", "n")
        );
        assert_eq!(one.index.labels.len(), 1);
        assert!(one.weight() > text.len());
    }

    #[test]
    fn what_was_deleted_carries_the_revision_that_deleted_it() {
        let plain = object(r#"{"metadata":{"name":"a"}}"#).at(12);
        assert_eq!(plain.json, r#"{"metadata":{"name":"a","resourceVersion":"12"}}"#);
        // Somebody else's reference with the same version is not touched.
        let twice = object(r#"{"involvedObject":{"resourceVersion":"7"},"metadata":{"name":"a"}}"#).at(12);
        let text = r#"{"involvedObject":{"resourceVersion":"7"},"metadata":{"name":"a","resourceVersion":"12"}}"#;
        assert_eq!(twice.json, text);
    }
}
