//! A batch of writes as one flat buffer.
//!
//! The layout is the one of the `LevelDB` family, so that an engine of that family takes the buffer as it is: eight
//! zero bytes, the number of operations (u32, little endian), then the operations. An operation is a tag, then one or
//! two strings; a string is a varint length and its bytes. The first byte of every key is its space.

use crate::{Error, Result, Space};

const HEADER: usize = 12;
const COUNT: usize = 8;
/// Tags of the `LevelDB` family; stable.
const DELETE: u8 = 0x00;
const PUT: u8 = 0x01;
const DELETE_RANGE: u8 = 0x0f;

/// Writes that happen together or not at all, in the order in which they were added.
#[derive(Clone, Debug)]
pub struct Batch {
    buffer: Vec<u8>,
    count: u32,
}

/// One operation of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op<'a> {
    /// Sets a key.
    Put {
        /// Its space.
        space: Space,
        /// The key without the space's byte.
        key: &'a [u8],
        /// The new value.
        value: &'a [u8],
    },
    /// Removes a key, if it is there.
    Delete {
        /// Its space.
        space: Space,
        /// The key without the space's byte.
        key: &'a [u8],
    },
    /// Removes every key in `from..to`.
    DeleteRange {
        /// The space of both ends.
        space: Space,
        /// First key removed.
        from: &'a [u8],
        /// First key kept.
        to: &'a [u8],
    },
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self {
            buffer: vec![0; HEADER],
            count: 0,
        }
    }

    /// Makes room for `bytes` more of operations.
    pub fn reserve(&mut self, bytes: usize) {
        self.buffer.reserve(bytes);
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.begin(PUT);
        self.key(space, key);
        self.length(value.len());
        self.buffer.extend_from_slice(value);
    }

    /// Removes `key`; it need not exist.
    pub fn delete(&mut self, space: Space, key: &[u8]) {
        self.begin(DELETE);
        self.key(space, key);
    }

    /// Removes every key in `from..to`, also those put earlier in this batch. An empty or reversed range adds nothing.
    pub fn delete_range(&mut self, space: Space, from: &[u8], to: &[u8]) {
        if from >= to {
            return;
        }
        self.begin(DELETE_RANGE);
        self.key(space, from);
        self.key(space, to);
    }

    /// Forgets all operations and keeps the buffer.
    pub fn clear(&mut self) {
        self.buffer.truncate(HEADER);
        self.count = 0;
        self.store_count();
    }

    /// How many operations it holds.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether it holds no operation.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Size of the encoded batch in bytes.
    pub fn bytes(&self) -> usize {
        self.buffer.len()
    }

    /// The encoded batch, in the layout that this module's head describes.
    pub fn encoded(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes an encoded batch from elsewhere after checking all of it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the bytes are not a batch.
    pub fn decode(encoded: &[u8]) -> Result<Self> {
        let broken = || Error::Corrupt("not an encoded batch".into());
        let count = encoded
            .get(COUNT..HEADER)
            .and_then(|raw| raw.try_into().ok())
            .map(u32::from_le_bytes);
        let count = count.ok_or_else(broken)?;
        let mut rest = encoded.get(HEADER..).ok_or_else(broken)?;
        for _ in 0..count {
            rest = split_op(rest).ok_or_else(broken)?.1;
        }
        if !rest.is_empty() {
            return Err(broken());
        }
        Ok(Self {
            buffer: encoded.to_vec(),
            count,
        })
    }

    /// The operations in order.
    pub fn ops(&self) -> Ops<'_> {
        Ops {
            rest: self.buffer.get(HEADER..).unwrap_or_default(),
        }
    }

    fn begin(&mut self, tag: u8) {
        self.count += 1;
        self.store_count();
        self.buffer.push(tag);
    }

    fn store_count(&mut self) {
        let count = self.count.to_le_bytes();
        if let Some(place) = self.buffer.get_mut(COUNT..HEADER) {
            place.copy_from_slice(&count);
        }
    }

    fn key(&mut self, space: Space, key: &[u8]) {
        self.length(key.len() + 1);
        self.buffer.push(space.0);
        self.buffer.extend_from_slice(key);
    }

    fn length(&mut self, mut length: usize) {
        while length >= 0x80 {
            self.buffer.push(length as u8 | 0x80);
            length >>= 7;
        }
        self.buffer.push(length as u8);
    }
}

