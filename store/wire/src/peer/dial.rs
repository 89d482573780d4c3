//! Connections to one member: each of its URLs in turn, TLS where the URL says so, a rest after failures.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use base::tls::ClientTls;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use prometheus::IntCounter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::address::{Address, Socket};

/// The first rest after a failure; it doubles up to the longest. Short: consensus waits for the member meanwhile.
const FIRST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(1);

/// No connection came about, so nothing of the call was sent.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreached(String);

/// Opens connections to one member. Clones share what they learn.
#[derive(Clone)]
pub(crate) struct Dialer {
    urls: Arc<[String]>,
    tls: Option<ClientTls>,
    timeout: Duration,
    /// Bytes written and read on all connections.
    meters: (IntCounter, IntCounter),
    first: Arc<AtomicUsize>,
    failures: Arc<Mutex<Failures>>,
}

#[derive(Default)]
struct Failures {
    count: u32,
    rest_until: Option<Instant>,
    last: Option<Unreached>,
}

impl Dialer {
    pub(crate) fn new(
        urls: &[String],
        tls: Option<ClientTls>,
        timeout: Duration,
        meters: (IntCounter, IntCounter),
    ) -> Self {
        Self {
            urls: urls.into(),
            tls,
            timeout,
            meters,
            first: Arc::default(),
            failures: Arc::default(),
        }
    }

    /// A connection to the first URL that answers, beginning with the one that did last.
    pub(crate) async fn dial(self) -> Result<TokioIo<Metered>, Unreached> {
        if let Some(resting) = self.resting() {
            return Err(resting);
        }
        let first = self.first.load(Ordering::Relaxed);
        let mut last = Unreached("the member has no peer URL".to_owned());
        for step in 0..self.urls.len() {
            let index = (first + step) % self.urls.len();
            match self.connect(&self.urls[index]).await {
                Ok(socket) => {
                    self.first.store(index, Ordering::Relaxed);
                    *self.failures.lock() = Failures::default();
                    return Ok(TokioIo::new(Metered {
                        inner: socket,
                        meters: self.meters,
                    }));
                }
                Err(unreached) => last = unreached,
            }
        }
        self.failed(last.clone());
        Err(last)
    }

    async fn connect(&self, url: &str) -> Result<Socket, Unreached> {
        let failed = |why: &dyn std::fmt::Display| Unreached(format!("{url}: {why}"));
        let address = Address::parse(url).map_err(|error| failed(&error))?;
        let connected = async {
            let socket = address.dial().await.map_err(|error| failed(&error))?;
            if !address.secure {
                return Ok(socket);
            }
            let tls = self
                .tls
                .as_ref()
                .ok_or_else(|| failed(&"no peer certificate is configured"))?;
            let stream = tls
                .connect(address.host(), socket)
                .await
                .map_err(|error| failed(&error))?;
            Ok(Box::new(stream) as Socket)
        };
        match tokio::time::timeout(self.timeout, connected).await {
            Ok(connected) => connected,
            Err(_) => Err(failed(&"timed out")),
        }
    }

    fn resting(&self) -> Option<Unreached> {
        let failures = self.failures.lock();
        failures
            .rest_until
            .filter(|until| Instant::now() < *until)
            .and_then(|_| failures.last.clone())
    }

    fn failed(&self, unreached: Unreached) {
        let mut failures = self.failures.lock();
        let rest = FIRST_REST.saturating_mul(1 << failures.count.min(8)).min(LONGEST_REST);
        failures.count = failures.count.saturating_add(1);
        failures.rest_until = Some(Instant::now() + rest);
        failures.last = Some(unreached);
    }
}

/// A connection whose bytes are counted.
pub(crate) struct Metered {
    inner: Socket,
    meters: (IntCounter, IntCounter),
}

impl AsyncRead for Metered {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        this.meters.1.inc_by((buf.filled().len() - before) as u64);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.inner).poll_write(cx, buf))?;
        this.meters.0.inc_by(written as u64);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.inner).poll_write_vectored(cx, bufs))?;
        this.meters.0.inc_by(written as u64);
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
