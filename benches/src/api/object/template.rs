//! Texts with places in them that differ from object to object and from request to request.

use std::io::Write as _;

use bytes::Bytes;

use crate::api::stamp::{DIGITS, Stamp};

/// Objects that are many are spread over so many namespaces.
pub(crate) const SHARDS: u64 = 10;

/// What stands in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// The object's number, nine digits.
    Number,
    /// The number of the object's namespace.
    Shard,
    /// The number of the object's node, six digits.
    Node,
    /// The request's number, nine digits, so that each request changes something.
    Turn,
    /// The last six digits of the request's number, as in a fraction of a second.
    Micros,
    /// The stamp.
    Due,
    /// The revision that the request expects.
    Revision,
}

/// How places are spelt.
const SLOTS: &[(&str, Slot)] = &[
    ("<number>", Slot::Number),
    ("<shard>", Slot::Shard),
    ("<node>", Slot::Node),
    ("<turn>", Slot::Turn),
    ("<micros>", Slot::Micros),
    ("<due>", Slot::Due),
    ("<revision>", Slot::Revision),
];

/// What is written into the places.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Values {
    pub(crate) number: u64,
    pub(crate) turn: u64,
    /// How many nodes objects are spread over.
    pub(crate) nodes: u64,
    pub(crate) stamp: Stamp,
    pub(crate) revision: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Slot(Slot),
}

/// A text with places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
    /// Bytes of the whole with its places filled, about.
    size: usize,
}

impl Template {
    /// Of a text in which places are spelt as `<number>`, `<node>` and so on.
    pub(crate) fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((place, name, slot)) = next(rest) {
            pieces.push(Piece::Text(rest.as_bytes()[..place].to_vec()));
            pieces.push(Piece::Slot(slot));
            rest = &rest[place + name.len()..];
        }
        pieces.push(Piece::Text(rest.as_bytes().to_vec()));
        Self {
            size: text.len() + pieces.len() * DIGITS,
            pieces,
        }
    }

    /// Of an object.
    pub(crate) fn json(object: &serde_json::Value) -> Self {
        Self::new(&object.to_string())
    }

    /// The same with more behind it, such as the query of a path.
    pub(crate) fn with(&self, more: &str) -> Self {
        let mut all = self.clone();
        all.size += more.len();
        all.pieces.push(Piece::Text(more.as_bytes().to_vec()));
        all
    }

    /// The text with these values in its places.
    pub(crate) fn fill(&self, values: &Values) -> Bytes {
        let mut all = Vec::with_capacity(self.size);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => all.extend_from_slice(text),
                Piece::Slot(slot) => slot.write(values, &mut all),
            }
        }
        all.into()
    }
}

impl Slot {
    fn write(self, values: &Values, to: &mut Vec<u8>) {
        // Writing to a Vec cannot fail.
        let _ = match self {
            Self::Number => write!(to, "{:09}", values.number),
            Self::Shard => write!(to, "{}", values.number % SHARDS),
            Self::Node => write!(to, "{:06}", values.number % values.nodes.max(1)),
            Self::Turn => write!(to, "{:09}", values.turn),
            Self::Micros => write!(to, "{:06}", values.turn % 1_000_000),
            Self::Revision => write!(to, "{}", values.revision),
            Self::Due => {
                values.stamp.write(to);
                Ok(())
            }
        };
    }
}

/// The first place of a text.
fn next(text: &str) -> Option<(usize, &'static str, Slot)> {
    let places = SLOTS
        .iter()
        .filter_map(|(name, slot)| Some((text.find(name)?, *name, *slot)));
    places.min_by_key(|(place, ..)| *place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled() {
        let template =
            Template::new("/a-<shard>/p-<number>?n=<node>&t=<turn>.<micros>&r=<revision>&<other>").with("&x");
        let values = Values {
            number: 12_345,
            turn: 7_000_001,
            nodes: 100,
            revision: 42,
            ..Values::default()
        };
        assert_eq!(
            template.fill(&values),
            "/a-5/p-000012345?n=000045&t=007000001.000001&r=42&<other>&x"
        );
        assert_eq!(Template::new("no places").fill(&values), "no places");
        assert_eq!(Template::new("<due>").fill(&values).len(), DIGITS);
        assert_eq!(
            Template::new("<number><number>").fill(&Values::default()),
            "0".repeat(18)
        );
    }
}
