//! A tree as a message.

use apiserver_api::tree::{Map, Tree};

use super::leaf;
use super::plan::{What, planned};
use super::wire::{self, bytes, nested, number};
use crate::model::{Field, Shape, TypeId};

static NOTHING: Map = Map::new();

/// An object of a built-in type as its message. What the type does not have is left out; what does not fit its field is
/// written as if it were not there.
pub fn encode(id: TypeId, tree: &Tree) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    message(id, tree, &mut out);
    out
}

pub(super) fn message(id: TypeId, tree: &Tree, out: &mut Vec<u8>) {
    let map = tree.as_map().unwrap_or(&NOTHING);
    for one in planned(id) {
        match one.what {
            What::Own(own) => field(one.number, own, map.get(&own.name).unwrap_or(&Tree::Null), out),
            What::Named(own) => {
                if let Some(Tree::List(items)) = map.get(&own.name) {
                    nested(one.number, out, |out| named(&own.shape, items, out));
                }
            }
            What::Embedded(id) => nested(one.number, out, |out| message(id, tree, out)),
        }
    }
}

/// A field of a struct: nothing, where Go tells that it is not there.
fn field(at: u32, field: &Field, given: &Tree, out: &mut Vec<u8>) {
    match (&field.shape, given) {
        (Shape::List(item, _), Tree::List(items)) => {
            for one in items {
                value(at, item, one, out);
            }
        }
        (Shape::Map(inner, _), Tree::Map(entries)) => {
            for (key, one) in entries.iter() {
                nested(at, out, |out| {
                    bytes(1, key.as_bytes(), out);
                    value(2, inner, one, out);
                });
            }
        }
        (Shape::List(..) | Shape::Map(..), _) => {}
        (_, Tree::Null) if field.pointer => {}
        (shape, given) => value(at, shape, given, out),
    }
}

/// A value that is there, if only as zero.
fn value(at: u32, shape: &Shape, given: &Tree, out: &mut Vec<u8>) {
    match shape {
        Shape::Bool => number(at, given.as_bool().unwrap_or_default().into(), out),
        Shape::Int32 | Shape::Int64 => number(at, given.as_int().unwrap_or_default(), out),
        Shape::Float => {
            wire::key(at, wire::FIXED_64, out);
            out.extend_from_slice(&leaf::double(given).to_le_bytes());
        }
        Shape::Text => bytes(at, given.as_str().unwrap_or_default().as_bytes(), out),
        // Go tells no bytes from nothing.
        Shape::Bytes => {
            if let Some(given) = leaf::bytes(given) {
                bytes(at, &given, out);
            }
        }
        Shape::Struct(id) => nested(at, out, |out| message(*id, given, out)),
        // Only what has a name stands in other lists and maps.
        Shape::List(..) => nested(at, out, |out| named(shape, given.as_list().unwrap_or_default(), out)),
        Shape::Map(..) => {}
        special => nested(at, out, |out| leaf::write(special, given, out)),
    }
}

/// The items of a list with a name.
fn named(shape: &Shape, items: &[Tree], out: &mut Vec<u8>) {
    if let Shape::List(item, _) = shape {
        for one in items {
            value(1, item, one, out);
        }
    }
}
