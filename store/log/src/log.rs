//! The log as its users see it.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

use crate::disk::Disk;
use crate::error::OpenError;
use crate::held::{Held, Piece};
use crate::queue::{Failure, Op, Queue};
use crate::record::{Item, Kind, LIMIT};
use crate::recover::recover;
use crate::segment::{Place, Segment};
use crate::writer::Writer;

/// Called once, with Ok only when the operation is on disk. Must not block: it runs on the writer.
pub type Done = Box<dyn FnOnce(io::Result<()>) + Send>;

/// Called once when the log can no longer be trusted. A program should abort here: what it could not write down, it
/// must not act on.
pub type OnFatal = Arc<dyn Fn(&io::Error) + Send + Sync>;

/// The largest payload of one record.
const LARGEST: usize = 1 << 30;
/// After so long without work the writer's thread writes what nobody waits for.
const LULL: Duration = Duration::from_millis(100);

/// Who does the writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executor {
    /// A thread of the log's own; calls return at once.
    Thread,
    /// The caller, within the call: nothing depends on timing.
    Inline,
    /// Whoever calls [`Log::pump`].
    Manual,
}

/// How a log is opened.
#[derive(Clone)]
pub struct LogOptions {
    /// Cluster id in each segment's header.
    pub cluster_id: u64,
    /// Member id in each segment's header.
    pub member_id: u64,
    /// Size of a segment file, taken in advance. Bytes; 64 MiB.
    pub segment_bytes: u64,
    /// Payloads kept in memory besides those not yet written. Bytes; 32 MiB.
    pub cache_bytes: u64,
    /// Whether to sync at all. Off only for measurements.
    pub sync: bool,
    /// Who does the writing.
    pub executor: Executor,
    /// Called once after a failed write or sync, before the callers learn of it.
    pub on_fatal: OnFatal,
}

impl LogOptions {
    /// The defaults for a member.
    pub fn new(cluster_id: u64, member_id: u64) -> LogOptions {
        LogOptions {
            cluster_id,
            member_id,
            segment_bytes: 64 << 20,
            cache_bytes: 32 << 20,
            sync: true,
            executor: Executor::Thread,
            on_fatal: Arc::new(|error| tracing::error!(%error, "the raft log failed")),
        }
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its index; without gaps.
    pub index: u64,
    /// Its bytes.
    pub data: Bytes,
}

/// What the writer's thread was woken for.
#[derive(PartialEq, Eq)]
enum Work {
    /// Somebody waits for what is queued.
    Queued,
    /// Nobody does: time for marks.
    Lull,
}

/// What the log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The last purged index and what the caller said of it.
    pub purged: Option<(u64, Bytes)>,
    /// The last index, of an entry or purged.
    pub last: Option<u64>,
    /// The last vote saved.
    pub vote: Option<Bytes>,
    /// The last committed mark; after a restart possibly an older one.
    pub committed: Option<Bytes>,
}

/// A log on a disk. Clones are handles of the same log; the last one dropped closes it.
///
/// Operations take effect in the order of the calls, in memory at once and on disk by the writer: it takes everything
/// that is queued, writes it with one write, syncs once, tells everybody, and takes what came meanwhile.
#[derive(Clone)]
pub struct Log(Arc<Handle>);

struct Handle {
    core: Arc<Core>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Core {
    shared: Mutex<Shared>,
    wake: Condvar,
    writer: Mutex<Writer>,
    executor: Executor,
    on_fatal: OnFatal,
}

struct Shared {
    held: Held,
    queue: Queue,
    disk_bytes: u64,
}

/// Whether the disk holds a log, that is, whether this member has run before.
///
/// # Errors
/// As the disk's.
pub fn exists(disk: &dyn Disk) -> io::Result<bool> {
    Ok(disk.list()?.iter().any(|name| Segment::parse(name).is_some()))
}

impl Log {
    /// Opens the log, or starts one on an empty disk.
    ///
    /// # Errors
    /// [`OpenError`]; nothing was changed then.
    pub fn open(disk: Arc<dyn Disk>, options: LogOptions) -> Result<Log, OpenError> {
        let (held, writer) = recover(disk, &options)?;
        let disk_bytes = writer.disk_bytes();
        let core = Arc::new(Core {
            shared: Mutex::new(Shared {
                held,
                queue: Queue::default(),
                disk_bytes,
            }),
            wake: Condvar::new(),
            writer: Mutex::new(writer),
            executor: options.executor,
            on_fatal: options.on_fatal,
        });
        let thread = match options.executor {
            Executor::Thread => {
                let core = core.clone();
                let start = std::thread::Builder::new()
                    .name("raft-log".to_owned())
                    .spawn(move || core.run());
                Some(start.map_err(OpenError::Thread)?)
            }
            Executor::Inline | Executor::Manual => None,
        };
        Ok(Log(Arc::new(Handle {
            core,
            thread: Mutex::new(thread),
        })))
    }

