//! A document as it goes on the wire: compressed once, and kept as nothing else.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};

use apiserver_api::tree::{Tree, parse};
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha512};

use super::definition::Dialect;
use super::protobuf;

/// Bytes that are kept compressed: most clients take them so, and text of this kind shrinks to an eighth.
#[derive(Clone, Debug)]
pub struct Packed {
    gzip: Bytes,
    length: usize,
}

impl Packed {
    fn of(bytes: &[u8]) -> Self {
        let mut out = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory does not fail.
        let _ = out.write_all(bytes);
        Self {
            gzip: out.finish().unwrap_or_default().into(),
            length: bytes.len(),
        }
    }

    /// Of bytes that are compressed by gzip already; their length stands at the end.
    pub(crate) const fn ready(gzip: &'static [u8]) -> Self {
        let length = match gzip.last_chunk() {
            Some(length) => u32::from_le_bytes(*length) as usize,
            None => 0,
        };
        let gzip = Bytes::from_static(gzip);
        Self { gzip, length }
    }

    /// As `Content-Encoding: gzip` has them.
    pub fn gzip(&self) -> Bytes {
        self.gzip.clone()
    }

    /// How many they were.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// As they were. It costs a few milliseconds each time.
    pub fn plain(&self) -> Bytes {
        let mut out = Vec::with_capacity(self.length);
        // What was packed here unpacks.
        let _ = GzDecoder::new(&*self.gzip).read_to_end(&mut out);
        out.into()
    }
}

/// A document.
#[derive(Debug)]
pub struct Document {
    dialect: Dialect,
    json: Packed,
    hash: String,
    /// Made when it is asked for first.
    protobuf: Mutex<Option<Packed>>,
}

impl Document {
    /// Of a tree in a dialect.
    pub fn of(dialect: Dialect, tree: Tree) -> Self {
        let json = tree.to_json();
        drop(tree);
        let mut hash = String::with_capacity(128);
        for byte in Sha512::digest(&json) {
            // Writing to a string does not fail.
            let _ = write!(hash, "{byte:02X}");
        }
        Self {
            dialect,
            json: Packed::of(&json),
            hash,
            protobuf: Mutex::new(None),
        }
    }

    /// As JSON.
    pub const fn json(&self) -> &Packed {
        &self.json
    }

    /// As a `Document` of gnostic.
    pub fn protobuf(&self) -> Packed {
        let mut made = self.protobuf.lock();
        if let Some(made) = &*made {
            return made.clone();
        }
        let tree = parse(&self.json.plain()).map(|parsed| parsed.tree).unwrap_or_default();
        let packed = Packed::of(&protobuf::document(self.dialect, &tree));
        *made = Some(packed.clone());
        packed
    }

    /// The SHA-512 of the JSON in hexadecimal capitals: the tag of both forms, without quotes.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}
