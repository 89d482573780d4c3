//! Reads the header blocks of a connection one after the other and writes each so that it stands alone.

use http::uri::Authority;
use loona_hpack::Decoder;

use super::strings::{plain, put_string};

const AUTHORITY: &[u8] = b":authority";
/// Who is asked when the client does not say it readably. Nothing here depends on it.
const NOBODY: &[u8] = b"localhost";
/// What a client may remember of earlier blocks: the protocol's default, which the server keeps to.
const TABLE_BYTES: usize = 4096;
/// What a field counts for besides its letters (RFC 9113, section 6.5.2).
const FIELD_BYTES: usize = 32;
/// A field with a name of its own that is not to be remembered.
const LITERAL: u8 = 0;

/// The state that the blocks of a connection share.
pub(super) struct Blocks {
    decoder: Decoder<'static>,
    max_list: usize,
}

/// A block that depends on no other.
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    /// Whether its authority could not be read and was replaced.
    pub(super) repaired: bool,
}

impl Blocks {
    /// `max_list` is the longest header list that the server takes.
    pub(super) fn new(max_list: usize) -> Self {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(TABLE_BYTES);
        Self { decoder, max_list }
    }

    /// Reads the connection's next block; nothing if it cannot be read.
    ///
    /// Of a list that is too long only so much is kept that the server sees it is.
    pub(super) fn read(&mut self, encoded: &[u8]) -> Option<Block> {
        let mut block = Block {
            bytes: Vec::with_capacity(2 * encoded.len()),
            repaired: false,
        };
        let mut list = 0;
        let max_list = self.max_list;
        self.decoder
            .decode_with_cb(&plain(encoded)?, |name, value| {
                if list > max_list {
                    return;
                }
                list += name.len() + value.len() + FIELD_BYTES;
                let bad = *name == *AUTHORITY && Authority::try_from(&*value).is_err();
                block.repaired |= bad;
                let value = if bad { repaired(&value) } else { &value };
                block.bytes.push(LITERAL);
                put_string(&name, &mut block.bytes);
                put_string(value, &mut block.bytes);
            })
            .ok()?;
        Some(block)
    }
}

/// The host and port in an authority that cannot be read: what follows the last slash.
fn repaired(authority: &[u8]) -> &[u8] {
    let at = authority.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    let end = &authority[at..];
    if Authority::try_from(end).is_ok() { end } else { NOBODY }
}