    /// What the log holds now.
    pub fn state(&self) -> State {
        let shared = self.0.core.shared.lock();
        let held = &shared.held;
        State {
            purged: held.purged.clone(),
            last: held.last(),
            vote: held.vote.clone(),
            committed: held.committed.clone(),
        }
    }

    /// Appends entries; they can be read when this returns. `done` gets `InvalidInput`, and nothing is appended, unless
    /// each index is the one after the last and below 2^63.
    pub fn append(&self, records: Vec<Record>, done: Done) {
        let core = &self.0.core;
        let mut shared = core.shared.lock();
        let mut expected = records
            .first()
            .filter(|first| shared.held.accepts(first.index))
            .map(|first| first.index);
        for record in &records {
            if expected != Some(record.index) || record.index >= LIMIT || record.data.len() > LARGEST {
                let next = shared.held.next();
                drop(shared);
                let text = format!(
                    "entry {} ({} bytes) cannot be appended at {next}",
                    record.index,
                    record.data.len()
                );
                return done(Err(io::Error::new(io::ErrorKind::InvalidInput, text)));
            }
            expected = Some(record.index + 1);
        }
        if let Some(failure) = shared.queue.failed.clone() {
            drop(shared);
            return done(Err(failure.error()));
        }
        let mut items = Vec::with_capacity(records.len());
        for Record { index, data } in records {
            let ticket = shared.held.push(index, data.clone());
            items.push(Item {
                kind: Kind::Entry,
                index,
                data,
                ticket,
            });
        }
        core.enqueue(shared, items, done);
    }

    /// Saves the vote; [`Log::state`] has it when this returns.
    pub fn save_vote(&self, vote: Bytes, done: Done) {
        self.change(done, |held| {
            held.vote = Some(vote.clone());
            Some(Item {
                kind: Kind::Vote,
                index: 0,
                data: vote,
                ticket: 0,
            })
        });
    }

    /// Notes what is committed. Written with the next batch or in the next lull; never waited for.
    pub fn save_committed(&self, committed: Bytes) {
        let core = &self.0.core;
        let mut shared = core.shared.lock();
        shared.held.committed = Some(committed.clone());
        if shared.queue.failed.is_none() {
            shared.queue.set_committed(committed);
            if core.executor != Executor::Thread || shared.queue.asleep {
                core.nudge(shared);
            }
        }
    }

    /// Forgets entries after `last`; None: all that were not purged.
    pub fn truncate_after(&self, last: Option<u64>, done: Done) {
        self.change(done, |held| {
            let lowest = held.purged.as_ref().map_or(0, |(upto, _)| upto + 1);
            let next = last.map_or(lowest, |last| lowest.max(last.saturating_add(1)));
            let needed = next < held.next();
            held.truncate(next);
            needed.then(|| Item {
                kind: Kind::Truncate,
                index: next,
                data: Bytes::new(),
                ticket: 0,
            })
        });
    }

    /// Forgets entries up to `upto`, which may lie beyond the last; `meta` is kept and comes back in [`Log::state`].
    /// `done` gets `InvalidInput` from 2^63 on.
    pub fn purge(&self, upto: u64, meta: Bytes, done: Done) {
        if upto >= LIMIT {
            let text = format!("there is no entry {upto} to purge");
            return done(Err(io::Error::new(io::ErrorKind::InvalidInput, text)));
        }
        self.change(done, |held| {
            if held.purged.as_ref().is_some_and(|(before, _)| *before >= upto) {
                return None;
            }
            held.purge(upto, meta.clone());
            Some(Item {
                kind: Kind::Purge,
                index: upto,
                data: meta,
                ticket: 0,
            })
        });
    }

