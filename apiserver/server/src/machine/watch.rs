//! Watches as a stream of frames: what happened, bookmarks now and then, and a clear end.

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;
use apiserver_storage::frame::Told;
use apiserver_storage::object::{Change, Object};
use apiserver_storage::select::Select;
use apiserver_storage::watch::{Event, From, Refused, Watching};
use bytes::Bytes;
use futures_util::Stream;
use tokio::time::Instant;

use super::Machine;
use super::outgoing::Outgoing;
use crate::answer::{compact, protobuf_event};
use crate::catalog::{Kept, Resource};
use crate::metrics::Meter;
use crate::options::ListOptions;
use crate::request::query::{as_asked, parse_revision};

/// How events spell a bookmark.
const BOOKMARK_TYPE: &str = "BOOKMARK";
/// A bookmark comes about this often.
const BOOKMARK: Duration = Duration::from_secs(60);
/// And so long before the watch ends.
const BEFORE_END: Duration = Duration::from_secs(2);
/// No more is read while so many bytes are on their way.
const CHUNK: usize = 16 * 1024;

/// A watch that began.
pub(crate) struct Watched {
    watching: Watching,
    resource: Arc<Resource>,
    meter: Meter,
    /// Whether the client wants bookmarks.
    bookmarks: bool,
    /// Whether it wants to be told when all that was there at first was told.
    initial: bool,
    ends: Instant,
    bookmark: Instant,
    /// The revision of the last bookmark.
    marked: i64,
    out: Outgoing,
}

/// How a changed object is written for one sort of client.
pub(crate) enum Tell {
    /// As JSON, as it is stored where that can be sent.
    Json,
    /// In protobuf.
    Protobuf,
    /// As this makes of it.
    Drawn(Draw),
}

/// Makes a frame of what happened to an object. Where it has none, the watch ends.
pub(crate) type Draw = Box<dyn FnMut(&Resource, &str, Tree) -> Option<Bytes> + Send>;

impl Machine {
    /// Begins a watch.
    ///
    /// # Errors
    /// 500 where the revision is none, 429 where the caches were not filled yet. Told are 410 where the revision is forgotten,
    /// 504 where it is not there yet, and what kept the store from answering.
    pub(crate) async fn watch(
        &self,
        resource: &Arc<Resource>,
        select: Select,
        options: &ListOptions,
        within: Duration,
        meter: Meter,
    ) -> Result<Watched, Refused> {
        // Upstream answers 500 without a reason.
        let revision =
            parse_revision(&options.resource_version).map_err(|message| Status::new(500, Reason::Unknown, message))?;
        let initial = options.initial.unwrap_or_default();
        let Kept { store, shelf, .. } = Self::kept(resource)?;
        let from = match (initial, options.resource_version.as_str()) {
            (true, "") => From::Initial(None),
            (true, _) => From::Initial(Some(revision)),
            (false, "") => From::Newest,
            (false, "0") => From::After(store.clock().now()),
            (false, _) => From::After(revision),
        };
        let watching = shelf.watch(store, select, from, within).await;
        let asked = |status| as_asked(&options.resource_version, status);
        let watching = watching.map_err(|refused| match refused {
            Refused::Plain(status) => Refused::Plain(asked(status)),
            Refused::Told(status) => Refused::Told(asked(status)),
        })?;
        let now = Instant::now();
        let ends = now + within;
        Ok(Watched {
            watching,
            resource: resource.clone(),
            meter,
            bookmarks: options.bookmarks,
            initial: initial && options.bookmarks,
            ends,
            bookmark: (now + BOOKMARK).min(ends.checked_sub(BEFORE_END).unwrap_or(ends).max(now)),
            marked: 0,
            out: Outgoing::default(),
        })
    }
}

impl Watched {
    /// Tells each event in a piece of its own.
    pub(crate) fn apart(mut self) -> Self {
        self.out.set_apart();
        self
    }

