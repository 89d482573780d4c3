//! A session: a lease that is kept alive, so that what it holds dies with its process.

use std::time::Duration;

use crate::lease::KeepAlive;
use crate::{Client, Error, Result};

/// Holds locks and leads elections until it ends.
///
/// When it is dropped nobody renews the lease, so it ends by itself after the TTL; [`Session::close`] ends it at once.
#[derive(Clone, Debug)]
pub struct Session {
    client: Client,
    alive: KeepAlive,
}

impl Session {
    /// Begins a session that outlives a silence of this length.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn start(client: &Client, ttl: Duration) -> Result<Self> {
        let lease = client.grant(ttl).await?.id;
        Self::with_lease(client, lease).await
    }

    /// A session on a lease that exists.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if there is no such lease.
    pub async fn with_lease(client: &Client, lease: i64) -> Result<Self> {
        let mut alive = client.keep_alive(lease).await?;
        alive.renewed().await?;
        Ok(Self {
            client: client.clone(),
            alive,
        })
    }

    /// The lease.
    #[must_use]
    pub const fn lease(&self) -> i64 {
        self.alive.id()
    }

    /// The client it was started with.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until the session is over, or may be. Whatever it held must not be used after this.
    pub async fn lost(&self) {
        self.alive.lost().await;
    }

    /// Whether the session is over, or may be.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.alive.is_lost()
    }

    /// [`Error::LeaseLost`] if the session is over.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_lost() {
            Err(Error::LeaseLost(self.lease()))
        } else {
            Ok(())
        }
    }

    /// Ends the session at once, and with it everything it holds.
    ///
    /// # Errors
    /// Any refusal of the store. The lease then ends by itself.
    pub async fn close(self) -> Result<()> {
        let (client, lease) = (self.client.clone(), self.lease());
        drop(self);
        client.revoke(lease).await
    }
}
