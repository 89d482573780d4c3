//! The fields of a header block as they are written, and blocks with every string in plain letters.
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
/// Numbers of the fields named `:path` in the table that every connection has.
const PATHS: [usize; 2] = [4, 5];
/// `:path` in Huffman's code.
const CODED_PATH: &[u8] = &[0xb9, 0x58, 0xd3, 0x3f];

/// A string as it is written.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    coded: bool,
    bytes: &'a [u8],
}

impl Text<'_> {
    /// Whether it begins with a slash, which is 011000 in Huffman's code.
    fn begins_with_slash(self) -> bool {
        match self.bytes.first() {
            Some(first) if self.coded => first & 0xfc == 0x60,
            first => first == Some(&b'/'),
        }
    }

    fn is_path(self) -> bool {
        self.bytes == if self.coded { CODED_PATH } else { b":path" }
    }

    /// Writes it in plain letters; nothing if its code is wrong.
    fn put_plain(self, out: &mut Vec<u8>) -> Option<()> {
        if self.coded {
            let decoded = HUFFMAN.with_borrow_mut(|huffman| huffman.decode(self.bytes)).ok()?;
            put_string(&decoded, out);
        } else {
            put_string(self.bytes, out);
        }
        Some(())
    }
}

/// One field of a block, or a change of the table, as it is written.
pub(super) struct Field<'a> {
    /// All of it.
    pub(super) bytes: &'a [u8],
    /// Whether later blocks build upon it.
    pub(super) lasts: bool,
    /// What stands before the strings.
    head: &'a [u8],
    index: usize,
    name: Option<Text<'a>>,
    value: Option<Text<'a>>,
}

impl Field<'_> {
    /// Whether it is a `:path`, written out, that does not begin with a slash.
    pub(super) fn is_odd_path(&self) -> bool {
        self.value.is_some_and(|value| {
            self.name.map_or(PATHS.contains(&self.index), Text::is_path) && !value.begins_with_slash()
        })
    }
}

/// The first field of a block and what follows it; nothing if it is not well formed.
pub(super) fn field(block: &[u8]) -> Option<(Field<'_>, &[u8])> {
    // How a field is written stands in the first bits of its first byte (RFC 7541, section 6).
    let (prefix, strings, lasts) = match *block.first()? {
        0x80.. => (7, false, false),
        0x40.. => (6, true, true),
        0x20.. => (5, false, true),
        _ => (4, true, false),
    };
    let (index, mut rest) = number(block, prefix)?;
    let head = &block[..block.len() - rest.len()];
    let (mut name, mut value) = (None, None);
    if strings {
        if index == 0 {
            let (text, after) = string(rest)?;
            (name, rest) = (Some(text), after);
        }
        let (text, after) = string(rest)?;
        (value, rest) = (Some(text), after);
    }
    let field = Field {
        bytes: &block[..block.len() - rest.len()],
        lasts,
        head,
        index,
        name,
        value,
    };
    Some((field, rest))
}

/// The block with its strings in plain; nothing if it is not well formed.
pub(super) fn plain(block: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(block.len() * 2);
    let mut rest = block;
    while !rest.is_empty() {
        let (field, after) = field(rest)?;
        out.extend_from_slice(field.head);
        for text in [field.name, field.value].into_iter().flatten() {
            text.put_plain(&mut out)?;
        }
        rest = after;
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

/// A string and what follows it.
fn string(bytes: &[u8]) -> Option<(Text<'_>, &[u8])> {
    let coded = bytes.first()? & CODED != 0;
    let (length, rest) = number(bytes, 7)?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    Some((Text { coded, bytes }, rest))
}
