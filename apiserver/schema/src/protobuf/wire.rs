//! Keys, numbers and lengths on the wire, and the fields that they make.

use super::Error;

/// A number of up to ten bytes, seven bits in each.
pub(super) const VARINT: u8 = 0;
/// Eight bytes.
pub(super) const FIXED_64: u8 = 1;
/// A length, and so many bytes.
pub(super) const LENGTH: u8 = 2;
const GROUP: u8 = 3;
const GROUP_END: u8 = 4;
const FIXED_32: u8 = 5;

/// Bytes that are read from front to end.
pub(super) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The number and the wire type of the next field of a message; nothing at its end.
    pub(super) fn key(&mut self, message: &str) -> Result<Option<(u32, u8)>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        // Go takes the lower 32 bits.
        let (number, wire) = ((key >> 3) as i32, (key & 7) as u8);
        let message = || message.to_owned();
        if wire == GROUP_END {
            return Err(Error::NoGroup { message: message() });
        }
        match u32::try_from(number) {
            Ok(number) if number > 0 => Ok(Some((number, wire))),
            _ => Err(Error::Tag {
                message: message(),
                number,
                key,
            }),
        }
    }

    pub(super) fn varint(&mut self) -> Result<u64, Error> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(Error::End)?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Error::Overflow)
    }

    pub(super) fn fixed_64(&mut self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(bytes))
    }

    /// A length, and so many bytes.
    pub(super) fn chunk(&mut self) -> Result<&'b [u8], Error> {
        let length = i64::try_from(self.varint()?).map_err(|_| Error::Length)?;
        self.take(usize::try_from(length).map_err(|_| Error::End)?)
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Error::End)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Passes over a field that nobody knows, of this wire type.
    pub(super) fn skip(&mut self, mut wire: u8) -> Result<(), Error> {
        let mut depth = 0_usize;
        loop {
            match wire {
                VARINT => drop(self.varint()?),
                FIXED_64 => drop(self.take(8)?),
                LENGTH => drop(self.chunk()?),
                GROUP => depth += 1,
                GROUP_END => depth = depth.checked_sub(1).ok_or(Error::GroupEnd)?,
                FIXED_32 => drop(self.take(4)?),
                other => return Err(Error::WireType(other)),
            }
            if depth == 0 {
                return Ok(());
            }
            wire = (self.varint()? & 7) as u8;
        }
    }
}

/// Reads the fields of a message, which may come in several pieces.
pub(super) fn each<'b>(
    message: &str,
    chunks: &[&'b [u8]],
    mut read: impl FnMut(u32, u8, &mut Reader<'b>) -> Result<(), Error>,
) -> Result<(), Error> {
    for chunk in chunks {
        let mut reader = Reader::new(chunk);
        while let Some((number, wire)) = reader.key(message)? {
            read(number, wire, &mut reader)?;
        }
    }
    Ok(())
}

/// Reads a value where it has the wire type that it must have.
pub(super) fn expect<'b, T>(
    wire: u8,
    wanted: u8,
    field: &str,
    reader: &mut Reader<'b>,
    read: impl FnOnce(&mut Reader<'b>) -> Result<T, Error>,
) -> Result<T, Error> {
    if wire == wanted {
        read(reader)
    } else {
        Err(wrong(wire, field))
    }
}

/// A field is written in another way than it must be.
pub(super) fn wrong(wire: u8, field: &str) -> Error {
    Error::Field {
        wire,
        field: field.to_owned(),
    }
}

pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many bytes a number takes.
pub(super) const fn varint_size(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

pub(super) fn key(number: u32, wire: u8, out: &mut Vec<u8>) {
    varint(u64::from(number) << 3 | u64::from(wire), out);
}

/// A field that is a number.
pub(super) fn number(field: u32, value: i64, out: &mut Vec<u8>) {
    key(field, VARINT, out);
    // Negative numbers take all ten bytes, also those of 32 bits.
    varint(value as u64, out);
}

/// A field that is bytes.
pub(super) fn bytes(field: u32, value: &[u8], out: &mut Vec<u8>) {
    head(field, value.len(), out);
    out.extend_from_slice(value);
}

/// What stands before the bytes of a field.
pub(super) fn head(field: u32, length: usize, out: &mut Vec<u8>) {
    key(field, LENGTH, out);
    varint(length as u64, out);
}

/// A field that is a message.
pub(super) fn nested(field: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    key(field, LENGTH, out);
    // Most messages are short: a byte is left for their length, and long ones move.
    let at = out.len();
    out.push(0);
    write(out);
    let length = out.len() - at - 1;
    let size = varint_size(length as u64);
    out.resize(out.len() + size - 1, 0);
    out.copy_within(at + 1..at + 1 + length, at + size);
    let mut left = length;
    for byte in &mut out[at..at + size - 1] {
        *byte = left as u8 | 0x80;
        left >>= 7;
    }
    out[at + size - 1] = left as u8;
}
