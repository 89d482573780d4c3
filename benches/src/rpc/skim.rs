//! Reading answers as they arrive without decoding them: fields of the outermost message, and the first bytes of each.

use super::Fault;

/// So many bytes of a field are shown; what identifies a key-value or an event stands in them.
pub(crate) const HEAD_BYTES: usize = 256;

/// What wants to know about an answer. Unlisted fields cost next to nothing.
pub(crate) trait Visit: Send {
    /// Bytes of a stream have just come, and are shown next.
    fn arrive(&mut self) {}
    /// A field that is a number.
    fn number(&mut self, _field: u32, _value: u64) {}
    /// A field of `length` bytes, of which `head` are the first.
    fn bytes(&mut self, _field: u32, _length: u64, _head: &[u8]) {}
    /// The message ended.
    fn end(&mut self) {}
}

/// Looks at nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ignore;

impl Visit for Ignore {}

/// The place in a stream of gRPC messages that arrives in pieces cut anywhere.
pub(crate) struct Skimmer {
    /// The message wanted is wrapped in the first field of another.
    wrapped: bool,
    place: Place,
    /// Bytes of the message that have not come.
    left: u64,
    /// A number that has come in part, and where its next bits belong.
    varint: u64,
    shift: u32,
    field: u32,
    /// Bytes of a head that is cut in two.
    head: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Place {
    /// In the five bytes before a message, so many of which have come.
    Prefix(u8),
    /// Where a field, or the wrapping one, begins.
    Tag {
        wrapper: bool,
    },
    Number,
    Length {
        wrapper: bool,
    },
    /// In the head of a field that is `length` bytes long.
    Head {
        length: u64,
    },
    Skip(u64),
}

impl Skimmer {
    pub(crate) fn new() -> Self {
        Self {
            wrapped: false,
            place: Place::Prefix(0),
            left: 0,
            varint: 0,
            shift: 0,
            field: 0,
            head: Vec::new(),
        }
    }

    /// Of messages whose one field is the message to look at.
    pub(crate) fn of_wrapped() -> Self {
        Self {
            wrapped: true,
            ..Self::new()
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// They are not such messages.
    pub(crate) fn feed(&mut self, mut piece: &[u8], visit: &mut impl Visit) -> Result<(), Fault> {
        while !piece.is_empty() {
            let in_message = !matches!(self.place, Place::Prefix(_));
            let before = piece.len();
            piece = self.advance(piece, visit)?;
            if in_message {
                self.left = self
                    .left
                    .checked_sub((before - piece.len()) as u64)
                    .ok_or_else(|| broken("a field reaches over the end of its message"))?;
                if self.left == 0 {
                    if !matches!(self.place, Place::Tag { .. }) {
                        return Err(broken("a message ends within a field"));
                    }
                    self.place = Place::Prefix(0);
                    visit.end();
                }
            }
        }
        Ok(())
    }

    /// One step; what is left of the piece.
    fn advance<'a>(&mut self, piece: &'a [u8], visit: &mut impl Visit) -> Result<&'a [u8], Fault> {
        match self.place {
            Place::Prefix(have) => {
                self.prefix(have, piece[0], visit)?;
                Ok(&piece[1..])
            }
            Place::Skip(length) => {
                let step = length.min(piece.len() as u64);
                self.place = if step == length {
                    Place::Tag { wrapper: false }
                } else {
                    Place::Skip(length - step)
                };
                Ok(&piece[step as usize..])
            }
            Place::Head { length } => Ok(self.take_head(length, piece, visit)),
            Place::Tag { .. } | Place::Number | Place::Length { .. } => {
                self.digit(piece[0], visit)?;
                Ok(&piece[1..])
            }
        }
    }

    fn prefix(&mut self, have: u8, byte: u8, visit: &mut impl Visit) -> Result<(), Fault> {
        if have == 0 {
            if byte != 0 {
                return Err(broken("a compressed message, which nobody asked for"));
            }
            self.left = 0;
        } else {
            self.left = self.left << 8 | u64::from(byte);
        }
        self.place = match have {
            0..4 => Place::Prefix(have + 1),
            _ if self.left == 0 => {
                visit.end();
                Place::Prefix(0)
            }
            _ => Place::Tag { wrapper: self.wrapped },
        };
        Ok(())
    }

