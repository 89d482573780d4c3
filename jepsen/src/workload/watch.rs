//! Watches of every kind beside a mixed load: some from the past, some from now on, some from revisions still to come;
//! of one key, of a part of the keys, of all; filtered, fragmented, with what was there before; cut off and resumed
//! elsewhere, while history is compacted behind them.

use std::time::Duration;

use async_trait::async_trait;
use jepsen_check::history::{Call, Delete, Get, Kind, Put, Request, Txn, Watch};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::watcher::{Watcher, Wish};
use super::{Audited, Outline, Player, Workload, insist};
use crate::client::wire::{prefix, prefix_end, unchanged, write_step};
use crate::client::{Client, Mishap};
use crate::judge::Judge;

/// Watchers beside the clients that write.
const WATCHERS: usize = 8;
/// Watches begin so far from the revision that is known.
const AROUND: i64 = 100;
/// History is kept so far behind what every auditor has seen.
const KEPT: i64 = 60;
/// The parts of the keys.
const PARTS: [&str; 2] = ["watch/a/", "watch/b/"];
/// Keys of each part.
const KEYS: usize = 5;

/// The workload.
pub(super) struct Watching;

fn key(rng: &mut StdRng) -> String {
    let part = PARTS[rng.random_range(0..PARTS.len())];
    format!("{part}{}", rng.random_range(0..KEYS))
}

/// Some different keys, in their order.
fn keys(rng: &mut StdRng, count: usize) -> Vec<String> {
    let all: Vec<String> = PARTS
        .iter()
        .flat_map(|part| (0..KEYS).map(move |number| format!("{part}{number}")))
        .collect();
    let mut chosen: Vec<String> = all.choose_multiple(rng, count).cloned().collect();
    chosen.sort_unstable();
    chosen
}

/// What is watched next.
fn wish(rng: &mut StdRng, known: i64) -> Wish {
    let (key, end) = match rng.random_range(0..10) {
        0..3 => (key(rng), None),
        3..7 => {
            let part = PARTS[rng.random_range(0..PARTS.len())];
            (part.to_owned(), Some(prefix_end(part)))
        }
        7 => ("watch/a/3".to_owned(), Some("watch/b/2".to_owned())),
        8 => ("watch/b/".to_owned(), Some("\0".to_owned())),
        _ => ("\0".to_owned(), Some("\0".to_owned())),
    };
    let start_revision = match rng.random_range(0..10) {
        0..3 => 0,
        3 => 1,
        _ => (known + rng.random_range(-AROUND..=AROUND)).max(1),
    };
    let filters = match rng.random_range(0..10) {
        0 => vec![Kind::Put],
        1 => vec![Kind::Delete],
        _ => Vec::new(),
    };
    Wish {
        watch: Watch {
            key,
            end,
            start_revision,
            filters,
            prev_kv: rng.random_ratio(1, 2),
            progress_notify: rng.random_ratio(1, 2),
            fragment: rng.random_ratio(1, 3),
        },
        stays: Some(Duration::from_millis(rng.random_range(300..6000))),
        asks: if rng.random_ratio(1, 2) { 20 } else { 0 },
    }
}

#[async_trait]
impl Workload for Watching {
    fn judges(&self) -> Vec<Judge> {
        vec![Judge::Replay, Judge::Watch]
    }

    fn players(&self, outline: &Outline) -> Vec<Box<dyn Player>> {
        let writer = |number: usize| -> Box<dyn Player> {
            Box::new(Mixer {
                rng: outline.seed.part("watch-writer", number as u64).rng(),
                number,
                written: 0,
                compacts: number == 0,
                audited: outline.audited.clone(),
            })
        };
        let watcher = |number: usize| -> Box<dyn Player> {
            let rng = outline.seed.part("watcher", number as u64).rng();
            Box::new(Watcher::new(Box::new(wish), rng))
        };
        (0..outline.clients)
            .map(writer)
            .chain((0..WATCHERS).map(watcher))
            .collect()
    }

    async fn finish(&self, client: &mut Client) -> Result<(), Mishap> {
        insist(client, &Call::Get(prefix("watch/"))).await?;
        Ok(())
    }
}

