//! JSON pointers (RFC 6901) as upstream's library follows them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::num::IntErrorKind;

use apiserver_api::go::quote;
use apiserver_api::tree::Text;

use super::items::Items;
use super::node::Node;

/// `/spec/containers/0`, as it was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pointer<'p>(pub(super) &'p str);

/// Why a value was not put somewhere.
#[derive(Debug)]
pub(super) enum Broken {
    /// There is no such place.
    Missing,
    /// In words.
    Because(String),
}

impl<'p> Pointer<'p> {
    /// The steps; what stands before the first slash is none.
    fn parts(self) -> impl DoubleEndedIterator<Item = &'p str> {
        let rest = self.0.split_once('/').map(|(_, rest)| rest);
        rest.into_iter().flat_map(|rest| rest.split('/'))
    }

    /// How many steps it takes.
    pub(super) fn steps(self) -> usize {
        self.parts().count()
    }

    /// The last step, unescaped.
    pub(super) fn last(self) -> Cow<'p, str> {
        self.parts().next_back().map(unescaped).unwrap_or_default()
    }

    /// The place in a document, of which all but the last step must exist.
    pub(super) fn find<'d, 's>(self, document: &'d mut Node<'s>) -> Option<Place<'d, 'p, 's>> {
        let mut parts = self.parts();
        let last = parts.next_back()?;
        let mut at = document;
        for part in parts {
            at = match at.open() {
                Node::Object(map) => map.get_mut(&*unescaped(part))?,
                Node::List(items) => {
                    let index = index(&unescaped(part), items.len()).ok()?;
                    items.get_mut(index)?
                }
                Node::Closed(..) => return None,
            };
        }
        let key = unescaped(last);
        match at.open() {
            Node::Object(map) => Some(Place::Entry(map, key)),
            Node::List(items) => Some(Place::Item(items, key)),
            Node::Closed(..) => None,
        }
    }
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

/// Where an operation acts; nothing need be there yet.
#[derive(Debug)]
pub(super) enum Place<'d, 'p, 's> {
    Entry(&'d mut BTreeMap<Text, Node<'s>>, Cow<'p, str>),
    Item(&'d mut Items<Node<'s>>, Cow<'p, str>),
}

impl<'d, 's> Place<'d, '_, 's> {
    /// What is there; an absent key of an object is nothing, an absent index an error.
    pub(super) fn get(self) -> Result<Option<&'d mut Node<'s>>, String> {
        match self {
            Self::Entry(map, key) => Ok(map.get_mut(&*key)),
            Self::Item(items, key) => index(&key, items.len()).map(|at| items.get_mut(at)),
        }
    }

    /// Puts a value there; items behind it move on.
    pub(super) fn add(self, value: Node<'s>) -> Result<(), String> {
        match self {
            Self::Entry(map, key) => {
                map.insert(key.as_ref().into(), value);
            }
            Self::Item(items, key) if key == "-" => items.insert(items.len(), value),
            Self::Item(items, key) => {
                // One past the end is fine, so negative indices count from there.
                let at = index(&key, items.len() + 1).map_err(|why| {
                    if why.starts_with("strconv") {
                        format!("value was not a proper array index: '{key}': {why}")
                    } else {
                        why
                    }
                })?;
                items.insert(at, value);
            }
        }
        Ok(())
    }

    /// Puts a value in the place of what is there.
    pub(super) fn set(self, value: Node<'s>) -> Result<(), String> {
        match self {
            Self::Entry(map, key) => {
                map.insert(key.as_ref().into(), value);
            }
            Self::Item(items, key) => {
                let at = index(&key, items.len())?;
                if let Some(item) = items.get_mut(at) {
                    *item = value;
                }
            }
        }
        Ok(())
    }

    /// Takes away what is there.
    pub(super) fn remove(self) -> Result<Node<'s>, String> {
        match self {
            Self::Entry(map, key) => map
                .remove(&*key)
                .ok_or_else(|| format!("Unable to remove nonexistent key: {key}: missing value")),
            Self::Item(items, key) => index(&key, items.len()).map(|at| items.remove(at)),
        }
    }
}

/// An index below a length, negative ones counted from the end.
fn index(key: &str, length: usize) -> Result<usize, String> {
    let number: i64 = key.parse().map_err(|error: std::num::ParseIntError| {
        let why = match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("strconv.Atoi: parsing {}: {why}", quote(key))
    })?;
    let length = length as i64;
    let at = if number < 0 {
        number.saturating_add(length)
    } else {
        number
    };
    if (0..length).contains(&at) {
        Ok(at as usize)
    } else {
        Err(format!(
            "Unable to access invalid index: {number}: invalid index referenced"
        ))
    }
}

/// A step without its escapes: `~1` is a slash, `~0` a tilde.
fn unescaped(part: &str) -> Cow<'_, str> {
    if part.contains('~') {
        // A tilde that `~0` stands for must not make an escape with what follows it.
        let pieces: Vec<String> = part.split("~0").map(|piece| piece.replace("~1", "/")).collect();
        Cow::Owned(pieces.join("~"))
    } else {
        Cow::Borrowed(part)
    }
}
