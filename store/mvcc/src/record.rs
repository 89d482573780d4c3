//! What lies behind the keys: versions, history entries, and the protobuf forms they are made of.

use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint, encoded_len_varint};
use proto::Encoded;
use proto::mvcc::{Event, KeyValue};
use store_planted::{Bug, planted};

use crate::{Error, KeyMeta, Kind, Result, Revision, revision};

// Kept stable: both stand on disk.
const PUT: u8 = 1;
const TOMBSTONE: u8 = 2;

/// How a put begins in `Data`: the tag of field 2, which holds a `KeyValue` in an `Event` and in a `RangeResponse`.
const PUT_TAG: u8 = 2 << 3 | 2;

/// A version as it lies in `Data`. A put is its own event, so that it is encoded once for the disk and for every
/// watch: the tag, the length, and the encoded `KeyValue`. A deletion is one flag byte and the `KeyValue`. Also answers the `KeyValue` alone.
pub(crate) fn data_value(kind: Kind, kv: &KeyValue) -> (Bytes, Bytes) {
    let len = kv.encoded_len();
    let mut out = Vec::with_capacity(data_value_len(kind, len));
    match kind {
        Kind::Put => {
            out.push(PUT_TAG);
            encode_varint(len as u64, &mut out);
        }
        Kind::Delete => out.push(TOMBSTONE),
    }
    let head = out.len();
    kv.encode_raw(&mut out);
    let value = Bytes::from(out);
    let kv = value.slice(head..);
    (value, kv)
}

/// The length of a data value, given that of its encoded `KeyValue`.
pub(crate) fn data_value_len(kind: Kind, kv: usize) -> usize {
    match kind {
        Kind::Put => 1 + encoded_len_varint(kv as u64) + kv,
        Kind::Delete => 1 + kv,
    }
}

/// What a version is, and its encoded `KeyValue`.
pub(crate) fn split_data_value(value: &[u8]) -> Result<(Kind, &[u8])> {
    match value.split_first() {
        Some((&PUT_TAG, mut kv)) => {
            let len =
                decode_varint(&mut kv).map_err(|error| Error::Corrupt(format!("length of a version: {error}")))?;
            if len == kv.len() as u64 {
                return Ok((Kind::Put, kv));
            }
            Err(Error::Corrupt(format!("a version of {} bytes, not {len}", kv.len())))
        }
        Some((&TOMBSTONE, kv)) => Ok((Kind::Delete, kv)),
        Some((&flag, _)) => Err(Error::Corrupt(format!("unknown flag {flag}"))),
        None => Err(Error::Corrupt("empty version".into())),
    }
}

/// The encoded `KeyValue` of a data value.
pub(crate) fn data_value_kv(value: &Bytes) -> Result<Bytes> {
    let (_, kv) = split_data_value(value)?;
    Ok(value.slice(value.len() - kv.len()..))
}

/// The key inside an encoded `KeyValue` that this crate wrote: the first field, and there because keys are not empty.
pub(crate) fn key_of(kv: &Bytes, key_len: usize) -> Bytes {
    let start = 1 + encoded_len_varint(key_len as u64);
    kv.slice(start..start + key_len)
}

const fn flag(kind: Kind) -> u8 {
    match kind {
        Kind::Put => PUT,
        Kind::Delete => TOMBSTONE,
    }
}

/// What the first byte of a history entry says.
fn kind(flag: u8) -> Result<Kind> {
    match flag {
        PUT => Ok(Kind::Put),
        TOMBSTONE => Ok(Kind::Delete),
        _ => Err(Error::Corrupt(format!("unknown flag {flag}"))),
    }
}

/// One change as it lies in `History`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) revision: Revision,
    pub(crate) kind: Kind,
    /// The version that this change replaced or deleted.
    pub(crate) previous: Option<Revision>,
    /// The length of that version's encoded `KeyValue`, so that it can be dropped without being read.
    pub(crate) previous_bytes: u32,
    pub(crate) key: Bytes,
}

impl Entry {
    pub(crate) const HEAD: usize = 1 + revision::BYTES + 4;

    /// The length of [`Self::encode`]'s answer.
    pub(crate) fn encoded_len(&self) -> usize {
        Self::HEAD + self.key.len()
    }

    /// The value under the revision's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        out.push(flag(self.kind));
        // No version has the revision 0.0.
        out.extend_from_slice(&self.previous.unwrap_or_default().to_bytes());
        out.extend_from_slice(&self.previous_bytes.to_be_bytes());
        out.extend_from_slice(&self.key);
        out
    }

    pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<Self> {
        let read = || {
            let revision = Revision::from_bytes(key)?;
            let (&flag, rest) = value.split_first()?;
            let (previous, rest) = rest.split_at_checked(revision::BYTES)?;
            let (bytes, key) = rest.split_first_chunk::<4>()?;
            let previous = Revision::from_bytes(previous).filter(|r| r.main != 0);
            Some((
                revision,
                flag,
                previous,
                u32::from_be_bytes(*bytes),
                Bytes::copy_from_slice(key),
            ))
        };
        let (revision, flag, previous, previous_bytes, key) =
            read().ok_or_else(|| Error::Corrupt("short history entry".into()))?;
        if !revision.is_possible() {
            let Revision { main, sub } = revision;
            return Err(Error::Corrupt(format!(
                "a history entry of the impossible revision {main}.{sub}"
            )));
        }
        Ok(Self {
            revision,
            kind: kind(flag)?,
            previous,
            previous_bytes,
            key,
        })
    }
}

