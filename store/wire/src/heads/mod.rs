//! Lets in clients whose requests have a head that only Go reads.
//!
//! Older gRPC clients in Go put the target they were dialled with into `:authority`, such as
//! `passthrough:///http://127.0.0.1:2379`; etcdctl 3.4 does. Go's server never looks at it, the HTTP/2 library here
//! refuses it as malformed and cannot be told otherwise. It refuses a `:path` without a slash too, where Go's server
//! answers that there is no such method. So requests are looked at as they pass. The first one is read; if it is good,
//! of the others only the form is looked at, in place, to see whether a bad path comes (clients name the server alike
//! in all requests of a connection). From a bad one on, every request of the connection is written anew.
//!
//! `frames` finds the header blocks, `block` reads and writes them, `strings` is how fields are written, `path` how the
//! router learns of a bad path.

mod block;
mod frames;
mod path;
mod strings;
#[cfg(test)]
mod tests;

pub(crate) use path::meant;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use frames::Rewriter;

/// A connection whose requests get heads that the library reads. What is written passes unchanged.
pub(crate) struct Lenient<S> {
    inner: S,
    /// Gone once nothing is left to do.
    rewriter: Option<Box<Rewriter>>,
    /// What was read and rewritten, and not asked for yet.
    ready: BytesMut,
}

impl<S> Lenient<S> {
    /// Looks at a connection. `max_header_bytes` is the longest header list that its server takes.
    pub(crate) fn new(inner: S, max_header_bytes: u32) -> Self {
        Self {
            inner,
            rewriter: Some(Box::new(Rewriter::new(max_header_bytes as usize))),
            ready: BytesMut::new(),
        }
    }

    fn take(&mut self, buf: &mut ReadBuf<'_>) {
        let taken = self.ready.len().min(buf.remaining());
        buf.put_slice(&self.ready[..taken]);
        self.ready.advance(taken);
        if self.ready.is_empty() {
            self.ready = BytesMut::new();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lenient<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // An empty answer would mean the end, so it goes on while all that came is held back.
        loop {
            if !this.ready.is_empty() {
                this.take(buf);
                return Poll::Ready(Ok(()));
            }
            let Some(rewriter) = &mut this.rewriter else {
                return Pin::new(&mut this.inner).poll_read(cx, buf);
            };
            let before = buf.filled().len();
            ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
            let fresh = &buf.filled()[before..];
            if fresh.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let passed = rewriter.pass(fresh);
            rewriter.feed(&fresh[passed..], &mut this.ready);
            if rewriter.is_done() {
                this.rewriter = None;
            }
            buf.set_filled(before + passed);
            if passed > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lenient<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
