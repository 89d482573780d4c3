//! Who waits here for which command: the outcome is told where the command was asked for, by the apply there.
//!
//! A command may be tried more than once, but each try leaves this member once at most, and the next begins only after
//! the one before is known to have reached no log.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use proto::store::Reply;
use tokio::sync::oneshot;

use crate::error::Error;

/// The way into this member's own log. Ways to others count from 1.
const OWN: u64 = 0;
/// Ids of one run start at its wall clock's milliseconds, shifted so: nobody writes a million commands each millisecond.
const RUN_SHIFT: u32 = 20;

type Outcome = Result<Reply, Error>;

/// All who wait on this member.
pub struct Waiting {
    next: AtomicU64,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    waiters: HashMap<u64, Entry>,
    /// Ways to others on which commands may still leave.
    open: BTreeSet<u64>,
    last_way: u64,
    ended: bool,
}

struct Entry {
    answer: oneshot::Sender<Outcome>,
    place: Place,
}

/// How far the present try of a command has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Here,
    Queued(u64),
    Sent(u64),
}

/// One who waits for one command. Whoever drops it does not wait any more; the command may happen all the same.
pub struct Waiter {
    id: u64,
    receiver: oneshot::Receiver<Outcome>,
    waiting: Arc<Waiting>,
    done: bool,
}

impl Waiting {
    /// For a run that begins now.
    pub(crate) fn new(wall_ms: u64) -> Arc<Waiting> {
        Arc::new(Waiting {
            next: AtomicU64::new(wall_ms << RUN_SHIFT),
            book: Mutex::default(),
        })
    }

    /// Begins to wait for a command, which must carry the waiter's id and this member as its origin.
    pub fn begin(self: &Arc<Self>) -> Waiter {
        // Never 0, which nobody waits for.
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        Waiter {
            id,
            receiver: self.enter(id),
            waiting: self.clone(),
            done: false,
        }
    }

    fn enter(&self, id: u64) -> oneshot::Receiver<Outcome> {
        let (answer, receiver) = oneshot::channel();
        let place = Place::Here;
        let mut book = self.book.lock();
        if book.ended {
            drop(answer.send(Err(Error::Stopped)));
        } else {
            book.waiters.insert(id, Entry { answer, place });
        }
        receiver
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.book.lock().waiters.len()
    }

    /// Opens a way to another member.
    pub fn open(&self) -> u64 {
        let mut book = self.book.lock();
        book.last_way += 1;
        let way = book.last_way;
        book.open.insert(way);
        way
    }

    /// Closes a way: nothing leaves on it any more. Who is queued gets `queued`, whose command has left gets `sent`, or
    /// waits on where that is none.
    pub fn close(&self, way: u64, queued: &Error, sent: Option<&Error>) {
        let mut book = self.book.lock();
        book.open.remove(&way);
        let queued = book.take(|place| place == Place::Queued(way), queued);
        let sent = sent.map(|error| book.take(|place| place == Place::Sent(way), error));
        drop(book);
        tell(queued.into_iter().chain(sent.into_iter().flatten()));
    }

    /// Queues a command on a way. False where the way is closed or nobody waits.
    pub fn queue(&self, id: u64, way: u64) -> bool {
        self.step(id, way, Place::Here, Place::Queued(way))
    }

    /// A queued command leaves on its way. False where it must not: the way is closed, or nobody waits any more.
    pub fn leave(&self, id: u64, way: u64) -> bool {
        self.step(id, way, Place::Queued(way), Place::Sent(way))
    }

    /// A command goes to this member's own log.
    pub(crate) fn leave_to_own_log(&self, id: u64) -> bool {
        self.step(id, OWN, Place::Here, Place::Sent(OWN))
    }

    fn step(&self, id: u64, way: u64, from: Place, to: Place) -> bool {
        let book = &mut *self.book.lock();
        let open = way == OWN || book.open.contains(&way);
        match book.waiters.get_mut(&id) {
            Some(entry) if open && entry.place == from => {
                entry.place = to;
                true
            }
            _ => false,
        }
    }

    /// A command that left on a way has failed.
    pub fn fail(&self, id: u64, way: u64, error: Error) {
        let mut book = self.book.lock();
        let left = |entry: &Entry| entry.place == Place::Sent(way);
        let entry = book
            .waiters
            .get(&id)
            .is_some_and(left)
            .then(|| book.waiters.remove(&id));
        drop(book);
        tell(entry.flatten().map(|entry| (entry.answer, Err(error))));
    }

    pub(crate) fn fail_in_own_log(&self, id: u64, error: Error) {
        self.fail(id, OWN, error);
    }

    /// Commands were applied here.
    pub(crate) fn answer(&self, replies: Vec<(u64, Reply)>) {
        if replies.is_empty() {
            return;
        }
        let mut book = self.book.lock();
        let answers = replies.into_iter().filter_map(|(id, reply)| {
            let entry = book.waiters.remove(&id)?;
            Some((entry.answer, Ok(reply)))
        });
        let answers: Vec<_> = answers.collect();
        // Whoever wakes up may want the book.
        drop(book);
        tell(answers);
    }

    /// A snapshot took the place of entries that were not applied here: any command that has left may be among them.
    pub(crate) fn overtaken(&self) {
        let lost = self
            .book
            .lock()
            .take(|place| matches!(place, Place::Sent(_)), &Error::Unknown);
        tell(lost);
    }

    /// Nothing is applied here any more.
    pub(crate) fn end(&self) {
        let mut book = self.book.lock();
        book.ended = true;
        let lost = book.take(|place| matches!(place, Place::Sent(_)), &Error::Unknown);
        let never = book.take(|_| true, &Error::Stopped);
        drop(book);
        tell(lost.into_iter().chain(never));
    }
}

impl Book {
    /// Takes those out whose command is at such a place, with what they are to be told.
    fn take(&mut self, at: impl Fn(Place) -> bool, error: &Error) -> Vec<(oneshot::Sender<Outcome>, Outcome)> {
        let taken = self.waiters.extract_if(|_, entry| at(entry.place));
        taken.map(|(_, entry)| (entry.answer, Err(error.clone()))).collect()
    }
}

/// Never while the book is locked.
fn tell(answers: impl IntoIterator<Item = (oneshot::Sender<Outcome>, Outcome)>) {
    for (answer, outcome) in answers {
        // Whoever gave up in this moment does not need it.
        drop(answer.send(outcome));
    }
}

impl Waiter {
    /// What the command must carry.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What became of the command, once it was applied here or failed. After `NotLeader` it may be tried again with
    /// the same id; any other outcome is the last. Dropping the call loses nothing.
    ///
    /// # Errors
    /// `NotLeader` and `Refused` if it surely is in no log; `Unknown`, `Stopped`, `Storage`.
    pub async fn outcome(&mut self) -> Result<Reply, Error> {
        let outcome = (&mut self.receiver).await.unwrap_or(Err(Error::Unknown));
        if matches!(outcome, Err(Error::NotLeader { .. })) {
            self.receiver = self.waiting.enter(self.id);
        } else {
            self.done = true;
        }
        outcome
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if !self.done {
            self.waiting.book.lock().waiters.remove(&self.id);
        }
    }
}
