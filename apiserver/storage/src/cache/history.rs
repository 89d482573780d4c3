//! What happened to the objects of a kind, as far back as memory allows: one ring, and a lane for each selector that many
//! watch by.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use apiserver_api::tree::Text;
use tokio::sync::watch;

use crate::object::{Change, Index, Object};

/// What sets the watchers of one lane apart: changes that do not have it are none of their business.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// The objects of a namespace.
    Namespace(Text),
    /// One object: its namespace and name.
    Name(Text, Text),
    /// A selectable field, by its place, with this value.
    Field(usize, Text),
}

impl Key {
    /// Whether an object has it.
    pub fn fits(&self, index: &Index) -> bool {
        match self {
            Self::Namespace(namespace) => index.namespace == *namespace,
            Self::Name(namespace, name) => index.name == *name && index.namespace == *namespace,
            Self::Field(at, value) => index.fields.get(*at) == Some(value),
        }
    }

    fn touches(&self, change: &Change) -> bool {
        objects(change).any(|object| self.fits(&object.index))
    }

    /// All keys that an object has.
    fn all(index: &Index) -> impl Iterator<Item = Self> {
        let own = [
            Self::Namespace(index.namespace.clone()),
            Self::Name(index.namespace.clone(), index.name.clone()),
        ];
        let fields = index.fields.iter().enumerate();
        own.into_iter()
            .chain(fields.map(|(at, value)| Self::Field(at, value.clone())))
    }
}

/// What a change was and is.
fn objects(change: &Change) -> impl Iterator<Item = &Arc<Object>> {
    [&change.now, &change.before].into_iter().flatten()
}

/// The keys of what a change was and is, each once.
fn keys(change: &Change) -> impl Iterator<Item = Key> {
    let now = change.now.as_deref();
    let had = change.before.iter().flat_map(|object| Key::all(&object.index));
    let lost = had.filter(move |key| now.is_none_or(|now| !key.fits(&now.index)));
    now.into_iter().flat_map(|object| Key::all(&object.index)).chain(lost)
}

/// Changes in order, each with its number. Numbers are dense in the ring and rise in every lane.
#[derive(Debug)]
struct Lane {
    changes: VecDeque<(u64, Arc<Change>)>,
    /// Changes of this lane before this number are forgotten, or were never asked for.
    forgotten: u64,
    /// The number that the next change gets; watchers sleep on it.
    next: watch::Sender<u64>,
}

impl Lane {
    fn new(next: u64) -> Self {
        Self {
            changes: VecDeque::new(),
            forgotten: 0,
            next: watch::Sender::new(next),
        }
    }

    fn push(&mut self, number: u64, change: Arc<Change>) {
        self.changes.push_back((number, change));
        self.next.send_replace(number + 1);
    }

    /// Forgets what stands before a number.
    fn forget(&mut self, before: u64) {
        while let Some((number, _)) = self.changes.front().filter(|(number, _)| *number < before) {
            self.forgotten = number + 1;
            self.changes.pop_front();
        }
    }

    fn is_watched(&self) -> bool {
        self.next.receiver_count() > 0
    }
}

/// So many lanes there may always be, watched or not.
const LANES_MIN: usize = 16;

/// The history of a kind.
#[derive(Debug)]
pub struct History {
    ring: Lane,
    lanes: HashMap<Key, Lane>,
    /// When there are so many lanes, those go that nobody watches.
    lanes_most: usize,
    /// After so many changes they go as well.
    sweep_in: usize,
    next: u64,
    /// Everything after this revision is here.
    since: i64,
    weight: usize,
    budget: usize,
    /// Which beginning this is: a cursor of another one missed what was between.
    epoch: u64,
}

/// Where a watcher stands.
#[derive(Debug)]
pub struct Cursor {
    key: Option<Key>,
    epoch: u64,
    number: u64,
    news: watch::Receiver<u64>,
}

/// A watcher was so slow that what it had to be told is forgotten.
#[derive(Debug, PartialEq, Eq)]
pub struct Overrun;

impl History {
    /// Nothing yet, with the state of a revision known; at most so many bytes are kept.
    pub fn new(revision: i64, budget: usize) -> Self {
        Self::anew(revision, budget, 0)
    }

    /// A history that follows this one, of which nothing is kept.
    #[must_use]
    pub fn after(&self, revision: i64) -> Self {
        Self::anew(revision, self.budget, self.epoch + 1)
    }

    fn anew(revision: i64, budget: usize, epoch: u64) -> Self {
        Self {
            ring: Lane::new(0),
            lanes: HashMap::new(),
            lanes_most: LANES_MIN,
            sweep_in: LANES_MIN,
            next: 0,
            since: revision,
            weight: 0,
            budget,
            epoch,
        }
    }

    /// The revision after which everything is known.
    pub const fn since(&self) -> i64 {
        self.since
    }

    /// What happened after a revision; `None` if not all of that is known any more.
    pub fn since_revision(&self, revision: i64) -> Option<Vec<Arc<Change>>> {
        if revision < self.since {
            return None;
        }
        let changes = &self.ring.changes;
        let from = changes.partition_point(|(_, change)| change.revision <= revision);
        Some(changes.range(from..).map(|(_, change)| change.clone()).collect())
    }

