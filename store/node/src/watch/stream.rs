//! What a stream knows: its watches, the answers that stand ready, and the progress it owes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use proto::etcd::watch_create_request::FilterType;
use proto::etcd::{WatchCreateRequest, WatchResponse};
use store_mvcc::KeyRange;
use store_mvcc::watch::{Filter, Poll, Watcher};
use store_planted::{Bug, planted};

use super::frames;
use super::token::{Ready, Token};
use crate::Member;

/// The id of answers that belong to no watch.
pub(super) const NO_WATCH: i64 = -1;

/// One watch.
pub(super) struct Watch {
    pub(super) watcher: Watcher<Arc<Token>>,
    token: Arc<Token>,
    fragment: bool,
    progress: bool,
    /// An answer went out since the last progress tick.
    spoke: bool,
    /// Everything up to here was told; `None` before the first look and while the start lies in the future.
    told: Option<i64>,
}

/// What the session does next.
pub(super) enum Step {
    /// Give this answer.
    Answer(WatchResponse),
    /// Read history for a watch that fell behind: id, first revision, what it wants.
    History(i64, i64, Filter),
    /// Nothing to say now.
    Wait,
}

#[derive(Default)]
pub(super) struct Stream {
    watches: BTreeMap<i64, Watch>,
    next_id: i64,
    /// Answers to requests, and the rest of a fragmented one. Before all else, in order.
    queue: VecDeque<WatchResponse>,
    /// The revision that every watch must have reached before the manual progress is answered.
    wanted: Option<i64>,
    /// When the next progress tick is due.
    pub(super) tick: Option<Duration>,
    pub(super) closed: bool,
}

impl Stream {
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn push(&mut self, response: WatchResponse) {
        self.queue.push_back(response);
    }

    pub(super) fn holds(&self, id: i64) -> bool {
        self.watches.contains_key(&id)
    }

