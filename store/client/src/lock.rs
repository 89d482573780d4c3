//! A lock that dies with its holder's session, and a token that keeps late writes of a former holder out.

use bytes::Bytes;

use crate::op::{Compare, Txn};
use crate::place::{Place, prefix};
use crate::{Client, Error, Result, Session};

/// A lock, named alike by all who want it. `etcdctl lock` and upstream's `concurrency.Mutex` queue with it.
#[derive(Clone, Debug)]
pub struct Lock {
    session: Session,
    name: String,
}

impl Lock {
    /// The lock of this name, to be held by this session.
    #[must_use]
    pub fn new(session: &Session, name: impl Into<String>) -> Self {
        Self {
            session: session.clone(),
            name: name.into(),
        }
    }

    /// Waits until the lock is free and takes it. Whoever stops waiting leaves the queue.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if the session ends first; any refusal of the store.
    pub async fn acquire(&self) -> Result<Guard> {
        let prefix = prefix(&self.name);
        let (entered, waiting) = Place::enter(&self.session, &prefix, Bytes::new()).await?;
        let guard = Guard {
            session: self.session.clone(),
            name: self.name.clone(),
            place: entered.place,
        };
        guard.place.wait(&self.session, &prefix).await?;
        // The wait may have been long, and the lease over before we noticed.
        if !guard.check().await? {
            return Err(Error::LeaseLost(self.session.lease()));
        }
        waiting.keep();
        Ok(guard)
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn try_acquire(&self) -> Result<Option<Guard>> {
        let (entered, waiting) = Place::enter(&self.session, &prefix(&self.name), Bytes::new()).await?;
        let is_first = entered
            .first
            .is_none_or(|first| first.create_revision == entered.place.create_revision);
        if !is_first {
            waiting.leave().await?;
            return Ok(None);
        }
        waiting.keep();
        Ok(Some(Guard {
            session: self.session.clone(),
            name: self.name.clone(),
            place: entered.place,
        }))
    }
}

/// A lock that is held, as far as its session lives. Dropping it does not free the lock: [`Guard::release`] does, or
/// the end of the session.
#[derive(Clone, Debug)]
pub struct Guard {
    session: Session,
    name: String,
    place: Place,
}

impl Guard {
    /// The fencing token: greater for every later holder. A resource that remembers the greatest it has seen can turn
    /// away a holder who does not know that the lock was lost.
    #[must_use]
    pub const fn token(&self) -> i64 {
        self.place.create_revision
    }

    /// The key that is the lock.
    #[must_use]
    pub const fn key(&self) -> &Bytes {
        &self.place.key
    }

    /// A condition for transactions that must happen only under the lock.
    #[must_use]
    pub fn fence(&self) -> Compare {
        self.place.is_held()
    }

    /// Asks the store whether the lock is still held.
    ///
    /// # Errors
    /// No usable endpoint in time: the lock may be held or not.
    pub async fn check(&self) -> Result<bool> {
        if self.session.is_lost() {
            return Ok(false);
        }
        Ok(self.client().txn(Txn::new().when(self.fence())).await?.succeeded)
    }

    /// Runs a transaction if, and only if, the lock is still held.
    ///
    /// # Errors
    /// [`Error::NotHolder`] if not, and the transaction did nothing. It must have no conditions and no other branch
    /// of its own, since one could not tell which condition failed.
    pub async fn txn(&self, txn: Txn) -> Result<crate::TxnAnswer> {
        let answer = self.client().txn(txn.when(self.fence())).await?;
        if answer.succeeded {
            Ok(answer)
        } else {
            Err(Error::NotHolder(self.name.clone()))
        }
    }

    /// Frees the lock.
    ///
    /// # Errors
    /// Any refusal of the store; the lock is then freed at the end of the session.
    pub async fn release(self) -> Result<()> {
        self.place.leave(self.client()).await
    }

    const fn client(&self) -> &Client {
        self.session.client()
    }
}
