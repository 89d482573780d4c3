//! How far the caches are: one revision for all kinds of a store, since one watch feeds them all.

use std::time::Duration;

use tokio::sync::watch;

/// The revision of the store that all caches have taken in; 0 until they have one.
#[derive(Debug)]
pub struct Clock(watch::Sender<i64>);

/// The caches did not reach a revision in time; they are at this one.
#[derive(Debug, PartialEq, Eq)]
pub struct Behind(pub i64);

impl Default for Clock {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Clock {
    /// The revision.
    pub fn now(&self) -> i64 {
        *self.0.borrow()
    }

    /// All caches have what the store had at a revision. It never goes back while the store does not.
    pub fn set(&self, revision: i64) {
        self.0.send_replace(revision);
    }

    /// Waits until the caches have what the store had at a revision.
    ///
    /// # Errors
    /// They do not within this time.
    pub async fn reaches(&self, revision: i64, within: Duration) -> Result<(), Behind> {
        let mut at = self.0.subscribe();
        let reached = at.wait_for(|now| *now >= revision && *now > 0);
        match tokio::time::timeout(within, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Behind(self.now())),
        }
    }
}
