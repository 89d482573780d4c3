//! A value without some of its fields, or with only those.

use apiserver_api::tree::Tree;

use super::items::element;
use super::shape::{Atom, List, Told, Type};
use crate::fields::{Element, Node, Set};

/// Takes fields away from a value. What loses its last part becomes null, as does what is one piece and would lose a part.
pub fn remove(kind: Type<'_>, value: &mut Tree, fields: &Set) {
    if fields.is_empty() {
        return;
    }
    match (kind.atom(Some(value)), &mut *value) {
        (Atom::Scalar(_), _) => {}
        (Atom::Map(types), Tree::Map(map)) if !types.atomic => {
            map.retain(|name, value| match fields.field(name) {
                Some(node) if node.member => false,
                Some(node) => {
                    remove(types.child_or_any(name), value, &node.below);
                    true
                }
                None => true,
            });
            if map.is_empty() {
                *value = Tree::Null;
            }
        }
        (Atom::List(list), Tree::List(items)) if !matches!(list.told, Told::Atomic) => {
            items.retain_mut(|item| match node_of(list, item, fields) {
                Some(node) if node.member => false,
                Some(node) => {
                    remove(list.item, item, &node.below);
                    true
                }
                None => true,
            });
            if items.is_empty() {
                *value = Tree::Null;
            }
        }
        _ => *value = Tree::Null,
    }
}

/// What a set says of an item. Apart from what comes back to itself for every level, so that a level costs little stack.
#[inline(never)]
fn node_of<'f>(list: List<'_>, item: &Tree, fields: &'f Set) -> Option<&'f Node> {
    let element = element(list, item).ok()?;
    fields.node(&element)
}

/// What a value has of some fields. A member that is one piece is taken whole; of one that is not only what is below it, so
/// that others' parts stay out. Items of lists bring the keys that tell them apart.
pub fn extract(kind: Type<'_>, value: &Tree, fields: &Set) -> Tree {
    match (kind.atom(Some(value)), value) {
        (Atom::Map(types), Tree::Map(map)) if !types.atomic => {
            let taken = map.iter().filter_map(|(name, value)| {
                let node = fields.field(name)?;
                Some((name, extract(types.child_or_any(name), value, &node.below)))
            });
            Tree::Map(taken.collect())
        }
        (Atom::List(list), Tree::List(items)) if !matches!(list.told, Told::Atomic) => {
            let taken = items.iter().filter_map(|item| {
                let node = node_of(list, item, fields)?;
                Some(extract(list.item, item, &with_keys(node)))
            });
            Tree::List(taken.collect())
        }
        _ => value.clone(),
    }
}

/// What is below an item, and its keys.
fn with_keys(node: &Node) -> Set {
    let Element::Key(keys) = &node.element else {
        return node.below.clone();
    };
    let mut fields = node.below.clone();
    for (name, _) in keys {
        fields.insert(&[Element::Field(name.clone())]);
    }
    fields
}
