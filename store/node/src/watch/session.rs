//! A client's watch stream as the transport sees it: requests in, answers out.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use proto::etcd::watch_request::RequestUnion;
use proto::etcd::{RangeRequest, WatchCreateRequest, WatchRequest, WatchResponse};
use proto::fault::Fault;
use store_machine::Ask;
use store_mvcc::{KeyRange, PageLimits};
use tokio::sync::{Notify, watch};

use super::stream::{NO_WATCH, Step, Stream};
use super::token::Ready;
use crate::Member;
use crate::admit::Learner;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::offload;

/// Answers to requests that may stand unread before the next request is taken.
const MAX_QUEUED: usize = 1000;
/// Revisions that one page of history holds; upstream's number.
const PAGE_REVISIONS: usize = 1000;
/// A deadline so far away that it never comes.
const NEVER: Duration = Duration::from_secs(u32::MAX as u64);

/// One watch stream. Clones are the same stream; it ends when the last one is dropped.
#[derive(Clone)]
pub struct WatchSession(Arc<Shared>);

struct Shared {
    member: Member,
    caller: Caller,
    stream: Mutex<Stream>,
    ready: Arc<Ready>,
    /// An answer was taken from the queue.
    drained: Notify,
    cuts: Mutex<watch::Receiver<u64>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.member.metrics.mvcc.streams.dec();
    }
}

impl Member {
    /// Opens a watch stream.
    ///
    /// # Errors
    /// When the member is stopping, is a learner, or sees no leader and the caller wants one.
    pub async fn watch(&self, caller: &Caller) -> Result<WatchSession> {
        // A bad token is told watch by watch, as upstream does; so nobody is authenticated here.
        let anonymous = Caller {
            token: None,
            ..caller.clone()
        };
        drop(self.admit(&anonymous, Learner::Refuses).await?);
        self.metrics.mvcc.streams.inc();
        let mut cuts = self.leaders.cuts();
        cuts.mark_unchanged();
        Ok(WatchSession(Arc::new(Shared {
            member: self.clone(),
            caller: caller.clone(),
            stream: Mutex::default(),
            ready: Arc::default(),
            drained: Notify::new(),
            cuts: Mutex::new(cuts),
        })))
    }
}

impl WatchSession {
    /// Takes one request of the client. Waits while too many answers stand unread.
    pub async fn handle(&self, request: WatchRequest) {
        loop {
            let drained = self.0.drained.notified();
            if self.0.stream.lock().queued() < MAX_QUEUED {
                break;
            }
            drained.await;
        }
        match request.request_union {
            Some(RequestUnion::CreateRequest(create)) => self.create(create).await,
            Some(RequestUnion::CancelRequest(cancel)) => self.cancel(cancel.watch_id),
            Some(RequestUnion::ProgressRequest(_)) => {
                let revision = self.0.member.sink.hub.revision();
                self.0.stream.lock().want_progress(revision);
            }
            None => {}
        }
        self.0.ready.notify.notify_one();
    }

    /// The client sends no more requests. Its watches go on until the last handle is dropped.
    pub fn close(&self) {
        self.0.stream.lock().closed = true;
        self.0.ready.notify.notify_one();
    }

    async fn create(&self, mut request: WatchCreateRequest) {
        let member = &self.0.member;
        if request.key.is_empty() {
            // The first key there can be.
            request.key = Bytes::from_static(b"\0");
        }
        if let Err(reason) = self.allowed(&request).await {
            return self.refuse(reason);
        }
        if request.start_revision < 0 {
            return self.refuse(Fault::Compacted.text().to_owned());
        }
        let open_ended = request.range_end.as_ref() == b"\0";
        if !request.range_end.is_empty() && !open_ended && request.key >= request.range_end {
            return self.refuse("mvcc: watcher range is empty".to_owned());
        }
        let mut stream = self.0.stream.lock();
        if request.watch_id != 0 && stream.holds(request.watch_id) {
            drop(stream);
            return self.refuse("mvcc: duplicate watch ID provided on the WatchStream".to_owned());
        }
        let id = if request.watch_id == 0 {
            stream.free_id()
        } else {
            request.watch_id
        };
        let range = KeyRange::new(&request.key, &request.range_end);
        stream.open(member, &self.0.ready, id, &request, range);
        if request.progress_notify && stream.tick.is_none() {
            stream.tick = Some(member.next_tick());
        }
    }

