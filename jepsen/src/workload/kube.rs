//! The requests of kube-apiserver: objects are created, updated and deleted by transactions that are fenced by the
//! revision last seen, listed in pages of one revision, and watched from the revision of the list on.
//!
//! Upstream's shapes stand in `staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go`: a create compares that nothing
//! is there, an update compares the revision and reads what is there if it was another, and so does a delete.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use jepsen_check::history::{Call, Delete, Get, KeyValue, Put, Reply, Request, Txn, Watch};
use rand::Rng;
use rand::rngs::StdRng;

use super::watcher::{Watcher, Wish};
use super::{Audited, Outline, Player, Workload, insist};
use crate::client::wire::{prefix, prefix_end, read_step, unchanged};
use crate::client::{Client, Mishap};
use crate::judge::Judge;

/// Where objects of one kind are.
const PREFIX: &str = "/registry/pods/";
const NAMESPACES: usize = 2;
/// Names of objects in each.
const OBJECTS: usize = 10;
/// Objects on one page of a list.
const PAGE: i64 = 6;
/// Watch caches beside the clients that write.
const CACHES: usize = 4;
/// History is kept so far behind what every auditor has seen.
const KEPT: i64 = 200;

/// The workload.
pub(super) struct Kube;

fn object(rng: &mut StdRng) -> String {
    let (namespace, name) = (rng.random_range(0..NAMESPACES), rng.random_range(0..OBJECTS));
    format!("{PREFIX}ns{namespace}/pod-{name}")
}

/// What a watch cache watches: everything of a kind, from what is known on.
fn cache(rng: &mut StdRng, known: i64) -> Wish {
    Wish {
        watch: Watch {
            key: PREFIX.to_owned(),
            end: Some(prefix_end(PREFIX)),
            start_revision: if known > 0 { known + 1 } else { 0 },
            prev_kv: true,
            progress_notify: true,
            ..Watch::default()
        },
        stays: Some(Duration::from_millis(rng.random_range(2_000..15_000))),
        // As apiserver does to serve consistent lists from its cache.
        asks: 50,
    }
}

#[async_trait]
impl Workload for Kube {
    fn judges(&self) -> Vec<Judge> {
        vec![Judge::Replay, Judge::Watch]
    }

    fn players(&self, outline: &Outline) -> Vec<Box<dyn Player>> {
        let server = |number: usize| -> Box<dyn Player> {
            Box::new(Server {
                rng: outline.seed.part("kube", number as u64).rng(),
                number,
                written: 0,
                known: HashMap::new(),
                compacts: number == 0,
                audited: outline.audited.clone(),
            })
        };
        let watcher = |number: usize| -> Box<dyn Player> {
            let rng = outline.seed.part("kube-cache", number as u64).rng();
            Box::new(Watcher::new(Box::new(cache), rng))
        };
        (0..outline.clients)
            .map(server)
            .chain((0..CACHES).map(watcher))
            .collect()
    }

    async fn finish(&self, client: &mut Client) -> Result<(), Mishap> {
        insist(client, &Call::Get(prefix(PREFIX))).await?;
        Ok(())
    }
}

/// One apiserver.
struct Server {
    rng: StdRng,
    number: usize,
    written: u64,
    /// The revision that last wrote each object, as this server knows it.
    known: HashMap<String, i64>,
    compacts: bool,
    audited: Audited,
}

/// A transaction that does one thing if an object is as it was last seen, and otherwise reads it.
fn fenced(key: &str, revision: i64, then: Request) -> Call {
    Call::Txn(Txn {
        compare: vec![unchanged(key, revision)],
        then: vec![then],
        otherwise: if revision == 0 {
            Vec::new()
        } else {
            vec![read_step(key)]
        },
    })
}

impl Server {
    fn put(&mut self, key: &str) -> Request {
        self.written += 1;
        Request::Put(Put {
            key: key.to_owned(),
            value: format!("{}-{}", self.number, self.written),
            ..Put::default()
        })
    }

    fn note(&mut self, kvs: &[KeyValue]) {
        for kv in kvs {
            self.known.insert(kv.key.clone(), kv.mod_revision);
        }
    }

    /// Creates, updates or deletes one object.
    async fn write(&mut self, client: &mut Client) -> Result<(), Mishap> {
        let key = object(&mut self.rng);
        let known = self.known.remove(&key).unwrap_or(0);
        let deletes = known > 0 && self.rng.random_ratio(1, 8);
        let then = if deletes {
            Request::Delete(Delete {
                key: key.clone(),
                ..Delete::default()
            })
        } else {
            self.put(&key)
        };
        let done = client.call(fenced(&key, known, then)).await?;
        let Reply::Txn { succeeded, replies } = &done.reply else {
            return Ok(());
        };
        match (succeeded, replies.first(), done.revision) {
            (true, _, Some(revision)) if !deletes => {
                self.known.insert(key, revision);
            }
            (false, Some(Reply::Get { kvs, .. }), _) => self.note(kvs),
            _ => {}
        }
        Ok(())
    }

    /// Reads everything page by page, all of the revision of the first.
    async fn list(&mut self, client: &mut Client) -> Result<(), Mishap> {
        let mut get = Get {
            limit: PAGE,
            ..prefix(PREFIX)
        };
        for _ in 0..=NAMESPACES * OBJECTS {
            let page = client.call(Call::Get(get.clone())).await?;
            let Reply::Get { kvs, count } = &page.reply else {
                return Ok(());
            };
            self.note(kvs);
            let Some(last) = kvs.last().filter(|_| *count > kvs.len() as i64) else {
                return Ok(());
            };
            get.key = format!("{}\0", last.key);
            if get.revision == 0 {
                get.revision = page.revision.unwrap_or(0);
            }
        }
        Ok(())
    }

    async fn act(&mut self, client: &mut Client) -> Result<(), Mishap> {
        match self.rng.random_range(0..100) {
            0..70 => self.write(client).await,
            70..82 => {
                let key = object(&mut self.rng);
                let get = Get {
                    key: key.clone(),
                    ..Get::default()
                };
                let read = client.call(Call::Get(get)).await?;
                self.known.remove(&key);
                if let Reply::Get { kvs, .. } = &read.reply {
                    self.note(kvs);
                }
                Ok(())
            }
            82..98 => self.list(client).await,
            _ => {
                let kept = self.audited.by_all() - KEPT;
                if self.compacts && kept > 1 {
                    client.call(Call::Compact { revision: kept }).await?;
                }
                Ok(())
            }
        }
    }
}

#[async_trait]
impl Player for Server {
    async fn step(&mut self, client: &mut Client) {
        // What came of it is recorded; an object whose write is unknown is simply not known any more.
        let _ = self.act(client).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_create_reads_nothing_and_an_update_reads_what_was_there_instead() {
        let create = fenced("x", 0, read_step("x"));
        let update = fenced("x", 7, read_step("x"));
        let (Call::Txn(create), Call::Txn(update)) = (create, update) else {
            panic!("no transactions");
        };
        assert!(create.otherwise.is_empty());
        assert_eq!(update.compare, [unchanged("x", 7)]);
        assert_eq!(update.otherwise, [read_step("x")]);
    }

    #[test]
    fn a_cache_watches_what_comes_after_its_list() {
        let mut rng = crate::seed::Seed::new(1).rng();
        assert_eq!(cache(&mut rng, 41).watch.start_revision, 42);
        assert_eq!(cache(&mut rng, 0).watch.start_revision, 0);
    }
}
