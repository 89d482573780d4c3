//! Transactions over lists: several keys are read and appended to at one point, and a checker looks for cycles in what
//! depends on what.
//!
//! A list is the value of one key. etcd has no append, so a transaction reads its lists first and is written only if
//! none has changed; one that only reads is a single request. A list is given up for a fresh one before it gets long.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;
use jepsen_check::history::{Call, KeyValue, Reply, Step};
use parking_lot::Mutex;
use rand::Rng;
use rand::rngs::StdRng;

use super::guarded::{self, Writes, appended, numbers};
use super::{Outline, Player, Workload, persist};
use crate::client::{Client, Done, Link, Mishap};
use crate::judge::Judge;

/// Lists in use at a time.
const ACTIVE: usize = 5;
/// Appends to one list.
const APPENDS: i64 = 100;
/// Steps of one transaction.
const STEPS: std::ops::RangeInclusive<usize> = 1..=4;

/// The workload.
#[derive(Default)]
pub(super) struct Append {
    lists: Arc<Lists>,
}

/// The lists of a run: how many there were in each slot, and how often the last was appended to.
#[derive(Default)]
struct Lists(Mutex<Vec<(usize, i64)>>);

impl Lists {
    /// The list in a slot, to be read.
    fn current(&self, slot: usize) -> String {
        let mut slots = self.0.lock();
        let count = ACTIVE.max(slots.len());
        slots.resize(count, (0, 0));
        name(slot, slots[slot].0)
    }

    /// The list in a slot, and the element to append to it.
    fn next(&self, slot: usize) -> (String, i64) {
        let mut slots = self.0.lock();
        let count = ACTIVE.max(slots.len());
        slots.resize(count, (0, 0));
        let (generation, appends) = &mut slots[slot];
        if *appends >= APPENDS {
            *generation += 1;
            *appends = 0;
        }
        *appends += 1;
        (name(slot, *generation), *appends)
    }

    /// All lists there were.
    fn all(&self) -> Vec<String> {
        let slots = self.0.lock();
        let each = slots
            .iter()
            .enumerate()
            .flat_map(|(slot, (last, _))| (0..=*last).map(move |generation| name(slot, generation)));
        each.collect()
    }
}

fn name(slot: usize, generation: usize) -> String {
    format!("list/{slot}/{generation:04}")
}

/// The lists that steps are about, each once.
fn lists(steps: &[Step]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for step in steps {
        let (Step::Append { key, .. } | Step::Read { key, .. }) = step;
        if !names.contains(key) {
            names.push(key.clone());
        }
    }
    names
}

/// The steps as they are answered when the lists hold this, and what is to be written then.
fn play(steps: &[Step], names: &[String], held: &[Option<KeyValue>]) -> (Vec<Step>, Writes) {
    let value = |kv: Option<&KeyValue>| kv.map_or(String::new(), |kv| kv.value.clone());
    let mut values: Vec<String> = held.iter().map(|kv| value(kv.as_ref())).collect();
    let mut changed = vec![false; names.len()];
    let mut answered = Vec::with_capacity(steps.len());
    for step in steps {
        let (Step::Append { key, .. } | Step::Read { key, .. }) = step;
        let Some(place) = names.iter().position(|name| name == key) else {
            continue;
        };
        answered.push(match step {
            Step::Append { value, .. } => {
                values[place] = appended(&values[place], *value);
                changed[place] = true;
                step.clone()
            }
            Step::Read { key, .. } => Step::Read {
                key: key.clone(),
                values: Some(numbers(&values[place])),
            },
        });
    }
    let written = names.iter().cloned().zip(values).zip(changed);
    let writes = written.filter(|(_, changed)| *changed).map(|(write, _)| write);
    (answered, writes.collect())
}

async fn run(link: &Link, steps: &[Step]) -> Done {
    let names = lists(steps);
    let is_append = |step: &Step| matches!(step, Step::Append { .. });
    let through = if steps.iter().any(is_append) {
        guarded::change(link, &names, |held| Ok(play(steps, &names, held).1)).await?
    } else {
        guarded::read(link, &names).await?
    };
    let (steps, _) = play(steps, &names, &through.held);
    Ok(through.answer(Reply::Lists { steps }))
}

async fn call(client: &mut Client, steps: Vec<Step>) -> Done {
    let link = client.begin(Call::Lists { steps: steps.clone() });
    let done = run(&link, &steps).await;
    client.end(&done);
    done
}

fn read(key: String) -> Step {
    Step::Read { key, values: None }
}

#[async_trait]
impl Workload for Append {
    fn judges(&self) -> Vec<Judge> {
        vec![Judge::Elle]
    }

    fn players(&self, outline: &Outline) -> Vec<Box<dyn Player>> {
        let player = |number: usize| -> Box<dyn Player> {
            Box::new(Writer {
                lists: Arc::clone(&self.lists),
                rng: outline.seed.part("append", number as u64).rng(),
            })
        };
        (0..outline.clients).map(player).collect()
    }

    async fn finish(&self, client: &mut Client) -> Result<(), Mishap> {
        for key in self.lists.all() {
            persist(client, |client| call(client, vec![read(key.clone())]).boxed()).await?;
        }
        Ok(())
    }
}

/// One client.
struct Writer {
    lists: Arc<Lists>,
    rng: StdRng,
}

impl Writer {
    fn steps(&mut self) -> Vec<Step> {
        let count = self.rng.random_range(STEPS);
        let mut steps = Vec::with_capacity(count);
        for _ in 0..count {
            let slot = self.rng.random_range(0..ACTIVE);
            steps.push(if self.rng.random_ratio(1, 2) {
                let (key, value) = self.lists.next(slot);
                Step::Append { key, value }
            } else {
                read(self.lists.current(slot))
            });
        }
        steps
    }
}

#[async_trait]
impl Player for Writer {
    async fn step(&mut self, client: &mut Client) {
        let steps = self.steps();
        // What came of it is recorded; nothing that comes later depends on it.
        let _ = call(client, steps).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_sees_its_own_appends_and_writes_what_it_changed() {
        let append = |key: &str, value| Step::Append { key: key.into(), value };
        let steps = [append("a", 7), read("a".into()), read("b".into()), append("a", 8)];
        let names = lists(&steps);
        assert_eq!(names, ["a", "b"]);
        let b = KeyValue {
            key: "b".into(),
            value: "1 2".into(),
            ..KeyValue::default()
        };
        let (answered, writes) = play(&steps, &names, &[None, Some(b)]);
        let told = |key: &str, values: &[i64]| Step::Read {
            key: key.into(),
            values: Some(values.to_vec()),
        };
        assert_eq!(
            answered,
            [append("a", 7), told("a", &[7]), told("b", &[1, 2]), append("a", 8)]
        );
        assert_eq!(writes, [("a".to_owned(), "7 8".to_owned())]);
    }

    #[test]
    fn elements_are_unique_and_lists_end() {
        let lists = Lists::default();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..=APPENDS * 2 {
            assert!(seen.insert(lists.next(3)));
        }
        assert_eq!(lists.current(3), name(3, 2));
        assert_eq!(lists.all().len(), ACTIVE + 2);
    }
}
