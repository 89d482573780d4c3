//! Documents as protobuf: the messages of gnostic, told by tables of names and numbers.

mod encode;
mod v2;
mod v3;

use apiserver_api::tree::Tree;

use super::definition::Dialect;

/// A document as its dialect's `Document`.
pub(super) fn document(dialect: Dialect, tree: &Tree) -> Vec<u8> {
    let message = match dialect {
        Dialect::V2 => &v2::DOCUMENT,
        Dialect::V3 => &v3::DOCUMENT,
    };
    encode::message(message, tree)
}

#[cfg(test)]
mod tests;
