//! Watching keys: many watches share one stream, and each goes on after a broken connection where it was.
//!
//! `book` knows which watch is where and what to tell the store; it is pure. `hub` is the task that owns the stream.
//! `queue` is what lies between the task and one consumer.

mod book;
mod hub;
mod queue;
mod subscription;

use std::sync::Arc;

use bytes::Bytes;
use proto::etcd::WatchCreateRequest;
use proto::etcd::watch_create_request::FilterType;
use proto::mvcc::Event;

use crate::op::Span;
use crate::{Client, Result};
pub(crate) use hub::Hubs;
use queue::Queue;

/// What to watch.
#[derive(Clone, Debug)]
pub struct Watch {
    request: WatchCreateRequest,
    require_leader: bool,
}

impl Watch {
    /// Changes of these keys from now on.
    pub fn new(span: impl Into<Span>) -> Self {
        let Span { key, range_end } = span.into();
        let request = WatchCreateRequest {
            key,
            range_end,
            ..WatchCreateRequest::default()
        };
        Self {
            request,
            require_leader: false,
        }
    }

    /// All keys that begin with this.
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        Self::new(Span::prefix(prefix))
    }

    /// Begin with the changes of this revision; it may lie in the past.
    #[must_use]
    pub const fn from_revision(mut self, revision: i64) -> Self {
        self.request.start_revision = revision;
        self
    }

    /// Events tell what was there before.
    #[must_use]
    pub const fn prev_kv(mut self) -> Self {
        self.request.prev_kv = true;
        self
    }

    /// When nothing happens, tell now and then how far the watch is.
    #[must_use]
    pub const fn progress_notify(mut self) -> Self {
        self.request.progress_notify = true;
        self
    }

    /// Long answers may come in parts, which are put together here: for revisions larger than an answer may be.
    #[must_use]
    pub const fn fragment(mut self) -> Self {
        self.request.fragment = true;
        self
    }

    /// Leave out puts.
    #[must_use]
    pub fn without_puts(mut self) -> Self {
        self.request.filters.push(FilterType::Noput.into());
        self
    }

    /// Leave out deletes.
    #[must_use]
    pub fn without_deletes(mut self) -> Self {
        self.request.filters.push(FilterType::Nodelete.into());
        self
    }

    /// End with the fault `NoLeader` when the member has no leader, rather than to see nothing for as long.
    #[must_use]
    pub const fn require_leader(mut self) -> Self {
        self.require_leader = true;
        self
    }
}

impl<S: Into<Span>> From<S> for Watch {
    fn from(span: S) -> Self {
        Self::new(span)
    }
}

/// What a watch has to tell. Without events it is progress: everything up to the revision has been told.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The store's revision when this was sent. Never ahead of what was delivered.
    pub revision: i64,
    /// Changes, oldest first. Those of one revision are never torn apart.
    pub events: Vec<Event>,
}

impl Update {
    /// Whether it only tells how far the watch is.
    #[must_use]
    pub fn is_progress(&self) -> bool {
        self.events.is_empty()
    }
}

/// A running watch. Dropping it ends the watch.
pub struct Watcher {
    queue: Arc<Queue>,
    client: Client,
    require_leader: bool,
}

impl Watcher {
    /// The next thing to tell. What was told once is not told again after a reconnection, and nothing is left out.
    ///
    /// # Errors
    /// The watch has ended, and every later call says the same: [`Error::Compacted`](crate::Error::Compacted) when it was to go on
    /// at a revision that is forgotten, a fault of the store, or [`Error::Closed`](crate::Error::Closed).
    pub async fn next(&mut self) -> Result<Update> {
        self.queue.next().await
    }

    /// Asks the store to say how far the watches of this client are. The answer is an [`Update`] for all of them; a
    /// store that is behind may stay silent, so ask again.
    pub async fn request_progress(&self) {
        self.client.inner.hubs.ask_progress(self.require_leader).await;
    }

    /// The first revision that this watch has not told yet.
    #[must_use]
    pub fn next_revision(&self) -> i64 {
        self.queue.delivered_next()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

impl Client {
    /// Starts a watch; it is running at the store when this returns.
    ///
    /// # Errors
    /// The store refuses the watch. As long as no endpoint can be reached it keeps trying.
    pub async fn watch(&self, watch: impl Into<Watch>) -> Result<Watcher> {
        let Watch {
            request,
            require_leader,
        } = watch.into();
        let queue = self.inner.hubs.start(&self.inner, request, require_leader).await?;
        let watcher = Watcher {
            queue,
            client: self.clone(),
            require_leader,
        };
        watcher.queue.created().await?;
        Ok(watcher)
    }
}