    fn change(&self, done: Done, change: impl FnOnce(&mut Held) -> Option<Item>) {
        let core = &self.0.core;
        let mut shared = core.shared.lock();
        if let Some(failure) = shared.queue.failed.clone() {
            drop(shared);
            return done(Err(failure.error()));
        }
        let items = change(&mut shared.held).into_iter().collect();
        core.enqueue(shared, items, done);
    }

    /// Entries from the start of `range`, until `max_bytes` of payload are reached (one entry is always given) or one is
    /// not held.
    ///
    /// # Errors
    /// As the disk's; `InvalidData` where an entry is no longer what was written.
    pub fn read(&self, range: Range<u64>, max_bytes: u64) -> io::Result<Vec<Record>> {
        let start = range.start;
        let pieces = self.0.core.shared.lock().held.collect(range, max_bytes);
        records(start, pieces)
    }

    /// Index of the oldest entry held.
    pub fn first(&self) -> Option<u64> {
        self.0.core.shared.lock().held.first()
    }

    /// The last index, of an entry or purged.
    pub fn last(&self) -> Option<u64> {
        self.0.core.shared.lock().held.last()
    }

    /// Bytes of the records that can be read.
    pub fn bytes(&self) -> u64 {
        self.bytes_up_to(u64::MAX)
    }

    /// Bytes of the records from the oldest up to and with `index`.
    pub fn bytes_up_to(&self, index: u64) -> u64 {
        self.0.core.shared.lock().held.bytes_up_to(index)
    }

    /// Space that the segments take on the disk.
    pub fn disk_bytes(&self) -> u64 {
        self.0.core.shared.lock().disk_bytes
    }

    /// Why the log takes no more writes.
    pub fn failed(&self) -> Option<String> {
        self.0
            .core
            .shared
            .lock()
            .queue
            .failed
            .as_ref()
            .map(|failure| failure.text.clone())
    }

    /// Writes what is queued, in the caller. For [`Executor::Manual`]; harmless else.
    pub fn pump(&self) {
        self.0.core.pump();
    }

    /// Writes what is queued and marks the end as clean. Later calls fail.
    ///
    /// # Errors
    /// The error that the log failed with.
    pub fn close(&self) -> io::Result<()> {
        self.0.close();
        let core = &self.0.core;
        loop {
            core.pump();
            let mut shared = core.shared.lock();
            if let Some(failure) = &shared.queue.failed {
                return Err(failure.error());
            }
            if shared.queue.is_empty() {
                let text = "the raft log is closed".to_owned();
                shared.queue.failed = Some(Failure {
                    kind: io::ErrorKind::BrokenPipe,
                    text,
                });
                break;
            }
        }
        core.writer.lock().finish()
    }
}

/// The entries from `start` on, of which the pieces are.
pub(crate) fn records(start: u64, pieces: Vec<Piece>) -> io::Result<Vec<Record>> {
    let mut out = Vec::with_capacity(pieces.len());
    let mut run: Vec<Place> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Stored(place) => {
                if run
                    .last()
                    .is_some_and(|last| !Arc::ptr_eq(&last.segment, &place.segment) || last.offset > place.offset)
                {
                    read_run(&mut run, &mut out)?;
                }
                run.push(place);
            }
            Piece::Cached(data) => {
                read_run(&mut run, &mut out)?;
                out.push(data);
            }
        }
    }
    read_run(&mut run, &mut out)?;
    Ok(out
        .into_iter()
        .zip(start..)
        .map(|(data, index)| Record { index, data })
        .collect())
}

/// Reads entries of one segment that lie in order, and empties `run`.
fn read_run(run: &mut Vec<Place>, out: &mut Vec<Bytes>) -> io::Result<()> {
    if let Some(first) = run.first() {
        out.extend(first.segment.clone().read(run)?);
        run.clear();
    }
    Ok(())
}

