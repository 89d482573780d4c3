//! A document that is taken apart only where operations go.
//!
//! Upstream's library does so too, and its clients see it: a refusal quotes the document that came of a patch, in which the
//! objects that were opened have their keys sorted, and all others are as Go's encoder wrote them.

use std::collections::BTreeMap;

use apiserver_api::tree::{Text, Tree, quoted};
use apiserver_schema::{Schema, Shape};

use super::items::Items;
use crate::literal;

/// What the schema says of a value.
pub(super) type Of<'s> = (&'s Schema, &'s Shape);

/// A part of a document.
#[derive(Clone, Debug)]
pub(super) enum Node<'s> {
    /// As it was, with its type where that is known.
    Closed(Tree, Option<Of<'s>>),
    Object(BTreeMap<Text, Self>),
    List(Items<Self>),
}

impl Node<'_> {
    /// What a patch says, which is of no type.
    pub(super) const fn given(tree: Tree) -> Self {
        Self::Closed(tree, None)
    }

    /// Takes an object or a list apart.
    pub(super) fn open(&mut self) -> &mut Self {
        match self {
            Self::Closed(Tree::Map(map), of) => {
                let of = *of;
                let entries = std::mem::take(map).into_iter();
                *self = Self::Object(
                    entries
                        .map(|(key, value)| {
                            let child = of.and_then(|of| child(of, &key));
                            (key, Self::Closed(value, child))
                        })
                        .collect(),
                );
            }
            Self::Closed(Tree::List(items), of) => {
                let child = of.and_then(|of| child(of, ""));
                let items = std::mem::take(items).into_iter();
                *self = Self::List(items.map(|item| Self::Closed(item, child)).collect());
            }
            _ => {}
        }
        self
    }

    /// Takes everything in it apart, as comparing it with a value does.
    pub(super) fn open_all(&mut self) {
        match self.open() {
            Self::Object(map) => map.values_mut().for_each(Self::open_all),
            Self::List(items) => items.iter_mut().for_each(Self::open_all),
            Self::Closed(..) => {}
        }
    }

    /// The value.
    pub(super) fn into_tree(self) -> Tree {
        match self {
            Self::Closed(tree, _) => tree,
            Self::Object(map) => Tree::Map(map.into_iter().map(|(key, node)| (key, node.into_tree())).collect()),
            Self::List(items) => Tree::List(items.into_iter().map(Self::into_tree).collect()),
        }
    }

    /// Whether it is this value.
    pub(super) fn is(&self, value: &Tree) -> bool {
        match (self, value) {
            (Self::Closed(tree, _), value) => tree == value,
            (Self::Object(map), Tree::Map(other)) => {
                map.len() == other.len()
                    && other
                        .iter()
                        .all(|(key, value)| map.get(key).is_some_and(|node| node.is(value)))
            }
            (Self::List(items), Tree::List(other)) => {
                items.len() == other.len() && items.iter().zip(other).all(|(node, value)| node.is(value))
            }
            _ => false,
        }
    }

    /// How deep lists and objects stand in each other. Adds to `looked_at` how many parts were looked at for it.
    pub(super) fn depth(&self, looked_at: &mut usize) -> usize {
        let parts = match self {
            Self::Closed(tree, _) => return depth(tree, looked_at),
            Self::Object(map) => map.values().map(|node| node.depth(looked_at)).max(),
            Self::List(items) => items.iter().map(|node| node.depth(looked_at)).max(),
        };
        *looked_at += 1;
        1 + parts.unwrap_or_default()
    }

    /// Appends it as JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Closed(tree, Some((schema, shape))) => schema.write_declared(shape, tree, out),
            Self::Closed(tree, None) => literal::write(tree, out),
            Self::Object(map) => {
                out.push(b'{');
                for (at, (key, node)) in map.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    quoted(key, out);
                    out.push(b':');
                    node.write(out);
                }
                out.push(b'}');
            }
            Self::List(items) => {
                out.push(b'[');
                for (at, node) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    node.write(out);
                }
                out.push(b']');
            }
        }
    }
}

/// The type of what stands under a key or in a list.
pub(crate) fn child<'s>((schema, shape): Of<'s>, key: &str) -> Option<Of<'s>> {
    match shape {
        Shape::Struct(id) => schema.get(*id).field(key).map(|field| (schema, &field.shape)),
        Shape::List(inner, _) | Shape::Map(inner, _) => Some((schema, inner)),
        _ => None,
    }
}

fn depth(tree: &Tree, looked_at: &mut usize) -> usize {
    *looked_at += 1;
    let parts = match tree {
        Tree::List(items) => items.iter().map(|item| depth(item, looked_at)).max(),
        Tree::Map(map) => map.iter().map(|(_, value)| depth(value, looked_at)).max(),
        _ => return 0,
    };
    1 + parts.unwrap_or_default()
}
