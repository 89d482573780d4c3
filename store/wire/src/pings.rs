//! Watches a client's bytes: HTTP/2 connections that ping more often than they may (`--grpc-keepalive-min-time`) are closed.
//!
//! The HTTP/2 library answers pings by itself and tells nobody, so the frame heads are read as the bytes pass by. Such a
//! client is told why, as by Go's server, which its gRPC library understands: it pings less often from then on.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::address::Socket;
use crate::http2::{ACK, DATA, GOAWAY, HEAD, HEADERS, Head, PING, PREFACE};

/// Why a client is sent away, in words and as a number (RFC 9113, section 7).
const REASON: &str = "too_many_pings";
const ENHANCE_YOUR_CALM: u32 = 0xb;
/// How long a client that is sent away may take to go. It must not be cut off while it still sends: what it has not
/// read by then would be lost on its way.
const GOING: Duration = Duration::from_secs(1);
/// Pings that came too early before the connection is closed, as in Go's server.
const MAX_STRIKES: u32 = 2;

/// A connection under watch. Bytes pass unchanged.
pub(crate) struct Guarded {
    inner: Socket,
    spoke: Arc<AtomicBool>,
    inbound: Heads,
    outbound: Heads,
    strikes: Strikes,
    /// The last stream that the client has opened.
    last_stream: u32,
    /// Set once the client is sent away.
    farewell: Option<Farewell>,
}

impl Guarded {
    /// Watches a connection; a minimum of zero allows any number of pings.
    pub(crate) fn new(inner: Socket, min_time: Duration) -> Self {
        let watched = !min_time.is_zero();
        Self {
            inner,
            spoke: Arc::default(),
            inbound: Heads {
                preface: PREFACE.len(),
                on: watched,
                ..Heads::default()
            },
            outbound: Heads {
                on: watched,
                ..Heads::default()
            },
            strikes: Strikes {
                min_time,
                last: None,
                count: 0,
            },
            last_stream: 0,
            farewell: None,
        }
    }

