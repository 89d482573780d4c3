//! What an operator does to a running cluster now and then.

use std::time::Duration;

use anyhow::Context;
use proto::fault::Fault;
use tokio::time::timeout;

use super::Cluster;

/// Nothing of it takes longer on the small stores of a test, unless there is a fault.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many revisions stay readable.
const KEPT: i64 = 50;

/// Hears of a revision.
pub(super) type Hears = Box<dyn Fn(i64) + Send + Sync>;

impl Cluster {
    /// Tells somebody of each revision before which the store is asked to forget, before it is asked. Only the first who
    /// wants to know is told.
    pub(crate) fn tell_compactions(&self, hears: impl Fn(i64) + Send + Sync + 'static) {
        self.compactions.get_or_init(|| Box::new(hears));
    }

    /// Forgets history but for the last revisions; the oldest that stays readable.
    ///
    /// # Errors
    /// No member answers, or the store refuses.
    pub(crate) async fn compact(&self) -> anyhow::Result<i64> {
        let revision = (self.revision().await? - KEPT).max(1);
        if let Some(hears) = self.compactions.get() {
            hears(revision);
        }
        let compacted = timeout(PATIENCE, self.admin.compact(revision, false)).await;
        match compacted.context("no answer in time")? {
            Ok(()) => Ok(revision),
            // Somebody else did it.
            Err(error) if error.fault() == Some(Fault::Compacted) => Ok(revision),
            Err(error) => Err(error.into()),
        }
    }

    /// Has the member of a node give back unused space.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub(crate) async fn defragment(&self, node: usize) -> anyhow::Result<()> {
        let done = timeout(PATIENCE, self.clients[node].defragment()).await;
        Ok(done.context("no answer in time")??)
    }

    /// Reads a snapshot from the member of a node; its bytes.
    ///
    /// # Errors
    /// It does not answer, or the stream breaks.
    pub(crate) async fn snapshot(&self, node: usize) -> anyhow::Result<u64> {
        let read = async {
            let mut stream = self.clients[node].snapshot().await?;
            let mut bytes = 0;
            while let Some(piece) = stream.next().await? {
                bytes += piece.len() as u64;
            }
            Ok::<u64, store_client::Error>(bytes)
        };
        Ok(timeout(PATIENCE, read).await.context("no answer in time")??)
    }
}
