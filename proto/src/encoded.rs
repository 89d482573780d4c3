//! A message that is kept as the bytes that go on the wire, so that it is encoded once and decoded never.

use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::encoding::{DecodeContext, WireType, encode_key, encode_varint};
use prost::{DecodeError, Message};

/// A field of message type `M`, held encoded.
///
/// On the wire it is the message itself: a `repeated Encoded<KeyValue>` is a `repeated KeyValue`.
pub struct Encoded<M> {
    bytes: Bytes,
    message: PhantomData<fn() -> M>,
}

impl<M: Message + Default> Encoded<M> {
    /// Reads the message.
    ///
    /// # Errors
    /// When the bytes are not such a message.
    pub fn decode(&self) -> Result<M, DecodeError> {
        M::decode(self.bytes.clone())
    }
}

impl<M: Message> From<&M> for Encoded<M> {
    fn from(message: &M) -> Self {
        Self::from_bytes(message.encode_to_vec().into())
    }
}

impl<M> Encoded<M> {
    /// Takes bytes that already are an encoded `M`. They are not checked.
    #[must_use]
    pub const fn from_bytes(bytes: Bytes) -> Self {
        Self {
            bytes,
            message: PhantomData,
        }
    }

    /// The encoded message, taken out.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The encoded message, without tag and length.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl<M> Clone for Encoded<M> {
    fn clone(&self) -> Self {
        Self::from_bytes(self.bytes.clone())
    }
}

impl<M> Default for Encoded<M> {
    fn default() -> Self {
        Self::from_bytes(Bytes::new())
    }
}

impl<M> PartialEq for Encoded<M> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<M> Eq for Encoded<M> {}

impl<M> Hash for Encoded<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl<M: Message + Default + std::fmt::Debug> std::fmt::Debug for Encoded<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.decode() {
            Ok(message) => std::fmt::Debug::fmt(&message, f),
            Err(error) => write!(f, "<{error}>"),
        }
    }
}

impl<M: Message + Default> Message for Encoded<M> {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.bytes);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        // prost hands over one field at a time, its key already taken: put the key back, then the value.
        let mut out = BytesMut::with_capacity(self.bytes.len() + 16);
        out.extend_from_slice(&self.bytes);
        encode_key(tag, wire_type, &mut out);
        match wire_type {
            WireType::Varint => {
                let mut value = 0_u64;
                prost::encoding::uint64::merge(wire_type, &mut value, buf, ctx)?;
                encode_varint(value, &mut out);
            }
            WireType::LengthDelimited => {
                let mut value = Bytes::new();
                prost::encoding::bytes::merge(wire_type, &mut value, buf, ctx)?;
                encode_varint(value.len() as u64, &mut out);
                out.put_slice(&value);
            }
            WireType::SixtyFourBit => {
                let mut value = 0_u64;
                prost::encoding::fixed64::merge(wire_type, &mut value, buf, ctx)?;
                out.put_u64_le(value);
            }
            WireType::ThirtyTwoBit => {
                let mut value = 0_u32;
                prost::encoding::fixed32::merge(wire_type, &mut value, buf, ctx)?;
                out.put_u32_le(value);
            }
            WireType::StartGroup | WireType::EndGroup => {
                // No message of these APIs has a group; a field nobody knows is dropped, as decoding would.
                return prost::encoding::skip_field(wire_type, tag, buf, ctx);
            }
        }
        self.bytes = out.freeze();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    fn clear(&mut self) {
        self.bytes = Bytes::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mvcc::KeyValue;

    #[test]
    fn is_the_message_on_the_wire() {
        let kv = KeyValue {
            key: "k".into(),
            value: "v".into(),
            mod_revision: 300,
            ..KeyValue::default()
        };
        let held = Encoded::from(&kv);
        assert_eq!(held.encode_to_vec(), kv.encode_to_vec());
        let read = Encoded::<KeyValue>::decode_length_delimited(held.encode_length_delimited_to_vec().as_slice());
        assert_eq!(read.and_then(|read| read.decode()), Ok(kv));
    }
}
