//! What an HTTP/2 connection writes, put together: it asks for each frame of data to be sent before it takes the next, and
//! once more when there are no more.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So many bytes are sent in any case: two records of TLS.
const FULL: usize = 32 * 1024;
/// A write of so many bytes is sent with what there is, instead of being copied.
const LARGE: usize = 8 * 1024;
/// Pieces of one write.
const PIECES: usize = 16;

/// A stream that sends frames of data when it is asked the second time. Only for the `h2` crate: a frame of data it writes in
/// pieces, head and body, flushes, and goes on to the next frame or flushes again (`Prioritize::poll_complete`); all else is one
/// piece, which is sent when it is flushed.
pub(crate) struct Gather<S> {
    inner: S,
    /// Memory is held only while there is something.
    buffer: BytesMut,
    /// The last thing that was asked for is to write a frame of data.
    is_data: bool,
}

impl<S: AsyncWrite + Unpin> Gather<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self {
            inner,
            buffer: BytesMut::new(),
            is_data: false,
        }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.buffer.is_empty() {
            let sent = ready!(Pin::new(&mut self.inner).poll_write(context, &self.buffer))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.buffer.advance(sent);
        }
        self.buffer = BytesMut::new();
        Poll::Ready(Ok(()))
    }

    /// Sends what there is and these pieces, as much of them as goes; tells how much of the pieces went.
    fn poll_through(&mut self, context: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut all = [IoSlice::new(&[]); PIECES];
        all[0] = IoSlice::new(&self.buffer);
        let count = pieces.len().min(PIECES - 1);
        all[1..=count].copy_from_slice(&pieces[..count]);
        let first = usize::from(self.buffer.is_empty());
        let sent = ready!(Pin::new(&mut self.inner).poll_write_vectored(context, &all[first..=count]))?;
        let held = self.buffer.len();
        if sent < held {
            self.buffer.advance(sent);
            // None of the pieces went: the caller is called again when there is room.
            return self.poll_through_rest(context, pieces);
        }
        self.buffer = BytesMut::new();
        Poll::Ready(Ok(sent - held))
    }

    /// After a part of what was held went.
    fn poll_through_rest(&mut self, context: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.inner).poll_write_vectored(context, pieces)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gather<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let size: usize = pieces.iter().map(|piece| piece.len()).sum();
        if size >= LARGE || self.buffer.len() + size > FULL {
            return self.poll_through(context, pieces);
        }
        self.is_data = pieces.len() > 1;
        for piece in pieces {
            self.buffer.extend_from_slice(piece);
        }
        Poll::Ready(Ok(size))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.is_data) && !self.buffer.is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gather<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, into)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, IoSlice};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use base::random::{Random, Seeded};
    use futures_util::task::noop_waker_ref;
    use tokio::io::AsyncWrite;

    use super::{Gather, LARGE};

    /// Takes so much of each write, or nothing now and then.
    struct Narrow {
        takes: Box<dyn FnMut(usize) -> Option<usize> + Send>,
        taken: Vec<u8>,
        writes: usize,
        is_shut: bool,
    }

    impl Narrow {
        fn new(takes: impl FnMut(usize) -> Option<usize> + Send + 'static) -> Gather<Self> {
            Gather::new(Self {
                takes: Box::new(takes),
                taken: Vec::new(),
                writes: 0,
                is_shut: false,
            })
        }
    }

    impl AsyncWrite for Narrow {
        fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(context, &[IoSlice::new(bytes)])
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            pieces: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let all: Vec<u8> = pieces.iter().flat_map(|piece| piece.to_vec()).collect();
            let Some(takes) = (self.takes)(all.len()) else {
                return Poll::Pending;
            };
            self.writes += 1;
            self.taken.extend_from_slice(&all[..takes.min(all.len())]);
            Poll::Ready(Ok(takes.min(all.len())))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.is_shut = true;
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn frames_of_data_are_sent_together_and_others_at_once() {
        let mut gather = Narrow::new(Some);
        let mut context = Context::from_waker(noop_waker_ref());
        for body in [b"one", b"two"] {
            let pieces = [IoSlice::new(b"-"), IoSlice::new(body)];
            assert!(
                Pin::new(&mut gather)
                    .poll_write_vectored(&mut context, &pieces)
                    .is_ready()
            );
            assert!(Pin::new(&mut gather).poll_flush(&mut context).is_ready());
        }
        assert_eq!(gather.inner.writes, 0);
        assert!(Pin::new(&mut gather).poll_flush(&mut context).is_ready());
        assert_eq!((gather.inner.writes, &gather.inner.taken[..]), (1, &b"-one-two"[..]));
        assert_eq!(gather.buffer.capacity(), 0);
        assert!(Pin::new(&mut gather).poll_write(&mut context, b"ping").is_ready());
        assert!(Pin::new(&mut gather).poll_flush(&mut context).is_ready());
        assert_eq!(gather.inner.writes, 2);
    }

    #[test]
    fn what_is_large_takes_the_rest_along_without_a_copy() {
        let mut gather = Narrow::new(Some);
        let mut context = Context::from_waker(noop_waker_ref());
        let large = vec![b'x'; LARGE];
        assert!(Pin::new(&mut gather).poll_write(&mut context, b"head").is_ready());
        let wrote = Pin::new(&mut gather).poll_write(&mut context, &large);
        assert!(matches!(wrote, Poll::Ready(Ok(LARGE))));
        assert_eq!((gather.inner.writes, gather.inner.taken.len()), (1, LARGE + 4));
    }

    #[test]
    fn what_is_held_goes_before_the_end() {
        let mut gather = Narrow::new(Some);
        let mut context = Context::from_waker(noop_waker_ref());
        assert!(Pin::new(&mut gather).poll_write(&mut context, b"last").is_ready());
        assert!(Pin::new(&mut gather).poll_shutdown(&mut context).is_ready());
        assert!(gather.inner.is_shut && gather.inner.taken == b"last");
    }

    #[test]
    fn nothing_is_lost_or_sent_twice_however_little_is_taken() {
        for seed in 0..10 {
            let (mine, theirs) = (Seeded::new(seed), Seeded::new(seed + 1000));
            let mut gather = Narrow::new(move |size| match theirs.below(4) {
                0 => None,
                1 => Some(1 + theirs.below(900) as usize),
                _ => Some(1 + theirs.below(size as u64) as usize),
            });
            let mut context = Context::from_waker(noop_waker_ref());
            let mut sent = Vec::new();
            for _ in 0..100 {
                let size = 1 + mine.below([10, 3_000, 20_000][mine.below(3) as usize]) as usize;
                let bytes: Vec<u8> = (0..size).map(|_| mine.below(256) as u8).collect();
                let (head, body) = bytes.split_at(size / 3);
                let pieces = [IoSlice::new(head), IoSlice::new(body)];
                if let Poll::Ready(wrote) = Pin::new(&mut gather).poll_write_vectored(&mut context, &pieces) {
                    sent.extend_from_slice(&bytes[..wrote.unwrap()]);
                }
                if mine.below(3) == 0 {
                    let _ = Pin::new(&mut gather).poll_flush(&mut context);
                }
            }
            while Pin::new(&mut gather).poll_shutdown(&mut context).is_pending() {}
            assert!(gather.inner.taken == sent, "seed {seed}");
        }
    }
}
