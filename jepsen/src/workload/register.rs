//! Registers: single keys that are read, written, deleted and swapped, by value and by revision.
//!
//! Every value is written once in a run. So a swap that is fenced by the revision of a value does the same as one that
//! compares the value itself, and both are recorded as a swap of values: that is what a checker which does not believe
//! in revisions can judge. A key is given up for a fresh one after some calls, or when too many calls on it have
//! unknown outcomes, because the search for an order is exponential in those.
//!
//! Every second register is plain: never deleted, and swapped only from a value, as logs for other checkers can say it.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use jepsen_check::history::{Call, Delete, Get, Put, Reply};
use parking_lot::Mutex;
use rand::Rng;
use rand::rngs::StdRng;

use super::{Outline, Player, Workload, insist};
use crate::client::wire::unchanged;
use crate::client::{Client, Mishap};
use crate::judge::Judge;

/// Registers in use at a time.
const ACTIVE: usize = 4;
/// Calls on one register.
const CALLS: usize = 160;
/// Calls with unknown outcomes on one register.
const UNKNOWN: usize = 6;

/// The workload.
#[derive(Default)]
pub(super) struct Registers {
    keys: Arc<Keys>,
}

/// The registers of a run.
#[derive(Default)]
struct Keys(Mutex<Turns>);

#[derive(Default)]
struct Turns {
    /// How many registers there were so far.
    made: usize,
    active: Vec<Turn>,
}

struct Turn {
    name: String,
    calls: usize,
    unknown: usize,
}

impl Keys {
    /// The register in this slot, for one call.
    fn take(&self, slot: usize) -> String {
        let mut turns = self.0.lock();
        while turns.active.len() <= slot {
            let fresh = turns.fresh();
            turns.active.push(fresh);
        }
        let turn = &turns.active[slot];
        if turn.calls >= CALLS || turn.unknown >= UNKNOWN {
            turns.active[slot] = turns.fresh();
        }
        turns.active[slot].calls += 1;
        turns.active[slot].name.clone()
    }

    /// A call on this register has an unknown outcome.
    fn doubt(&self, name: &str) {
        let mut turns = self.0.lock();
        if let Some(turn) = turns.active.iter_mut().find(|turn| turn.name == name) {
            turn.unknown += 1;
        }
    }

    /// All registers there were.
    fn all(&self) -> Vec<String> {
        (0..self.0.lock().made).map(name).collect()
    }
}

impl Turns {
    fn fresh(&mut self) -> Turn {
        let name = name(self.made);
        self.made += 1;
        Turn {
            name,
            calls: 0,
            unknown: 0,
        }
    }
}

fn name(number: usize) -> String {
    format!("register/{number:04}")
}

#[async_trait]
impl Workload for Registers {
    fn judges(&self) -> Vec<Judge> {
        vec![Judge::Replay, Judge::Wgl, Judge::Watch]
    }

    fn players(&self, outline: &Outline) -> Vec<Box<dyn Player>> {
        let player = |number: usize| -> Box<dyn Player> {
            Box::new(Clerk {
                keys: Arc::clone(&self.keys),
                rng: outline.seed.part("register", number as u64).rng(),
                number,
                written: 0,
                seen: HashMap::new(),
            })
        };
        (0..outline.clients).map(player).collect()
    }

    async fn finish(&self, client: &mut Client) -> Result<(), Mishap> {
        for key in self.keys.all() {
            insist(client, &read(key, false)).await?;
        }
        Ok(())
    }
}

fn read(key: String, serializable: bool) -> Call {
    Call::Get(Get {
        key,
        serializable,
        ..Get::default()
    })
}

/// Whether a register is plain.
fn is_plain(key: &str) -> bool {
    key.ends_with(['0', '2', '4', '6', '8'])
}

/// What is done to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Read,
    ReadStale,
    Write,
    SwapValue,
    SwapRevision,
    Delete,
}

fn choose(rng: &mut StdRng) -> Deed {
    match rng.random_range(0..100) {
        0..30 => Deed::Read,
        30..36 => Deed::ReadStale,
        36..56 => Deed::Write,
        56..75 => Deed::SwapValue,
        75..94 => Deed::SwapRevision,
        _ => Deed::Delete,
    }
}

/// One client.
struct Clerk {
    keys: Arc<Keys>,
    rng: StdRng,
    number: usize,
    /// How many values it has written.
    written: u64,
    /// What it last saw of each register: the value, and the revision that wrote it.
    seen: HashMap<String, (String, i64)>,
}

impl Clerk {
    fn fresh_value(&mut self) -> String {
        self.written += 1;
        format!("{}-{}", self.number, self.written)
    }

