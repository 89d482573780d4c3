//! The fields of one message, read from its first bytes.

/// One field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A number.
    Number(u64),
    /// Bytes, text or a message; cut off where the bytes at hand end.
    Bytes(&'a [u8]),
}

/// The fields of a message in the order they stand in; ends where the bytes at hand end.
#[derive(Clone)]
pub(crate) struct Fields<'a> {
    left: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Of the message that begins here.
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { left: message }
    }

    /// The number in `field`; zero if it is not there, as the format has it.
    pub(crate) fn number(mut self, field: u32) -> u64 {
        let found = self.find_map(|(number, value)| match value {
            Value::Number(value) if number == field => Some(value),
            _ => None,
        });
        found.unwrap_or(0)
    }

    /// The bytes in `field`.
    pub(crate) fn bytes(mut self, field: u32) -> Option<&'a [u8]> {
        self.find_map(|(number, value)| match value {
            Value::Bytes(value) if number == field => Some(value),
            _ => None,
        })
    }

    fn varint(&mut self) -> Option<u64> {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let (byte, rest) = self.left.split_first()?;
            self.left = rest;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
            shift += 7;
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.varint()?;
        let field = (tag >> 3) as u32;
        let length = match tag & 7 {
            0 => return Some((field, Value::Number(self.varint()?))),
            1 => 8,
            2 => self.varint()? as usize,
            5 => 4,
            _ => return None,
        };
        let (value, rest) = self.left.split_at(length.min(self.left.len()));
        self.left = rest;
        Some((field, Value::Bytes(value)))
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use proto::mvcc::{Event, KeyValue};

    use super::*;

    #[test]
    fn reads_what_stands_in_the_first_bytes() {
        let kv = KeyValue {
            key: "key".into(),
            mod_revision: 300,
            value: vec![7; 1000].into(),
            ..KeyValue::default()
        };
        let event = Event {
            kv: Some(kv),
            ..Event::default()
        };
        let bytes = event.encode_to_vec();
        let kv = Fields::of(&bytes[..100]).bytes(2).unwrap();
        assert_eq!(Fields::of(kv).bytes(1), Some(&b"key"[..]));
        assert_eq!(Fields::of(kv).number(3), 300);
        assert_eq!(Fields::of(kv).number(4), 0);
        assert!(Fields::of(kv).bytes(5).unwrap().starts_with(&[7; 8]));
        assert_eq!(Fields::of(&[]).next(), None);
        assert_eq!(Fields::of(&[0xff; 20]).next(), None);
    }
}
