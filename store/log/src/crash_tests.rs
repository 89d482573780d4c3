//! Random work, a crash at a random point, and what must be there afterwards.
//!
//! The model is the state after each record. After a crash the log must equal the model after some number of records, not
//! fewer than were acknowledged; so nothing acknowledged is lost, the order is kept and the vote never goes back.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::{Executor, Log, LogOptions, MemoryDisk, Record};

/// A small generator; a failing seed is printed and can be run again.
struct Dice(u64);

impl Dice {
    fn next(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[derive(Clone, Default, Debug, PartialEq, Eq)]
struct Model {
    entries: Vec<Record>,
    purged: Option<u64>,
    vote: Option<Bytes>,
}

impl Model {
    fn next(&self) -> u64 {
        self.entries
            .last()
            .map_or(self.purged.map_or(0, |upto| upto + 1), |last| last.index + 1)
    }

    fn of(log: &Log) -> Model {
        let state = log.state();
        let entries = match log.first() {
            Some(first) => log.read(first..u64::MAX, u64::MAX).unwrap(),
            None => Vec::new(),
        };
        let purged = state.purged.map(|(upto, meta)| {
            assert_eq!(meta, Bytes::from(upto.to_string()));
            upto
        });
        assert_eq!(state.last, entries.last().map(|last| last.index).or(purged));
        Model {
            entries,
            purged,
            vote: state.vote,
        }
    }
}

/// Every state that the log went through, and how many of them were acknowledged.
struct History {
    states: Vec<Model>,
    acknowledged: Arc<Mutex<usize>>,
    serial: u64,
    committed: Vec<Bytes>,
}

impl History {
    fn now(&self) -> Model {
        self.states.last().cloned().unwrap()
    }

    fn done(&self) -> crate::Done {
        let acknowledged = self.acknowledged.clone();
        let count = self.states.len() - 1;
        Box::new(move |result| {
            if result.is_ok() {
                let mut acknowledged = acknowledged.lock();
                assert!(*acknowledged <= count, "answers out of order");
                *acknowledged = count;
            }
        })
    }

    fn step(&mut self, log: &Log, dice: &mut Dice) {
        let mut model = self.now();
        self.serial += 1;
        match dice.next(20) {
            0..=9 => {
                let first = model.next();
                let count = 1 + dice.next(5);
                let mut records = Vec::new();
                for index in first..first + count {
                    let size = dice.next(300) as usize;
                    let record = Record {
                        index,
                        data: Bytes::from(format!("{}-{}", self.serial, "d".repeat(size))),
                    };
                    records.push(record.clone());
                    model.entries.push(record);
                    self.states.push(model.clone());
                }
                log.append(records, self.done());
            }
            10..=12 => {
                let vote = Bytes::from(format!("{:08}", self.serial));
                model.vote = Some(vote.clone());
                self.states.push(model);
                log.save_vote(vote, self.done());
            }
            13..=14 => {
                let committed = Bytes::from(self.serial.to_string());
                self.committed.push(committed.clone());
                log.save_committed(committed);
            }
            15..=16 if !model.entries.is_empty() => {
                let keep = dice.next(model.entries.len() as u64 + 1) as usize;
                let last = if keep == 0 {
                    model.purged
                } else {
                    Some(model.entries[keep - 1].index)
                };
                model.entries.truncate(keep);
                self.states.push(model);
                log.truncate_after(last, self.done());
            }
            17..=18 => {
                let ahead = if dice.next(10) == 0 { dice.next(20) } else { 0 };
                let held = model.entries.len() as u64;
                let upto = (model.next() + ahead).saturating_sub(1 + dice.next(held + 1));
                if model.purged.is_none_or(|before| before < upto) {
                    model.entries.retain(|record| record.index > upto);
                    model.purged = Some(upto);
                    self.states.push(model);
                    log.purge(upto, Bytes::from(upto.to_string()), self.done());
                }
            }
            _ => log.pump(),
        }
    }

    /// Goes on from the state that a crash left, which must be one that could be left.
    fn settle(&mut self, log: &Log, seed: u64) {
        let found = Model::of(log);
        let acknowledged = *self.acknowledged.lock();
        let allowed = &self.states[acknowledged..];
        assert!(
            allowed.contains(&found),
            "seed {seed}: after {acknowledged} acknowledged of {} states the log holds {found:?}, not {:?} or later",
            self.states.len(),
            self.states[acknowledged],
        );
        let mark = log.state().committed;
        assert!(mark.is_none_or(|mark| self.committed.contains(&mark)), "seed {seed}");
        self.states = vec![found];
        *self.acknowledged.lock() = 0;
    }
}

fn run(seed: u64, executor: Executor, lives: u64) {
    let mut dice = Dice(seed);
    let disk = MemoryDisk::new();
    let mut history = History {
        states: vec![Model::default()],
        acknowledged: Arc::default(),
        serial: 0,
        committed: Vec::new(),
    };
    for life in 0..=lives {
        let cache_bytes = dice.next(2000);
        let options = LogOptions {
            segment_bytes: 2048,
            cache_bytes,
            executor,
            on_fatal: Arc::new(|_| {}),
            ..LogOptions::new(1, 1)
        };
        let log = Log::open(Arc::new(disk.clone()), options)
            .unwrap_or_else(|error| panic!("seed {seed} life {life}: {error}"));
        history.settle(&log, seed);
        match dice.next(4) {
            0 => disk.fail_sync(dice.next(20)),
            1 => {}
            _ => disk.stop_after(dice.next(60)),
        }
        for _ in 0..dice.next(80) {
            history.step(&log, &mut dice);
            if log.failed().is_some() {
                break;
            }
            assert_eq!(Model::of(&log), history.now(), "seed {seed}");
        }
        if dice.next(8) == 0 {
            drop(log.close());
        }
        drop(log);
        if dice.next(5) == 0 {
            disk.kill();
        } else {
            disk.crash(&mut |bound| dice.next(bound));
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_with_group_commit() {
    for seed in 0..1500 {
        run(seed, Executor::Manual, 6);
    }
}

#[test]
fn nothing_acknowledged_is_lost_inline() {
    for seed in 10_000..10_500 {
        run(seed, Executor::Inline, 6);
    }
}

#[test]
fn nothing_acknowledged_is_lost_with_the_thread() {
    for seed in 20_000..20_100 {
        run(seed, Executor::Thread, 4);
    }
}
