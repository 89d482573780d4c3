//! What a watch is told.

use bytes::Bytes;
use proto::etcd::WatchCreateRequest;
use proto::etcd::watch_create_request::FilterType;
use proto::fault::Fault;
use proto::mvcc::event::EventType;
use proto::mvcc::{Event, KeyValue};

use crate::Model;
use crate::keys::{Version, means};

impl Model {
    /// The events that a watch from `start_revision` on has been told once it has heard everything: those of each
    /// revision together, in the order of execution. From 0, which is "now", there are none yet.
    ///
    /// # Errors
    /// `Compacted` where the watch is cancelled instead, with [`Model::compacted`] as the compact revision.
    pub fn watch(&self, request: &WatchCreateRequest) -> Result<Vec<(i64, Vec<Event>)>, Fault> {
        let from = match request.start_revision {
            0 => self.revision() + 1,
            revision => revision,
        };
        if from < self.compacted() || from < 0 {
            return Err(Fault::Compacted);
        }
        // An empty key is the smallest one.
        let smallest = Bytes::from_static(b"\0");
        let start = if request.key.is_empty() {
            &smallest
        } else {
            &request.key
        };
        let mut found = Vec::new();
        for (key, versions) in &self.keys.versions {
            if !means(start, &request.range_end, key) {
                continue;
            }
            for version in versions.iter().filter(|version| version.revision >= from) {
                if accepts(request, version) {
                    found.push((version.revision, version.place, self.event(request, key, version)));
                }
            }
        }
        found.sort_by_key(|(revision, place, _)| (*revision, *place));
        let mut told: Vec<(i64, Vec<Event>)> = Vec::new();
        for (revision, _, event) in found {
            match told.last_mut() {
                Some((last, events)) if *last == revision => events.push(event),
                _ => told.push((revision, vec![event])),
            }
        }
        Ok(told)
    }

    /// What was there before is what stood at the revision before, where that can still be read.
    fn event(&self, request: &WatchCreateRequest, key: &Bytes, version: &Version) -> Event {
        let before = version.revision - 1;
        let created = version
            .kv
            .as_ref()
            .is_some_and(|kv| kv.create_revision == version.revision);
        let prev_kv = if request.prev_kv && !created && before >= self.compacted() {
            self.keys.get(key, before).cloned()
        } else {
            None
        };
        let (kind, kv) = match &version.kv {
            Some(kv) => (EventType::Put, kv.clone()),
            None => (
                EventType::Delete,
                KeyValue {
                    key: key.clone(),
                    mod_revision: version.revision,
                    ..KeyValue::default()
                },
            ),
        };
        Event {
            r#type: kind.into(),
            kv: Some(kv),
            prev_kv,
        }
    }
}

fn accepts(request: &WatchCreateRequest, version: &Version) -> bool {
    let unwanted = if version.kv.is_some() {
        FilterType::Noput
    } else {
        FilterType::Nodelete
    };
    !request.filters.contains(&unwanted.into())
}
