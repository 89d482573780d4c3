//! Requests as the frames that go on the wire: encoded once, patched where they differ.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

/// What stands before a message in gRPC: not compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// The frame of a message.
pub(crate) fn frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(PREFIX_BYTES + length);
    bytes.put_u8(0);
    bytes.put_u32(length as u32);
    // A BytesMut grows, so there always is room.
    let _ = message.encode(&mut bytes);
    bytes.freeze()
}

/// A frame with places that are filled in anew for each request, each as long as it was when the message was encoded.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    places: Vec<std::ops::Range<usize>>,
}

impl Template {
    /// The frame of `message` with one place for each of `marks`, which stand in it in this order.
    ///
    /// # Panics
    /// Never: a mark that is not there gives a place without bytes.
    pub(crate) fn new(message: &impl Message, marks: &[&[u8]]) -> Self {
        let bytes = frame(message).to_vec();
        let mut from = 0;
        let places = marks.iter().map(|mark| {
            let at = bytes[from..]
                .windows(mark.len().max(1))
                .position(|window| window == *mark);
            let start = at.map_or(bytes.len(), |at| from + at);
            let end = at.map_or(start, |at| from + at + mark.len());
            from = end;
            start..end
        });
        let places = places.collect();
        Self { bytes, places }
    }

    /// The bytes of a place, to be filled.
    pub(crate) fn place(&mut self, place: usize) -> &mut [u8] {
        &mut self.bytes[self.places[place].clone()]
    }

    /// The frame as it is now.
    pub(crate) fn frame(&self) -> Bytes {
        Bytes::copy_from_slice(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use proto::etcd::PutRequest;

    use super::*;

    #[test]
    fn a_filled_template_is_the_message() {
        let put = |key: &'static [u8], value: &'static [u8]| PutRequest {
            key: key.into(),
            value: value.into(),
            ..PutRequest::default()
        };
        let mut template = Template::new(&put(b"KKKK", b"VVV"), &[b"KKKK", b"VVV"]);
        template.place(0).copy_from_slice(b"keys");
        template.place(1).copy_from_slice(b"abc");
        assert_eq!(template.frame(), frame(&put(b"keys", b"abc")));
        assert_eq!(
            PutRequest::decode(&template.frame()[5..]).unwrap(),
            put(b"keys", b"abc")
        );
    }
}