impl Handle {
    fn close(&self) {
        self.core.shared.lock().queue.closing = true;
        self.core.wake.notify_all();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the raft log's writer panicked");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

impl Core {
    fn enqueue(&self, mut shared: parking_lot::MutexGuard<'_, Shared>, items: Vec<Item>, done: Done) {
        shared.queue.push(Op {
            items,
            done: Some(done),
        });
        self.nudge(shared);
    }

    fn nudge(&self, shared: parking_lot::MutexGuard<'_, Shared>) {
        drop(shared);
        match self.executor {
            Executor::Thread => {
                self.wake.notify_one();
            }
            Executor::Inline => self.pump(),
            Executor::Manual => {}
        }
    }

    /// The writer thread.
    fn run(&self) {
        let mut writer = self.writer.lock();
        while let Some(work) = self.wait(writer.unmarked) {
            self.step(&mut writer);
            if work == Work::Lull {
                self.mark(&mut writer);
            }
        }
    }

    /// Waits until there is something to do; None when nothing is left and the log closes.
    fn wait(&self, unmarked: bool) -> Option<Work> {
        let mut shared = self.shared.lock();
        loop {
            let queue = &mut shared.queue;
            if queue.is_waited_for() || (queue.closing && !queue.is_empty()) {
                return Some(Work::Queued);
            }
            if queue.closing {
                return None;
            }
            // A mark of its own would cost each write of a lone client a wake-up and two writes more.
            let marks = (unmarked && queue.failed.is_none()) || !queue.is_empty();
            if !marks {
                queue.asleep = true;
                self.wake.wait(&mut shared);
                shared.queue.asleep = false;
            } else if self.wake.wait_for(&mut shared, LULL).timed_out() {
                return Some(Work::Lull);
            }
        }
    }

    /// Works until nothing is queued. A `done` that calls back into the log finds the writer taken and leaves its work
    /// to the loop that called it.
    fn pump(&self) {
        while let Some(mut writer) = self.writer.try_lock() {
            while self.step(&mut writer) {}
            self.mark(&mut writer);
            drop(writer);
            // Whoever queued something in this moment found the writer taken.
            if self.shared.lock().queue.is_empty() {
                return;
            }
        }
    }

    /// Writes one batch; false if there was none.
    fn step(&self, writer: &mut Writer) -> bool {
        let Some(batch) = self.shared.lock().queue.take() else {
            return false;
        };
        let placed = match writer.write(&batch.items, batch.sync) {
            Ok(placed) => placed,
            Err(error) => {
                self.fail(writer, &error, batch.dones);
                return false;
            }
        };
        let mut shared = self.shared.lock();
        for place in placed {
            shared
                .held
                .placed(place.index, place.ticket, &place.segment, place.offset);
        }
        shared.held.trim();
        drop(shared);
        for done in batch.dones {
            done(Ok(()));
        }
        if let Err(error) = writer.remove_purged() {
            self.fail(writer, &error, Vec::new());
            return false;
        }
        self.shared.lock().disk_bytes = writer.disk_bytes();
        true
    }

    /// Marks how far everything is on disk, unless there is more to write.
    fn mark(&self, writer: &mut Writer) {
        let shared = self.shared.lock();
        let idle = shared.queue.is_empty() && shared.queue.failed.is_none();
        drop(shared);
        if idle && let Err(error) = writer.mark() {
            self.fail(writer, &error, Vec::new());
        }
    }

    /// Nothing may be written after a failure: what the disk holds from here on is unknown.
    fn fail(&self, writer: &Writer, error: &io::Error, mut dones: Vec<Done>) {
        let file = Segment::name(writer.active.segment.sequence);
        let text = if error.kind() == io::ErrorKind::StorageFull {
            format!("no space left for the raft log at {file}: {error}; free some and start again")
        } else {
            format!("cannot write the raft log at {file}: {error}; its last bytes are unknown, restart the member")
        };
        let failure = Failure {
            kind: error.kind(),
            text,
        };
        let mut shared = self.shared.lock();
        shared.queue.failed = Some(failure.clone());
        dones.extend(shared.queue.drain());
        drop(shared);
        (self.on_fatal)(&failure.error());
        for done in dones {
            done(Err(failure.error()));
        }
    }
}
