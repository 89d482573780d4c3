//! Watches that are opened, read for a while, given up, and opened again where they had got to.

use std::time::Duration;

use jepsen_check::history::{Call, Kind, Reply, Watch};
use proto::etcd::watch_request::RequestUnion;
use proto::etcd::{WatchCreateRequest, WatchProgressRequest, WatchRequest};
use rand::Rng;

use super::{Client, Ended, convert};

/// How long a watch is read, in milliseconds.
const READ: std::ops::Range<u64> = 500..8_000;
/// How far before the end of what was seen a watch begins at most.
const BACK: i64 = 60;

/// Between two looks whether the end has come.
const LOOK: Duration = Duration::from_millis(50);

/// Watches until it is to be quiet; the last watch goes on until it has told everything.
pub(super) async fn run(mut client: Client) {
    let mut from = 0;
    let mut told = false;
    while !told && client.pause(Duration::from_millis(300)).await {
        let watch = client.new_watch(from);
        (from, told) = client.watch(watch).await;
    }
    while !told {
        let watch = Watch {
            start_revision: from.max(1),
            ..client.new_watch(from)
        };
        (from, told) = client.watch(watch).await;
    }
    client.recorder.lines.lock().told += 1;
}

fn create(watch: &Watch) -> WatchRequest {
    let mut filters = Vec::new();
    for kind in &watch.filters {
        filters.push(match kind {
            Kind::Put => 0,
            Kind::Delete => 1,
        });
    }
    let request = WatchCreateRequest {
        key: bytes::Bytes::copy_from_slice(watch.key.as_bytes()),
        range_end: bytes::Bytes::copy_from_slice(watch.end.as_deref().unwrap_or_default().as_bytes()),
        start_revision: watch.start_revision,
        progress_notify: watch.progress_notify,
        filters,
        prev_kv: watch.prev_kv,
        fragment: watch.fragment,
        ..WatchCreateRequest::default()
    };
    WatchRequest {
        request_union: Some(RequestUnion::CreateRequest(request)),
    }
}

impl Client {
    fn new_watch(&mut self, from: i64) -> Watch {
        let start_revision = match self.random.random_range(0..4) {
            0 => 0,
            1 => (self.seen - self.random.random_range(0..BACK)).max(1),
            // Of a revision that the member may not have reached.
            2 => from.max(self.seen) + self.random.random_range(0..3),
            _ => from,
        };
        let narrow = self.random.random_ratio(1, 4);
        Watch {
            key: if narrow { "k1".to_owned() } else { "\0".to_owned() },
            end: (!narrow).then(|| "\0".to_owned()),
            start_revision,
            filters: match self.random.random_range(0..8) {
                0 => vec![Kind::Put],
                1 => vec![Kind::Delete],
                _ => Vec::new(),
            },
            prev_kv: self.random.random(),
            progress_notify: self.random.random(),
            fragment: self.random.random_ratio(1, 4),
        }
    }

    /// Reads one watch for a while, or to the end; answers where the next may go on, and whether this was the last.
    async fn watch(&mut self, watch: Watch) -> (i64, bool) {
        let request = create(&watch);
        let start = watch.start_revision;
        let mut next = start;
        let Ok(session) = self.member.watch(&self.caller).await else {
            tokio::time::sleep(LOOK).await;
            return (next, false);
        };
        self.invoke(Call::Watch(watch));
        session.handle(request).await;
        let limit = Duration::from_millis(self.random.random_range(READ));
        let until = tokio::time::Instant::now() + limit;
        let asks = self.random.random_ratio(1, 3);
        let (mut answers, mut through) = (0_u32, 0);
        loop {
            match tokio::time::timeout(LOOK, session.next()).await {
                Err(_) if self.recorder.last().is_some() => ask_progress(&session).await,
                Err(_) => {}
                Ok(Err(_)) => break,
                Ok(Ok(response)) => {
                    let delivery = convert::delivery(&response);
                    self.seen = self.seen.max(delivery.revision);
                    if let Some(event) = delivery.events.last().filter(|_| !delivery.fragment) {
                        next = next.max(event.kv.mod_revision + 1);
                    }
                    if delivery.events.is_empty() && !response.created {
                        through = through.max(delivery.revision);
                    }
                    self.respond(delivery);
                    if response.canceled {
                        next = response.compact_revision.max(1);
                        through = 0;
                        break;
                    }
                    answers += 1;
                    let slow = asks && answers.is_multiple_of(3);
                    if slow {
                        // Much stands ready when it asks.
                        tokio::time::sleep(Duration::from_millis(u64::from(answers % 7) * 60)).await;
                    }
                    if slow || (asks && answers.is_multiple_of(5)) {
                        ask_progress(&session).await;
                    }
                }
            }
            // Before its first revision a watch tells no progress.
            let is_told = self.recorder.last().is_some_and(|last| through >= last || start > last);
            if is_told || !self.recorder.is_quiet() && tokio::time::Instant::now() >= until {
                break;
            }
        }
        // Given up or ended: both are the end of the call.
        session.close();
        let through = self.recorder.last().filter(|last| through >= *last || start > *last);
        self.complete(Ended::Ok {
            revision: None,
            term: None,
            reply: Reply::Watch {
                through: through.unwrap_or(0),
            },
        });
        (next, through.is_some())
    }
}

async fn ask_progress(session: &store_node::WatchSession) {
    let progress = RequestUnion::ProgressRequest(WatchProgressRequest {});
    let request = WatchRequest {
        request_union: Some(progress),
    };
    session.handle(request).await;
}
