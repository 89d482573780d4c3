//! Frames of a watch on their way out: those that all share are handed on as they are, small ones are put together.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Below so many bytes to copy a frame costs less than to send it alone. Larger ones are not copied even where many wait: ten
/// thousand watches that lag would hold as many copies of what they all wait for (2.4 GiB were seen).
const SMALL: usize = 1024;

/// Frames in order.
#[derive(Default)]
pub(super) struct Outgoing {
    ready: VecDeque<Bytes>,
    /// Copies, which come after those that are ready.
    open: BytesMut,
    /// How many bytes there are in all.
    size: usize,
    /// Whether each frame is a piece of its own, however small.
    apart: bool,
}

impl Outgoing {
    /// Hands each frame on by itself.
    pub(super) const fn set_apart(&mut self) {
        self.apart = true;
    }

    /// How many bytes are on their way.
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// Takes a frame that others have, too: a slow watch holds what all hold.
    pub(super) fn share(&mut self, frame: Bytes) {
        if frame.len() < SMALL && !self.apart {
            return self.copy(&frame);
        }
        self.size += frame.len();
        self.close();
        self.ready.push_back(frame);
    }

    /// Takes a copy of what is this watch's alone.
    pub(super) fn copy(&mut self, bytes: &[u8]) {
        self.size += bytes.len();
        self.open.extend_from_slice(bytes);
        if self.apart {
            self.close();
        }
    }

    /// What is to be sent next.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        if self.ready.is_empty() {
            self.close();
        }
        let bytes = self.ready.pop_front()?;
        self.size -= bytes.len();
        Some(bytes)
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.ready.push_back(std::mem::take(&mut self.open).freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Outgoing, SMALL};

    #[test]
    fn small_frames_go_together_and_large_ones_are_not_copied() {
        let mut out = Outgoing::default();
        let large = Bytes::from(vec![b'x'; SMALL]);
        out.share(Bytes::from_static(b"a"));
        out.copy(b"b");
        out.share(large.clone());
        out.share(Bytes::from_static(b"c"));
        assert_eq!(out.size(), SMALL + 3);
        assert_eq!(out.next().unwrap(), "ab");
        let sent = out.next().unwrap();
        assert_eq!((sent.as_ptr(), sent.len()), (large.as_ptr(), SMALL));
        assert_eq!(out.next().unwrap(), "c");
        assert_eq!((out.next(), out.size()), (None, 0));
    }

    #[test]
    fn frames_that_are_told_apart_are_handed_on_one_by_one() {
        let mut out = Outgoing::default();
        out.set_apart();
        let small = Bytes::from_static(b"a");
        out.share(small.clone());
        out.copy(b"b");
        out.share(small.clone());
        assert_eq!(out.size(), 3);
        let sent = out.next().unwrap();
        assert_eq!((sent.as_ptr(), sent.len()), (small.as_ptr(), 1));
        assert_eq!((out.next().unwrap(), out.next().unwrap()), ("b".into(), small));
        assert_eq!((out.next(), out.size()), (None, 0));
    }
}
