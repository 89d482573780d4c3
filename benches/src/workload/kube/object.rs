//! One client and its share of the objects: what it does with them, one request after another.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use proto::etcd::TxnRequest;
use rand::Rng;

use super::answers::{Outcome, Page};
use super::{KINDS, prefix, requests};
use crate::bench::{Bench, Caller};
use crate::load::{Client, Done, Turn, Values, prefix_end};
use crate::rpc::{Fault, Method, frame};
use crate::workload::put::stamp;

/// Names of the requests, in the order of [`Step`].
pub(super) const CLASSES: &[&str] = &["update", "create", "delete", "get", "list page"];

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Update,
    Create,
    Delete,
    Get,
    List,
}

/// How many of 100 requests are of which step. As many are deleted as created, so the number of objects stays.
const STEPS: &[(Step, u32)] = &[
    (Step::Update, 50),
    (Step::Create, 10),
    (Step::Delete, 10),
    (Step::Get, 28),
    (Step::List, 2),
];

/// With fewer objects than this a client creates instead of deleting.
const FEWEST: usize = 4;
/// Below what etcd allows in one transaction.
const BATCH: u64 = 100;

struct Object {
    key: Bytes,
    /// Of its last change.
    revision: i64,
}

/// Where a list goes on.
struct Cursor {
    key: Bytes,
    end: Bytes,
    revision: i64,
}

/// A component of a cluster that works on objects of its own, so that no transaction finds one changed.
pub(super) struct Component {
    caller: Caller,
    values: Values,
    key_size: usize,
    number: usize,
    /// Objects named so far.
    named: u64,
    objects: VecDeque<Object>,
    cursor: Option<Cursor>,
    stamp_from: Option<Instant>,
    /// Changes of all components, each of which is an event for each watch.
    changes: Arc<AtomicU64>,
}

impl Component {
    pub(super) fn new(bench: &Bench, number: usize, changes: Arc<AtomicU64>) -> Self {
        Self {
            caller: bench.caller(number),
            values: bench.values.clone(),
            key_size: bench.options.key_size,
            number,
            named: 0,
            objects: VecDeque::new(),
            cursor: None,
            stamp_from: None,
            changes,
        }
    }

    /// The same with values that tell when they were due.
    pub(super) fn stamped(self, from: Instant) -> Self {
        Self {
            stamp_from: Some(from),
            ..self
        }
    }

    /// Creates objects, many in one request.
    pub(super) async fn create_many(&mut self, count: u64) -> Result<(), Fault> {
        let mut left = count;
        while left > 0 {
            let objects: Vec<(Bytes, Bytes)> = (0..left.min(BATCH))
                .map(|_| (self.name(), self.value(Instant::now())))
                .collect();
            left -= objects.len() as u64;
            let revision = self.commit(&requests::create_many(&objects)).await?;
            let objects = objects.into_iter().map(|(key, _)| Object { key, revision });
            self.objects.extend(objects);
        }
        Ok(())
    }

    /// A key that no component has had. Names of different components lie between each other.
    fn name(&mut self) -> Bytes {
        let mut at = self.named * 7 % 100;
        let kind = KINDS.iter().find(|(_, share)| {
            let found = at < *share;
            at = at.saturating_sub(*share);
            found
        });
        let (kind, _) = kind.unwrap_or(&KINDS[0]);
        let name = format!("{}namespace-{:02}/object-", prefix(kind), self.named % 100);
        let tail = format!("{:06}-{:04}", self.named, self.number);
        self.named += 1;
        let room = self.key_size.saturating_sub(name.len() + tail.len());
        format!("{name}{:0room$}{tail}", "").into()
    }

    fn value(&mut self, due: Instant) -> Bytes {
        let mut value = vec![0; self.values.size];
        self.values.write(&mut self.caller.random, &mut value);
        if let Some(from) = self.stamp_from {
            stamp(&mut value, from, due);
        }
        value.into()
    }

