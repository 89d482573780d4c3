//! The frames of a gRPC body: what stands in front of a message.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use prometheus::IntCounter;
use tonic::body::Body;
use tonic::{Code, Status};

/// One byte of flags, four of length.
pub(crate) const HEAD: usize = 5;
/// The flags of a message as it is, and of one that is packed.
pub(crate) const PLAIN: u8 = 0;
pub(crate) const PACKED: u8 = 1;

/// Finds the message boundaries in a stream of chunks.
#[derive(Default)]
struct Boundaries {
    head: [u8; HEAD],
    held: usize,
    left: usize,
}

impl Boundaries {
    /// Reads a chunk; calls `message` with the length of each message that begins in it.
    fn feed(&mut self, mut chunk: &[u8], mut message: impl FnMut(usize)) {
        while !chunk.is_empty() {
            if self.left > 0 {
                let skipped = self.left.min(chunk.len());
                self.left -= skipped;
                chunk = &chunk[skipped..];
                continue;
            }
            let taken = (HEAD - self.held).min(chunk.len());
            self.head[self.held..self.held + taken].copy_from_slice(&chunk[..taken]);
            self.held += taken;
            chunk = &chunk[taken..];
            if self.held == HEAD {
                let [_, a, b, c, d] = self.head;
                self.left = u32::from_be_bytes([a, b, c, d]) as usize;
                self.held = 0;
                message(self.left);
            }
        }
    }
}

/// A body whose messages are counted in bytes as they pass.
pub(crate) struct Counted {
    inner: Body,
    boundaries: Boundaries,
    bytes: IntCounter,
}

impl Counted {
    pub(crate) fn new(inner: Body, bytes: IntCounter) -> Self {
        Self {
            inner,
            boundaries: Boundaries::default(),
            bytes,
        }
    }
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        let this = &mut *self;
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            this.boundaries.feed(data, |bytes| this.bytes.inc_by(bytes as u64));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The refusal of a message above the limit, as Go's servers word it.
pub(crate) fn too_large(bytes: usize, limit: usize) -> Status {
    Status::resource_exhausted(format!("grpc: received message larger than max ({bytes} vs. {limit})"))
}

/// The status that headers or trailers carry.
pub(crate) fn status_in(headers: &HeaderMap) -> Option<Code> {
    headers
        .get("grpc-status")
        .map(|value| Code::from_bytes(value.as_bytes()))
}

/// One message as it stands in a gRPC body.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(HEAD + message.len());
    out.put_u8(PLAIN);
    out.put_u32(message.len() as u32);
    out.put_slice(message);
    out.freeze()
}

/// Takes the first whole message out of a buffer of body bytes.
pub(crate) fn next_message(buffer: &mut BytesMut) -> Option<Bytes> {
    let length = u32::from_be_bytes(buffer.get(1..HEAD)?.try_into().ok()?) as usize;
    if buffer.len() < HEAD + length {
        return None;
    }
    let mut frame = buffer.split_to(HEAD + length);
    Some(frame.split_off(HEAD).freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(chunks: &[&[u8]]) -> Vec<usize> {
        let mut seen = Vec::new();
        let mut boundaries = Boundaries::default();
        for chunk in chunks {
            boundaries.feed(chunk, |bytes| seen.push(bytes));
        }
        seen
    }

    #[test]
    fn boundaries_are_found_however_the_bytes_are_cut() {
        let mut all = Vec::new();
        for length in [3_usize, 0, 300, 1] {
            all.extend_from_slice(&framed(&vec![7; length]));
        }
        assert_eq!(lengths(&[&all]), [3, 0, 300, 1]);
        for cut in 1..all.len() {
            assert_eq!(lengths(&[&all[..cut], &all[cut..]]), [3, 0, 300, 1], "cut at {cut}");
        }
        let single: Vec<&[u8]> = all.chunks(1).collect();
        assert_eq!(lengths(&single), [3, 0, 300, 1]);
    }

    #[test]
    fn messages_are_taken_whole() {
        let mut buffer = BytesMut::from(&framed(b"abc")[..]);
        buffer.extend_from_slice(&framed(b"de")[..4]);
        assert_eq!(next_message(&mut buffer).as_deref(), Some(&b"abc"[..]));
        assert_eq!(next_message(&mut buffer), None);
        buffer.extend_from_slice(&framed(b"de")[4..]);
        assert_eq!(next_message(&mut buffer).as_deref(), Some(&b"de"[..]));
    }
}