    /// The next seven bits of a number.
    fn digit(&mut self, byte: u8, visit: &mut impl Visit) -> Result<(), Fault> {
        if self.shift > 63 {
            return Err(broken("a number has too many bytes"));
        }
        self.varint |= u64::from(byte & 0x7f) << self.shift;
        self.shift += 7;
        if byte & 0x80 != 0 {
            return Ok(());
        }
        let value = std::mem::take(&mut self.varint);
        self.shift = 0;
        self.place = match self.place {
            Place::Tag { wrapper } => {
                self.field = (value >> 3) as u32;
                match value & 7 {
                    0 => Place::Number,
                    1 => Place::Skip(8),
                    2 => Place::Length { wrapper },
                    5 => Place::Skip(4),
                    kind => return Err(broken(&format!("a field of kind {kind}"))),
                }
            }
            Place::Number => {
                visit.number(self.field, value);
                Place::Tag { wrapper: false }
            }
            Place::Length { wrapper: true } => Place::Tag { wrapper: false },
            Place::Length { wrapper: false } if value == 0 => {
                visit.bytes(self.field, 0, &[]);
                Place::Tag { wrapper: false }
            }
            Place::Length { wrapper: false } => Place::Head { length: value },
            other => other,
        };
        Ok(())
    }

    fn take_head<'a>(&mut self, length: u64, piece: &'a [u8], visit: &mut impl Visit) -> &'a [u8] {
        let wanted = length.min(HEAD_BYTES as u64) as usize;
        let step = (wanted - self.head.len()).min(piece.len());
        let (now, rest) = piece.split_at(step);
        if step == wanted {
            visit.bytes(self.field, length, now);
        } else {
            self.head.extend_from_slice(now);
            if self.head.len() < wanted {
                return rest;
            }
            visit.bytes(self.field, length, &self.head);
            self.head.clear();
        }
        self.place = if length == wanted as u64 {
            Place::Tag { wrapper: false }
        } else {
            Place::Skip(length - wanted as u64)
        };
        rest
    }
}

fn broken(why: &str) -> Fault {
    Fault::Broken(format!("the answer is no message: {why}"))
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use proto::etcd::{RangeResponse, RangeStreamResponse, ResponseHeader};
    use proto::mvcc::KeyValue;

    use super::*;
    use crate::rpc::{Fields, frame};

    #[derive(Default, Debug, PartialEq)]
    struct Seen {
        keys: Vec<Vec<u8>>,
        bytes: u64,
        revision: u64,
        count: u64,
        messages: usize,
    }

    impl Visit for Seen {
        fn number(&mut self, field: u32, value: u64) {
            if field == 4 {
                self.count = value;
            }
        }
        fn bytes(&mut self, field: u32, length: u64, head: &[u8]) {
            match field {
                1 => self.revision = Fields::of(head).number(3),
                2 => {
                    self.keys.push(Fields::of(head).bytes(1).unwrap().to_vec());
                    self.bytes += length;
                }
                _ => {}
            }
        }
        fn end(&mut self) {
            self.messages += 1;
        }
    }

    fn answer() -> (RangeResponse, Seen) {
        let kvs: Vec<KeyValue> = (0..3_u8)
            .map(|n| KeyValue {
                key: vec![n; 40].into(),
                value: vec![n; usize::from(n) * 700].into(),
                mod_revision: 9,
                ..KeyValue::default()
            })
            .collect();
        let seen = Seen {
            keys: kvs.iter().map(|kv| kv.key.to_vec()).collect(),
            bytes: kvs.iter().map(|kv| kv.encoded_len() as u64).sum(),
            revision: 77,
            count: 1000,
            messages: 1,
        };
        let response = RangeResponse {
            header: Some(ResponseHeader {
                revision: 77,
                ..ResponseHeader::default()
            }),
            kvs: kvs.iter().map(Into::into).collect(),
            more: true,
            count: 1000,
        };
        (response, seen)
    }

    #[test]
    fn the_same_is_seen_however_the_bytes_are_cut() {
        let (response, wanted) = answer();
        let bytes = frame(&response);
        for size in [1, 2, 7, 100, 333, bytes.len()] {
            let (mut skimmer, mut seen) = (Skimmer::new(), Seen::default());
            for piece in bytes.chunks(size) {
                skimmer.feed(piece, &mut seen).unwrap();
            }
            assert_eq!(seen, wanted, "pieces of {size}");
        }
    }

    #[test]
    fn a_wrapped_answer_is_seen_like_a_bare_one() {
        let (response, wanted) = answer();
        let wrapped = RangeStreamResponse {
            range_response: Some(response),
        };
        let (mut skimmer, mut seen) = (Skimmer::of_wrapped(), Seen::default());
        skimmer.feed(&frame(&wrapped), &mut seen).unwrap();
        assert_eq!(seen, wanted);
    }

    #[test]
    fn empty_messages_count() {
        let (mut skimmer, mut seen) = (Skimmer::new(), Seen::default());
        skimmer.feed(&[0; 10], &mut seen).unwrap();
        assert_eq!(seen.messages, 2);
    }

    #[test]
    fn nonsense_is_refused() {
        for bytes in [
            &[1, 0, 0, 0, 1][..],
            &[0, 0, 0, 0, 2, 0x12, 9, 9, 9],
            &[0, 0, 0, 0, 1, 0x13],
            &[
                0, 0, 0, 0, 20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            ],
        ] {
            assert!(Skimmer::new().feed(bytes, &mut Ignore).is_err(), "{bytes:?}");
        }
    }
}