    fn choose(&mut self) -> Step {
        let mut at = self.caller.random.random_range(0..100);
        let step = STEPS.iter().find(|(_, share)| {
            let found = at < *share;
            at = at.saturating_sub(*share);
            found
        });
        let step = step.map_or(Step::Get, |(step, _)| *step);
        if self.objects.len() < FEWEST && step != Step::List {
            Step::Create
        } else {
            step
        }
    }

    /// Any of the objects, taken out; it goes back at the end of the row unless it is deleted.
    fn take(&mut self) -> Result<Object, Fault> {
        let place = self.caller.random.random_range(0..self.objects.len().max(1));
        self.objects
            .swap_remove_front(place)
            .ok_or_else(|| Fault::Broken("there is no object".to_owned()))
    }

    /// Sends a transaction that must succeed; its revision.
    async fn commit(&mut self, txn: &TxnRequest) -> Result<i64, Fault> {
        let mut outcome = Outcome::default();
        self.caller.call(Method::Txn, frame(txn), &mut outcome).await?;
        if !outcome.succeeded {
            return Err(Fault::Broken("an object was changed by someone else".to_owned()));
        }
        self.changes.fetch_add(1, Ordering::Relaxed);
        Ok(outcome.revision)
    }

    async fn create(&mut self, due: Instant) -> Result<u64, Fault> {
        let (key, value) = (self.name(), self.value(due));
        let revision = self.commit(&requests::create(&key, &value)).await?;
        let bytes = key.len() + value.len();
        self.objects.push_back(Object { key, revision });
        Ok(bytes as u64)
    }

    async fn update(&mut self, due: Instant) -> Result<u64, Fault> {
        let (object, value) = (self.take()?, self.value(due));
        let revision = self
            .commit(&requests::update(&object.key, &value, object.revision))
            .await?;
        let bytes = object.key.len() + value.len();
        self.objects.push_back(Object { revision, ..object });
        Ok(bytes as u64)
    }

    async fn delete(&mut self) -> Result<u64, Fault> {
        let object = self.take()?;
        self.commit(&requests::delete(&object.key, object.revision)).await?;
        Ok(object.key.len() as u64)
    }

    async fn get(&mut self) -> Result<(), Fault> {
        let object = self.take()?;
        let mut page = Page::default();
        let request = frame(&requests::get(&object.key));
        self.objects.push_back(object);
        self.caller.call(Method::Range, request, &mut page).await?;
        if page.keys != 1 {
            return Err(Fault::Broken("an object is gone".to_owned()));
        }
        Ok(())
    }

    /// The next page of a list, or the first page of another.
    async fn list(&mut self) -> Result<(), Fault> {
        let cursor = self.cursor.take().unwrap_or_else(|| {
            let (kind, _) = KINDS[self.caller.random.random_range(0..KINDS.len())];
            let prefix = prefix(kind);
            Cursor {
                end: prefix_end(prefix.as_bytes()).into(),
                key: prefix.into(),
                revision: 0,
            }
        });
        let mut page = Page::default();
        let request = requests::page(cursor.key, cursor.end.clone(), cursor.revision);
        self.caller.call(Method::Range, frame(&request), &mut page).await?;
        if page.more {
            // Later pages show what was there when the first was read.
            let revision = if cursor.revision == 0 {
                page.revision
            } else {
                cursor.revision
            };
            self.cursor = Some(Cursor {
                key: page.next(),
                end: cursor.end,
                revision,
            });
        }
        Ok(())
    }
}

impl Client for Component {
    async fn step(&mut self, turn: Turn) -> Result<Done, Fault> {
        let step = self.choose();
        let bytes_put = match step {
            Step::Update => self.update(turn.due).await?,
            Step::Create => self.create(turn.due).await?,
            Step::Delete => self.delete().await?,
            Step::Get => self.get().await.map(|()| 0)?,
            Step::List => self.list().await.map(|()| 0)?,
        };
        Ok(Done {
            class: step as usize,
            bytes_put,
            items: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_a_hundred_percent_and_have_names() {
        assert_eq!(STEPS.iter().map(|(_, share)| share).sum::<u32>(), 100);
        assert_eq!(STEPS.len(), CLASSES.len());
        for (place, (step, _)) in STEPS.iter().enumerate() {
            assert_eq!(*step as usize, place);
        }
    }
}
