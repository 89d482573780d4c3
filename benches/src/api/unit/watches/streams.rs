//! Open watches: many on each HTTP/2 connection, whose events are counted and timed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use base::task::Tasks;
use bytes::Bytes;
use h2::RecvStream;
use h2::client::{ResponseFuture, SendRequest};
use hdrhistogram::Histogram;
use http::{Method, Request, Version, header};
use parking_lot::Mutex;

use crate::api::client::{Ask, Dialer, Frames, Stamps};
use crate::api::server::Side;
use crate::api::stamp::Clock;
use crate::load::Recorder;

/// When no watch was opened, or no event delivered, for so long, the rest is given up.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Open watches; clones are the same.
#[derive(Clone)]
pub(super) struct Streams {
    pub(super) shared: Arc<Shared>,
}

/// What all watches have in common.
pub(super) struct Shared {
    /// Events that the writes so far are to cause.
    pub(super) expected: AtomicU64,
    run: u32,
    clock: Clock,
    opened: AtomicU64,
    failed: AtomicU64,
    cut: AtomicU64,
    events: AtomicU64,
    frames: AtomicU64,
    /// When the last event came, by the clock.
    last: AtomicU64,
    errors: Mutex<BTreeMap<String, u64>>,
    recorder: Recorder,
}

/// What came.
pub(super) struct Delivered {
    pub(super) opened: u64,
    /// Watches that the server ended.
    pub(super) cut: u64,
    pub(super) events: u64,
    /// Frames of all kinds, bookmarks and others' events among them.
    pub(super) frames: u64,
    /// Events that should have come.
    pub(super) missing: u64,
    /// When the last one came.
    pub(super) last: Instant,
    pub(super) times: Histogram<u64>,
    /// Why watches were not opened, or ended, by text.
    pub(super) errors: BTreeMap<String, u64>,
}

impl Streams {
    /// Opens a watch of each of `paths`, `each` of them on a connection, and waits until all are.
    ///
    /// # Errors
    /// None could be opened.
    pub(super) async fn open(
        side: &Side,
        run: u32,
        paths: Vec<String>,
        each: usize,
        group: &Tasks,
    ) -> anyhow::Result<Self> {
        let wanted = paths.len() as u64;
        let shared = Arc::new(Shared {
            expected: AtomicU64::new(0),
            run,
            clock: side.clock,
            opened: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            events: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            last: AtomicU64::new(side.clock.nanoseconds(Instant::now())),
            errors: Mutex::default(),
            recorder: Recorder::new(1)?,
        });
        let dialer = side.dialer(group);
        let ask = dialer.ask(Method::GET, &[(header::ACCEPT, "application/json")]);
        for (place, paths) in paths.chunks(each.max(1)).enumerate() {
            let opener = Opener {
                shared: Arc::clone(&shared),
                dialer: dialer.clone(),
                ask: ask.clone(),
                group: group.clone(),
                first: place * each,
            };
            group.spawn_until("watch connection", opener.open(paths.to_vec()));
        }
        let settled = || shared.opened.load(Ordering::Relaxed) + shared.failed.load(Ordering::Relaxed);
        wait(settled, || wanted).await;
        let opened = shared.opened.load(Ordering::Relaxed);
        let missing = wanted.saturating_sub(settled());
        if missing > 0 {
            shared.note("a watch was not opened in time".to_owned(), missing);
        }
        ensure!(opened > 0, "no watch could be opened: {:?}", shared.errors.lock());
        Ok(Self { shared })
    }

    /// Waits until all events have come that were expected, or until no more come.
    pub(super) async fn finish(&self) -> Delivered {
        let shared = &self.shared;
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        // Where no watch is left, nothing more comes.
        let is_over = || load(&shared.cut) == load(&shared.opened);
        let wanted = || if is_over() { 0 } else { load(&shared.expected) };
        wait(|| load(&shared.events), wanted).await;
        let mut times = shared.recorder.take();
        let events = load(&shared.events);
        Delivered {
            opened: load(&shared.opened),
            cut: load(&shared.cut),
            events,
            frames: load(&shared.frames),
            missing: load(&shared.expected).saturating_sub(events),
            last: shared.clock.at(load(&shared.last)),
            times: times.swap_remove(0),
            errors: std::mem::take(&mut *shared.errors.lock()),
        }
    }
}

