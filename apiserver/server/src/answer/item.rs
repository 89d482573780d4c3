//! How an object of a list is written, of what is kept of it.

use apiserver_api::time::Time;
use apiserver_kinds::Kind;
use apiserver_storage::object::Object;
use bytes::BytesMut;

use super::body;
use super::row::Row;

/// How an item is written.
pub(super) enum Item {
    /// Its body.
    Whole,
    /// Its body, with what it is before the first key.
    Typed(&'static str),
    /// This, then its metadata.
    Metadata(String),
    /// As a row of a table.
    Row(Rows),
}

/// How rows of a table are written.
pub(super) struct Rows {
    kind: &'static Kind,
    now: Time,
    /// What they carry of the object.
    carried: Option<Box<Item>>,
}

impl Rows {
    pub(super) fn new(kind: &'static Kind, now: Time, carried: Option<Item>) -> Self {
        let carried = carried.map(Box::new);
        Self { kind, now, carried }
    }
}

/// Cells of a row take about so many bytes.
const CELLS: usize = 128;

impl Item {
    pub(super) fn metadata(version: &str) -> Self {
        // Of partial objects each says what it is.
        Self::Metadata(format!(
            r#"{{"kind":"PartialObjectMetadata","apiVersion":"{version}","metadata":"#
        ))
    }

    /// How many bytes it takes, roughly where it is a row.
    pub(super) fn size(&self, object: &Object) -> usize {
        match self {
            Self::Whole => object.body().len(),
            Self::Typed(head) => head.len() + object.body().len(),
            Self::Metadata(head) => head.len() + object.metadata().len(),
            Self::Row(rows) => CELLS + rows.carried.as_ref().map_or(0, |item| item.size(object)),
        }
    }

    pub(super) fn write(&self, object: &Object, out: &mut BytesMut) {
        match self {
            Self::Whole => out.extend_from_slice(object.body()),
            Self::Typed(head) => body::join(head, object.body(), out),
            Self::Metadata(head) => {
                out.extend_from_slice(head.as_bytes());
                out.extend_from_slice(object.metadata());
                out.extend_from_slice(b"}");
            }
            Self::Row(rows) => {
                Row::begin(rows.kind, object, rows.now, out);
                match &rows.carried {
                    Some(item) => item.write(object, out),
                    None => out.extend_from_slice(b"null"),
                }
                out.extend_from_slice(b"}");
            }
        }
    }
}
