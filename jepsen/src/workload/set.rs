//! One set, held by a few keys: an add reads the key that it belongs to and writes it with one element more.
//!
//! What was added must be there when everything is read in the end: lost writes show as lost elements, whatever the
//! store says of revisions.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use futures_util::FutureExt;
use jepsen_check::history::{Call, KeyValue, Reply};
use rand::Rng;
use rand::rngs::StdRng;

use super::guarded::{self, appended, numbers};
use super::{Outline, Player, Workload, read_everywhere};
use crate::client::wire::prefix;
use crate::client::{Answer, Client, Done, Link, Mishap};
use crate::judge::Judge;

const PREFIX: &str = "set/";
/// Keys that are added to at a time.
const LANES: i64 = 4;
/// Elements of one key.
const ELEMENTS: i64 = 400;
/// As long as the set is so small it is read now and then; a large one only in the end.
const SMALL: i64 = 3000;

/// The workload.
#[derive(Default)]
pub(super) struct Set {
    next: Arc<AtomicI64>,
}

/// The key that an element belongs to.
fn home(element: i64) -> String {
    format!("{PREFIX}{}/{:04}", element % LANES, element / LANES / ELEMENTS)
}

async fn add(link: &Link, element: i64) -> Done {
    let keys = [home(element)];
    let done = guarded::change(link, &keys, |held| {
        let value = held.first().and_then(Option::as_ref).map_or("", |kv| kv.value.as_str());
        Ok(vec![(keys[0].clone(), appended(value, element))])
    });
    Ok(done.await?.answer(Reply::Add {}))
}

async fn members(link: &Link) -> Done {
    let read = link.call(&Call::Get(prefix(PREFIX))).await?;
    let Reply::Get { kvs, .. } = &read.reply else {
        return Err(Mishap::Refused("a read was answered as something else".to_owned()));
    };
    let elements = |kv: &KeyValue| numbers(&kv.value);
    Ok(Answer {
        reply: Reply::Members {
            values: kvs.iter().flat_map(elements).collect(),
        },
        ..read
    })
}

async fn read(client: &mut Client) -> Done {
    let link = client.begin(Call::Members {});
    let done = members(&link).await;
    client.end(&done);
    done
}

#[async_trait]
impl Workload for Set {
    fn judges(&self) -> Vec<Judge> {
        vec![Judge::Set]
    }

    fn players(&self, outline: &Outline) -> Vec<Box<dyn Player>> {
        let player = |number: usize| -> Box<dyn Player> {
            Box::new(Collector {
                next: Arc::clone(&self.next),
                rng: outline.seed.part("set", number as u64).rng(),
            })
        };
        (0..outline.clients).map(player).collect()
    }

    async fn finish(&self, client: &mut Client) -> Result<(), Mishap> {
        read_everywhere(client, |client| read(client).boxed()).await
    }
}

/// One client.
struct Collector {
    next: Arc<AtomicI64>,
    rng: StdRng,
}

#[async_trait]
impl Player for Collector {
    async fn step(&mut self, client: &mut Client) {
        let among = if self.next.load(Ordering::Relaxed) < SMALL {
            50
        } else {
            5000
        };
        if self.rng.random_ratio(1, among) {
            // What is read is recorded; nobody waits for it.
            let _ = read(client).await;
            return;
        }
        let element = self.next.fetch_add(1, Ordering::Relaxed);
        let link = client.begin(Call::Add { value: element });
        let done = add(&link, element).await;
        client.end(&done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_small_and_lie_below_the_prefix() {
        let mut counts = std::collections::HashMap::new();
        for element in 0..10_000 {
            let home = home(element);
            assert!(home.starts_with(PREFIX));
            *counts.entry(home).or_insert(0_i64) += 1;
        }
        assert!(counts.values().all(|count| *count <= ELEMENTS));
    }
}