/// Waits until a number has reached another, or has not grown for a while.
async fn wait(number: impl Fn() -> u64, wanted: impl Fn() -> u64) {
    let (mut last, mut changed) = (number(), Instant::now());
    while last < wanted() && changed.elapsed() < PATIENCE {
        tokio::time::sleep(LOOK).await;
        let now = number();
        if now != last {
            (last, changed) = (now, Instant::now());
        }
    }
}

impl Shared {
    fn note(&self, error: String, count: u64) {
        *self.errors.lock().entry(error).or_default() += count;
    }

    fn fail(&self, error: &str, count: u64) {
        self.note(format!("a watch was not opened: {error}"), count);
        self.failed.fetch_add(count, Ordering::Relaxed);
    }

    fn end(&self, why: &str) {
        self.note(format!("a watch was cut off: {why}"), 1);
        self.cut.fetch_add(1, Ordering::Relaxed);
    }
}

/// Opens the watches of one connection.
struct Opener {
    shared: Arc<Shared>,
    dialer: Dialer,
    ask: Ask,
    group: Tasks,
    /// The number of its first watch.
    first: usize,
}

impl Opener {
    async fn open(self, paths: Vec<String>) {
        let mut left = paths.len() as u64;
        if let Err(error) = self.open_all(&paths, &mut left).await {
            self.shared.fail(&error.to_string(), left);
        }
    }

    async fn open_all(&self, paths: &[String], left: &mut u64) -> anyhow::Result<()> {
        let mut sender: SendRequest<Bytes> = self.dialer.http2().await?;
        for (place, path) in paths.iter().enumerate() {
            let mut request = Request::new(());
            *request.uri_mut() = self.dialer.uri(path)?;
            *request.version_mut() = Version::HTTP_2;
            *request.headers_mut() = self.ask.headers.clone();
            // Until the server takes one more stream.
            sender = sender.ready().await?;
            let (response, _) = sender.send_request(request, true)?;
            *left -= 1;
            let watch = watch(response, self.first + place, Arc::clone(&self.shared));
            self.group.spawn_until("watch", watch);
        }
        Ok(())
    }
}

async fn watch(response: ResponseFuture, number: usize, shared: Arc<Shared>) {
    let stream = match response.await {
        Ok(response) if response.status().is_success() => response.into_body(),
        Ok(response) => return shared.fail(response.status().as_str(), 1),
        Err(error) => return shared.fail(&error.to_string(), 1),
    };
    shared.opened.fetch_add(1, Ordering::Relaxed);
    let why = read(stream, number, &shared).await;
    shared.end(&why);
}

/// Reads a watch until it ends; why it did.
async fn read(mut stream: RecvStream, number: usize, shared: &Shared) -> String {
    let (mut frames, mut stamps) = (Frames::default(), Stamps::default());
    while let Some(piece) = stream.data().await {
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => return error.to_string(),
        };
        let now = Instant::now();
        let mut events = 0;
        stamps.feed(&piece, |stamp| {
            if stamp.run == shared.run {
                events += 1;
                shared.recorder.record(number, 0, shared.clock.since(stamp, now));
            }
        });
        if events > 0 {
            shared.events.fetch_add(events, Ordering::Relaxed);
            shared.last.fetch_max(shared.clock.nanoseconds(now), Ordering::Relaxed);
        }
        let seen = frames.feed(&piece);
        shared.frames.fetch_add(seen.frames, Ordering::Relaxed);
        if seen.error {
            return "the server sent an error".to_owned();
        }
        // The stream ends with its connection; it then says so itself.
        let _ = stream.flow_control().release_capacity(piece.len());
    }
    "the stream ended".to_owned()
}
