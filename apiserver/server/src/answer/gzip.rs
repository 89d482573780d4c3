//! Long answers are compressed for clients that can read them so.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, HeaderValue, VARY};

use crate::request::Call;

/// Shorter answers are sent as they are; upstream's threshold.
pub(super) const THRESHOLD: usize = 128 * 1024;

/// Whether a client reads compressed answers.
pub(crate) fn is_read_by(call: &Call) -> bool {
    call.header("accept-encoding")
        .split(',')
        .any(|part| part.split(';').next().unwrap_or_default().trim() == "gzip")
}

/// Says that an answer is compressed.
pub(crate) fn mark(headers: &mut HeaderMap) {
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
}

/// Compresses pieces of an answer one after the other.
pub(super) struct Packer(GzEncoder<Vec<u8>>);

impl Packer {
    pub(super) fn new() -> Self {
        // Upstream's level, too: networks are fast.
        Self(GzEncoder::new(Vec::with_capacity(16 * 1024), Compression::fast()))
    }

    /// What can be sent of all that was given; perhaps nothing.
    pub(super) fn pack(&mut self, piece: &[u8]) -> Bytes {
        // Writing to memory does not fail.
        let _ = self.0.write_all(piece);
        std::mem::take(self.0.get_mut()).into()
    }

    /// The rest.
    pub(super) fn end(mut self) -> Bytes {
        let _ = self.0.try_finish();
        std::mem::take(self.0.get_mut()).into()
    }
}

/// Compresses a whole answer.
pub(super) fn pack(whole: &[u8]) -> Bytes {
    let mut packer = Packer::new();
    let mut out = packer.pack(whole).to_vec();
    out.extend_from_slice(&packer.end());
    out.into()
}
