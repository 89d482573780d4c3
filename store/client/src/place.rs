//! A place in a queue of keys: who came first holds the lock, or leads. The layout is that of upstream's
//! `concurrency` package, so both may queue for the same thing.

use bytes::Bytes;
use proto::mvcc::{KeyValue, event::EventType};
use tokio::sync::oneshot;

use crate::op::{Compare, Delete, Get, Is, Put, Span, Txn};
use crate::watch::Watch;
use crate::{Client, Error, Result, Session};

/// A key under a prefix that its session's lease keeps, with the revision at which it came to be.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) key: Bytes,
    /// Grows from holder to holder: what is written with a smaller one is out of date.
    pub(crate) create_revision: i64,
}

/// A place that was taken, and who is first in the queue.
pub(crate) struct Entered {
    pub(crate) place: Place,
    pub(crate) first: Option<KeyValue>,
    /// Whether the key was there before, with its value at that time.
    pub(crate) before: Option<KeyValue>,
}

/// The prefix under which the places for `name` are.
pub(crate) fn prefix(name: &str) -> String {
    format!("{name}/")
}

impl Place {
    /// Queues up. A session that already is in the queue keeps its place.
    ///
    /// Whoever stops waiting, at any point, leaves the queue: so the place is taken by a task of its own, which cannot
    /// be stopped half way, and comes with the guard that gives it up.
    pub(crate) async fn enter(session: &Session, prefix: &str, value: Bytes) -> Result<(Entered, Waiting)> {
        session.check()?;
        let (sender, entered) = oneshot::channel();
        let (session, prefix) = (session.clone(), prefix.to_owned());
        session
            .client()
            .inner
            .tasks
            .clone()
            .spawn("client-enter-queue", async move {
                let entered = Self::take(&session, &prefix, value).await.map(|entered| {
                    let place = entered.before.is_none().then(|| entered.place.clone());
                    (
                        entered,
                        Waiting {
                            client: session.client().clone(),
                            place,
                        },
                    )
                });
                // If nobody waits for it any more, the guard gives the place up as it is dropped.
                drop(sender.send(entered));
            });
        entered.await.map_err(|_| Error::Closed)?
    }

    async fn take(session: &Session, prefix: &str, value: Bytes) -> Result<Entered> {
        let key = Bytes::from(format!("{prefix}{:x}", session.lease()));
        let first = || Get::prefix(prefix.to_owned()).first_created();
        let txn = Txn::new()
            .when(Compare::missing(key.clone()))
            .then(Put::new(key.clone(), value).lease(session.lease()))
            .then(first())
            .or_else(Get::new(key.clone()))
            .or_else(first());
        let answer = session.client().txn(txn).await?;
        let before = if answer.succeeded {
            None
        } else {
            answer.page(0)?.kvs.pop()
        };
        let create_revision = before.as_ref().map_or(answer.revision, |kv| kv.create_revision);
        let first = answer.page(1)?.kvs.pop();
        Ok(Entered {
            place: Self { key, create_revision },
            first,
            before,
        })
    }

    /// Waits until everybody who came earlier has left, or the session is over.
    pub(crate) async fn wait(&self, session: &Session, prefix: &str) -> Result<()> {
        tokio::select! {
            () = session.lost() => Err(Error::LeaseLost(session.lease())),
            left = self.wait_for_others(session.client(), prefix) => left,
        }
    }

    async fn wait_for_others(&self, client: &Client, prefix: &str) -> Result<()> {
        loop {
            let before = Get::prefix(prefix.to_owned())
                .last_created()
                .max_create_revision(self.create_revision - 1);
            let page = client.get(before.keys_only()).await?;
            let Some(ahead) = page.kvs.first() else { return Ok(()) };
            match deleted(client, ahead.key.clone(), page.revision + 1).await {
                // The history was compacted meanwhile: look again who is ahead.
                Ok(()) | Err(Error::Compacted { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the place is still held.
    pub(crate) fn is_held(&self) -> Compare {
        Compare::create_revision(self.key.clone(), Is::Equal, self.create_revision)
    }

    /// Gives the place up. Nothing is done if it is not held any more.
    pub(crate) async fn leave(&self, client: &Client) -> Result<()> {
        client
            .txn(
                Txn::new()
                    .when(self.is_held())
                    .then(Delete::new(Span::key(self.key.clone()))),
            )
            .await?;
        Ok(())
    }
}

/// Waits until a key is deleted.
async fn deleted(client: &Client, key: Bytes, from_revision: i64) -> Result<()> {
    let mut watcher = client
        .watch(Watch::new(key).from_revision(from_revision).without_puts())
        .await?;
    loop {
        if watcher
            .next()
            .await?
            .events
            .iter()
            .any(|event| event.r#type() == EventType::Delete)
        {
            return Ok(());
        }
    }
}

/// Leaves the queue if whoever waits in it stops to wait.
pub(crate) struct Waiting {
    client: Client,
    /// None if the place is to be kept, or was the session's before.
    place: Option<Place>,
}

impl Waiting {
    /// The turn has come: the place is kept.
    pub(crate) fn keep(mut self) {
        self.place = None;
    }

    /// Leaves the queue, and returns when that is done.
    pub(crate) async fn leave(mut self) -> Result<()> {
        match self.place.take() {
            Some(place) => place.leave(&self.client).await,
            None => Ok(()),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else { return };
        let client = self.client.clone();
        self.client.inner.tasks.spawn("client-leave-queue", async move {
            if let Err(error) = place.leave(&client).await {
                tracing::debug!(%error, "a place in a queue is left to the lease");
            }
        });
    }
}
