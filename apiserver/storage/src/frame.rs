//! What a watcher is told, as bytes on the wire.

use bytes::Bytes;

use crate::object::Object;

/// What happened to an object, as one watcher sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// It is there, and was not before, or was not seen.
    Added,
    /// It changed.
    Modified,
    /// It is gone, or is not seen any more.
    Deleted,
}

impl Told {
    /// As events spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// An encoded event.
#[derive(Debug)]
pub struct Frame {
    told: Told,
    head: &'static str,
    bytes: Bytes,
}

impl Frame {
    /// Encodes an event as a line of JSON.
    pub fn new(told: Told, head: &'static str, object: Option<&Object>) -> Self {
        let body = object.map_or(b"}".as_slice(), |object| &object.body()[1..]);
        let mut out = Vec::with_capacity(body.len() + head.len() + 40);
        for part in [
            br#"{"type":""#,
            told.as_str().as_bytes(),
            br#"","object":{"#,
            head.as_bytes(),
        ] {
            out.extend_from_slice(part);
        }
        if !head.is_empty() && body.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(body);
        out.extend_from_slice(b"}\n");
        Self {
            told,
            head,
            bytes: out.into(),
        }
    }

    /// An event that was encoded in another way; `form` says in which, as `head` does for JSON.
    pub(crate) const fn other(told: Told, form: &'static str, bytes: Bytes) -> Self {
        Self {
            told,
            head: form,
            bytes,
        }
    }

    /// Whether it tells this with this head.
    pub fn is(&self, told: Told, head: &'static str) -> bool {
        self.told == told && self.head == head
    }

    /// The bytes.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}
