//! Watches of the store's hub and history, against what the model says they are told.

use std::collections::BTreeSet;

use bytes::Bytes;
use proptest::test_runner::{TestCaseError, TestCaseResult};
use proptest::{prop_assert, prop_assert_eq};
use proto::etcd::WatchCreateRequest;
use proto::mvcc::Event;
use store_machine::Machine;
use store_model::Model;
use store_mvcc::watch::{Filter, GroupBatch, Hub, Poll, Watcher};
use store_mvcc::{KeyRange, PageLimits};

/// So few bytes of events are kept that watches often have to read the history.
const RING: usize = 600;
/// And so little at a time.
const PAGE: PageLimits = PageLimits {
    revisions: 2,
    bytes: 100,
};

/// Events by revision.
type Told = Vec<(i64, Vec<Event>)>;

/// All watches under way.
pub(crate) struct Watches {
    pub(crate) hub: Hub<()>,
    watches: Vec<Watch>,
}

struct Watch {
    request: WatchCreateRequest,
    watcher: Watcher<()>,
    /// What the model has told and the machine was not yet asked for; `None` for a watch that is cancelled at once.
    expected: Option<Told>,
    /// What the model is asked for next.
    next: i64,
}

impl Watches {
    pub(crate) fn new() -> Self {
        Self {
            hub: Hub::new(1, -1, RING),
            watches: Vec::new(),
        }
    }

    /// Starts a watch, and compares what it can hear of the past.
    pub(crate) fn start(
        &mut self,
        request: &WatchCreateRequest,
        machine: &Machine,
        model: &Model,
        repeated: &BTreeSet<(i64, Bytes)>,
    ) -> TestCaseResult {
        let expected = model.watch(request);
        let start = request.start_revision;
        let next = if start == 0 { model.revision() + 1 } else { start };
        let past = history(machine, request, next).map(|told| plain(&told, model, repeated));
        let wanted = expected.clone().map(|told| plain(&told, model, repeated));
        prop_assert_eq!(past, wanted.map_err(|fault| fault.to_string()), "at {:?}", request);
        self.watches.push(Watch {
            watcher: self.hub.watch(filter(request), start, ()),
            request: request.clone(),
            expected: expected.ok(),
            next: next.max(model.revision() + 1),
        });
        Ok(())
    }

    /// Takes in what the model tells after one more command.
    pub(crate) fn listen(&mut self, model: &Model) {
        for watch in &mut self.watches {
            if let Some(expected) = &mut watch.expected {
                let request = WatchCreateRequest {
                    start_revision: watch.next,
                    ..watch.request.clone()
                };
                expected.extend(model.watch(&request).unwrap());
                watch.next = watch.next.max(model.revision() + 1);
            }
        }
    }

    /// Asks all watches of the machine for all they have heard, and compares it.
    pub(crate) fn poll(
        &mut self,
        machine: &Machine,
        model: &Model,
        repeated: &BTreeSet<(i64, Bytes)>,
    ) -> TestCaseResult {
        let mut going = Vec::new();
        for mut watch in self.watches.drain(..) {
            let (told, cancelled) = watch.drain(machine, model)?;
            let Some(expected) = watch.expected.take() else {
                prop_assert!(cancelled && told.is_empty(), "not cancelled: {:?}", watch.request);
                continue;
            };
            let heard = watch.watcher.next();
            let (expected, later): (Told, Told) = expected.into_iter().partition(|(revision, _)| *revision < heard);
            let (told, expected) = (plain(&told, model, repeated), plain(&expected, model, repeated));
            prop_assert_eq!(told, expected, "at {:?}", &watch.request);
            if !cancelled {
                prop_assert!(later.is_empty(), "never told {:?} at {:?}", later, &watch.request);
                watch.expected = Some(Vec::new());
                going.push(watch);
            }
        }
        self.watches = going;
        Ok(())
    }
}

impl Watch {
    /// Polls until there is no more; answers what was told, and whether the watch was cancelled.
    fn drain(&mut self, machine: &Machine, model: &Model) -> Result<(Told, bool), TestCaseError> {
        let mut told = Vec::new();
        loop {
            match self.watcher.poll(1) {
                Poll::Ready(batches) => told.extend(batches.iter().map(|batch| decoded(batch))),
                Poll::Idle(revision) => {
                    prop_assert_eq!(revision, model.revision());
                    return Ok((told, false));
                }
                Poll::Future => {
                    prop_assert!(self.request.start_revision > model.revision());
                    return Ok((told, false));
                }
                Poll::Behind(from) => {
                    let view = machine.reader().mvcc().view();
                    let page = view.history(from, self.watcher.filter(), PAGE).unwrap();
                    told.extend(page.batches.iter().map(|batch| decoded(batch)));
                    self.watcher.resume(page.next);
                }
                Poll::Compacted(revision) => {
                    prop_assert_eq!(revision, model.compacted());
                    prop_assert!(self.watcher.next() < revision);
                    return Ok((told, true));
                }
            }
        }
    }
}

fn filter(request: &WatchCreateRequest) -> Filter {
    Filter {
        range: KeyRange::new(&request.key, &request.range_end),
        no_put: request.filters.contains(&0),
        no_delete: request.filters.contains(&1),
        prev_kv: request.prev_kv,
    }
}

fn decoded(batch: &GroupBatch) -> (i64, Vec<Event>) {
    let events = batch.events.iter().map(|event| event.decode().unwrap());
    (batch.revision, events.collect())
}

/// All events of the past from a revision on.
fn history(machine: &Machine, request: &WatchCreateRequest, from: i64) -> Result<Told, String> {
    let view = machine.reader().mvcc().view();
    let (mut next, mut told) = (from, Vec::new());
    while next <= view.revision() {
        let page = view
            .history(next, &filter(request), PAGE)
            .map_err(|error| error.to_string())?;
        told.extend(page.batches.iter().map(|batch| decoded(batch)));
        next = page.next;
    }
    Ok(told)
}

/// Leaves out what etcd and the store may tell differently, and both rightly.
///
/// * What was there before an event of a compacted revision: etcd no longer knows it, the store may have it still.
/// * What was there before a key's second change in one revision: for etcd what stood at the revision before, for the
///   store what the first change made.
/// * Events of the compaction's own revision on a key that changed twice in it: the first may be gone.
fn plain(told: &Told, model: &Model, repeated: &BTreeSet<(i64, Bytes)>) -> Told {
    let mut plain = told.clone();
    for (revision, events) in &mut plain {
        let compacted = *revision <= model.compacted();
        let is_repeated = |event: &Event| {
            let key = event.kv.as_ref().map(|kv| kv.key.clone()).unwrap_or_default();
            repeated.contains(&(*revision, key))
        };
        events.retain(|event| !(compacted && is_repeated(event)));
        for event in events {
            if compacted || is_repeated(event) {
                event.prev_kv = None;
            }
        }
    }
    plain.retain(|(_, events)| !events.is_empty());
    plain
}