    /// Set once the client has sent anything.
    pub(crate) fn spoke(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.spoke)
    }

    fn sent(&mut self, mut bytes: &[u8], written: usize) {
        bytes = &bytes[..written.min(bytes.len())];
        let mut answered = false;
        self.outbound
            .feed(bytes, |head| answered |= matches!(head.kind, DATA | HEADERS));
        if answered {
            self.strikes.forgive();
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(farewell) = &mut this.farewell {
            return farewell.poll(&mut this.inner, cx);
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        this.spoke.store(true, Ordering::Relaxed);
        let mut pings = 0;
        this.inbound.feed(&buf.filled()[before..], |head| match head.kind {
            PING => pings += u32::from(head.flags & ACK == 0),
            HEADERS => this.last_stream = this.last_stream.max(head.stream),
            _ => {}
        });
        if !this.inbound.on {
            // Not HTTP/2: nothing to look for on the way out either.
            this.outbound.on = false;
        }
        for _ in 0..pings {
            if this.strikes.ping(Instant::now()) {
                // In the middle of a frame nothing can be said; whoever gets there does not read anyway.
                let said = this.outbound.between_frames().then_some(this.last_stream);
                buf.set_filled(before);
                return this.farewell.insert(Farewell::new(said)).poll(&mut this.inner, cx);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.farewell.is_some() {
            return Poll::Ready(Ok(buf.len()));
        }
        let written = ready!(Pin::new(&mut this.inner).poll_write(cx, buf))?;
        this.sent(buf, written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.farewell.is_some() {
            return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
        }
        let written = ready!(Pin::new(&mut this.inner).poll_write_vectored(cx, bufs))?;
        let mut left = written;
        for buf in bufs {
            this.sent(buf, left);
            left = left.saturating_sub(buf.len());
        }
        Poll::Ready(Ok(written))
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

/// Sends a client away. What the library still writes meanwhile is dropped.
struct Farewell {
    /// What is still to be written.
    frame: Bytes,
    closed: bool,
    until: Pin<Box<Sleep>>,
}

impl Farewell {
    /// `last_stream` is the last that may have been answered; without it the connection ends without a word.
    fn new(last_stream: Option<u32>) -> Self {
        let mut frame = BytesMut::new();
        if let Some(last_stream) = last_stream {
            let head = Head {
                length: 4 + 4 + REASON.len(),
                kind: GOAWAY,
                flags: 0,
                stream: 0,
            };
            head.write(&mut frame);
            frame.put_u32(last_stream);
            frame.put_u32(ENHANCE_YOUR_CALM);
            frame.put_slice(REASON.as_bytes());
        }
        Self {
            frame: frame.freeze(),
            closed: false,
            until: Box::pin(tokio::time::sleep(GOING)),
        }
    }

    /// Says it, and waits for the client to close. Ends with an error, whatever happens.
    fn poll(&mut self, socket: &mut Socket, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gone = || Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, REASON)));
        if self.until.as_mut().poll(cx).is_ready() {
            return gone();
        }
        while !self.frame.is_empty() {
            match ready!(Pin::new(&mut *socket).poll_write(cx, &self.frame))? {
                0 => return gone(),
                written => self.frame.advance(written),
            }
        }
        if !self.closed {
            ready!(Pin::new(&mut *socket).poll_shutdown(cx))?;
            self.closed = true;
        }
        let mut bytes = [0; 1024];
        loop {
            let mut buf = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut *socket).poll_read(cx, &mut buf))?;
            if buf.filled().is_empty() {
                return gone();
            }
        }
    }
}

/// Finds the frame heads in one direction of an HTTP/2 connection.
#[derive(Default)]
struct Heads {
    on: bool,
    /// Bytes of the client's preface that are still to come.
    preface: usize,
    head: [u8; HEAD],
    held: usize,
    left: usize,
}

impl Heads {
    /// Whether a frame could begin now.
    const fn between_frames(&self) -> bool {
        self.left == 0 && self.held == 0
    }

    /// Reads a chunk; calls `frame` with the head of each frame that begins in it.
    fn feed(&mut self, mut chunk: &[u8], mut frame: impl FnMut(Head)) {
        while self.on && !chunk.is_empty() {
            if self.preface > 0 {
                let at = PREFACE.len() - self.preface;
                let length = self.preface.min(chunk.len());
                if chunk[..length] != PREFACE[at..at + length] {
                    self.on = false;
                    return;
                }
                self.preface -= length;
                chunk = &chunk[length..];
            } else if self.left > 0 {
                let skipped = self.left.min(chunk.len());
                self.left -= skipped;
                chunk = &chunk[skipped..];
            } else {
                let taken = (HEAD - self.held).min(chunk.len());
                self.head[self.held..self.held + taken].copy_from_slice(&chunk[..taken]);
                self.held += taken;
                chunk = &chunk[taken..];
                if self.held == HEAD {
                    let head = Head::read(self.head);
                    self.left = head.length;
                    self.held = 0;
                    frame(head);
                }
            }
        }
    }
}

/// Counts pings that came too early.
struct Strikes {
    min_time: Duration,
    last: Option<Instant>,
    count: u32,
}

impl Strikes {
    /// Whether this ping was one too many.
    fn ping(&mut self, now: Instant) -> bool {
        if self.last.is_some_and(|last| now.duration_since(last) < self.min_time) {
            self.count += 1;
        }
        self.last = Some(now);
        self.count > MAX_STRIKES
    }

    /// An answer went out: the client may ping again, it measures its bandwidth.
    const fn forgive(&mut self) {
        self.count = 0;
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping(flags: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, 8, PING, flags, 0, 0, 0, 0];
        frame.extend_from_slice(&[1; 8]);
        frame
    }

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let mut all = PREFACE.to_vec();
        all.extend(ping(0));
        all.extend(ping(ACK));
        all.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        for size in 1..all.len() {
            let mut heads = Heads {
                on: true,
                preface: PREFACE.len(),
                ..Heads::default()
            };
            let mut seen = Vec::new();
            for chunk in all.chunks(size) {
                heads.feed(chunk, |head| seen.push((head.kind, head.flags)));
            }
            assert_eq!(seen, [(PING, 0), (PING, ACK), (4, 0)], "chunks of {size}");
        }
    }

    #[test]
    fn http1_is_not_looked_at() {
        let mut heads = Heads {
            on: true,
            preface: PREFACE.len(),
            ..Heads::default()
        };
        heads.feed(b"GET /health HTTP/1.1\r\n\r\n", |_| panic!("not a frame"));
        assert!(!heads.on);
    }

    #[test]
    fn three_early_pings_are_too_many() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let strikes = || Strikes {
            min_time: 5 * second,
            last: None,
            count: 0,
        };
        let mut eager = strikes();
        assert_eq!(
            [0, 1, 2, 3].map(|n| eager.ping(start + n * second)),
            [false, false, false, true]
        );
        let mut patient = strikes();
        assert!((0..100).all(|n| !patient.ping(start + 5 * n * second)));
        let mut answered = strikes();
        for n in 0..100 {
            assert!(!answered.ping(start + n * second));
            answered.forgive();
        }
    }
}
