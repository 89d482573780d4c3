//! The fields that a value has, and sets of fields made to fit a type.

use apiserver_api::tree::{Map, Tree};

use super::items::{Sorted, elements_or_positions};
use super::shape::{Atom, List, Told, Type};
use crate::fields::{Element, Node, Set};

/// Every field that a value says something of: what is one piece, the items of lists, the entries of maps, and objects that
/// say nothing.
pub fn leaves(kind: Type<'_>, value: &Tree) -> Set {
    walk(kind, value).1
}

/// Whether a value is a field itself, and the fields in it.
fn walk(kind: Type<'_>, value: &Tree) -> (bool, Set) {
    match (kind.atom(Some(value)), value) {
        (Atom::Scalar(_), _) => (true, Set::new()),
        (Atom::Map(fields), _) if fields.atomic => (true, Set::new()),
        (Atom::List(list), _) if matches!(list.told, Told::Atomic) => (true, Set::new()),
        (Atom::Map(fields), Tree::Map(map)) => {
            let nodes = map.iter().map(|(name, value)| {
                let named = fields.named(name);
                let (one_piece, below) = walk(fields.child_or_any(name), value);
                let says_nothing = value.is_null() || value.as_map().is_some_and(Map::is_empty);
                Node {
                    element: Element::Field(name.into()),
                    member: one_piece || says_nothing || named.is_none(),
                    below,
                }
            });
            (false, Set::from_nodes(nodes.collect()))
        }
        (Atom::List(list), Tree::List(items)) => (false, of_items(list, items)),
        _ => (false, Set::new()),
    }
}

fn of_items(list: List<'_>, items: &[Tree]) -> Set {
    let elements = elements_or_positions(list, items);
    let nodes = Sorted::of(&elements)
        .groups()
        .map(|group| Node {
            element: elements[group[0]].clone(),
            member: true,
            // Of items that cannot be told apart nobody owns the fields.
            below: match group {
                [one] => walk(list.item, &items[*one]).1,
                _ => Set::new(),
            },
        })
        .collect();
    Set::from_nodes(nodes)
}

/// A set with the fields that lead to its members: with `.spec.replicas` also `.spec`, which has a name in the schema. The
/// entries of maps and the items of lists are not added.
#[must_use]
pub fn with_named_fields(kind: Type<'_>, set: &Set) -> Set {
    with_fields(Some(kind), set)
}

fn with_fields(kind: Option<Type<'_>>, set: &Set) -> Set {
    let atom = kind.map(|kind| kind.atom(None));
    let nodes = set.iter().map(|node| {
        let leads = !node.below.is_empty();
        let (named, child) = match (&node.element, atom) {
            (Element::Field(name), Some(Atom::Map(fields))) => (fields.named(name).is_some(), fields.child(name)),
            (Element::Key(_), Some(Atom::List(list))) => (false, Some(list.item)),
            _ => (false, None),
        };
        Node {
            element: node.element.clone(),
            member: node.member || (leads && named),
            below: if leads {
                with_fields(child, &node.below)
            } else {
                Set::new()
            },
        }
    });
    Set::from_nodes(nodes.collect())
}

/// A set that was written when something that is one piece today was not: whoever owned a part owns the whole. Nothing where
/// the set fits as it is.
pub fn reconciled(kind: Type<'_>, set: &Set) -> Option<Set> {
    if kind.is_deduced() || fits(kind, set) {
        return None;
    }
    Some(fitted(kind, set))
}

/// The type of what an element leads to.
fn below<'s>(kind: Type<'s>, element: &Element) -> Option<Type<'s>> {
    match (kind.atom(None), element) {
        (Atom::Map(fields), Element::Field(name)) => fields.child(name),
        (Atom::Map(fields), _) => fields.rest,
        (Atom::List(list), _) => Some(list.item),
        (Atom::Scalar(_), _) => None,
    }
}

fn one_piece(kind: Type<'_>) -> bool {
    match kind.atom(None) {
        Atom::Map(fields) => fields.atomic,
        Atom::List(list) => matches!(list.told, Told::Atomic),
        Atom::Scalar(_) => false,
    }
}

fn fits(kind: Type<'_>, set: &Set) -> bool {
    set.iter().filter(|node| !node.below.is_empty()).all(|node| {
        below(kind, &node.element)
            .is_none_or(|child| child.is_deduced() || (!one_piece(child) && fits(child, &node.below)))
    })
}

fn fitted(kind: Type<'_>, set: &Set) -> Set {
    let nodes = set.iter().map(|node| match below(kind, &node.element) {
        Some(child) if node.below.is_empty() || child.is_deduced() => node.clone(),
        Some(child) if one_piece(child) => Node {
            element: node.element.clone(),
            member: true,
            below: Set::new(),
        },
        Some(child) => Node {
            element: node.element.clone(),
            member: node.member,
            below: fitted(child, &node.below),
        },
        None => node.clone(),
    });
    Set::from_nodes(nodes.collect())
}