/// One client that writes, reads, and compacts.
struct Mixer {
    rng: StdRng,
    number: usize,
    written: u64,
    compacts: bool,
    audited: Audited,
}

impl Mixer {
    fn value(&mut self) -> String {
        self.written += 1;
        format!("{}-{}", self.number, self.written)
    }

    /// A transaction on a few keys; some of them compare first.
    fn txn(&mut self, known: i64) -> Txn {
        let count = self.rng.random_range(2..=4);
        let keys = keys(&mut self.rng, count);
        let mut then = Vec::with_capacity(keys.len());
        for key in &keys {
            then.push(if self.rng.random_ratio(1, 3) {
                Request::Delete(Delete {
                    key: key.clone(),
                    ..Delete::default()
                })
            } else {
                let value = self.value();
                write_step(key, value)
            });
        }
        let mut txn = Txn { then, ..Txn::default() };
        if self.rng.random_ratio(1, 4) {
            let revision = (known - self.rng.random_range(0..20)).max(0);
            txn.compare.push(unchanged(&keys[0], revision));
            let value = self.value();
            txn.otherwise.push(write_step(&keys[0], value));
        }
        txn
    }

    fn choose(&mut self, known: i64) -> Call {
        match self.rng.random_range(0..100) {
            0..45 => Call::Put(Put {
                key: key(&mut self.rng),
                value: self.value(),
                prev_kv: self.rng.random_ratio(1, 4),
                ..Put::default()
            }),
            45..58 => Call::Delete(Delete {
                key: key(&mut self.rng),
                prev_kv: self.rng.random_ratio(1, 2),
                ..Delete::default()
            }),
            58..62 => {
                let part = PARTS[self.rng.random_range(0..PARTS.len())];
                Call::Delete(Delete {
                    key: part.to_owned(),
                    end: Some(prefix_end(part)),
                    prev_kv: true,
                })
            }
            62..85 => Call::Txn(self.txn(known)),
            85..90 => Call::Get(Get {
                key: key(&mut self.rng),
                serializable: self.rng.random_ratio(1, 2),
                ..Get::default()
            }),
            90..97 => Call::Get(Get {
                revision: (known - self.rng.random_range(0..AROUND)).max(0),
                limit: self.rng.random_range(0..4),
                ..prefix("watch/")
            }),
            _ => {
                let kept = self.audited.by_all() - KEPT;
                if self.compacts && kept > 1 {
                    Call::Compact { revision: kept }
                } else {
                    Call::Get(prefix("watch/"))
                }
            }
        }
    }
}

#[async_trait]
impl Player for Mixer {
    async fn step(&mut self, client: &mut Client) {
        let call = self.choose(client.recorder().revision());
        // What came of it is recorded; nothing that comes later depends on it.
        let _ = client.call(call).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn wishes_are_of_every_kind() {
        let mut rng = Seed::new(1).rng();
        let wishes: Vec<Watch> = (0..300).map(|_| wish(&mut rng, 500).watch).collect();
        let has = |what: &dyn Fn(&Watch) -> bool| wishes.iter().any(what);
        assert!(has(&|one| one.end.is_none()) && has(&|one| one.key == "\0"));
        assert!(has(&|one| one.start_revision == 0) && has(&|one| one.start_revision > 500));
        assert!(has(&|one| !one.filters.is_empty()) && has(&|one| one.fragment));
        assert!(wishes.iter().all(|one| one.start_revision >= 0));
    }

    #[test]
    fn a_transaction_names_each_key_once() {
        let mut mixer = Mixer {
            rng: Seed::new(1).rng(),
            number: 0,
            written: 0,
            compacts: true,
            audited: Audited::default(),
        };
        for _ in 0..100 {
            let txn = mixer.txn(50);
            let names: Vec<&str> = txn
                .then
                .iter()
                .map(|step| match step {
                    Request::Put(put) => put.key.as_str(),
                    Request::Delete(delete) => delete.key.as_str(),
                    Request::Get(get) => get.key.as_str(),
                })
                .collect();
            assert!(names.is_sorted_by(|left, right| left < right), "{names:?}");
        }
    }
}
