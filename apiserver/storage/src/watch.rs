//! Watches: what is there at first where that is asked for, then what happens, in order and without a gap.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use apiserver_api::status::{Reason, Status};

use crate::cache::{Cursor, Forgotten};
use crate::error::Error;
use crate::frame::Told;
use crate::object::{Change, Object};
use crate::select::Select;
use crate::shelf::Shelf;
use crate::store::Store;

/// Changes that are read at once.
const BATCH: usize = 256;

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// With what happens after a revision.
    After(i64),
    /// With what happens after the newest revision.
    Newest,
    /// With all objects that are there: at least as new as a revision, or the newest where there is none.
    Initial(Option<i64>),
}

/// A watch. It holds a place in the history, nothing that grows.
pub struct Watching {
    shelf: Arc<Shelf>,
    select: Select,
    cursor: Cursor,
    /// What is told is newer than this.
    after: i64,
    initial: VecDeque<Arc<Object>>,
    /// The revision of what was there at first, to be told when all of it was.
    begun: Option<i64>,
}

/// Something to tell.
#[derive(Debug)]
pub enum Event {
    /// An object that is there at the beginning.
    Initial(Arc<Object>),
    /// All that was there at the beginning was told; it was of this revision.
    Begun(i64),
    /// Something happened.
    Change(Told, Arc<Change>),
}

/// A watch that cannot go on: it was so slow that what it had to be told is forgotten, or the cache began anew.
#[derive(Debug, PartialEq, Eq)]
pub struct Lost;

/// A watch that did not begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The request is answered with this.
    Plain(Status),
    /// The request is answered as if it had begun, and this is all that the watch tells.
    Told(Status),
}

/// Where nothing else is said.
impl std::convert::From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self::Plain(status)
    }
}

impl Shelf {
    /// Begins a watch. The store has so long to say which revision is the newest, where that is asked for.
    ///
    /// # Errors
    /// 429 where the caches were not filled yet. Told are 410 where the revision is forgotten, 504 where it is not there yet,
    /// and what kept the store from answering.
    pub async fn watch(
        self: &Arc<Self>,
        store: &Store,
        select: Select,
        from: From,
        within: Duration,
    ) -> Result<Watching, Refused> {
        store.reaches(1).await.map_err(|error| Refused::Plain(error.into()))?;
        match from {
            From::After(revision) => self.after(select, revision),
            From::Newest => self.after(select, newest(store, within).await?),
            From::Initial(revision) => {
                let revision = match revision {
                    Some(revision) => revision.max(1),
                    None => newest(store, within).await?,
                };
                self.reaches(store, revision).await.map_err(told)?;
                self.initial(select)
            }
        }
    }

    fn after(self: &Arc<Self>, select: Select, revision: i64) -> Result<Watching, Refused> {
        let cursor = self.cache().watch(select.lane(), revision);
        let cursor = cursor.map_err(|Forgotten(oldest)| Refused::Told(too_old(revision, oldest)))?;
        Ok(self.watching(select, cursor, revision, VecDeque::new(), None))
    }

    fn initial(self: &Arc<Self>, select: Select) -> Result<Watching, Refused> {
        let (snapshot, cursor) = self.cache().snapshot_and_watch(select.lane());
        let revision = snapshot.revision();
        let cursor = cursor.ok_or_else(|| Refused::Told(too_old(revision, revision)))?;
        let prefix = self.keys(&select.namespace);
        let initial = snapshot.from(&prefix, None);
        let initial: VecDeque<_> = initial
            .filter(|object| select.matches(&object.index))
            .cloned()
            .collect();
        if !initial.is_empty() {
            self.counts().cache.initial.get().inc_by(initial.len() as u64);
        }
        Ok(self.watching(select, cursor, 0, initial, Some(revision)))
    }

    fn watching(
        self: &Arc<Self>,
        select: Select,
        cursor: Cursor,
        after: i64,
        initial: VecDeque<Arc<Object>>,
        begun: Option<i64>,
    ) -> Watching {
        Watching {
            shelf: self.clone(),
            select,
            cursor,
            after,
            initial,
            begun,
        }
    }
}

/// The newest revision that the store has. Upstream's words where it does not say so in time.
async fn newest(store: &Store, within: Duration) -> Result<i64, Refused> {
    let revision = tokio::time::timeout(within, store.revision()).await;
    let late = Status::new(500, Reason::InternalError, "context deadline exceeded");
    revision.map_err(|_| Refused::Told(late))?.map_err(told)
}

