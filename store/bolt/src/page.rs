//! The bbolt format, version 2: pages, elements and meta pages.
//!
//! All numbers are little endian. A file is a row of pages of one size; a page that does not suffice goes on over the
//! pages behind it, which its header counts as overflow.
//!
//! ```text
//! page     id u64, flags u16, count u16, overflow u32, then `count` elements, then their keys and values
//! leaf     element: flags u32, position u32, key size u32, value size u32      (position from the element's own start)
//! branch   element: position u32, key size u32, page u64
//! bucket   a leaf element with flag 1; its value is root page u64, sequence u64; root 0 = the bucket's only page follows
//! meta     pages 0 and 1; the valid one with the higher transaction counts:
//!          magic u32, version u32, page size u32, flags u32, root page u64, sequence u64, freelist page u64,
//!          page count u64, transaction u64, FNV-1a 64 of all before
//! ```

use crate::{Error, Result};

/// The page size this crate writes. A file's own header says which it has, so any machine reads it.
pub(crate) const PAGE: usize = 4096;
pub(crate) const HEADER: usize = 16;
pub(crate) const ELEMENT: usize = 16;
/// Pages 0 and 1 are the meta pages.
pub(crate) const FIRST_PAGE: u64 = 2;

const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const META: u16 = 0x04;
const FREELIST: u16 = 0x10;
/// Flag of a leaf element that is a bucket.
pub(crate) const BUCKET: u32 = 0x01;

const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;
const META_BYTES: usize = 64;
const META_SUMMED: usize = META_BYTES - 8;

/// What a page is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Branch,
    Leaf,
    Meta,
    Freelist,
}

impl Kind {
    fn flags(self) -> u16 {
        match self {
            Self::Branch => BRANCH,
            Self::Leaf => LEAF,
            Self::Meta => META,
            Self::Freelist => FREELIST,
        }
    }

    fn from_flags(flags: u16) -> Result<Self> {
        match flags {
            BRANCH => Ok(Self::Branch),
            LEAF => Ok(Self::Leaf),
            META => Ok(Self::Meta),
            FREELIST => Ok(Self::Freelist),
            _ => Err(Error::corrupt(format!("page with unknown flags {flags:#x}"))),
        }
    }
}

/// A page's first bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) id: u64,
    pub(crate) kind: Kind,
    pub(crate) count: u16,
    pub(crate) overflow: u32,
}

impl Header {
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.to_le_bytes());
        out.extend_from_slice(&self.kind.flags().to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.overflow.to_le_bytes());
    }

    pub(crate) fn decode(data: &[u8]) -> Result<Self> {
        Ok(Self {
            id: u64_at(data, 0)?,
            kind: Kind::from_flags(u16_at(data, 8)?)?,
            count: u16_at(data, 10)?,
            overflow: u32_at(data, 12)?,
        })
    }
}

/// What the meta pages say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Meta {
    pub(crate) page_size: u32,
    pub(crate) root: u64,
    pub(crate) freelist: u64,
    /// One more than the last page's number.
    pub(crate) pages: u64,
    pub(crate) transaction: u64,
}

impl Meta {
    /// The whole page. Which of the two it is follows from the transaction.
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let start = out.len();
        Header {
            id: self.transaction % 2,
            kind: Kind::Meta,
            count: 0,
            overflow: 0,
        }
        .encode(out);
        let body = out.len();
        for word in [MAGIC, VERSION, self.page_size, 0] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        for word in [self.root, 0, self.freelist, self.pages, self.transaction] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        let sum = fnv1a(out.get(body..).unwrap_or_default());
        out.extend_from_slice(&sum.to_le_bytes());
        out.resize(start + PAGE, 0);
    }

    /// Reads a meta page and checks its magic, version and checksum.
    pub(crate) fn decode(page: &[u8]) -> Result<Self> {
        let body = page
            .get(HEADER..HEADER + META_BYTES)
            .ok_or_else(|| Error::corrupt("meta page cut short"))?;
        if u32_at(body, 0)? != MAGIC {
            return Err(Error::corrupt("not a bbolt database"));
        }
        let version = u32_at(body, 4)?;
        if version != VERSION {
            return Err(Error::corrupt(format!("bbolt version {version}, want {VERSION}")));
        }
        if fnv1a(body.get(..META_SUMMED).unwrap_or_default()) != u64_at(body, META_SUMMED)? {
            return Err(Error::corrupt("meta page checksum mismatch"));
        }
        Ok(Self {
            page_size: u32_at(body, 8)?,
            root: u64_at(body, 16)?,
            freelist: u64_at(body, 32)?,
            pages: u64_at(body, 40)?,
            transaction: u64_at(body, 48)?,
        })
    }
}

fn fnv1a(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn array_at<const N: usize>(data: &[u8], at: usize) -> Result<[u8; N]> {
    let end = at.checked_add(N);
    let found = end
        .and_then(|end| data.get(at..end))
        .and_then(|bytes| bytes.try_into().ok());
    found.ok_or_else(|| Error::corrupt("number past the end of its page"))
}

pub(crate) fn u16_at(data: &[u8], at: usize) -> Result<u16> {
    array_at(data, at).map(u16::from_le_bytes)
}

pub(crate) fn u32_at(data: &[u8], at: usize) -> Result<u32> {
    array_at(data, at).map(u32::from_le_bytes)
}

pub(crate) fn u64_at(data: &[u8], at: usize) -> Result<u64> {
    array_at(data, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv1a_matches_published_values() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn meta_pages_are_checked() {
        let meta = Meta {
            page_size: 4096,
            root: 5,
            freelist: 2,
            pages: 6,
            transaction: 7,
        };
        let mut page = Vec::new();
        meta.encode(&mut page);
        assert_eq!(page.len(), PAGE);
        assert_eq!(Meta::decode(&page).unwrap(), meta);
        assert_eq!(Header::decode(&page).unwrap().id, 1);
        for at in HEADER..HEADER + META_BYTES {
            let mut broken = page.clone();
            broken[at] ^= 1;
            assert!(Meta::decode(&broken).is_err(), "byte {at}");
        }
    }
}
