//! Follows the frames of a client and takes out its header blocks.

use bytes::{BufMut, BytesMut};

use super::block::Blocks;

/// What an HTTP/2 client sends first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEAD: usize = 9;
/// The longest payload that the server allows: the protocol's default.
pub(super) const MAX_FRAME: usize = 16_384;
/// Longer blocks are left to the library: undoing Huffman's code costs too much to do it for anybody at any length.
const MAX_BLOCK: usize = 64 * 1024;

pub(super) const HEADERS: u8 = 1;
pub(super) const CONTINUATION: u8 = 9;
pub(super) const END_STREAM: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
pub(super) const PRIORITY: u8 = 0x20;
/// What priority takes in front of a block.
const PRIORITY_BYTES: usize = 5;
/// A block that nobody can read: it names field 0.
const UNREADABLE: &[u8] = &[0x80];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The first request is still to come.
    Looking,
    Rewriting,
    /// Everything passes.
    Done,
}

/// Rewrites one direction of a connection.
pub(super) struct Rewriter {
    stage: Stage,
    blocks: Blocks,
    max_block: usize,
    /// Bytes of the preface that were seen.
    preface: usize,
    head: [u8; FRAME_HEAD],
    head_held: usize,
    /// Bytes of the current frame that are still to come.
    left: usize,
    /// The frames of the current header block, as they came; empty outside of one.
    block: Vec<u8>,
}

impl Rewriter {
    /// `max_list` is the longest header list that the server takes.
    pub(super) fn new(max_list: usize) -> Self {
        Self {
            stage: Stage::Looking,
            blocks: Blocks::new(max_list),
            max_block: max_list.min(MAX_BLOCK),
            preface: 0,
            head: [0; FRAME_HEAD],
            head_held: 0,
            left: 0,
            block: Vec::new(),
        }
    }

    /// Whether everything that is still to come passes as it is.
    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Reads a chunk, and adds to `out` what the server is to see.
    pub(super) fn feed(&mut self, mut chunk: &[u8], out: &mut BytesMut) {
        while !chunk.is_empty() {
            let used = if self.is_done() {
                out.put_slice(chunk);
                chunk.len()
            } else if self.preface < PREFACE.len() {
                self.preface(chunk, out)
            } else if self.left > 0 {
                self.payload(chunk, out)
            } else {
                self.head(chunk, out)
            };
            chunk = &chunk[used..];
        }
    }

    fn preface(&mut self, chunk: &[u8], out: &mut BytesMut) -> usize {
        let used = chunk.len().min(PREFACE.len() - self.preface);
        if chunk[..used] != PREFACE[self.preface..self.preface + used] {
            self.stage = Stage::Done;
        }
        self.preface += used;
        out.put_slice(&chunk[..used]);
        used
    }

    fn payload(&mut self, chunk: &[u8], out: &mut BytesMut) -> usize {
        let used = chunk.len().min(self.left);
        self.left -= used;
        if self.block.is_empty() {
            out.put_slice(&chunk[..used]);
        } else {
            self.block.put_slice(&chunk[..used]);
            self.frame_ended(out);
        }
        used
    }

    fn head(&mut self, chunk: &[u8], out: &mut BytesMut) -> usize {
        let used = chunk.len().min(FRAME_HEAD - self.head_held);
        self.head[self.head_held..self.head_held + used].copy_from_slice(&chunk[..used]);
        self.head_held += used;
        if self.head_held == FRAME_HEAD {
            self.head_held = 0;
            self.frame_begins(out);
        }
        used
    }

    fn frame_begins(&mut self, out: &mut BytesMut) {
        let head = Head::read(self.head);
        self.left = head.length;
        let inside = !self.block.is_empty();
        if !inside && head.kind != HEADERS {
            out.put_slice(&self.head);
            return;
        }
        let next = !inside || (head.kind == CONTINUATION && self.block[5..FRAME_HEAD] == head.stream);
        let fits = head.length <= MAX_FRAME && self.block.len() + FRAME_HEAD + head.length <= self.max_block;
        self.block.put_slice(&self.head);
        if next && fits {
            self.frame_ended(out);
        } else {
            self.leave(out);
        }
    }

    /// Ends the block, if this frame has all its bytes and is the block's last.
    fn frame_ended(&mut self, out: &mut BytesMut) {
        if self.left > 0 || Head::read(self.head).flags & END_HEADERS == 0 {
            return;
        }
        let Some(encoded) = fragments(&self.block) else {
            return self.leave(out);
        };
        let Some(block) = self.blocks.read(&encoded) else {
            return self.leave(out);
        };
        if self.stage == Stage::Looking && !block.repaired {
            return self.leave(out);
        }
        self.stage = Stage::Rewriting;
        let (flags, stream) = self.first();
        write(flags & END_STREAM, stream, &block.bytes, out);
        self.block.clear();
    }

    /// Leaves the rest to the library. It cannot be shown the client's own block any more once it has missed others,
    /// as the blocks of a connection build upon each other; what it gets then ends the connection.
    fn leave(&mut self, out: &mut BytesMut) {
        if self.stage == Stage::Rewriting {
            let (_, stream) = self.first();
            write(END_STREAM, stream, UNREADABLE, out);
        } else {
            out.put_slice(&self.block);
        }
        self.block = Vec::new();
        self.stage = Stage::Done;
    }

    /// Flags and stream of the block's first frame.
    fn first(&self) -> (u8, [u8; 4]) {
        let head = self.block.first_chunk().map_or(self.head, |head| *head);
        let head = Head::read(head);
        (head.flags, head.stream)
    }
}

struct Head {
    length: usize,
    kind: u8,
    flags: u8,
    stream: [u8; 4],
}

impl Head {
    fn read([a, b, c, kind, flags, stream @ ..]: [u8; FRAME_HEAD]) -> Self {
        Self {
            length: u32::from_be_bytes([0, a, b, c]) as usize,
            kind,
            flags,
            stream,
        }
    }
}

/// The block that whole frames carry. Nothing if one holds less than its flags say.
fn fragments(mut frames: &[u8]) -> Option<Vec<u8>> {
    let mut block = Vec::with_capacity(frames.len());
    while let Some((head, rest)) = frames.split_first_chunk() {
        let head = Head::read(*head);
        let (mut payload, rest) = rest.split_at_checked(head.length)?;
        if head.kind == HEADERS {
            let mut padding = 0;
            if head.flags & PADDED != 0 {
                let (length, kept) = payload.split_first()?;
                (padding, payload) = (usize::from(*length), kept);
            }
            if head.flags & PRIORITY != 0 {
                payload = payload.get(PRIORITY_BYTES..)?;
            }
            payload = &payload[..payload.len().checked_sub(padding)?];
        }
        block.put_slice(payload);
        frames = rest;
    }
    Some(block)
}

/// Writes a block as frames.
fn write(flags: u8, stream: [u8; 4], block: &[u8], out: &mut BytesMut) {
    let mut rest = block;
    let mut kind = HEADERS;
    let mut flags = flags;
    loop {
        let (payload, after) = rest.split_at(rest.len().min(MAX_FRAME));
        if after.is_empty() {
            flags |= END_HEADERS;
        }
        out.put_uint(payload.len() as u64, 3);
        out.put_slice(&[kind, flags]);
        out.put_slice(&stream);
        out.put_slice(payload);
        if after.is_empty() {
            return;
        }
        (rest, kind, flags) = (after, CONTINUATION, 0);
    }
}
