//! Watches: what is there at first where that is asked for, then what happens, in order and without a gap.

use std::collections::VecDeque;
use std::sync::Arc;

use apiserver_api::status::{Reason, Status};

use crate::cache::{Cursor, Forgotten};
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

impl Shelf {
    /// Begins a watch.
    ///
    /// # Errors
    /// 410 where the revision is forgotten, or what kept the store from answering.
    pub async fn watch(self: &Arc<Self>, store: &Store, select: Select, from: From) -> Result<Watching, Status> {
        let lane = select.lane();
        match from {
            From::After(revision) => {
                store.reaches(1).await?;
                let cursor = self.cache().watch(lane, revision);
                let cursor = cursor.map_err(|Forgotten(oldest)| too_old(revision, oldest))?;
                Ok(self.watching(select, cursor, revision, VecDeque::new(), None))
            }
            From::Initial(revision) => {
                match revision {
                    Some(revision) => self.reaches(store, revision.max(1)).await?,
                    None => self.is_fresh(store).await?,
                }
                let (snapshot, cursor) = self.cache().snapshot_and_watch(lane);
                let Some(cursor) = cursor else {
                    return Err(too_old(snapshot.revision(), snapshot.revision()));
                };
                let prefix = self.keys(&select.namespace);
                let initial = snapshot.from(&prefix, None);
                let initial: VecDeque<_> = initial
                    .filter(|object| select.matches(&object.index))
                    .cloned()
                    .collect();
                if !initial.is_empty() {
                    self.counts().cache.initial.get().inc_by(initial.len() as u64);
                }
                let revision = snapshot.revision();
                Ok(self.watching(select, cursor, 0, initial, Some(revision)))
            }
        }
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

/// 410: what happened after a revision is not known any more.
pub fn too_old(asked: i64, oldest: i64) -> Status {
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
