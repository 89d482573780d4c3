//! Sets as JSON, which is what `managedFields` holds: `{"f:spec":{"f:replicas":{}}}`.

use std::io::Write;

use apiserver_api::tree::{Map, Text, Tree, parse, quoted};
use thiserror::Error;

use super::{Element, Node, Set};

/// What in a set's JSON cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// Something else than an object.
    #[error("expect {{ or n, but found {0}")]
    NoObject(&'static str),
    /// The key is too short to be an element.
    #[error("parsing key as path element: key must be 2 characters long:")]
    Short,
    /// There is no colon behind its first letter.
    #[error("parsing key as path element: missing colon: {0}")]
    Colon(String),
    /// What follows the colon is not what the letter announces.
    #[error("parsing key as path element: {0}")]
    Content(String),
}

impl Set {
    /// From a tree.
    ///
    /// # Errors
    /// Something is no object, or a key no element. Elements of kinds that are not known are left out.
    pub fn from_tree(tree: &Tree) -> Result<Self, WireError> {
        let mut set = Read::of(tree)?.below;
        set.sort_all();
        Ok(set)
    }

    /// As a tree. The keys of a tree are sorted as texts, which is not always the order of elements.
    pub fn to_tree(&self) -> Tree {
        self.contents(false)
    }

    fn contents(&self, member: bool) -> Tree {
        let own = (member && !self.is_empty()).then(|| (Text::const_new("."), Tree::map()));
        let nodes = self
            .iter()
            .map(|node| (node.element.wire(), node.below.contents(node.member)));
        Tree::Map(own.into_iter().chain(nodes).collect())
    }

    /// As bytes, in the order of elements, which is how upstream writes them.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.write_json(false, &mut out);
        out
    }

    fn write_json(&self, member: bool, out: &mut Vec<u8>) {
        out.push(b'{');
        let mut first = true;
        if member && !self.is_empty() {
            out.extend_from_slice(b"\".\":{}");
            first = false;
        }
        for node in self {
            if !first {
                out.push(b',');
            }
            first = false;
            quoted(&node.element.wire(), out);
            out.push(b':');
            node.below.write_json(node.member, out);
        }
        out.push(b'}');
    }
}

/// What an object of a set says: of its path, and of those below, which are not sorted yet. One element may be spelled in
/// many ways, each of them a key of its own.
struct Read {
    member: bool,
    below: Set,
}

impl Read {
    fn of(tree: &Tree) -> Result<Self, WireError> {
        static NONE: Map = Map::new();
        let map = match tree {
            Tree::Null => &NONE,
            Tree::Map(map) => map,
            other => return Err(WireError::NoObject(other.type_name())),
        };
        let mut member = false;
        let mut nodes = Vec::with_capacity(map.len());
        for (key, value) in map.iter() {
            if key == "." {
                member = true;
            } else if let Some(element) = Element::from_wire(key)? {
                let Self { member, below } = Self::of(value)?;
                nodes.push(Node { element, member, below });
            }
        }
        let below = Set { nodes };
        let member = member || below.is_empty();
        Ok(Self { member, below })
    }
}

impl Element {
    /// As the key of an object: `f:name`, `k:{"name":"a"}`, `v:"a"`, `i:0`.
    pub fn wire(&self) -> Text {
        match self {
            Self::Field(name) => {
                let mut text = Text::with_capacity(2 + name.len());
                text.push_str("f:");
                text.push_str(name);
                text
            }
            Self::Key(fields) => {
                let mut out = b"k:{".to_vec();
                for (at, (name, value)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    quoted(name, &mut out);
                    out.push(b':');
                    value.write_json(&mut out);
                }
                out.push(b'}');
                Text::from_utf8_lossy(&out)
            }
            Self::Value(value) => {
                let mut out = b"v:".to_vec();
                value.write_json(&mut out);
                Text::from_utf8_lossy(&out)
            }
            Self::Index(at) => {
                let mut out = b"i:".to_vec();
                // Writing to memory does not fail.
                let _ = write!(out, "{at}");
                Text::from_utf8_lossy(&out)
            }
        }
    }

    /// From the key of an object; nothing where its kind is not known.
    fn from_wire(key: &str) -> Result<Option<Self>, WireError> {
        let mut letters = key.chars();
        let (Some(kind), Some(colon)) = (letters.next(), letters.next()) else {
            return Err(WireError::Short);
        };
        if colon != ':' {
            return Err(WireError::Colon(key.to_owned()));
        }
        let rest = letters.as_str();
        let json = || match parse(rest.as_bytes()) {
            Ok(parsed) => Ok(parsed.tree),
            Err(error) => Err(WireError::Content(error.to_string())),
        };
        Ok(Some(match kind {
            'f' => Self::Field(rest.into()),
            'v' => Self::Value(json()?),
            'k' => match json()? {
                Tree::Map(map) => Self::Key(map.into_iter().collect()),
                Tree::Null => Self::Key(Box::default()),
                other => return Err(WireError::NoObject(other.type_name())),
            },
            'i' => Self::Index(
                rest.parse()
                    .map_err(|error| WireError::Content(format!("{rest:?}: {error}")))?,
            ),
            _ => return Ok(None),
        }))
    }
}