    /// The next bytes to send; nothing where the watch has ended.
    async fn next(&mut self, tell: &mut Tell) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.out.next() {
                return Some(bytes);
            }
            // Read first: what is found afterwards is all that happened until then.
            let told = self.watching.revision();
            while self.out.size() < CHUNK {
                let Ok(events) = self.watching.ready() else {
                    // What was to be told is forgotten. Upstream cuts the connection; clients list again either way.
                    return self.out.next();
                };
                if events.is_empty() {
                    break;
                }
                for event in events {
                    let before = self.out.size();
                    if self.write(event, tell).is_none() {
                        return self.out.next();
                    }
                    if self.out.size() > before {
                        self.meter.told(self.out.size() - before);
                    }
                }
            }
            if self.out.size() > 0 {
                continue;
            }
            let now = Instant::now();
            if now >= self.ends {
                return None;
            }
            if now >= self.bookmark {
                self.bookmark = self.ends.min(now + BOOKMARK);
                if self.bookmarks && told > self.marked {
                    self.marked = told;
                    let mark = self.mark(told, false, tell)?;
                    self.meter.told(mark.len());
                    return Some(mark);
                }
            }
            let until = self.bookmark.min(self.ends).max(now + Duration::from_millis(1));
            let _ = tokio::time::timeout_at(until, self.watching.news()).await;
        }
    }

    /// The frame that all share who are told alike.
    fn shared(&self, told: Told, change: &Change, tell: &Tell) -> Option<Bytes> {
        match tell {
            Tell::Json => Some(change.frame(told, self.resource.head()?)),
            Tell::Protobuf => Some(self.resource.protobuf_frame(told, change)),
            Tell::Drawn(_) => None,
        }
    }

    /// Nothing where it has no frame.
    fn write(&mut self, event: Event, tell: &mut Tell) -> Option<()> {
        match event {
            Event::Initial(object) => self.object(Told::Added, &object, tell)?,
            Event::Begun(revision) => {
                self.marked = revision;
                if self.initial {
                    let mark = self.mark(revision, true, tell)?;
                    self.out.copy(&mark);
                    self.meter.listed(&self.resource);
                }
            }
            Event::Change(told, change) => {
                if let Some(frame) = self.shared(told, &change, tell) {
                    self.out.share(frame);
                } else if let Some(object) = change.object(told) {
                    self.object(told, &object, tell)?;
                }
            }
        }
        Some(())
    }

    fn object(&mut self, told: Told, object: &Object, tell: &mut Tell) -> Option<()> {
        match (tell, self.resource.head()) {
            (Tell::Protobuf, _) => self.out.copy(&self.resource.protobuf_event(told, object)),
            (Tell::Json, Some(head)) => {
                self.out
                    .copy(apiserver_storage::frame::Frame::new(told, head, Some(object)).bytes());
            }
            (tell, _) => {
                let mut tree = self.resource.typed(object.tree());
                self.resource.to_served(&mut tree);
                match tell {
                    Tell::Drawn(draw) => self.out.copy(&draw(&self.resource, told.as_str(), tree)?),
                    _ => self.out.copy(&event(told.as_str(), &tree)),
                }
            }
        }
        Some(())
    }

    /// A bookmark: an object of the kind with nothing but a revision.
    fn mark(&self, revision: i64, initial: bool, tell: &mut Tell) -> Option<Bytes> {
        let mut object = Tree::map();
        apiserver_api::meta::set_type(&mut object, &self.resource.api_version, self.resource.kind.kind);
        let metadata = object.child("metadata");
        metadata.set("resourceVersion", revision.to_string());
        metadata.set("creationTimestamp", Tree::Null);
        if initial {
            metadata.child("annotations").set("k8s.io/initial-events-end", "true");
        }
        let object = self.resource.blank(object);
        match tell {
            Tell::Json => Some(event(BOOKMARK_TYPE, &object)),
            Tell::Protobuf => Some(protobuf_event(BOOKMARK_TYPE, &object)),
            Tell::Drawn(draw) => draw(&self.resource, BOOKMARK_TYPE, object),
        }
    }
}

/// An event as a line of JSON.
pub(crate) fn event(kind: &str, object: &Tree) -> Bytes {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(br#"{"type":""#);
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(br#"","object":"#);
    compact(object, &mut out);
    out.extend_from_slice(b"}\n");
    out.into()
}

/// The frames of a watch, one after the other, until it ends.
pub(crate) fn stream(watched: Watched, tell: Tell) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> {
    futures_util::stream::unfold((watched, tell), |(mut watched, mut tell)| async move {
        let bytes = watched.next(&mut tell).await?;
        Some((Ok(bytes), (watched, tell)))
    })
}
