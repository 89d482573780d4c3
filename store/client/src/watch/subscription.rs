//! One watch: from which revision it goes on, and what a frame of the store means for it.

use std::sync::Arc;

use proto::etcd::{WatchCreateRequest, WatchResponse};
use proto::mvcc::Event;

use super::queue::Queue;
use crate::kv::revision;
use crate::{Error, Update};

/// A watch that somebody consumes.
pub(super) struct Subscription {
    request: WatchCreateRequest,
    pub(super) queue: Arc<Queue>,
    /// The first revision that has not been put into the queue; 0 as long as the store has not said where "now" is.
    next_revision: i64,
    /// Events of an answer that comes in parts.
    parts: Vec<Event>,
    parts_bytes: usize,
}

/// What a frame asks of the hub.
pub(super) enum Outcome {
    Continue,
    /// Too much waits for the consumer.
    Pause,
    /// The watch is over.
    End(Error),
    /// The store wants another token: the stream must be opened again.
    Reopen(Error),
}

impl Subscription {
    pub(super) fn new(request: WatchCreateRequest, queue: Arc<Queue>) -> Self {
        let next_revision = request.start_revision;
        Self {
            request,
            queue,
            next_revision,
            parts: Vec::new(),
            parts_bytes: 0,
        }
    }

    /// The request that makes the watch go on where it is. What came of an unfinished answer comes again.
    pub(super) fn create(&mut self) -> WatchCreateRequest {
        self.parts.clear();
        self.parts_bytes = 0;
        WatchCreateRequest {
            start_revision: self.next_revision,
            ..self.request.clone()
        }
    }

    /// Takes a frame that is addressed to this watch.
    pub(super) fn take(&mut self, frame: WatchResponse) -> Outcome {
        if frame.canceled {
            return ended(&frame);
        }
        let header = revision(frame.header.as_ref());
        if frame.created {
            if self.next_revision == 0 {
                self.next_revision = header + 1;
            }
            self.queue.mark_created(self.next_revision);
            return Outcome::Continue;
        }
        if frame.events.is_empty() && self.parts.is_empty() {
            return self.progress(header);
        }
        for event in &frame.events {
            self.parts_bytes += event.bytes().len();
            match event.decode() {
                Ok(event) => self.parts.push(event),
                Err(error) => return Outcome::End(Error::Malformed(error.to_string())),
            }
        }
        if frame.fragment {
            Outcome::Continue
        } else {
            self.deliver(header)
        }
    }

    /// Everything up to this revision has been told.
    pub(super) fn progress(&mut self, header: i64) -> Outcome {
        if header < self.request.start_revision {
            return Outcome::Continue;
        }
        self.next_revision = self.next_revision.max(header + 1);
        self.push(
            Update {
                revision: header,
                events: Vec::new(),
            },
            0,
        )
    }

    fn deliver(&mut self, header: i64) -> Outcome {
        let mut events = std::mem::take(&mut self.parts);
        let bytes = std::mem::take(&mut self.parts_bytes);
        // A store never sends these twice on one stream. A member that was asked to go on and begins too early does.
        let next = self.next_revision;
        events.retain(|event| mod_revision(event) >= next);
        let Some(last) = events.last().map(mod_revision) else {
            return Outcome::Continue;
        };
        self.next_revision = last + 1;
        self.push(
            Update {
                revision: header,
                events,
            },
            bytes,
        )
    }

    fn push(&self, update: Update, bytes: usize) -> Outcome {
        // A fixed part for each, so that a flood of small ones is bounded too.
        if self.queue.push(update, bytes + 64) {
            Outcome::Pause
        } else {
            Outcome::Continue
        }
    }
}

fn mod_revision(event: &Event) -> i64 {
    event.kv.as_ref().map_or(0, |kv| kv.mod_revision)
}

/// Why the store ended a watch.
fn ended(frame: &WatchResponse) -> Outcome {
    if frame.compact_revision != 0 {
        return Outcome::End(Error::Compacted {
            revision: frame.compact_revision,
        });
    }
    let reason = frame.cancel_reason.as_str();
    let error = Error::from_text(reason).unwrap_or_else(|| Error::Status {
        code: tonic::Code::Cancelled,
        message: reason.to_owned(),
    });
    if error.wants_new_token() {
        Outcome::Reopen(error)
    } else {
        Outcome::End(error)
    }
}
