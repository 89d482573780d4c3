//! What dominates the store, piece by piece: applying puts, appending to the log, events for watches, ranges.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should say where")]

mod common;

use std::hint::black_box;
use std::sync::{Arc, mpsc};

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use proto::etcd::RangeRequest;
use store_engine::{Engine, Memory};
use store_log::{Log, LogOptions, RealDisk, Record};
use store_machine::Effect;
use store_mvcc::watch::{Filter, Hub, Poll};
use store_mvcc::{KeyRange, RevisionBatch};

use common::{Failure, Store, VALUE_BYTES, key, put};

const KEYS: u64 = 100_000;

/// Batches of puts to keys that are there, from encoded entry to encoded reply.
fn apply(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let rocks = store_rocks::Rocks::open(dir.path(), store_rocks::Options::default()).unwrap();
    let engines: [(&str, Arc<dyn Engine>); 2] = [("memory", Arc::new(Memory::new())), ("rocksdb", Arc::new(rocks))];
    let mut group = criterion.benchmark_group("apply puts");
    for (name, engine) in engines {
        let mut store = Store::filled(engine, KEYS).unwrap();
        for size in [1_u64, 64, 1024] {
            let mut turn = 0;
            group.throughput(Throughput::Elements(size));
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                let entries = || {
                    turn += 1;
                    let first = turn * size;
                    (first..first + size).map(|number| put(number * 7919 % KEYS)).collect()
                };
                let apply = |entries: Vec<Bytes>| store.apply(&entries).unwrap();
                bencher.iter_batched(entries, apply, BatchSize::SmallInput);
            });
        }
    }
}

/// Appends, each waited for until it is on disk.
fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append to the log");
    for (name, sync) in [("fdatasync", true), ("without fdatasync", false)] {
        for size in [1_u64, 64, 1024] {
            let dir = tempfile::tempdir().unwrap();
            let options = LogOptions {
                sync,
                ..LogOptions::new(1, 1)
            };
            let log = Log::open(Arc::new(RealDisk::open(dir.path()).unwrap()), options).unwrap();
            let mut index = 0;
            group.throughput(Throughput::Bytes(size * put(0).len() as u64));
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter(|| {
                    let record = |number| Record {
                        index: index + number,
                        data: put(number),
                    };
                    let records = (1..=size).map(record).collect();
                    index += size;
                    let (done, wait) = mpsc::channel();
                    log.append(records, Box::new(move |outcome| drop(done.send(outcome))));
                    wait.recv().unwrap().unwrap();
                });
            });
        }
    }
}

/// The revisions that come of updates.
fn revisions(store: &mut Store, count: u64) -> Result<Vec<Arc<RevisionBatch>>, Failure> {
    let entries: Vec<Bytes> = (0..count).map(put).collect();
    let effects = store.apply(&entries)?.into_iter();
    let revisions = effects.filter_map(|effect| match effect {
        Effect::Revision(revision) => Some(revision),
        _ => None,
    });
    Ok(revisions.collect())
}

/// From a change to what each watcher has in hand: encoded once with its previous value, taken by all.
fn events(criterion: &mut Criterion) {
    const CHANGES: u64 = 100;
    let mut group = criterion.benchmark_group("events with previous values");
    for watchers in [1_u64, 1000] {
        let mut store = Store::filled(Arc::new(Memory::new()), CHANGES).unwrap();
        group.throughput(Throughput::Elements(CHANGES * watchers));
        group.bench_function(BenchmarkId::new("watchers", watchers), |bencher| {
            let prepare = || {
                let before = store.machine.reader().mvcc().revision();
                let hub = Hub::new(before, 0, 64 << 20);
                let filter = Filter {
                    prev_kv: true,
                    ..Filter::new(KeyRange::new(&"bench/".into(), &"bench0".into()))
                };
                let open: Vec<_> = (0..watchers).map(|_| hub.watch(filter.clone(), 0, ())).collect();
                let revisions = revisions(&mut store, CHANGES).unwrap();
                (hub, open, revisions, store.machine.reader().mvcc())
            };
            bencher.iter_batched(
                prepare,
                |(hub, mut open, revisions, reader)| {
                    let previous = |key: &[u8], at| reader.value_at(key, at).ok().flatten();
                    for revision in &revisions {
                        hub.publish(revision, &previous, &mut |()| {});
                    }
                    for watcher in &mut open {
                        let Poll::Ready(batches) = watcher.poll(usize::MAX) else {
                            panic!("no events");
                        };
                        black_box(batches);
                    }
                    open
                },
                BatchSize::LargeInput,
            );
        });
    }
}

/// Reads at the head.
fn ranges(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let rocks = store_rocks::Rocks::open(dir.path(), store_rocks::Options::default()).unwrap();
    let store = Store::filled(Arc::new(rocks), KEYS).unwrap();
    let reader = store.machine.reader().mvcc();
    let all = RangeRequest {
        key: "bench/".into(),
        range_end: "bench0".into(),
        ..RangeRequest::default()
    };
    let requests = [
        (
            "one key",
            RangeRequest {
                key: key(KEYS / 2),
                ..RangeRequest::default()
            },
        ),
        (
            "a page of 500, with the count of all",
            RangeRequest {
                limit: 500,
                ..all.clone()
            },
        ),
        (
            "keys only, 500",
            RangeRequest {
                limit: 500,
                keys_only: true,
                ..all.clone()
            },
        ),
        (
            "the count of 100,000",
            RangeRequest {
                count_only: true,
                ..all
            },
        ),
    ];
    let mut group = criterion.benchmark_group(format!("range, values of {VALUE_BYTES} bytes"));
    for (name, request) in requests {
        group.bench_function(name, |bencher| {
            bencher.iter(|| reader.view().range(black_box(&request)).unwrap());
        });
    }
}

criterion_group!(store, apply, append, events, ranges);
criterion_main!(store);
