//! The format on disk: a segment header, then records, each linked to the one before it by a checksum.
//!
//! All numbers are little-endian. A segment starts with [`HEADER`] bytes:
//!
//! ```text
//!  0 magic "KEELSLOG"   8 format u32   12 chain u32: checksum of the last record of the segment before
//! 16 cluster u64       24 member u64   32 sequence u64   40 first u64: index that the next entry has
//! 48 zero              60 checksum u32 of bytes 0..60
//! ```
//!
//! A record has [`RECORD`] bytes of head, its payload, and zeros up to a multiple of 8:
//!
//! ```text
//!  0 checksum u32 of bytes 4.. and the payload, seeded with the segment header's checksum
//!  4 length u32 of the payload        8 chain u32: checksum of the record (or header) before
//! 12 synced u32: everything in this segment below this offset was on disk before this record was written
//! 16 index u64 (see Kind)            24 kind u8           25 zero
//! ```
//!
//! `synced` tells a torn tail from a rotten middle: a bad record at an offset below the `synced` of any good record
//! behind it had been on disk once.

use bytes::Bytes;

/// Bytes of a segment header.
pub(crate) const HEADER: usize = 64;
/// Bytes of a record's head.
pub(crate) const RECORD: usize = 32;
/// The format that this program writes and the only one that it reads.
pub(crate) const FORMAT: u32 = 1;
/// Every index and every sequence number is below this, so that there is a place behind each.
pub const LIMIT: u64 = 1 << 63;
const MAGIC: &[u8; 8] = b"KEELSLOG";

/// What a record says. Numbers stand on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An entry; index: its own.
    Entry = 1,
    /// The vote; index unused.
    Vote = 2,
    /// The committed mark; index unused.
    Committed = 3,
    /// Entries from index on are no more.
    Truncate = 4,
    /// Entries up to index are no longer needed; payload: the caller's description of the last of them.
    Purge = 5,
    /// Nothing but its `synced`.
    Mark = 6,
}

impl Kind {
    fn of(byte: u8) -> Option<Kind> {
        Some(match byte {
            1 => Kind::Entry,
            2 => Kind::Vote,
            3 => Kind::Committed,
            4 => Kind::Truncate,
            5 => Kind::Purge,
            6 => Kind::Mark,
            _ => return None,
        })
    }
}

/// A segment header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) cluster: u64,
    pub(crate) member: u64,
    pub(crate) sequence: u64,
    pub(crate) first: u64,
    pub(crate) chain: u32,
}

/// What is wrong with bytes that should be a header.
pub(crate) enum HeaderError {
    Damaged(&'static str),
    Format(u32),
}

impl Header {
    /// The header's bytes; the last four are the seed of its records' checksums.
    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[..8].copy_from_slice(MAGIC);
        out[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        out[12..16].copy_from_slice(&self.chain.to_le_bytes());
        out[16..24].copy_from_slice(&self.cluster.to_le_bytes());
        out[24..32].copy_from_slice(&self.member.to_le_bytes());
        out[32..40].copy_from_slice(&self.sequence.to_le_bytes());
        out[40..48].copy_from_slice(&self.first.to_le_bytes());
        let sum = crc32c::crc32c(&out[..60]);
        out[60..].copy_from_slice(&sum.to_le_bytes());
        out
    }

    /// Reads a header and the seed for its records.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Header, u32), HeaderError> {
        if bytes.len() < HEADER {
            return Err(HeaderError::Damaged("the file is shorter than a segment header"));
        }
        if &bytes[..8] != MAGIC {
            return Err(HeaderError::Damaged("this is no segment header"));
        }
        let format = u32_at(bytes, 8);
        if format != FORMAT {
            return Err(HeaderError::Format(format));
        }
        let seed = u32_at(bytes, 60);
        if crc32c::crc32c(&bytes[..60]) != seed {
            return Err(HeaderError::Damaged("the segment header's checksum is wrong"));
        }
        let header = Header {
            cluster: u64_at(bytes, 16),
            member: u64_at(bytes, 24),
            sequence: u64_at(bytes, 32),
            first: u64_at(bytes, 40),
            chain: u32_at(bytes, 12),
        };
        if header.first > LIMIT || header.sequence >= LIMIT {
            return Err(HeaderError::Damaged("the segment header has an impossible number"));
        }
        Ok((header, seed))
    }
}

/// A record as read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) kind: Kind,
    pub(crate) index: u64,
    pub(crate) chain: u32,
    pub(crate) synced: u32,
    pub(crate) checksum: u32,
    pub(crate) payload: &'a [u8],
}

/// Bytes that a record with this payload takes in the file.
pub(crate) fn size(payload: usize) -> usize {
    RECORD + payload.next_multiple_of(8)
}

/// Appends one record to `out` and answers its checksum, the next record's chain.
pub(crate) fn encode(
    out: &mut Vec<u8>,
    seed: u32,
    chain: u32,
    synced: u32,
    kind: Kind,
    index: u64,
    data: &[u8],
) -> u32 {
    let start = out.len();
    out.reserve(size(data.len()));
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(data.len() as u32).to_le_bytes());
    out.extend_from_slice(&chain.to_le_bytes());
    out.extend_from_slice(&synced.to_le_bytes());
    out.extend_from_slice(&index.to_le_bytes());
    out.extend_from_slice(&[kind as u8, 0, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(data);
    let sum = crc32c::crc32c_append(seed, &out[start + 4..]);
    out[start..start + 4].copy_from_slice(&sum.to_le_bytes());
    out.resize(start + size(data.len()), 0);
    sum
}

/// Reads the record at the start of `bytes`; None if there is no whole record with a right checksum.
pub(crate) fn decode(bytes: &[u8], seed: u32) -> Option<Found<'_>> {
    if bytes.len() < RECORD {
        return None;
    }
    let kind = Kind::of(bytes[24])?;
    if bytes[25..RECORD].iter().any(|byte| *byte != 0) {
        return None;
    }
    let length = u32_at(bytes, 4) as usize;
    let end = RECORD.checked_add(length)?;
    if bytes.len() < end {
        return None;
    }
    let checksum = u32_at(bytes, 0);
    if crc32c::crc32c_append(seed, &bytes[4..end]) != checksum {
        return None;
    }
    Some(Found {
        kind,
        index: u64_at(bytes, 16),
        chain: u32_at(bytes, 8),
        synced: u32_at(bytes, 12),
        checksum,
        payload: &bytes[RECORD..end],
    })
}

/// One thing to be written; the writer turns it into a record.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) index: u64,
    pub(crate) data: Bytes,
    /// For entries: the slot's end, by which the writer finds it again.
    pub(crate) ticket: u64,
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut out = [0; 4];
    out.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(out)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(out)
}
