//! What stands around an object on the wire: its type before it, and the events and lists that it is part of.

use super::Error;
use super::leaf;
use super::wire::{LENGTH, Reader, bytes, each, expect, head, varint_size};

/// With these bytes everything begins but frames.
pub const MAGIC: &[u8; 4] = b"k8s\0";
/// What ends a list: how it is packed (not at all), and in what it is written (protobuf).
pub const LIST_TAIL: &[u8] = &[0x1a, 0, 0x22, 0];

/// An object that was sent, not yet read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<'b> {
    /// Of the object; empty where that was not said.
    pub api_version: String,
    /// The same.
    pub kind: String,
    /// The message.
    pub raw: &'b [u8],
}

/// Opens what was sent. How it was packed and in what it was written nobody asks, as upstream.
///
/// # Errors
/// It is no envelope.
pub fn open(sent: &[u8]) -> Result<Envelope<'_>, Error> {
    if sent.is_empty() {
        return Err(Error::Nothing);
    }
    let inside = sent.strip_prefix(MAGIC).ok_or(Error::Prefix)?;
    if inside.is_empty() {
        return Err(Error::Body);
    }
    let (mut types, mut raw) = (Vec::new(), [].as_slice());
    each("Unknown", &[inside], |number, wire, reader| {
        match number {
            1 => types.push(expect(wire, LENGTH, "TypeMeta", reader, Reader::chunk)?),
            2 => raw = expect(wire, LENGTH, "Raw", reader, Reader::chunk)?,
            3 => drop(expect(wire, LENGTH, "ContentEncoding", reader, Reader::chunk)?),
            4 => drop(expect(wire, LENGTH, "ContentType", reader, Reader::chunk)?),
            _ => reader.skip(wire)?,
        }
        Ok(())
    })?;
    let mut envelope = Envelope {
        api_version: String::new(),
        kind: String::new(),
        raw,
    };
    each("TypeMeta", &types, |number, wire, reader| {
        match number {
            1 => envelope.api_version = leaf::text(expect(wire, LENGTH, "APIVersion", reader, Reader::chunk)?).into(),
            2 => envelope.kind = leaf::text(expect(wire, LENGTH, "Kind", reader, Reader::chunk)?).into(),
            _ => reader.skip(wire)?,
        }
        Ok(())
    })?;
    Ok(envelope)
}

/// Puts the message of an object into an envelope.
pub fn seal(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(sealed_size(api_version, kind, raw.len()));
    open_seal(api_version, kind, raw.len(), &mut out);
    out.extend_from_slice(raw);
    out.extend_from_slice(LIST_TAIL);
    out
}

/// What stands before a message of so many bytes.
fn open_seal(api_version: &str, kind: &str, raw: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(MAGIC);
    head(1, type_size(api_version, kind), out);
    bytes(1, api_version.as_bytes(), out);
    bytes(2, kind.as_bytes(), out);
    head(2, raw, out);
}

fn type_size(api_version: &str, kind: &str) -> usize {
    field_size(api_version.len()) + field_size(kind.len())
}

/// The bytes of a field that has a length, with a number below 16.
const fn field_size(length: usize) -> usize {
    1 + varint_size(length as u64) + length
}

fn sealed_size(api_version: &str, kind: &str, raw: usize) -> usize {
    MAGIC.len() + field_size(type_size(api_version, kind)) + field_size(raw) + LIST_TAIL.len()
}

/// The frame of an event of a watch: four bytes of length, what happened, and the object in an envelope.
pub fn event(told: &str, api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let sealed = sealed_size(api_version, kind, raw.len());
    let object = field_size(sealed);
    let length = field_size(told.len()) + field_size(object);
    let mut out = Vec::with_capacity(4 + length);
    // An object is never so large: its bytes were held in one piece.
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    bytes(1, told.as_bytes(), &mut out);
    head(2, object, &mut out);
    head(1, sealed, &mut out);
    open_seal(api_version, kind, raw.len(), &mut out);
    out.extend_from_slice(raw);
    out.extend_from_slice(LIST_TAIL);
    out
}

/// What stands before the items of a list, which have so many bytes each and follow one by one, each after its
/// [`item_head`]; [`LIST_TAIL`] ends it. `metadata` is the message of the list's own.
pub fn list_head(api_version: &str, kind: &str, metadata: &[u8], items: impl Iterator<Item = usize>) -> Vec<u8> {
    let items: usize = items.map(field_size).sum();
    let mut out = Vec::with_capacity(128 + metadata.len());
    open_seal(api_version, kind, field_size(metadata.len()) + items, &mut out);
    bytes(1, metadata, &mut out);
    out
}

/// What stands before an item of a list that has so many bytes.
pub fn item_head(length: usize, out: &mut Vec<u8>) {
    head(2, length, out);
}