/// What a watch tells of an error; upstream gives a reason to those that have none elsewhere.
fn told(error: Error) -> Refused {
    let mut status: Status = error.into();
    if status.reason == Reason::Unknown {
        status.reason = Reason::InternalError;
    }
    Refused::Told(status)
}

/// 410: what happened after a revision is not known any more.
fn too_old(asked: i64, oldest: i64) -> Status {
    let message = format!("too old resource version: {asked} ({oldest})");
    Status::new(410, Reason::Expired, message)
}

impl Watching {
    /// What there is to tell now; nothing where nothing happened.
    ///
    /// # Errors
    /// [`Lost`].
    pub fn ready(&mut self) -> Result<Vec<Event>, Lost> {
        if !self.initial.is_empty() {
            let some = self.initial.len().min(BATCH);
            return Ok(self.initial.drain(..some).map(Event::Initial).collect());
        }
        if let Some(revision) = self.begun.take() {
            return Ok(vec![Event::Begun(revision)]);
        }
        loop {
            let read = self.shelf.cache().read(&mut self.cursor, BATCH);
            let changes = read.map_err(|_| {
                self.shelf.counts().cache.terminated.get().inc();
                Lost
            })?;
            if changes.is_empty() {
                return Ok(Vec::new());
            }
            let events: Vec<_> = changes.into_iter().filter_map(|change| self.see(change)).collect();
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    fn see(&self, change: Arc<Change>) -> Option<Event> {
        if change.revision <= self.after {
            return None;
        }
        let told = change.told(|index| self.select.matches(index))?;
        Some(Event::Change(told, change))
    }

    /// Waits until something may have happened.
    pub async fn news(&mut self) {
        self.cursor.news().await;
    }

    /// Everything up to this revision was told, where [`Watching::ready`] finds nothing more after it was read.
    pub fn revision(&self) -> i64 {
        self.shelf.cache().clock().now()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use apiserver_api::status::{Reason, Status};
    use base::task::Tasks;
    use tokio::time::Instant;

    use super::{Event, From, Refused};
    use crate::select::Select;
    use crate::testing;

    const WITHIN: Duration = Duration::from_secs(3);
    const LONGER: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_is_refused_before_there_is_a_cache_is_answered_so() {
        let tasks = Tasks::new();
        let (store, shelf) = testing::store(LONGER, &tasks);
        let watching = shelf.watch(&store, Select::namespace(""), From::Initial(None), WITHIN);
        let refused = watching.await.err();
        assert!(
            matches!(&refused, Some(Refused::Plain(status)) if status.code == 429),
            "{refused:?}"
        );
        tasks.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_else_keeps_a_watch_from_beginning_is_told_by_it() {
        let tasks = Tasks::new();
        let (store, shelf) = testing::store(LONGER, &tasks);
        shelf.cache().replace(5, [testing::object("a", 3)]);
        store.clock().set(5);
        let deadline = Status::new(500, Reason::InternalError, "context deadline exceeded");
        for (from, expected) in [
            (From::Initial(Some(9)), Status::too_large_resource_version(9, 5, 1)),
            (From::After(4), Status::expired("too old resource version: 4 (5)")),
            (From::Initial(None), deadline.clone()),
            (From::Newest, deadline),
        ] {
            let began = Instant::now();
            let watching = shelf.watch(&store, Select::namespace(""), from, WITHIN).await;
            assert_eq!(watching.err(), Some(Refused::Told(expected)), "{from:?}");
            assert!(
                began.elapsed() <= WITHIN + Duration::from_millis(1),
                "{:?}",
                began.elapsed()
            );
        }
        tasks.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_compacted_is_told_by_watches_all_the_same() {
        let tasks = Tasks::new();
        let (store, shelf) = testing::store(LONGER, &tasks);
        shelf.cache().replace(5, []);
        shelf.cache().apply([testing::put("a", 6), testing::put("b", 7)]);
        store.clock().set(7);
        store.forget(7);
        let watching = shelf.watch(&store, Select::namespace(""), From::After(5), WITHIN);
        let events = watching.await.ok().unwrap().ready().unwrap();
        let revisions: Vec<_> = events
            .iter()
            .map(|event| match event {
                Event::Change(_, change) => change.revision,
                _ => 0,
            })
            .collect();
        assert_eq!(revisions, [6, 7]);
        tasks.shutdown().await;
    }
}
