//! Bytes in both directions, until either side ends.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};

/// Bytes at once; Go's.
pub(super) const PIECE: usize = 32 * 1024;
/// A side that does not take its end in this time is dropped.
const END: Duration = Duration::from_secs(10);

/// Hands bytes through until one side ends, then ends the other. With a limit, so many bytes a second pass in a direction.
pub(super) async fn pump<A, B>(client: A, backend: B, limit: u64)
where
    A: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let (mut from_client, mut to_client) = split(client);
    let (mut from_backend, mut to_backend) = split(backend);
    let ended = tokio::select! {
        ended = copy(&mut from_client, &mut to_backend, limit) => ended,
        ended = copy(&mut from_backend, &mut to_client, limit) => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
    // Whoever is gone by now needs no end.
    let _ = tokio::time::timeout(END, async {
        let _ = tokio::join!(to_client.shutdown(), to_backend.shutdown());
    })
    .await;
}

async fn copy<A, B>(from: &mut ReadHalf<A>, to: &mut WriteHalf<B>, limit: u64) -> io::Result<()>
where
    A: AsyncRead,
    B: AsyncWrite,
{
    let mut buffer = vec![0; PIECE];
    let mut pace = Pace::new(limit);
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..read]).await?;
        to.flush().await?;
        pace.moved(read).await;
    }
}

/// How fast bytes may pass.
pub(super) struct Pace {
    limit: u64,
    moved: u64,
    since: Instant,
}

impl Pace {
    /// So many bytes a second; 0 for any number.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            moved: 0,
            since: Instant::now(),
        }
    }

    /// Waits until so many more bytes may have passed.
    pub(super) async fn moved(&mut self, bytes: usize) {
        if self.limit == 0 {
            return;
        }
        self.moved += bytes as u64;
        if let Some(ahead) = self.due().checked_sub(self.since.elapsed()) {
            tokio::time::sleep(ahead).await;
        } else {
            // Nothing is saved up while nothing passes.
            self.moved = 0;
            self.since = Instant::now();
        }
    }

    fn due(&self) -> Duration {
        Duration::from_millis(self.moved.saturating_mul(1000) / self.limit)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::{Pace, pump};

    #[tokio::test]
    async fn all_passes_in_both_directions_until_one_side_ends() {
        let (client, client_end) = duplex(7);
        let (backend, backend_end) = duplex(7);
        let pumped = pump(client_end, backend_end, 0);
        let spoken = async {
            let (mut from, mut to) = tokio::io::split(client);
            let (mut backend_from, mut backend_to) = tokio::io::split(backend);
            let mut heard = [0; 20];
            to.write_all(b"all that was written").await.unwrap();
            backend_from.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"all that was written");
            backend_to.write_all(b"and what was said").await.unwrap();
            let mut heard = [0; 17];
            from.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"and what was said");
            // The backend ends: so does the client, though it says nothing.
            drop(backend_from);
            drop(backend_to);
            assert_eq!(from.read(&mut heard).await.unwrap(), 0);
        };
        tokio::join!(
            async {
                tokio::task::yield_now().await;
                pumped.await;
            },
            spoken
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_is_kept_over_time() {
        let before = tokio::time::Instant::now();
        let mut pace = Pace::new(1000);
        pace.moved(500).await;
        pace.moved(1500).await;
        assert_eq!(pace.due().as_millis(), 2000);
        assert!(before.elapsed().as_millis() >= 2000);
    }
}
