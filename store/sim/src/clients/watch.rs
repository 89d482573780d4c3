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

/// Watches until it is to be quiet.
pub(super) async fn run(mut client: Client) {
    let mut from = 0;
    while client.pause(Duration::from_millis(300)).await {
        from = client.watch(from).await;
    }
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

    /// Reads one watch for a while; answers where the next may go on.
    async fn watch(&mut self, from: i64) -> i64 {
        let watch = self.new_watch(from);
        let request = create(&watch);
        let Ok(session) = self.member.watch(&self.caller).await else {
            return from;
        };
        let mut next = watch.start_revision;
        self.invoke(Call::Watch(watch));
        session.handle(request).await;
        let limit = Duration::from_millis(self.random.random_range(READ));
        let asks = self.random.random_ratio(1, 3);
        let reading = async {
            let mut answers = 0_u32;
            loop {
                let Ok(response) = session.next().await else { return };
                let canceled = response.canceled;
                let delivery = convert::delivery(&response);
                self.seen = self.seen.max(delivery.revision);
                if let Some(event) = delivery.events.last().filter(|_| !delivery.fragment) {
                    next = next.max(event.kv.mod_revision + 1);
                }
                self.respond(delivery);
                if canceled {
                    return;
                }
                answers += 1;
                let slow = asks && answers.is_multiple_of(3);
                if slow {
                    // Much stands ready when it asks.
                    tokio::time::sleep(Duration::from_millis(u64::from(answers % 7) * 60)).await;
                }
                if slow || (asks && answers.is_multiple_of(5)) {
                    let progress = RequestUnion::ProgressRequest(WatchProgressRequest {});
                    let request = WatchRequest {
                        request_union: Some(progress),
                    };
                    session.handle(request).await;
                }
            }
        };
        // Given up or ended: both are the end of the call.
        drop(tokio::time::timeout(limit, reading).await);
        session.close();
        self.complete(Ended::Ok {
            revision: None,
            term: None,
            reply: Reply::Watch { through: 0 },
        });
        next
    }
}