    async fn swap(&mut self, client: &mut Client, key: &str, by_revision: bool) -> Result<(), Mishap> {
        let to = self.fresh_value();
        let (from, revision) = self.seen.remove(key).unzip();
        let call = Call::Cas {
            key: key.to_owned(),
            from,
            to: to.clone(),
        };
        let link = client.begin(call.clone());
        let done = if by_revision {
            link.swap(unchanged(key, revision.unwrap_or(0)), key, &to).await
        } else {
            link.call(&call).await
        };
        client.end(&done);
        let answer = done?;
        if let (Reply::Cas { succeeded: true }, Some(revision)) = (&answer.reply, answer.revision) {
            self.seen.insert(key.to_owned(), (to, revision));
        }
        Ok(())
    }

    async fn act(&mut self, client: &mut Client, key: &str, deed: Deed) -> Result<(), Mishap> {
        match deed {
            Deed::Read | Deed::ReadStale => {
                let done = client.call(read(key.to_owned(), deed == Deed::ReadStale)).await?;
                let Reply::Get { kvs, .. } = done.reply else {
                    return Ok(());
                };
                match kvs.into_iter().next() {
                    Some(kv) => self.seen.insert(kv.key, (kv.value, kv.mod_revision)),
                    None => self.seen.remove(key),
                };
            }
            Deed::Write => {
                self.seen.remove(key);
                let value = self.fresh_value();
                let put = Put {
                    key: key.to_owned(),
                    value: value.clone(),
                    prev_kv: self.rng.random_ratio(1, 2),
                    ..Put::default()
                };
                let done = client.call(Call::Put(put)).await?;
                if let Some(revision) = done.revision {
                    self.seen.insert(key.to_owned(), (value, revision));
                }
            }
            Deed::SwapValue => self.swap(client, key, false).await?,
            Deed::SwapRevision => self.swap(client, key, true).await?,
            Deed::Delete => {
                self.seen.remove(key);
                let delete = Delete {
                    key: key.to_owned(),
                    prev_kv: self.rng.random_ratio(1, 2),
                    ..Delete::default()
                };
                client.call(Call::Delete(delete)).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Player for Clerk {
    async fn step(&mut self, client: &mut Client) {
        let slot = self.rng.random_range(0..ACTIVE);
        let mut deed = choose(&mut self.rng);
        let looks_first = self.rng.random_ratio(3, 4);
        let key = self.keys.take(slot);
        let is_swap = matches!(deed, Deed::SwapValue | Deed::SwapRevision);
        if is_swap && (looks_first || is_plain(&key)) && !self.seen.contains_key(&key) {
            deed = Deed::Read;
        }
        if deed == Deed::Delete && is_plain(&key) {
            deed = Deed::Write;
        }
        if let Err(Mishap::Unknown(_)) = self.act(client, &key, deed).await {
            self.keys.doubt(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use jepsen_check::history::Line;

    use super::*;
    use crate::client::Route;
    use crate::client::testing::deserted;
    use crate::seed::Seed;
    use crate::workload::Audited;

    #[test]
    fn a_register_is_given_up_in_time() {
        let keys = Keys::default();
        let first = keys.take(0);
        for _ in 1..CALLS {
            assert_eq!(keys.take(0), first);
        }
        let second = keys.take(0);
        assert_ne!(second, first);
        for _ in 0..UNKNOWN {
            keys.doubt(&second);
        }
        keys.doubt("register/9999");
        assert_ne!(keys.take(0), second);
        assert_eq!(keys.all().len(), 3);
    }

    #[tokio::test]
    async fn a_plain_register_is_told_in_plain_words() {
        let (place, lines) = deserted(3, 4);
        let mut client = Client::new(&place, 0, Route::Roaming, Seed::new(1));
        let outline = Outline {
            seed: Seed::new(1),
            clients: 1,
            audited: Audited::default(),
        };
        let mut players = Registers::default().players(&outline);
        for _ in 0..400 {
            players[0].step(&mut client).await;
        }
        let (mut plain, mut other) = (0, 0);
        for line in lines.try_iter() {
            let Line::Invoke { call, .. } = line else { continue };
            let (key, has_words) = match &call {
                Call::Delete(delete) => (&delete.key, false),
                Call::Cas { key, from, .. } => (key, from.is_some()),
                Call::Get(get) => (&get.key, true),
                Call::Put(put) => (&put.key, true),
                _ => unreachable!("{call}"),
            };
            assert!(has_words || !is_plain(key), "{call}");
            plain += usize::from(is_plain(key));
            other += usize::from(!has_words);
        }
        assert!(plain > 100 && other > 10, "{plain} {other}");
    }

    #[test]
    fn all_deeds_are_chosen() {
        let mut rng = Seed::new(1).rng();
        let deeds: Vec<Deed> = (0..500).map(|_| choose(&mut rng)).collect();
        for deed in [
            Deed::Read,
            Deed::ReadStale,
            Deed::Write,
            Deed::SwapValue,
            Deed::SwapRevision,
            Deed::Delete,
        ] {
            assert!(deeds.contains(&deed), "{deed:?}");
        }
    }
}
