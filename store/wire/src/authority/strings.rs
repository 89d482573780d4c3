//! Header blocks with every string in plain letters.
//!
//! The decoder of `loona-hpack` can undo Huffman's code, but builds its tables anew for every string: far too slow for
//! blocks that anybody may send. So its table is kept here, and the decoder only ever sees plain strings.

use std::cell::RefCell;

use loona_hpack::huffman::HuffmanDecoder;

thread_local! {
    static HUFFMAN: RefCell<HuffmanDecoder> = RefCell::new(HuffmanDecoder::new());
}

/// The flag of a string in Huffman's code.
const CODED: u8 = 0x80;
/// Bytes of the longest number that is read: more than any table or block here can need.
const MAX_NUMBER: usize = 5;

/// The block with its strings in plain; nothing if it is not well formed.
pub(super) fn plain(block: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(block.len() * 2);
    let mut rest = block;
    while let Some(&first) = rest.first() {
        // How a field is written stands in the first bits of its first byte (RFC 7541, section 6).
        let (prefix, strings) = match first {
            0x80.. => (7, false),
            0x40.. => (6, true),
            0x20.. => (5, false),
            _ => (4, true),
        };
        let (index, after) = number(rest, prefix)?;
        out.extend_from_slice(&rest[..rest.len() - after.len()]);
        rest = after;
        if strings && index == 0 {
            rest = string(rest, &mut out)?;
        }
        if strings {
            rest = string(rest, &mut out)?;
        }
    }
    Some(out)
}

/// Writes a string in plain letters.
pub(super) fn put_string(text: &[u8], out: &mut Vec<u8>) {
    const FULL: usize = 0x7f;
    if text.len() < FULL {
        out.push(text.len() as u8);
    } else {
        out.push(FULL as u8);
        let mut left = text.len() - FULL;
        while left >= 0x80 {
            out.push(left as u8 | 0x80);
            left >>= 7;
        }
        out.push(left as u8);
    }
    out.extend_from_slice(text);
}

/// A number whose first bits share a byte with something else, and what follows it.
fn number(bytes: &[u8], prefix: u8) -> Option<(usize, &[u8])> {
    let (&first, mut rest) = bytes.split_first()?;
    let full = usize::from(u8::MAX >> (8 - prefix));
    let mut value = usize::from(first) & full;
    if value < full {
        return Some((value, rest));
    }
    for shift in (0..).step_by(7).take(MAX_NUMBER - 1) {
        let (&next, after) = rest.split_first()?;
        rest = after;
        value += usize::from(next & 0x7f) << shift;
        if next & 0x80 == 0 {
            return Some((value, rest));
        }
    }
    None
}

/// Copies a string in plain letters; returns what follows it.
fn string<'a>(bytes: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let coded = bytes.first()? & CODED != 0;
    let (length, rest) = number(bytes, 7)?;
    let (text, rest) = rest.split_at_checked(length)?;
    if coded {
        let decoded = HUFFMAN.with_borrow_mut(|huffman| huffman.decode(text)).ok()?;
        put_string(&decoded, out);
    } else {
        put_string(text, out);
    }
    Some(rest)
}
