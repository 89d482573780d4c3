//! The history of a run while it is made: one clock, one order, one file.
//!
//! A line gets its time and its place under one lock, so that no line is older than the one before it. It is written by
//! a thread of its own: a slow disk delays no client.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;

use base::task::{Handle, Tasks};
use jepsen_check::history::{Call, Line, Phase, Reply, Response};
use parking_lot::Mutex;

/// Why a history could not be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file cannot be made.
    #[error("{path}: {error}")]
    File {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A line could not be written.
    #[error("the history cannot be written: {0}")]
    Line(#[from] jepsen_check::history::Error),
    /// The thread that writes is gone.
    #[error("the history's writer ended")]
    Lost,
}

/// Takes down what happens, in the order in which it happens.
pub(crate) struct Recorder {
    origin: Instant,
    lines: Mutex<Option<Sender<Line>>>,
    counts: Counts,
}

/// How many calls have ended how, so far.
#[derive(Debug, Default)]
struct Counts {
    ok: AtomicU64,
    failed: AtomicU64,
    unknown: AtomicU64,
    /// The highest revision that any answer or event has named.
    revision: AtomicU64,
}

/// The writer of a history, to be waited for.
pub(crate) struct Writer(Handle<Result<(), Error>>);

impl Writer {
    /// Waits until everything is on its way to the disk. The recorder must be closed.
    ///
    /// # Errors
    /// The file's.
    pub(crate) async fn finish(self) -> Result<(), Error> {
        self.0.await.unwrap_or(Err(Error::Lost))
    }
}

impl Recorder {
    /// Begins a history at this path; its clock starts now.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(crate) fn start(path: &Path, tasks: &Tasks) -> Result<(Arc<Self>, Writer), Error> {
        let file = File::create(path).map_err(|error| Error::File {
            path: path.to_owned(),
            error,
        })?;
        let (sender, receiver) = mpsc::channel();
        let writer = tasks.spawn_blocking("history-writer", move || write_all(&receiver, file));
        Ok((Arc::new(Self::to(sender)), Writer(writer)))
    }

    /// A recorder that hands its lines to somebody else.
    pub(crate) fn to(sender: Sender<Line>) -> Self {
        Self {
            origin: Instant::now(),
            lines: Mutex::new(Some(sender)),
            counts: Counts::default(),
        }
    }

    /// Ends the history; what comes later is left out.
    pub(crate) fn close(&self) {
        *self.lines.lock() = None;
    }

    /// Nanoseconds since the history began.
    pub(crate) fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    /// How many calls were answered.
    pub(crate) fn answered(&self) -> u64 {
        self.counts.ok.load(Ordering::Relaxed)
    }

    /// How many calls were answered, did not happen, and are unknown.
    pub(crate) fn outcomes(&self) -> (u64, u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (
            read(&self.counts.ok),
            read(&self.counts.failed),
            read(&self.counts.unknown),
        )
    }

    /// The highest revision that any answer has named; 0: none yet.
    pub(crate) fn revision(&self) -> i64 {
        self.counts.revision.load(Ordering::Relaxed) as i64
    }

    fn push(&self, line: impl FnOnce(u64) -> Line) {
        let lines = self.lines.lock();
        if let Some(sender) = lines.as_ref() {
            // The clock is read under the lock: that is what keeps the lines in order. A writer that is gone is told
            // of by its end.
            let _ = sender.send(line(self.now()));
        }
    }

    fn saw(&self, revision: Option<i64>) {
        if let Some(revision) = revision.filter(|revision| *revision > 0) {
            self.counts.revision.fetch_max(revision as u64, Ordering::Relaxed);
        }
    }

    /// A process is about to call.
    pub(crate) fn invoke(&self, process: u64, member: Option<String>, call: Call) {
        self.push(|time| Line::Invoke {
            process,
            time,
            member,
            call,
        });
    }

    /// Its call was answered.
    pub(crate) fn ok(&self, process: u64, reply: Reply, revision: Option<i64>, term: Option<u64>) {
        self.counts.ok.fetch_add(1, Ordering::Relaxed);
        self.saw(revision);
        self.push(|time| Line::Ok {
            process,
            time,
            revision,
            term,
            reply,
        });
    }

    /// Its call did not happen.
    pub(crate) fn fail(&self, process: u64, error: String) {
        self.counts.failed.fetch_add(1, Ordering::Relaxed);
        self.push(|time| Line::Fail { process, time, error });
    }

    /// Nobody knows whether its call happened.
    pub(crate) fn info(&self, process: u64, error: String) {
        self.counts.unknown.fetch_add(1, Ordering::Relaxed);
        self.push(|time| Line::Info { process, time, error });
    }

    /// Its watch delivered something.
    pub(crate) fn response(&self, process: u64, response: Response) {
        self.saw(response.events.last().map(|event| event.kv.mod_revision));
        self.push(|time| Line::Response {
            process,
            time,
            response,
        });
    }

    /// Something was done to the cluster, and set about at `since`, or is undone.
    pub(crate) fn fault(&self, name: &str, phase: Phase, since: Option<u64>, detail: &str) {
        self.push(|time| Line::Fault {
            time,
            name: name.to_owned(),
            phase,
            since,
            detail: detail.to_owned(),
        });
    }
}

fn write_all(lines: &Receiver<Line>, file: File) -> Result<(), Error> {
    let mut out = BufWriter::with_capacity(1 << 18, file);
    for line in lines {
        line.write(&mut out)?;
    }
    let flushed = out.flush();
    Ok(flushed.map_err(jepsen_check::history::Error::Io)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jepsen_check::history::{Get, History};

    fn get() -> Call {
        Call::Get(Get {
            key: "x".into(),
            ..Get::default()
        })
    }

    #[tokio::test]
    async fn what_is_recorded_by_many_is_a_history() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        let tasks = Tasks::new();
        let (recorder, writer) = Recorder::start(&path, &tasks).unwrap();
        let handles: Vec<_> = (0..4)
            .map(|process| {
                let recorder = Arc::clone(&recorder);
                tasks.spawn_blocking("recording", move || {
                    for _ in 0..200 {
                        recorder.invoke(process, None, get());
                        let reply = Reply::Get {
                            kvs: Vec::new(),
                            count: 0,
                        };
                        recorder.ok(process, reply, Some(3), Some(1));
                    }
                })
            })
            .collect();
        for handle in handles {
            handle.await.unwrap();
        }
        recorder.fault("kill", Phase::Begin, None, "m1");
        assert_eq!(recorder.outcomes(), (800, 0, 0));
        assert_eq!(recorder.revision(), 3);
        recorder.close();
        recorder.invoke(9, None, get());
        writer.finish().await.unwrap();
        let text = std::fs::read(&path).unwrap();
        let history = History::read(text.as_slice()).unwrap();
        assert_eq!(history.operations.len(), 800);
        assert_eq!(history.faults.len(), 1);
    }
}
