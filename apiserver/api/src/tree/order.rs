//! Trees as Go writes its structs: with keys in an order that is not that of the alphabet.

use super::{Map, Tree};

/// In which order the keys of an object are written, and those of what is below them. Keys that are not named come
/// behind, sorted. The items of a list have the order of the list.
#[derive(Debug)]
pub struct Order(pub &'static [(&'static str, &'static Self)]);

impl Order {
    /// Sorted.
    pub const SORTED: &'static Self = &Self(&[]);

    /// The entries of a map in this order, each with the order of what is below it.
    pub(super) fn entries<'m>(&self, map: &'m Map) -> impl Iterator<Item = (&'m str, &'m Tree, &'static Self)> {
        let named = self
            .0
            .iter()
            .filter_map(|(key, below)| Some((*key, map.get(key)?, *below)));
        let is_named = |key: &str| self.0.iter().any(|(name, _)| *name == key);
        let named: Vec<_> = named.collect();
        let others = map.iter().filter(move |(key, _)| !is_named(key));
        named
            .into_iter()
            .chain(others.map(|(key, value)| (key, value, Self::SORTED)))
    }
}
