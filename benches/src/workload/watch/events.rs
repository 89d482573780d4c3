//! Events of a watch, counted and timed without decoding them.

use std::time::Instant;

use hdrhistogram::Histogram;

use crate::rpc::{Fields, Visit};
use crate::workload::put::STAMP_BYTES;

/// What the answers on one stream have told so far.
pub(super) struct Events {
    /// Stamps count from here.
    from: Instant,
    /// When the bytes that are being looked at came, on the scale of stamps.
    now: u64,
    /// Watches that were created.
    pub(super) created: usize,
    /// Events since the last look.
    pub(super) fresh: u64,
    /// Why the server ended a watch.
    pub(super) canceled: Option<String>,
    reason: String,
    /// From when a put was due to when its event was here, nanoseconds.
    pub(super) times: Histogram<u64>,
}

impl Events {
    pub(super) fn new(from: Instant, times: Histogram<u64>) -> Self {
        Self {
            from,
            now: 0,
            created: 0,
            fresh: 0,
            canceled: None,
            reason: String::new(),
            times,
        }
    }

    /// When the last bytes came, on the scale of stamps.
    pub(super) fn now(&self) -> u64 {
        self.now
    }
}

/// The stamp at the beginning of the value of an event; deletions have none.
fn stamp(event: &[u8]) -> Option<u64> {
    let kv = Fields::of(event).bytes(2)?;
    let value = Fields::of(kv).bytes(5)?;
    Some(u64::from_be_bytes(value.get(..STAMP_BYTES)?.try_into().ok()?))
}

impl Visit for Events {
    fn arrive(&mut self) {
        self.now = self.from.elapsed().as_nanos() as u64;
    }

    fn number(&mut self, field: u32, value: u64) {
        match field {
            3 if value == 1 => self.created += 1,
            4 if value == 1 => self.canceled = Some(String::new()),
            _ => {}
        }
    }

    fn bytes(&mut self, field: u32, _: u64, head: &[u8]) {
        match field {
            6 => self.reason = String::from_utf8_lossy(head).into_owned(),
            11 => {
                self.fresh += 1;
                if let Some(stamp) = stamp(head) {
                    self.times.saturating_record(self.now.saturating_sub(stamp));
                }
            }
            _ => {}
        }
    }

    fn end(&mut self) {
        if let Some(canceled) = &mut self.canceled {
            canceled.push_str(&self.reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proto::etcd::WatchResponse;
    use proto::mvcc::{Event, KeyValue};

    use super::*;
    use crate::load::new_histogram;
    use crate::rpc::{Skimmer, frame};
    use crate::workload::put;

    #[test]
    fn events_are_counted_and_timed() {
        let from = Instant::now();
        let mut value = vec![0; 1000];
        put::stamp(&mut value, from, from + Duration::from_millis(7));
        let kv = KeyValue {
            key: "some/key".into(),
            create_revision: 5,
            mod_revision: 1 << 40,
            version: 9,
            value: value.into(),
            lease: 0,
        };
        let event = Event {
            kv: Some(kv.clone()),
            prev_kv: Some(kv),
            ..Event::default()
        };
        let deletion = Event {
            r#type: 1,
            kv: Some(KeyValue {
                key: "gone".into(),
                ..KeyValue::default()
            }),
            prev_kv: None,
        };
        let response = WatchResponse {
            created: true,
            events: vec![(&event).into(), (&event).into(), (&deletion).into()],
            ..WatchResponse::default()
        };
        let mut events = Events::new(from, new_histogram().unwrap());
        let mut skimmer = Skimmer::new();
        // Only Incoming says when bytes arrive.
        events.now = 10_000_000;
        for piece in frame(&response).chunks(700) {
            skimmer.feed(piece, &mut events).unwrap();
        }
        assert_eq!((events.created, events.fresh, events.times.len()), (1, 3, 2));
        assert_eq!(events.times.max() / 10_000, 300, "3 ms after it was due");
        assert_eq!(events.canceled, None);

        let end = WatchResponse {
            canceled: true,
            cancel_reason: "compacted".to_owned(),
            ..WatchResponse::default()
        };
        skimmer.feed(&frame(&end), &mut events).unwrap();
        assert_eq!(events.canceled.as_deref(), Some("compacted"));
    }
}
