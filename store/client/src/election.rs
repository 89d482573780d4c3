//! Leader election among clients: who came first leads until its session ends or it resigns.

use bytes::Bytes;
use proto::mvcc::{KeyValue, event::EventType};

use crate::op::{Compare, Get, Put, Txn};
use crate::place::{Place, prefix};
use crate::watch::{Watch, Watcher};
use crate::{Client, Error, Result, Session};

/// An election, named alike by all candidates. `etcdctl elect` and upstream's `concurrency.Election` take part in it.
#[derive(Clone, Debug)]
pub struct Election {
    session: Session,
    name: String,
}

impl Election {
    /// The election of this name, with this session as the candidate's.
    #[must_use]
    pub fn new(session: &Session, name: impl Into<String>) -> Self {
        Self {
            session: session.clone(),
            name: name.into(),
        }
    }

    /// Waits to be elected; others will see this value. Whoever stops waiting is no candidate any more.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if the session ends first; any refusal of the store.
    pub async fn campaign(&self, value: impl Into<Bytes>) -> Result<Leadership> {
        let (prefix, value) = (prefix(&self.name), value.into());
        let (entered, waiting) = Place::enter(&self.session, &prefix, value.clone()).await?;
        let client = self.session.client().clone();
        let leadership = Leadership {
            client,
            name: self.name.clone(),
            place: entered.place,
        };
        if entered.before.is_some_and(|kv| kv.value != value) {
            leadership.proclaim(value).await?;
        }
        leadership.place.wait(&self.session, &prefix).await?;
        if !leadership.check().await? {
            return Err(Error::LeaseLost(self.session.lease()));
        }
        waiting.keep();
        Ok(leadership)
    }

    /// Who leads now: its key, and the value it proclaimed.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn leader(&self) -> Result<Option<KeyValue>> {
        Ok(self
            .session
            .client()
            .get(Get::prefix(prefix(&self.name)).first_created())
            .await?
            .kvs
            .pop())
    }

    /// Follows who leads and what the leader proclaims.
    #[must_use]
    pub fn observe(&self) -> Observer {
        Observer {
            client: self.session.client().clone(),
            prefix: prefix(&self.name),
            following: None,
        }
    }
}

/// The right to lead, as far as the session lives.
#[derive(Clone, Debug)]
pub struct Leadership {
    client: Client,
    name: String,
    place: Place,
}

impl Leadership {
    /// The fencing token: greater for every later leader.
    #[must_use]
    pub const fn token(&self) -> i64 {
        self.place.create_revision
    }

    /// The leader's key.
    #[must_use]
    pub const fn key(&self) -> &Bytes {
        &self.place.key
    }

    /// A condition for transactions that must happen only under this leader.
    #[must_use]
    pub fn fence(&self) -> Compare {
        self.place.is_held()
    }

    /// Asks the store whether this leader still leads.
    ///
    /// # Errors
    /// No usable endpoint in time.
    pub async fn check(&self) -> Result<bool> {
        Ok(self.client.txn(Txn::new().when(self.fence())).await?.succeeded)
    }

    /// Lets all observers see another value.
    ///
    /// # Errors
    /// [`Error::NotHolder`] if another leads by now.
    pub async fn proclaim(&self, value: impl Into<Bytes>) -> Result<()> {
        let put = Put::new(self.place.key.clone(), value).ignore_lease();
        let answer = self.client.txn(Txn::new().when(self.fence()).then(put)).await?;
        if answer.succeeded {
            Ok(())
        } else {
            Err(Error::NotHolder(self.name.clone()))
        }
    }

    /// Lets the next candidate lead.
    ///
    /// # Errors
    /// Any refusal of the store; the leadership then ends with the session.
    pub async fn resign(self) -> Result<()> {
        self.place.leave(&self.client).await
    }
}

/// Sees every leader and what it proclaims; what is overtaken by something newer may be left out.
pub struct Observer {
    client: Client,
    prefix: String,
    following: Option<Watcher>,
}

impl Observer {
    /// The next leader, or the next thing that the leader proclaims. Waits while there is none.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn next(&mut self) -> Result<KeyValue> {
        loop {
            let Some(watcher) = &mut self.following else {
                return self.find().await;
            };
            let events = match watcher.next().await {
                Ok(update) => update.events,
                Err(Error::Compacted { .. }) => {
                    self.following = None;
                    continue;
                }
                Err(error) => return Err(error),
            };
            // Several may come at once: the last one counts, and after the end of this leader the next is looked for.
            let mut latest = None;
            for event in events {
                if event.r#type() == EventType::Delete {
                    self.following = None;
                } else {
                    latest = event.kv;
                }
            }
            if let Some(kv) = latest {
                return Ok(kv);
            }
        }
    }

    /// Finds the leader, waiting for one, and follows its key.
    async fn find(&mut self) -> Result<KeyValue> {
        loop {
            let page = self
                .client
                .get(Get::prefix(self.prefix.clone()).first_created())
                .await?;
            let next = page.revision + 1;
            if let Some(leader) = page.kvs.into_iter().next() {
                let watcher = self
                    .client
                    .watch(Watch::new(leader.key.clone()).from_revision(next))
                    .await?;
                self.following = Some(watcher);
                return Ok(leader);
            }
            let arrivals = Watch::prefix(self.prefix.clone()).from_revision(next).without_deletes();
            match self.client.watch(arrivals).await?.next().await {
                Ok(_) | Err(Error::Compacted { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
