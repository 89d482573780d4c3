//! Follows the frames of a client and takes out its header blocks.

use bytes::{BufMut, BytesMut};

use super::block::Blocks;
use crate::http2::{CONTINUATION, END_HEADERS, END_STREAM, HEAD, HEADERS, Head, PADDED, PREFACE, PRIORITY};

/// The longest payload that the server allows: the protocol's default.
pub(super) const MAX_FRAME: usize = 16_384;
/// Longer blocks are left to the library: undoing Huffman's code costs too much to do it for anybody at any length.
const MAX_BLOCK: usize = 64 * 1024;

/// What priority takes in front of a block.
const PRIORITY_BYTES: usize = 5;
/// A block that nobody can read: it names field 0.
const UNREADABLE: &[u8] = &[0x80];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The first request is still to come.
    Looking,
    /// The first request was good: the others pass after a look at how they are written.
    Following,
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
    head: [u8; HEAD],
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
            head: [0; HEAD],
            head_held: 0,
            left: 0,
            block: Vec::new(),
        }
    }

    /// Whether everything that is still to come passes as it is.
    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// How many of a chunk's first bytes the server may see as they are. The rest has to be fed.
    ///
    /// This is the way of all good connections: nothing is copied, payloads are skipped by their length.
    pub(super) fn pass(&mut self, chunk: &[u8]) -> usize {
        if self.stage != Stage::Following || self.head_held > 0 || !self.block.is_empty() {
            return 0;
        }
        let mut rest = chunk;
        loop {
            let skipped = self.left.min(rest.len());
            self.left -= skipped;
            rest = &rest[skipped..];
            let Some((head, payload)) = rest.split_first_chunk() else {
                break;
            };
            let head = Head::read(*head);
            if head.kind == HEADERS {
                let whole = payload.get(..head.length).filter(|_| head.ends_block());
                if !whole
                    .and_then(|payload| head.fragment(payload))
                    .is_some_and(|block| self.blocks.passes(block))
                {
                    break;
                }
            }
            self.left = head.length;
            rest = payload;
        }
        chunk.len() - rest.len()
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
        let used = chunk.len().min(HEAD - self.head_held);
        self.head[self.head_held..self.head_held + used].copy_from_slice(&chunk[..used]);
        self.head_held += used;
        if self.head_held == HEAD {
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
        let next = !inside || (head.kind == CONTINUATION && self.first().stream == head.stream);
        let fits = self.block.len() + HEAD + head.length <= self.max_block && head.length <= MAX_FRAME;
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
        if self.stage == Stage::Following && self.blocks.passes(&encoded) {
            return self.keep(out);
        }
        let Some(block) = self.blocks.read(&encoded) else {
            return self.leave(out);
        };
        if self.stage != Stage::Rewriting && !block.repaired {
            self.stage = Stage::Following;
            return self.keep(out);
        }
        self.stage = Stage::Rewriting;
        let first = self.first();
        write(first.flags & END_STREAM, first.stream, &block.bytes, out);
        self.block.clear();
    }

    /// Lets the block through as it came.
    fn keep(&mut self, out: &mut BytesMut) {
        out.put_slice(&self.block);
        self.block = Vec::new();
    }

    /// Leaves the rest to the library. It cannot be shown the client's own block any more once it has missed others,
    /// as the blocks of a connection build upon each other; what it gets then ends the connection.
    fn leave(&mut self, out: &mut BytesMut) {
        if self.stage == Stage::Rewriting {
            write(END_STREAM, self.first().stream, UNREADABLE, out);
            self.block = Vec::new();
        } else {
            self.keep(out);
        }
        self.stage = Stage::Done;
    }

    /// The head of the block's first frame.
    fn first(&self) -> Head {
        Head::read(self.block.first_chunk().map_or(self.head, |head| *head))
    }
}

impl Head {
    /// Whether this is the last frame of a block, and of a length that the server allows.
    fn ends_block(&self) -> bool {
        self.flags & END_HEADERS != 0 && self.length <= MAX_FRAME
    }

    /// The part of a block that the payload carries. Nothing if it holds less than the flags say.
    fn fragment<'a>(&self, mut payload: &'a [u8]) -> Option<&'a [u8]> {
        let mut padding = 0;
        if self.kind == HEADERS && self.flags & PADDED != 0 {
            let (length, kept) = payload.split_first()?;
            (padding, payload) = (usize::from(*length), kept);
        }
        if self.kind == HEADERS && self.flags & PRIORITY != 0 {
            payload = payload.get(PRIORITY_BYTES..)?;
        }
        payload.get(..payload.len().checked_sub(padding)?)
    }
}

/// The block that whole frames carry. Nothing if one holds less than its flags say.
fn fragments(mut frames: &[u8]) -> Option<Vec<u8>> {
    let mut block = Vec::with_capacity(frames.len());
    while let Some((head, rest)) = frames.split_first_chunk() {
        let head = Head::read(*head);
        let (payload, rest) = rest.split_at_checked(head.length)?;
        block.put_slice(head.fragment(payload)?);
        frames = rest;
    }
    Some(block)
}

/// Writes a block as frames.
fn write(flags: u8, stream: u32, block: &[u8], out: &mut BytesMut) {
    let mut rest = block;
    let mut kind = HEADERS;
    let mut flags = flags;
    loop {
        let (payload, after) = rest.split_at(rest.len().min(MAX_FRAME));
        if after.is_empty() {
            flags |= END_HEADERS;
        }
        Head {
            length: payload.len(),
            kind,
            flags,
            stream,
        }
        .write(out);
        out.put_slice(payload);
        if after.is_empty() {
            return;
        }
        (rest, kind, flags) = (after, CONTINUATION, 0);
    }
}
