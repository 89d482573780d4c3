//! The items of a list as elements of paths.

use apiserver_api::go::quote;
use apiserver_api::tree::{Text, Tree};

use super::shape::{Atom, List, Told};
use crate::fields::Element;

/// The element that stands for an item, or why it has none.
pub(super) fn element(list: List<'_>, item: &Tree) -> Result<Element, String> {
    let refused = |words: &str| Err(words.to_owned());
    match (list.told, item) {
        (Told::Atomic, _) => refused("invalid indexing of non-associative list"),
        (Told::Set, Tree::Map(_)) => refused("associative list without keys has an element that's a map type"),
        (Told::Set, Tree::List(_)) => refused("not supported: associative list with lists as elements"),
        (Told::Set, Tree::Null) => refused("associative list without keys has an element that's an explicit null"),
        (Told::Set, scalar) => Ok(Element::Value(scalar.clone())),
        (Told::Keys(_), Tree::Null) => refused("associative list with keys may not have a null element"),
        (Told::Keys(names), Tree::Map(map)) => {
            let mut fields: Vec<(Text, Tree)> = Vec::with_capacity(names.len());
            for name in names {
                let value = match (map.get(name), list.item.atom(None)) {
                    (Some(value), _) => Some(value.clone()),
                    (None, Atom::Map(fields)) => fields.default_of(name),
                    (None, _) => None,
                };
                fields.extend(value.map(|value| (Text::from(&**name), value)));
            }
            if fields.is_empty() {
                let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
                return Err(format!(
                    "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
                    names.join(" ")
                ));
            }
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(Element::Key(fields.into()))
        }
        (Told::Keys(_), _) => refused("associative list with keys may not have non-map elements"),
    }
}

/// The elements of all items, or the first that has none.
pub(super) fn elements(list: List<'_>, items: &[Tree]) -> Result<Vec<Element>, String> {
    let elements = items.iter().enumerate();
    elements
        .map(|(at, item)| element(list, item).map_err(|why| format!("element {at}: {why}")))
        .collect()
}

/// The elements of all items; one that has none stands by its position.
pub(super) fn elements_or_positions(list: List<'_>, items: &[Tree]) -> Vec<Element> {
    let elements = items.iter().enumerate();
    elements
        .map(|(at, item)| element(list, item).unwrap_or(Element::Index(at as i64)))
        .collect()
}

/// Positions of items, sorted by their elements; those of one element keep their order.
pub(super) struct Sorted<'e> {
    elements: &'e [Element],
    positions: Vec<usize>,
}

impl<'e> Sorted<'e> {
    pub(super) fn of(elements: &'e [Element]) -> Self {
        let mut positions: Vec<usize> = (0..elements.len()).collect();
        positions.sort_by(|a, b| elements[*a].cmp(&elements[*b]));
        Self { elements, positions }
    }

    /// Where the items of an element are.
    pub(super) fn get(&self, element: &Element) -> &[usize] {
        let start = self.positions.partition_point(|at| self.elements[*at] < *element);
        let rest = &self.positions[start..];
        let length = rest.partition_point(|at| self.elements[*at] == *element);
        &rest[..length]
    }

    /// The items element by element.
    pub(super) fn groups(&self) -> impl Iterator<Item = &[usize]> {
        self.positions.chunk_by(|a, b| self.elements[*a] == self.elements[*b])
    }
}