    async fn allowed(&self, request: &WatchCreateRequest) -> std::result::Result<(), String> {
        let member = &self.0.member;
        let who = member
            .identify(&self.0.caller)
            .await
            .map_err(|error| error.status_text())?;
        let range = RangeRequest {
            key: request.key.clone(),
            range_end: request.range_end.clone(),
            ..RangeRequest::default()
        };
        member
            .allowed(&who, Ask::Range(&range))
            .map_err(|error| error.status_text())
    }

    fn refuse(&self, cancel_reason: String) {
        self.0.stream.lock().push(WatchResponse {
            header: Some(self.0.member.header()),
            watch_id: NO_WATCH,
            created: true,
            canceled: true,
            cancel_reason,
            ..WatchResponse::default()
        });
    }

    fn cancel(&self, id: i64) {
        let mut stream = self.0.stream.lock();
        if stream.remove(id) {
            let header = Some(self.0.member.header());
            stream.push(WatchResponse {
                header,
                watch_id: id,
                canceled: true,
                ..WatchResponse::default()
            });
        }
    }

    /// The next answer. Waits until there is one; safe to drop and call again, by one caller at a time.
    ///
    /// # Errors
    /// The status that ends the stream: no leader for too long where the client wants one, or the member stops.
    pub async fn next(&self) -> Result<WatchResponse> {
        loop {
            let step = self.0.stream.lock().step(&self.0.member, &self.0.ready);
            match step {
                Step::Answer(response) => {
                    self.0.drained.notify_waiters();
                    return Ok(response);
                }
                Step::History(id, from, filter) => {
                    let page = Pending {
                        session: self,
                        id,
                        done: false,
                    };
                    page.read(from, filter).await?;
                }
                Step::Wait => self.wait().await?,
            }
        }
    }

    async fn wait(&self) -> Result<()> {
        let member = &self.0.member;
        let tick = self.0.stream.lock().tick;
        let until = tick.map_or(NEVER, |tick| tick.saturating_sub(member.clock.monotonic()));
        let mut cuts = self.0.cuts.lock().clone();
        let cut = async {
            if self.0.caller.require_leader {
                let _ = cuts.changed().await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = self.0.ready.notify.notified() => Ok(()),
            () = cut => Err(Error::Fault(Fault::NoLeader)),
            () = member.life.stopping() => Err(Error::Fault(Fault::Stopped)),
            () = sleep(member, tick.is_some(), until) => {
                let mut stream = self.0.stream.lock();
                stream.ticked(member);
                stream.tick = Some(member.next_tick());
                Ok(())
            }
        }
    }

    /// How many watches the stream holds.
    pub fn watches(&self) -> usize {
        self.0.stream.lock().len()
    }
}

async fn sleep(member: &Member, armed: bool, until: Duration) {
    if armed {
        member.clock.sleep(until).await;
    } else {
        std::future::pending::<()>().await;
    }
}

/// A watch taken from the list while its history is read; put back whatever happens.
struct Pending<'a> {
    session: &'a WatchSession,
    id: i64,
    done: bool,
}

impl Pending<'_> {
    async fn read(mut self, from: i64, filter: store_mvcc::watch::Filter) -> Result<()> {
        let member = &self.session.0.member;
        let reader = member.mvcc.clone();
        let limits = PageLimits {
            revisions: PAGE_REVISIONS,
            bytes: member.config.max_request_bytes,
        };
        let page = offload::run(&member.tasks, "watch-history", move || {
            reader.view().history(from, &filter, limits)
        })
        .await;
        self.done = true;
        let mut stream = self.session.0.stream.lock();
        match page {
            Ok(Ok(page)) => stream.resume(member, self.id, Some(&page)),
            Ok(Err(store_mvcc::Error::Fault(Fault::Compacted))) => stream.resume(member, self.id, None),
            Ok(Err(error)) => return Err(error.into()),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.session
                .0
                .stream
                .lock()
                .resume(&self.session.0.member, self.id, None);
        }
    }
}

impl Member {
    /// When the next progress tick of a stream is due: the interval and up to a tenth more, so that streams do not all
    /// speak at once.
    fn next_tick(&self) -> Duration {
        let interval = self.config.watch_progress_notify_interval;
        let jitter = self.random.below((interval.as_millis() as u64 / 10).max(1));
        self.clock.monotonic() + interval + Duration::from_millis(jitter)
    }
}