/// The numbers of an encoded `KeyValue`; key and value are stepped over, not copied.
pub(crate) fn read_meta(kv: &[u8], modified: Revision) -> Result<KeyMeta> {
    let corrupt = |error: prost::DecodeError| Error::Corrupt(format!("key-value: {error}"));
    let mut meta = KeyMeta {
        modified,
        bytes: kv.len() as u32,
        ..KeyMeta::default()
    };
    let mut rest = kv;
    while !rest.is_empty() {
        let (tag, wire) = decode_key(&mut rest).map_err(corrupt)?;
        let number = decode_varint(&mut rest).map_err(corrupt)?;
        match (wire, tag) {
            (WireType::LengthDelimited, _) if number <= rest.len() as u64 => rest.advance(number as usize),
            (WireType::Varint, 2) => meta.create = number as i64,
            (WireType::Varint, 4) => meta.version = number as i64,
            (WireType::Varint, 6) => meta.lease = number as i64,
            (WireType::Varint, _) => {}
            _ => return Err(Error::Corrupt("key-value: unexpected field".into())),
        }
    }
    Ok(meta)
}

/// What stands in `Index` under a live key: six varints, about a dozen bytes.
pub(crate) fn index_value(meta: &KeyMeta) -> Vec<u8> {
    let mut out = Vec::with_capacity(24);
    let since = meta.modified.main.wrapping_sub(meta.create);
    for number in [meta.modified.main, meta.modified.sub, since, meta.version, meta.lease] {
        encode_varint(number as u64, &mut out);
    }
    encode_varint(meta.bytes.into(), &mut out);
    out
}

/// Reads what [`index_value`] wrote.
pub(crate) fn read_index_value(mut value: &[u8]) -> Result<KeyMeta> {
    let mut number = || decode_varint(&mut value).map_err(|error| Error::Corrupt(format!("index: {error}")));
    let (main, sub) = (number()? as i64, number()? as i64);
    let create = main.wrapping_sub(number()? as i64);
    Ok(KeyMeta {
        create,
        modified: Revision::new(main, sub),
        version: number()? as i64,
        lease: number()? as i64,
        bytes: number()? as u32,
    })
}

/// Reads a whole `KeyValue`; key and value stay slices of `kv`.
pub(crate) fn read_kv(kv: &Bytes) -> Result<KeyValue> {
    KeyValue::decode(kv.clone()).map_err(|error| Error::Corrupt(format!("key-value: {error}")))
}

/// What a deletion's event says of its key.
pub(crate) fn deleted_kv(key: &Bytes, main: i64) -> Bytes {
    KeyValue {
        key: key.clone(),
        mod_revision: main,
        ..KeyValue::default()
    }
    .encode_to_vec()
    .into()
}

/// The event of a change, from parts that are encoded already.
pub(crate) fn event(kind: Kind, kv: &[u8], previous: Option<&[u8]>) -> Encoded<Event> {
    let previous = previous.map(|old| if planted(Bug::WrongPrevious) { kv } else { old });
    let field = |len: usize| 1 + encoded_len_varint(len as u64) + len;
    let mut out = Vec::with_capacity(2 + field(kv.len()) + previous.map_or(0, |kv| field(kv.len())));
    if kind == Kind::Delete {
        encode_key(1, WireType::Varint, &mut out);
        encode_varint(1, &mut out);
    }
    for (tag, kv) in [(2, Some(kv)), (3, previous)] {
        if let Some(kv) = kv {
            encode_key(tag, WireType::LengthDelimited, &mut out);
            encode_varint(kv.len() as u64, &mut out);
            out.put_slice(kv);
        }
    }
    Encoded::from_bytes(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kv() -> KeyValue {
        KeyValue {
            key: "k".into(),
            create_revision: 3,
            mod_revision: 9,
            version: 4,
            value: vec![7; 300].into(),
            lease: 77,
        }
    }

    #[test]
    fn meta_is_read_without_the_value() {
        let bytes = kv().encode_to_vec();
        let modified = Revision::new(9, 1);
        let meta = read_meta(&bytes, modified).unwrap();
        let expected = KeyMeta {
            create: 3,
            modified,
            version: 4,
            lease: 77,
            bytes: bytes.len() as u32,
        };
        assert_eq!(meta, expected);
        assert!(read_meta(&bytes[..bytes.len() - 200], modified).is_err());
    }

    #[test]
    fn index_values_read_back() {
        let meta = KeyMeta {
            create: 3,
            modified: Revision::new(i64::MAX, 7),
            version: 4,
            lease: -1,
            bytes: u32::MAX,
        };
        let value = index_value(&meta);
        assert_eq!(read_index_value(&value).unwrap(), meta);
        assert!(read_index_value(&value[..value.len() - 1]).is_err());
    }

    #[test]
    fn events_are_what_prost_makes_of_them() {
        let (new, old) = (kv(), KeyValue { version: 3, ..kv() });
        for (kind, code) in [(Kind::Put, 0), (Kind::Delete, 1)] {
            for prev_kv in [None, Some(old.clone())] {
                let previous = prev_kv.as_ref().map(KeyValue::encode_to_vec);
                let made = event(kind, &new.encode_to_vec(), previous.as_deref());
                let event = Event {
                    r#type: code,
                    kv: Some(new.clone()),
                    prev_kv,
                };
                assert_eq!(made.bytes().as_ref(), event.encode_to_vec());
            }
        }
    }

    #[test]
    fn entries_read_back() {
        for previous in [None, Some(Revision::new(4, 2))] {
            let revision = Revision::new(5, 0);
            let entry = Entry {
                revision,
                kind: Kind::Delete,
                previous,
                previous_bytes: 12,
                key: "key".into(),
            };
            assert_eq!(Entry::decode(&revision.to_bytes(), &entry.encode()).unwrap(), entry);
        }
        assert!(Entry::decode(&[0; 16], &[PUT; 20]).is_err());
        assert!(Entry::decode(&[0; 16], &[9; 30]).is_err());
    }
}
