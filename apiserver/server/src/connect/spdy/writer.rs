//! Frames on their way out.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{CONTROL, FIN, GO_AWAY, LENGTH_MAX, PING, RST_STREAM, SYN_STREAM};

/// A stream that is not taken.
pub(in super::super) const REFUSED: u32 = 3;

/// How a compressed block of headers begins: deflate with a window of 32 KiB, and the Adler-32 of SPDY's dictionary.
const ZLIB: [u8; 6] = [0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2];
/// An empty stored block: what came before it can be read without what follows.
const FLUSH: [u8; 5] = [0, 0, 0, 0xff, 0xff];

/// Writes frames. Headers go as stored blocks of one deflate stream, which every reader takes and which need no compressor: a
/// client of kubelets sends five of them in all.
pub(in super::super) struct Writer<W> {
    to: W,
    /// Whether the deflate stream has begun.
    begun: bool,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub(in super::super) const fn new(to: W) -> Self {
        Self { to, begun: false }
    }

    /// Opens a stream.
    ///
    /// # Errors
    /// The connection broke.
    pub(in super::super) async fn open(&mut self, stream: u32, headers: &[(&str, &str)]) -> io::Result<()> {
        let block = self.block(headers);
        let mut payload = Vec::with_capacity(10 + block.len());
        payload.extend_from_slice(&stream.to_be_bytes());
        // Neither a stream that it belongs to, nor a priority, nor a slot.
        payload.extend_from_slice(&[0; 6]);
        payload.extend_from_slice(&block);
        self.control(SYN_STREAM, &payload).await
    }

    /// Says something in a stream, and perhaps that it is the last.
    ///
    /// # Errors
    /// The connection broke.
    pub(in super::super) async fn data(&mut self, stream: u32, bytes: &[u8], end: bool) -> io::Result<()> {
        debug_assert!(bytes.len() <= LENGTH_MAX, "callers cut what they send");
        let flags = if end { u32::from(FIN) << 24 } else { 0 };
        let mut head = [0; 8];
        head[..4].copy_from_slice(&stream.to_be_bytes());
        head[4..].copy_from_slice(&(flags | bytes.len() as u32).to_be_bytes());
        self.to.write_all(&head).await?;
        self.to.write_all(bytes).await?;
        self.to.flush().await
    }

    /// Asks whether the other side is there, or answers that this one is.
    ///
    /// # Errors
    /// The connection broke.
    pub(in super::super) async fn ping(&mut self, id: u32) -> io::Result<()> {
        self.control(PING, &id.to_be_bytes()).await
    }

    /// Ends a stream at once.
    ///
    /// # Errors
    /// The connection broke.
    pub(in super::super) async fn reset(&mut self, stream: u32, why: u32) -> io::Result<()> {
        let mut payload = stream.to_be_bytes().to_vec();
        payload.extend_from_slice(&why.to_be_bytes());
        self.control(RST_STREAM, &payload).await
    }

    /// Says that no stream will be opened any more, and ends the connection.
    ///
    /// # Errors
    /// The connection broke.
    pub(in super::super) async fn end(&mut self) -> io::Result<()> {
        // No stream of the other side was taken, and all is well.
        self.control(GO_AWAY, &[0; 8]).await?;
        self.to.shutdown().await
    }

    async fn control(&mut self, kind: u16, payload: &[u8]) -> io::Result<()> {
        let mut frame = Vec::with_capacity(8 + payload.len());
        frame.extend_from_slice(&CONTROL.to_be_bytes());
        frame.extend_from_slice(&kind.to_be_bytes());
        frame.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        frame.extend_from_slice(payload);
        self.to.write_all(&frame).await?;
        self.to.flush().await
    }

    /// A block of headers.
    fn block(&mut self, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut plain = (headers.len() as u32).to_be_bytes().to_vec();
        for text in headers.iter().flat_map(|(name, value)| [name, value]) {
            plain.extend_from_slice(&(text.len() as u32).to_be_bytes());
            plain.extend_from_slice(text.as_bytes());
        }
        let mut block = Vec::with_capacity(plain.len() + 16);
        if !std::mem::replace(&mut self.begun, true) {
            block.extend_from_slice(&ZLIB);
        }
        // Names and values are short words: one stored block holds 64 KiB.
        let length = plain.len() as u16;
        block.push(0);
        block.extend_from_slice(&length.to_le_bytes());
        block.extend_from_slice(&(!length).to_le_bytes());
        block.extend_from_slice(&plain);
        block.extend_from_slice(&FLUSH);
        block
    }
}
