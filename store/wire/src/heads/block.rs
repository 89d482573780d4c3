//! Reads the header blocks of a connection one after the other and writes each so that it stands alone.

use http::uri::Authority;
use loona_hpack::Decoder;

use super::path;
use super::strings::{field, plain, put_string};

const AUTHORITY: &[u8] = b":authority";
const PATH: &[u8] = b":path";
/// Who is asked when the client does not say it readably. Nothing here depends on it.
const NOBODY: &[u8] = b"localhost";
/// What a client may remember of earlier blocks: the protocol's default, which the server keeps to.
const TABLE_BYTES: usize = 4096;
/// What a field counts for besides its letters (RFC 9113, section 6.5.2).
const FIELD_BYTES: usize = 32;
/// A field with a name of its own that is not to be remembered.
const LITERAL: u8 = 0;
/// What blocks that passed unread added to the table is read once it is this long, or once a block has to be read.
const MAX_UNREAD: usize = 4096;
/// A field that changes nothing. A block must not end with a change of the table's size.
const METHOD_GET: u8 = 0x82;

/// The state that the blocks of a connection share.
pub(super) struct Blocks {
    decoder: Decoder<'static>,
    /// The fields of blocks that passed, as far as later blocks build upon them.
    unread: Vec<u8>,
    max_list: usize,
}

/// A block that depends on no other.
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    /// Whether the library would have refused it, and something was replaced.
    pub(super) repaired: bool,
}

impl Blocks {
    /// `max_list` is the longest header list that the server takes.
    pub(super) fn new(max_list: usize) -> Self {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(TABLE_BYTES);
        Self {
            decoder,
            unread: Vec::new(),
            max_list,
        }
    }

    /// Whether the library takes a block as it is, by a look at how it is written: nothing is decoded, and of most
    /// blocks nothing is kept. Only for connections whose authority is good: it says so once.
    ///
    /// A block that does not pass is to be given to [`read`](Self::read).
    pub(super) fn passes(&mut self, block: &[u8]) -> bool {
        let unread = self.unread.len();
        let mut rest = block;
        loop {
            // Most fields are one byte: a place in the table.
            let indexed = rest.iter().take_while(|byte| matches!(byte, 0x80..=0xfe)).count();
            rest = &rest[indexed..];
            if rest.is_empty() {
                break;
            }
            let Some((field, after)) = field(rest).filter(|(field, _)| !field.is_odd_path()) else {
                self.unread.truncate(unread);
                return false;
            };
            if field.lasts {
                self.unread.extend_from_slice(field.bytes);
            }
            rest = after;
        }
        self.unread.len() <= MAX_UNREAD || self.catch_up().is_some()
    }

    /// Brings the table to where the client's is.
    fn catch_up(&mut self) -> Option<()> {
        if !self.unread.is_empty() {
            self.unread.push(METHOD_GET);
            self.decoder.decode_with_cb(&plain(&self.unread)?, |_, _| ()).ok()?;
            self.unread.clear();
        }
        Some(())
    }

    /// Reads the connection's next block; nothing if it cannot be read.
    ///
    /// Of a list that is too long only so much is kept that the server sees it is.
    pub(super) fn read(&mut self, encoded: &[u8]) -> Option<Block> {
        self.catch_up()?;
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
                let better = better(&name, &value);
                block.repaired |= better.is_some();
                block.bytes.push(LITERAL);
                put_string(&name, &mut block.bytes);
                put_string(better.as_deref().unwrap_or(&value), &mut block.bytes);
            })
            .ok()?;
        Some(block)
    }
}

/// What the server is to read where the library would refuse what stands there.
fn better(name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    match name {
        AUTHORITY if Authority::try_from(value).is_err() => Some(repaired(value).to_vec()),
        PATH if !value.starts_with(b"/") => Some(path::taken(value)),
        _ => None,
    }
}

/// The host and port in an authority that cannot be read: what follows the last slash.
fn repaired(authority: &[u8]) -> &[u8] {
    let at = authority.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    let end = &authority[at..];
    if Authority::try_from(end).is_ok() { end } else { NOBODY }
}
