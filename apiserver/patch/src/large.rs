//! Numbers that no double holds, which upstream does not read where it has no type for them.

use apiserver_api::tree::{Number, Tree};

/// The first number in a tree that is too large for a double.
pub(crate) fn too_large(tree: &Tree) -> Option<&Number> {
    match tree {
        Tree::Number(number) => (!number.as_f64().is_finite()).then_some(number),
        Tree::List(items) => items.iter().find_map(too_large),
        Tree::Map(map) => map.iter().find_map(|(_, value)| too_large(value)),
        _ => None,
    }
}
