//! Accounts between which money moves: whatever is read at one point must add up.

use async_trait::async_trait;
use futures_util::FutureExt;
use jepsen_check::history::{Call, KeyValue, Reply, Txn};
use rand::Rng;
use rand::rngs::StdRng;

use super::guarded::{self, Writes};
use super::{Outline, Player, Workload, read_everywhere};
use crate::client::wire::{prefix, write_step};
use crate::client::{Answer, Client, Done, Link, Mishap};
use crate::judge::Judge;

const PREFIX: &str = "bank/";
const ACCOUNTS: usize = 8;
/// What each holds at first.
const DEPOSIT: i64 = 10;
/// The most that is moved at once.
const AMOUNT_MAX: i64 = 5;
/// What all hold together.
const TOTAL: i64 = DEPOSIT * ACCOUNTS as i64;

/// The workload.
pub(super) struct Bank;

fn account(number: usize) -> String {
    format!("{PREFIX}{number}")
}

/// What an account holds; something impossible if that cannot be read.
fn balance(kv: Option<&KeyValue>) -> i64 {
    kv.and_then(|kv| kv.value.parse().ok()).unwrap_or(i64::MIN / 1_000)
}

/// What two accounts hold after the transfer.
fn moved(keys: &[String; 2], held: &[Option<KeyValue>], amount: i64) -> Result<Writes, Mishap> {
    let [from, to] = [0, 1].map(|place: usize| balance(held.get(place).and_then(Option::as_ref)));
    if from < amount {
        return Err(Mishap::Refused(format!(
            "{} holds {from}, which is not enough",
            keys[0]
        )));
    }
    Ok(vec![
        (keys[0].clone(), (from - amount).to_string()),
        (keys[1].clone(), (to + amount).to_string()),
    ])
}

async fn transfer(link: &Link, keys: [String; 2], amount: i64) -> Done {
    let done = guarded::change(link, &keys, |held| moved(&keys, held, amount)).await?;
    Ok(done.answer(Reply::Transfer {}))
}

async fn balances(link: &Link) -> Done {
    let read = link.call(&Call::Get(prefix(PREFIX))).await?;
    let Reply::Get { kvs, .. } = &read.reply else {
        return Err(Mishap::Refused("a read was answered as something else".to_owned()));
    };
    Ok(Answer {
        reply: Reply::Balances {
            accounts: kvs.iter().map(|kv| (kv.key.clone(), balance(Some(kv)))).collect(),
        },
        ..read
    })
}

async fn read(client: &mut Client) -> Done {
    let link = client.begin(Call::Balances {});
    let done = balances(&link).await;
    client.end(&done);
    done
}

#[async_trait]
impl Workload for Bank {
    fn judges(&self) -> Vec<Judge> {
        vec![Judge::Bank { total: TOTAL }]
    }

    async fn prepare(&self, client: &mut Client) -> Result<(), Mishap> {
        let deposit = |number| write_step(&account(number), DEPOSIT.to_string());
        let open = Txn {
            then: (0..ACCOUNTS).map(deposit).collect(),
            ..Txn::default()
        };
        client.call(Call::Txn(open)).await?;
        Ok(())
    }

    fn players(&self, outline: &Outline) -> Vec<Box<dyn Player>> {
        let player = |number: usize| -> Box<dyn Player> {
            Box::new(Teller {
                rng: outline.seed.part("bank", number as u64).rng(),
            })
        };
        (0..outline.clients).map(player).collect()
    }

    async fn finish(&self, client: &mut Client) -> Result<(), Mishap> {
        read_everywhere(client, |client| read(client).boxed()).await
    }
}

/// One client.
struct Teller {
    rng: StdRng,
}

#[async_trait]
impl Player for Teller {
    async fn step(&mut self, client: &mut Client) {
        if self.rng.random_ratio(2, 5) {
            // What is read is recorded; nobody waits for it.
            let _ = read(client).await;
            return;
        }
        let from = self.rng.random_range(0..ACCOUNTS);
        let to = (from + self.rng.random_range(1..ACCOUNTS)) % ACCOUNTS;
        let amount = self.rng.random_range(1..=AMOUNT_MAX);
        let keys = [account(from), account(to)];
        let link = client.begin(Call::Transfer {
            from: keys[0].clone(),
            to: keys[1].clone(),
            amount,
        });
        let done = transfer(&link, keys, amount).await;
        client.end(&done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_moved_is_neither_made_nor_lost() {
        let keys = [account(0), account(1)];
        let held = |value: &str| {
            Some(KeyValue {
                value: value.into(),
                ..KeyValue::default()
            })
        };
        let writes = moved(&keys, &[held("7"), held("3")], 5).unwrap();
        let values: Vec<&str> = writes.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["2", "8"]);
        assert!(moved(&keys, &[held("4"), held("3")], 5).is_err());
        assert!(moved(&keys, &[None, held("3")], 5).is_err());
    }
}
