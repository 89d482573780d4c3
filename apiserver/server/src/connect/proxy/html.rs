//! Pages on their way through a proxy: links in them are rewritten as the bytes pass, packed or not.

use std::io::{self, Write};

use super::links::Links;
use super::page::Page;
use axum::body::Body;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::{DeflateDecoder, DeflateEncoder, GzDecoder, GzEncoder};
use futures_util::stream;
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// Packed bytes that are unpacked at once: they may become a thousand times as many.
const PACKED_PIECE: usize = 4 * 1024;

/// How a page is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
    Deflate,
}

impl Packing {
    /// What a header says; none where it says what is not known here.
    pub(super) fn of(encoding: &str) -> Option<Self> {
        match encoding {
            "" => Some(Self::None),
            "gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }
}

/// A page with its links rewritten.
pub(super) fn rewritten(page: Incoming, links: Links, packing: Packing) -> Body {
    let way = Way::new(links, packing);
    let pieces = stream::try_unfold(
        (page, Some(way), Bytes::new()),
        |(mut page, way, mut left)| async move {
            let Some(mut way) = way else {
                return Ok(None);
            };
            loop {
                if left.is_empty() {
                    let Some(frame) = page.frame().await else {
                        let last = way.end()?;
                        return Ok(Some((last, (page, None, left))));
                    };
                    left = frame.map_err(io::Error::other)?.into_data().unwrap_or_default();
                }
                let piece = left.split_to(left.len().min(PACKED_PIECE));
                let out = way.pass(&piece)?;
                if !out.is_empty() {
                    return Ok::<_, io::Error>(Some((out, (page, Some(way), left))));
                }
            }
        },
    );
    Body::from_stream(pieces)
}

/// What bytes pass: they are unpacked, rewritten and packed again.
struct Way {
    unpacker: Unpacker,
    page: Page,
    packer: Packer,
}

enum Unpacker {
    None,
    Gzip(GzDecoder<Vec<u8>>),
    Deflate(DeflateDecoder<Vec<u8>>),
}

enum Packer {
    None(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(DeflateEncoder<Vec<u8>>),
}

impl Way {
    fn new(links: Links, packing: Packing) -> Self {
        let (unpacker, packer) = match packing {
            Packing::None => (Unpacker::None, Packer::None(Vec::new())),
            Packing::Gzip => (
                Unpacker::Gzip(GzDecoder::new(Vec::new())),
                Packer::Gzip(GzEncoder::new(Vec::new(), Compression::default())),
            ),
            Packing::Deflate => (
                Unpacker::Deflate(DeflateDecoder::new(Vec::new())),
                Packer::Deflate(DeflateEncoder::new(Vec::new(), Compression::best())),
            ),
        };
        Self {
            unpacker,
            page: Page::new(links),
            packer,
        }
    }

    /// What can be sent of all that was given; perhaps nothing.
    fn pass(&mut self, piece: &[u8]) -> io::Result<Bytes> {
        let given = match &mut self.unpacker {
            Unpacker::None => self.page.pass(piece)?,
            Unpacker::Gzip(unpacker) => {
                unpacker.write_all(piece)?;
                self.page.pass(&std::mem::take(unpacker.get_mut()))?
            }
            Unpacker::Deflate(unpacker) => {
                unpacker.write_all(piece)?;
                self.page.pass(&std::mem::take(unpacker.get_mut()))?
            }
        };
        self.packer.pack(&given)
    }

    /// The rest.
    fn end(self) -> io::Result<Bytes> {
        let Self {
            unpacker,
            mut page,
            mut packer,
        } = self;
        let rest = match unpacker {
            Unpacker::None => Vec::new(),
            Unpacker::Gzip(unpacker) => unpacker.finish()?,
            Unpacker::Deflate(unpacker) => unpacker.finish()?,
        };
        let mut out = packer.pack(&page.pass(&rest)?)?.to_vec();
        out.extend_from_slice(&packer.pack(&page.end()?)?);
        out.extend_from_slice(&match packer {
            Packer::None(rest) => rest,
            Packer::Gzip(packer) => packer.finish()?,
            Packer::Deflate(packer) => packer.finish()?,
        });
        Ok(out.into())
    }
}

impl Packer {
    fn pack(&mut self, bytes: &[u8]) -> io::Result<Bytes> {
        let packed = match self {
            Self::None(held) => {
                held.extend_from_slice(bytes);
                held
            }
            Self::Gzip(packer) => {
                packer.write_all(bytes)?;
                packer.get_mut()
            }
            Self::Deflate(packer) => {
                packer.write_all(bytes)?;
                packer.get_mut()
            }
        };
        Ok(std::mem::take(packed).into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use flate2::Compression;
    use flate2::read::{DeflateDecoder, GzDecoder};
    use flate2::write::{DeflateEncoder, GzEncoder};

    use super::{Links, Packing, Way};

    const PAGE: &str = r#"<!doctype html><html><HEAD><link rel=x HREF='/s.css'></head>
        <body background="/b.png"><a href="/a?x=1&amp;y=2" id="/keep">a</a><a href="c">c</a>
        <img src=/i.png alt="/no"><script src="/j.js">var x = "<a href='/no'>";</script><!-- <a href="/no"> --></body></html>"#;
    const REWRITTEN: &str = r#"<!doctype html><html><head><link rel="x" href="/p/s.css"></head>
        <body background="/p/b.png"><a href="/p/a?x=1&amp;y=2" id="/keep">a</a><a href="c">c</a>
        <img src="/p/i.png" alt="/no"><script src="/p/j.js">var x = "<a href='/no'>";</script><!-- <a href="/no"> --></body></html>"#;

    fn way(packing: Packing) -> Way {
        let links = Links {
            before: "/p".to_owned(),
            backend: "10.0.0.1".to_owned(),
            client: "api".to_owned(),
        };
        Way::new(links, packing)
    }

    fn pass(packing: Packing, page: &[u8]) -> Vec<u8> {
        let mut way = way(packing);
        let mut out = Vec::new();
        for piece in page.chunks(7) {
            out.extend_from_slice(&way.pass(piece).unwrap());
        }
        out.extend_from_slice(&way.end().unwrap());
        out
    }

    #[test]
    fn links_of_a_page_are_rewritten_and_nothing_else() {
        let out = String::from_utf8(pass(Packing::None, PAGE.as_bytes())).unwrap();
        assert_eq!(out, REWRITTEN);
    }

    #[test]
    fn a_packed_page_is_packed_again() {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(PAGE.as_bytes()).unwrap();
        let out = pass(Packing::Gzip, &packer.finish().unwrap());
        let mut page = String::new();
        GzDecoder::new(&out[..]).read_to_string(&mut page).unwrap();
        assert_eq!(page, REWRITTEN);
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(PAGE.as_bytes()).unwrap();
        let out = pass(Packing::Deflate, &packer.finish().unwrap());
        let mut page = String::new();
        DeflateDecoder::new(&out[..]).read_to_string(&mut page).unwrap();
        assert_eq!(page, REWRITTEN);
    }

    #[test]
    fn a_tag_that_does_not_end_is_not_held_for_ever() {
        let mut way = way(Packing::None);
        way.pass(b"<a href=\"").unwrap();
        let outcome = (0..3000).try_for_each(|_| way.pass(&[b'x'; 1024]).map(drop));
        assert!(outcome.is_err());
    }
}
