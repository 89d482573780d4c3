//! Streams with many watchers, read for as long as something is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use base::task::{Handle, Tasks};
use hdrhistogram::Histogram;
use proto::etcd::watch_request::RequestUnion;
use proto::etcd::{WatchCreateRequest, WatchProgressRequest, WatchRequest};

use super::events::Events;
use crate::bench::Bench;
use crate::load::new_histogram;
use crate::rpc::{Fault, Incoming, Method, Outgoing, frame};

/// Events that do not come for so long are lost.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(5);

/// What one watcher watches.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) key: Vec<u8>,
    /// Empty for the key alone.
    pub(crate) end: Vec<u8>,
    pub(crate) prev_kv: bool,
    pub(crate) progress_notify: bool,
}

impl Wish {
    fn request(&self) -> WatchRequest {
        WatchRequest {
            request_union: Some(RequestUnion::CreateRequest(WatchCreateRequest {
                key: self.key.clone().into(),
                range_end: self.end.clone().into(),
                prev_kv: self.prev_kv,
                progress_notify: self.progress_notify,
                ..WatchCreateRequest::default()
            })),
        }
    }
}

/// Open streams.
pub(crate) struct Streams {
    /// Stamps count from here.
    pub(crate) from: Instant,
    shared: Arc<Shared>,
    tasks: Tasks,
    readers: Vec<Handle<Result<Histogram<u64>, Fault>>>,
}

/// What all readers add to.
struct Shared {
    events: AtomicU64,
    /// When the last event came, on the scale of stamps.
    last: AtomicU64,
}

/// What was delivered.
pub(crate) struct Delivered {
    pub(crate) events: u64,
    /// When the last event came.
    pub(crate) last: Instant,
    /// From when a put was due to when its event was here, nanoseconds.
    pub(crate) times: Histogram<u64>,
}

impl Streams {
    /// Opens one stream for each element of `wishes`, with a watcher for each of its elements, and waits until all of
    /// them watch. With `progress` each stream asks for its progress so often.
    ///
    /// # Errors
    /// A watch is refused.
    pub(crate) async fn open(bench: &Bench, wishes: &[Vec<Wish>], progress: Option<Duration>) -> anyhow::Result<Self> {
        let from = Instant::now();
        let mut streams = Self {
            from,
            shared: Arc::new(Shared {
                events: AtomicU64::new(0),
                last: AtomicU64::new(0),
            }),
            tasks: bench.tasks.child(),
            readers: Vec::new(),
        };
        for (number, wishes) in wishes.iter().enumerate() {
            let (mut outgoing, mut incoming) = bench.caller(number).link().open(Method::Watch).await?;
            let mut events = Events::new(from, new_histogram()?);
            for wish in wishes {
                outgoing.send(frame(&wish.request()))?;
            }
            while events.created < wishes.len() {
                ensure!(
                    incoming.receive(&mut events).await?,
                    "the server ended a stream of watches"
                );
                if let Some(reason) = &events.canceled {
                    bail!("a watch was refused: {reason}");
                }
            }
            events.fresh = 0;
            let (shared, token) = (Arc::clone(&streams.shared), streams.tasks.token());
            let reader = streams.tasks.spawn_value("watch-reader", async move {
                tokio::select! {
                    biased;
                    read = read(&mut incoming, &mut events, &shared) => read?,
                    () = token.cancelled() => {}
                    () = ask(outgoing, progress) => {}
                }
                Ok(events.times)
            });
            streams.readers.push(reader);
        }
        Ok(streams)
    }

    /// Waits until so many events are here, then ends the streams.
    ///
    /// # Errors
    /// A stream broke, or the events do not come.
    pub(crate) async fn finish(self, wanted: u64) -> anyhow::Result<Delivered> {
        let (mut before, mut changed) = (0, Instant::now());
        loop {
            let events = self.shared.events.load(Ordering::Relaxed);
            // A reader ends by itself only when its stream is broken; it says why below.
            if events >= wanted || self.readers.iter().any(Handle::is_finished) {
                break;
            }
            if events != before {
                (before, changed) = (events, Instant::now());
            }
            ensure!(
                changed.elapsed() < PATIENCE,
                "{events} of {wanted} events came, and then none for {PATIENCE:?}"
            );
            tokio::time::sleep(LOOK).await;
        }
        self.tasks.cancel();
        let mut times = new_histogram()?;
        for reader in self.readers {
            let one = reader.await.context("a reader of watches failed")??;
            times.add(one)?;
        }
        let events = self.shared.events.load(Ordering::Relaxed);
        ensure!(
            events >= wanted,
            "{events} events came where {wanted} were to come; a stream of watches ended"
        );
        let last = Duration::from_nanos(self.shared.last.load(Ordering::Relaxed));
        Ok(Delivered {
            events,
            last: self.from + last,
            times,
        })
    }
}

/// Reads until the stream ends, which it should not.
async fn read(incoming: &mut Incoming, events: &mut Events, shared: &Shared) -> Result<(), Fault> {
    loop {
        let open = incoming.receive(events).await?;
        if let Some(reason) = &events.canceled {
            return Err(Fault::Broken(format!("the server ended a watch: {reason}")));
        }
        if !open {
            return Err(Fault::Broken("the server ended a stream of watches".to_owned()));
        }
        let fresh = std::mem::take(&mut events.fresh);
        if fresh > 0 {
            shared.last.fetch_max(events.now(), Ordering::Relaxed);
            shared.events.fetch_add(fresh, Ordering::Relaxed);
        }
    }
}

/// Asks for progress again and again; keeps the stream open all the while.
async fn ask(mut outgoing: Outgoing, every: Option<Duration>) {
    let Some(every) = every else {
        return std::future::pending().await;
    };
    let request = frame(&WatchRequest {
        request_union: Some(RequestUnion::ProgressRequest(WatchProgressRequest {})),
    });
    loop {
        tokio::time::sleep(every).await;
        if outgoing.send(request.clone()).is_err() {
            // The reader sees why.
            return std::future::pending().await;
        }
    }
}