/// Iterator over a batch's operations.
#[derive(Clone, Debug)]
pub struct Ops<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Ops<'a> {
    type Item = Op<'a>;

    fn next(&mut self) -> Option<Op<'a>> {
        let (op, rest) = split_op(self.rest)?;
        self.rest = rest;
        Some(op)
    }
}

fn split_op(input: &[u8]) -> Option<(Op<'_>, &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (full, rest) = split_string(rest)?;
    let (&space, key) = full.split_first()?;
    let space = Space(space);
    match tag {
        PUT => {
            let (value, rest) = split_string(rest)?;
            Some((Op::Put { space, key, value }, rest))
        }
        DELETE => Some((Op::Delete { space, key }, rest)),
        DELETE_RANGE => {
            let (end, rest) = split_string(rest)?;
            let (&other, to) = end.split_first()?;
            (other == space.0 && key < to).then_some((Op::DeleteRange { space, from: key, to }, rest))
        }
        _ => None,
    }
}

fn split_string(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0u64;
    for (at, &byte) in input.iter().enumerate().take(5) {
        length |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let rest = input.get(at + 1..)?;
            return rest.split_at_checked(usize::try_from(length).ok()?);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Memory};
    use proptest::prelude::*;

    const A: Space = Space(1);

    #[test]
    fn keeps_operations_in_order() {
        let mut batch = Batch::new();
        batch.put(A, b"k", &[7; 300]);
        batch.delete(Space(2), b"");
        batch.delete_range(A, b"a", b"b");
        batch.delete_range(A, b"b", b"a");
        let ops: Vec<_> = batch.ops().collect();
        assert_eq!(
            ops,
            [
                Op::Put {
                    space: A,
                    key: b"k",
                    value: &[7; 300]
                },
                Op::Delete {
                    space: Space(2),
                    key: b""
                },
                Op::DeleteRange {
                    space: A,
                    from: b"a",
                    to: b"b"
                },
            ]
        );
        assert_eq!(batch.len(), 3);
        batch.clear();
        assert!(batch.is_empty() && batch.ops().next().is_none());
        assert_eq!(batch.encoded(), [0; HEADER]);
    }

    #[test]
    fn decode_takes_no_range_that_is_empty_or_reversed() {
        for (from, to, taken) in [(b"a", b"b", true), (b"a", b"a", false), (b"b", b"a", false)] {
            let mut batch = Batch::new();
            batch.begin(DELETE_RANGE);
            batch.key(A, from);
            batch.key(A, to);
            let decoded = Batch::decode(batch.encoded());
            assert_eq!(decoded.is_ok(), taken, "{from:?}..{to:?}");
            if let Ok(decoded) = decoded {
                Memory::new().write(&decoded).unwrap();
            }
        }
    }

    proptest! {
        #[test]
        fn decode_takes_only_batches(puts in prop::collection::vec((any::<u8>(), any::<Vec<u8>>(), any::<Vec<u8>>()), 0..8), cut in 0usize..64) {
            let mut batch = Batch::new();
            batch.reserve(64);
            for (space, key, value) in &puts {
                batch.put(Space(*space), key, value);
            }
            let copy = Batch::decode(batch.encoded()).unwrap();
            prop_assert!(copy.ops().eq(batch.ops()));
            let whole = batch.encoded();
            let cut = cut.min(whole.len());
            prop_assert!(cut == 0 || Batch::decode(&whole[..whole.len() - cut]).is_err());
        }

        #[test]
        fn decode_survives_noise(noise in any::<Vec<u8>>()) {
            let _ = Batch::decode(&noise);
        }
    }
}
