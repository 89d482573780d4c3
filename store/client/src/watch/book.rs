//! Which watch is where: what is asked of the store, what the store has, and to whom a frame belongs.

use std::collections::{BTreeMap, HashMap, VecDeque};

use proto::etcd::watch_request::RequestUnion;
use proto::etcd::{WatchCancelRequest, WatchCreateRequest, WatchProgressRequest, WatchRequest, WatchResponse};

use super::queue::Id;
use super::subscription::{Outcome, Subscription};
use crate::Error;
use crate::kv::revision;

/// The answer to a progress request carries this instead of a watch, and is for all of them.
const EVERYONE: i64 = -1;

/// All watches of one stream. It survives the stream.
#[derive(Default)]
pub(super) struct Book {
    watches: BTreeMap<Id, Entry>,
    /// Watches that were asked for, in that order; the store answers in the same order.
    asked: VecDeque<Id>,
    /// The store's name for a watch. Names are never used twice on a stream.
    names: HashMap<i64, Id>,
}

struct Entry {
    subscription: Subscription,
    place: Place,
}

/// Where a watch stands on the present stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Asked for, not answered yet.
    Asked,
    /// The store has it under this name.
    Running(i64),
    /// Stopped, because the consumer is slow.
    Paused,
}

impl Book {
    pub(super) fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// Enters a watch and gives what must be asked for.
    pub(super) fn open(&mut self, id: Id, mut subscription: Subscription) -> WatchRequest {
        let request = create(subscription.create());
        self.watches.insert(
            id,
            Entry {
                subscription,
                place: Place::Asked,
            },
        );
        self.asked.push_back(id);
        request
    }

    /// A new stream: everything that is not paused must be asked for again.
    pub(super) fn reopen(&mut self) -> Vec<WatchRequest> {
        self.asked.clear();
        self.names.clear();
        let mut requests = Vec::with_capacity(self.watches.len());
        for (&id, entry) in &mut self.watches {
            if entry.place != Place::Paused {
                entry.place = Place::Asked;
                self.asked.push_back(id);
                requests.push(create(entry.subscription.create()));
            }
        }
        requests
    }

    /// A watch called: it is abandoned, or its consumer has caught up.
    pub(super) fn attend(&mut self, id: Id) -> Option<WatchRequest> {
        let entry = self.watches.get_mut(&id)?;
        if entry.subscription.queue.is_abandoned() {
            return self.remove(id);
        }
        if entry.place != Place::Paused {
            return None;
        }
        entry.place = Place::Asked;
        self.asked.push_back(id);
        Some(create(entry.subscription.create()))
    }

    /// Takes a frame. Gives what must be told to the store; `Err` means that the stream must be opened again.
    pub(super) fn frame(&mut self, frame: WatchResponse) -> Result<Vec<WatchRequest>, Error> {
        if frame.created {
            return self.created(frame);
        }
        if frame.watch_id == EVERYONE {
            let header = revision(frame.header.as_ref());
            let running: Vec<Id> = self.names.values().copied().collect();
            return Ok(running.into_iter().filter_map(|id| self.progress(id, header)).collect());
        }
        // No entry: a watch that was cancelled, and the store has not noticed yet.
        let Some(&id) = self.names.get(&frame.watch_id) else {
            return Ok(Vec::new());
        };
        let Some(entry) = self.watches.get_mut(&id) else {
            return Ok(Vec::new());
        };
        let outcome = entry.subscription.take(frame);
        Ok(self.settle(id, outcome)?.into_iter().collect())
    }

    fn created(&mut self, frame: WatchResponse) -> Result<Vec<WatchRequest>, Error> {
        let Some(id) = self.asked.pop_front() else {
            return Ok(Vec::new());
        };
        let Some(entry) = self.watches.get_mut(&id) else {
            // Abandoned while it was being made.
            let given = (!frame.canceled).then(|| cancel(frame.watch_id));
            return Ok(given.into_iter().collect());
        };
        if !frame.canceled {
            entry.place = Place::Running(frame.watch_id);
            self.names.insert(frame.watch_id, id);
        }
        let outcome = entry.subscription.take(frame);
        Ok(self.settle(id, outcome)?.into_iter().collect())
    }

    fn progress(&mut self, id: Id, header: i64) -> Option<WatchRequest> {
        let outcome = self.watches.get_mut(&id)?.subscription.progress(header);
        self.settle(id, outcome).ok().flatten()
    }

    fn settle(&mut self, id: Id, outcome: Outcome) -> Result<Option<WatchRequest>, Error> {
        match outcome {
            Outcome::Continue => Ok(None),
            Outcome::Pause => Ok(self.stop(id, Place::Paused)),
            Outcome::End(error) => {
                if let Some(entry) = self.watches.get(&id) {
                    entry.subscription.queue.end(error);
                }
                self.remove(id);
                Ok(None)
            }
            Outcome::Reopen(error) => Err(error),
        }
    }

    /// Ends every watch.
    pub(super) fn end_all(&mut self, error: &Error) {
        for entry in std::mem::take(self).watches.into_values() {
            entry.subscription.queue.end(error.clone());
        }
    }

    fn remove(&mut self, id: Id) -> Option<WatchRequest> {
        let request = self.stop(id, Place::Paused);
        self.watches.remove(&id);
        request
    }

    /// Forgets the store's name of a watch, so that frames on their way are passed over.
    fn stop(&mut self, id: Id, place: Place) -> Option<WatchRequest> {
        let entry = self.watches.get_mut(&id)?;
        let before = std::mem::replace(&mut entry.place, place);
        let Place::Running(name) = before else { return None };
        self.names.remove(&name);
        Some(cancel(name))
    }
}

fn create(request: WatchCreateRequest) -> WatchRequest {
    WatchRequest {
        request_union: Some(RequestUnion::CreateRequest(request)),
    }
}

fn cancel(watch_id: i64) -> WatchRequest {
    WatchRequest {
        request_union: Some(RequestUnion::CancelRequest(WatchCancelRequest { watch_id })),
    }
}

/// Asks how far all watches of the stream are.
pub(super) fn progress() -> WatchRequest {
    WatchRequest {
        request_union: Some(RequestUnion::ProgressRequest(WatchProgressRequest {})),
    }
}

#[cfg(test)]
mod tests;