    /// How many changes are kept.
    pub fn count(&self) -> usize {
        self.ring.changes.len()
    }

    /// The bytes that they take.
    pub const fn weight(&self) -> usize {
        self.weight
    }

    /// Adds what happened, and forgets the oldest above the budget.
    pub fn push(&mut self, change: Change) {
        let change = Arc::new(change);
        let number = self.next;
        self.next += 1;
        self.weight += change.weight();
        self.push_to_lanes(number, &change);
        self.ring.push(number, change);
        self.shrink();
        // One lane is looked at for each change, if all at once.
        match self.sweep_in.checked_sub(1) {
            Some(left) => self.sweep_in = left,
            None => self.sweep_lanes(),
        }
    }

    /// Puts a change into each lane that it touches, once.
    fn push_to_lanes(&mut self, number: u64, change: &Arc<Change>) {
        if self.lanes.is_empty() {
            return;
        }
        for key in keys(change) {
            match self.lanes.get_mut(&key) {
                Some(lane) if lane.is_watched() => lane.push(number, change.clone()),
                Some(_) => drop(self.lanes.remove(&key)),
                None => {}
            }
        }
    }

    /// Takes a change that the ring has forgotten from each lane that it touches.
    fn take_from_lanes(&mut self, change: &Change) {
        if self.lanes.is_empty() {
            return;
        }
        for key in keys(change) {
            match self.lanes.get_mut(&key) {
                Some(lane) if lane.is_watched() => lane.forget(self.ring.forgotten),
                Some(_) => drop(self.lanes.remove(&key)),
                None => {}
            }
        }
    }

    fn shrink(&mut self) {
        // One is always kept, however large: a watcher that waits for it must get it.
        while self.weight > self.budget && self.ring.changes.len() > 1 {
            let Some((number, gone)) = self.ring.changes.pop_front() else {
                break;
            };
            self.weight -= gone.weight();
            self.since = gone.revision;
            self.ring.forgotten = number + 1;
            self.take_from_lanes(&gone);
        }
    }

    /// A watcher of what happens after a revision; `None` if not all of that is known any more.
    pub fn watch(&mut self, key: Option<Key>, after: i64) -> Option<Cursor> {
        if after < self.since {
            return None;
        }
        let at = self
            .ring
            .changes
            .partition_point(|(_, change)| change.revision <= after);
        let number = self.ring.forgotten + at as u64;
        let news = match &key {
            None => self.ring.next.subscribe(),
            Some(key) => self.lane(key, at).next.subscribe(),
        };
        Some(Cursor {
            key,
            epoch: self.epoch,
            number,
            news,
        })
    }

    /// The lane of a key, with what it has of the ring from this place on.
    fn lane(&mut self, key: &Key, from: usize) -> &Lane {
        if !self.lanes.contains_key(key) {
            self.clear_lanes();
        }
        let oldest = self.ring.forgotten;
        let lane = self.lanes.entry(key.clone()).or_insert_with(|| {
            let mut lane = Lane::new(self.next);
            lane.forgotten = self.next;
            lane
        });
        // Most watch from now on, and nothing has to be looked for.
        if oldest + (from as u64) < lane.forgotten {
            let missing = self.ring.changes.range(from..(lane.forgotten - oldest) as usize);
            for (number, change) in missing.rev().filter(|(_, change)| key.touches(change)) {
                lane.changes.push_front((*number, change.clone()));
            }
            lane.forgotten = oldest + from as u64;
        }
        lane
    }

    /// Makes room for a lane: clients may name as many keys as they like, of which nothing is ever told.
    fn clear_lanes(&mut self) {
        if self.lanes.len() >= self.lanes_most {
            self.sweep_lanes();
        }
    }

    /// Drops the lanes that nobody watches.
    fn sweep_lanes(&mut self) {
        self.lanes.retain(|_, lane| lane.is_watched());
        // So that it is not looked at each of many lanes for each new one, or for each change.
        self.lanes_most = (self.lanes.len() * 2).max(LANES_MIN);
        self.sweep_in = self.lanes_most;
    }

    /// The next changes for a watcher, at most so many. Nothing new is an empty list.
    ///
    /// # Errors
    /// [`Overrun`].
    pub fn read(&self, cursor: &mut Cursor, most: usize) -> Result<Vec<Arc<Change>>, Overrun> {
        let lane = match &cursor.key {
            None => &self.ring,
            Some(key) => match self.lanes.get(key) {
                Some(lane) => lane,
                None if cursor.epoch == self.epoch => return Ok(Vec::new()),
                None => return Err(Overrun),
            },
        };
        if cursor.epoch != self.epoch || cursor.number < lane.forgotten {
            return Err(Overrun);
        }
        let from = lane.changes.partition_point(|(number, _)| *number < cursor.number);
        let found: Vec<Arc<Change>> = lane
            .changes
            .range(from..)
            .take(most)
            .map(|(_, change)| change.clone())
            .collect();
        cursor.number = match lane.changes.get(from + found.len()) {
            Some((number, _)) => *number,
            None => self.next,
        };
        Ok(found)
    }
}

impl Cursor {
    /// Waits until there is something to read.
    pub async fn news(&mut self) {
        // The history outlives its watchers; if it does not, there is nothing more to wait for.
        let _ = self.news.changed().await;
    }
}

#[cfg(test)]
mod tests;