    /// The lowest id that is free, counting on from the last one given.
    pub(super) fn free_id(&mut self) -> i64 {
        while self.watches.contains_key(&self.next_id) {
            self.next_id += 1;
        }
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Takes a watch in and queues its `created`, which all its events follow.
    ///
    /// A client that asked for "from now" takes now from the head of that answer, so the head is taken from the watch.
    pub(super) fn open(
        &mut self,
        member: &Member,
        ready: &Arc<Ready>,
        id: i64,
        request: &WatchCreateRequest,
        range: KeyRange,
    ) {
        let no = |kind: FilterType| request.filters.contains(&(kind as i32));
        let filter = Filter {
            range,
            no_put: no(FilterType::Noput),
            no_delete: no(FilterType::Nodelete),
            prev_kv: request.prev_kv,
        };
        let token = Token::new(id, Arc::clone(ready));
        let watcher = member
            .sink
            .hub
            .watch(filter, request.start_revision, Arc::clone(&token));
        token.wake();
        let revision = if request.start_revision == 0 {
            watcher.next() - 1
        } else {
            member.mvcc.revision()
        };
        let header = Some(member.header_at(revision));
        self.queue.push_back(WatchResponse {
            header,
            watch_id: id,
            created: true,
            ..WatchResponse::default()
        });
        let watch = Watch {
            watcher,
            token,
            fragment: request.fragment,
            progress: request.progress_notify,
            spoke: true,
            told: None,
        };
        self.watches.insert(id, watch);
    }

    /// Ends a watch; `false` if there is none of this id.
    pub(super) fn remove(&mut self, id: i64) -> bool {
        self.watches.remove(&id).is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.watches.len()
    }

    /// Wants one answer that all watches have reached this revision.
    pub(super) fn want_progress(&mut self, revision: i64) {
        if self.watches.is_empty() {
            return;
        }
        self.wanted = Some(revision);
        for watch in self.watches.values() {
            watch.token.wake();
        }
    }

    /// The next thing to do.
    pub(super) fn step(&mut self, member: &Member, ready: &Ready) -> Step {
        loop {
            if let Some(response) = self.queue.pop_front() {
                return Step::Answer(response);
            }
            if let Some(response) = self.manual_progress(member) {
                return Step::Answer(response);
            }
            let Some(id) = ready.pop() else { return Step::Wait };
            if let Some(step) = self.look(member, id) {
                return step;
            }
        }
    }

    /// Looks at one watch; `None` when it had nothing to say, or its answers are queued.
    fn look(&mut self, member: &Member, id: i64) -> Option<Step> {
        let watch = self.watches.get_mut(&id)?;
        watch.token.taken();
        match watch.watcher.poll(member.config.max_request_bytes) {
            Poll::Ready(batches) => {
                watch.token.wake();
                let frames = watch.frames(member, id, &batches);
                self.queue.extend(frames);
                None
            }
            Poll::Idle(revision) => {
                watch.told = Some(revision);
                None
            }
            Poll::Future => {
                watch.told = None;
                None
            }
            Poll::Behind(from) => {
                member.metrics.mvcc.slow_watchers.inc();
                Some(Step::History(id, from, watch.watcher.filter().clone()))
            }
            Poll::Compacted(revision) => {
                self.watches.remove(&id);
                Some(Step::Answer(WatchResponse {
                    header: Some(member.header_at(0)),
                    watch_id: id,
                    canceled: true,
                    compact_revision: revision,
                    ..WatchResponse::default()
                }))
            }
        }
    }

    /// History was read for a watch. Compacted history lists the watch again, so that the hub says so.
    pub(super) fn resume(&mut self, member: &Member, id: i64, page: Option<&store_mvcc::HistoryPage>) {
        member.metrics.mvcc.slow_watchers.dec();
        let Some(watch) = self.watches.get_mut(&id) else { return };
        watch.token.wake();
        let Some(page) = page else { return };
        watch.watcher.resume(page.next);
        watch.told = Some(page.next - 1);
        let frames = watch.frames(member, id, &page.batches);
        self.queue.extend(frames);
    }

    /// Answers the manual progress request once every watch has come far enough.
    fn manual_progress(&mut self, member: &Member) -> Option<WatchResponse> {
        let wanted = self.wanted?;
        if planted(Bug::EarlyProgress) {
            self.wanted = None;
            return Some(WatchResponse {
                header: Some(member.header_at(member.mvcc.revision())),
                watch_id: NO_WATCH,
                ..WatchResponse::default()
            });
        }
        let mut lowest = i64::MAX;
        for watch in self.watches.values() {
            lowest = lowest.min(watch.told?);
        }
        if lowest < wanted || self.watches.is_empty() {
            return None;
        }
        self.wanted = None;
        Some(WatchResponse {
            header: Some(member.header_at(lowest)),
            watch_id: NO_WATCH,
            ..WatchResponse::default()
        })
    }

    /// A progress tick: tells every quiet watch that wants to know how far it is.
    pub(super) fn ticked(&mut self, member: &Member) {
        for (id, watch) in &mut self.watches {
            if !watch.progress || std::mem::replace(&mut watch.spoke, false) {
                continue;
            }
            // Asked again, as something may have happened since it last spoke.
            match watch.watcher.poll(member.config.max_request_bytes) {
                Poll::Idle(revision) => {
                    watch.told = Some(revision);
                    let header = Some(member.header_at(revision));
                    self.queue.push_back(WatchResponse {
                        header,
                        watch_id: *id,
                        ..WatchResponse::default()
                    });
                }
                Poll::Ready(batches) => {
                    let frames = watch.frames(member, *id, &batches);
                    self.queue.extend(frames);
                    watch.token.wake();
                }
                Poll::Future => {}
                Poll::Behind(_) | Poll::Compacted(_) => watch.token.wake(),
            }
        }
    }
}

impl Watch {
    fn frames(
        &mut self,
        member: &Member,
        id: i64,
        batches: &[Arc<store_mvcc::watch::GroupBatch>],
    ) -> Vec<WatchResponse> {
        let limit = member.config.max_request_bytes;
        let frames = frames::events(|revision| member.header_at(revision), id, batches, self.fragment, limit);
        if !frames.is_empty() {
            self.spoke = true;
            let count: usize = frames.iter().map(|frame| frame.events.len()).sum();
            member.metrics.mvcc.events.inc_by(count as u64);
        }
        if let Some(last) = batches.last() {
            self.told = Some(last.revision);
        }
        frames
    }
}
