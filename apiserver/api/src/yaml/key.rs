//! Keys of YAML's maps, which may be anything, as keys of JSON.

use super::Error;
use super::resolve::{Scalar, float_key};
use crate::go::quote;
use crate::tree::{Map, Text, Tree};

/// What a map's next value belongs to.
pub(super) enum Key {
    Named(Named),
    Merge,
    /// No key that a map can have; told already.
    Broken,
}

/// A key, with its type: `1` and `"1"` are not the same until they become JSON.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Named {
    pub(super) tag: &'static str,
    pub(super) text: Text,
}

impl Named {
    /// What is told of one that stands in its map already, on this line for the next time.
    pub(super) fn twice(&self, line: usize) -> String {
        let shown = if self.tag == "str" {
            &quote(&self.text)
        } else {
            self.text.as_str()
        };
        format!("line {line}: key {shown} already set in map")
    }
}

/// A key as it becomes one of JSON.
pub(super) fn key_of(scalar: Option<Scalar>, merge: bool, tree: &Tree) -> Result<Key, Error> {
    let Some(scalar) = scalar else {
        let mut message = "invalid map key: ".to_owned();
        go_syntax(tree, &mut message);
        return Err(Error::yaml(message));
    };
    let text = match scalar {
        _ if merge => return Ok(Key::Merge),
        Scalar::Null => return Err(unsupported("%!s(<nil>)", "<nil>")),
        Scalar::Uint(key) => return Err(unsupported("uint64", &format!("{key:#x}"))),
        Scalar::Bool(key) => key.to_string(),
        Scalar::Int(key) => key.to_string(),
        Scalar::Float(key) => float_key(key),
        Scalar::Timestamp | Scalar::Text => tree.as_str().unwrap_or_default().to_owned(),
    };
    let (tag, text) = (scalar.tag(), text.into());
    Ok(Key::Named(Named { tag, text }))
}

fn unsupported(kind: &str, key: &str) -> Error {
    Error(format!("unsupported map key of type: {kind}, key: {key}"))
}

/// Appends a value as Go's `%#v` shows what its package decoded.
fn go_syntax(tree: &Tree, out: &mut String) {
    match tree {
        Tree::Null => out.push_str("interface {}(nil)"),
        Tree::Text(text) => out.push_str(&quote(text)),
        Tree::List(items) => {
            out.push_str("[]interface {}{");
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                go_syntax(item, out);
            }
            out.push('}');
        }
        Tree::Map(map) => {
            out.push_str("map[interface {}]interface {}{");
            for (at, (key, value)) in map.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                out.push_str(&quote(key));
                out.push(':');
                go_syntax(value, out);
            }
            out.push('}');
        }
        Tree::Bool(_) | Tree::Int(_) | Tree::Number(_) => out.push_str(&String::from_utf8_lossy(&tree.to_json())),
    }
}

/// The maps that `<<` merges, those first that others overrule.
pub(super) fn merged(value: Tree) -> Option<Vec<Map>> {
    let maps = match value {
        Tree::Map(map) => return Some(vec![map]),
        Tree::List(items) => items.into_iter().rev(),
        _ => return None,
    };
    maps.map(|item| match item {
        Tree::Map(map) => Some(map),
        _ => None,
    })
    .collect()
}
