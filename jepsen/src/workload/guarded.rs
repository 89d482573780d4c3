//! Read, decide, write if nothing has changed: how clients of an etcd make transactions that depend on what they read.

use jepsen_check::history::{KeyValue, Reply, Txn};

use crate::client::wire::{read_step, unchanged, write_step};
use crate::client::{Answer, Link, Mishap};

/// So often is a transaction tried again that others came before.
const ATTEMPTS: usize = 4;

/// What several keys held at one point; `None`: the key did not exist.
pub(super) type Held = Vec<Option<KeyValue>>;

/// Keys to write, with their values.
pub(super) type Writes = Vec<(String, String)>;

/// A transaction that went through.
pub(super) struct Through {
    /// What the keys held just before it wrote.
    pub(super) held: Held,
    revision: Option<i64>,
    term: Option<u64>,
}

impl Through {
    /// The answer to the client's call, from the revision of this transaction.
    pub(super) fn answer(&self, reply: Reply) -> Answer {
        Answer {
            reply,
            revision: self.revision,
            term: self.term,
        }
    }
}

/// What each of the first steps of a transaction read.
fn held(replies: &[Reply], keys: usize) -> Result<Held, Mishap> {
    let read = |reply: &Reply| match reply {
        Reply::Get { kvs, .. } => Some(kvs.first().cloned()),
        _ => None,
    };
    let held: Held = replies.iter().take(keys).map_while(read).collect();
    if held.len() == keys {
        Ok(held)
    } else {
        Err(Mishap::Unknown("a transaction's read has no answer".to_owned()))
    }
}

/// Makes one transaction: whether its conditions held, and what it read.
async fn run(link: &Link, keys: &[String], txn: &Txn) -> Result<(bool, Through), Mishap> {
    let done = link.txn(txn).await?;
    let Reply::Txn { succeeded, replies } = &done.reply else {
        return Err(Mishap::Unknown(
            "a transaction was answered as something else".to_owned(),
        ));
    };
    let through = Through {
        held: if *succeeded {
            held(replies, keys.len())?
        } else {
            Vec::new()
        },
        revision: done.revision,
        term: done.term,
    };
    Ok((*succeeded, through))
}

/// Reads keys at one point.
///
/// # Errors
/// They were not read.
pub(super) async fn read(link: &Link, keys: &[String]) -> Result<Through, Mishap> {
    let txn = Txn {
        then: keys.iter().map(|key| read_step(key)).collect(),
        ..Txn::default()
    };
    let (_, through) = run(link, keys, &txn).await?;
    Ok(through)
}

/// Reads keys, decides what to write and writes it if none of them has changed; otherwise again. What the transaction
/// itself reads is told, not what was read first: a store that lets it pass though something changed is found out.
///
/// # Errors
/// Refused if nothing was written: a read had no answer, the decision was not to write, or others were always faster.
pub(super) async fn change(
    link: &Link,
    keys: &[String],
    mut decide: impl FnMut(&[Option<KeyValue>]) -> Result<Writes, Mishap>,
) -> Result<Through, Mishap> {
    for _ in 0..ATTEMPTS {
        let first = read(link, keys)
            .await
            .map_err(|mishap| Mishap::Refused(mishap.text().to_owned()))?;
        let writes = decide(&first.held)?;
        let revisions = first.held.iter().map(|kv| kv.as_ref().map_or(0, |kv| kv.mod_revision));
        let guards = keys
            .iter()
            .zip(revisions)
            .map(|(key, revision)| unchanged(key, revision));
        let reads = keys.iter().map(|key| read_step(key));
        let txn = Txn {
            compare: guards.collect(),
            then: reads
                .chain(writes.into_iter().map(|(key, value)| write_step(&key, value)))
                .collect(),
            otherwise: Vec::new(),
        };
        let (succeeded, through) = run(link, keys, &txn).await?;
        if succeeded {
            return Ok(through);
        }
    }
    Err(Mishap::Refused(format!("others were faster {ATTEMPTS} times")))
}

/// Whole numbers in a row, as a key's value has them. What is no number becomes one that nobody wrote.
pub(super) fn numbers(value: &str) -> Vec<i64> {
    value
        .split_whitespace()
        .map(|word| word.parse().unwrap_or(i64::MIN))
        .collect()
}

/// The same value with one more number.
pub(super) fn appended(value: &str, number: i64) -> String {
    if value.is_empty() {
        number.to_string()
    } else {
        format!("{value} {number}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_appended() {
        let value = appended(&appended("", 3), -7);
        assert_eq!(numbers(&value), [3, -7]);
        assert_eq!(numbers("3 x\u{fffd}"), [3, i64::MIN]);
        assert!(numbers("").is_empty());
    }

    #[test]
    fn a_missing_answer_is_noticed() {
        let found = Reply::Get {
            kvs: vec![KeyValue::default()],
            count: 1,
        };
        let absent = Reply::Get {
            kvs: Vec::new(),
            count: 0,
        };
        let both = [found, absent, Reply::Put { prev: None }];
        assert_eq!(held(&both, 2).unwrap(), [Some(KeyValue::default()), None]);
        assert!(held(&both, 3).is_err());
        assert!(held(&both[..1], 2).is_err());
    }
}
