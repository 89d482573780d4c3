//! What kube-apiserver asks of a store: objects created, updated and deleted by transactions that compare revisions,
//! read one by one and listed in pages, while every prefix is watched.
//!
//! The requests have the shapes of apiserver's `storage/etcd3` and etcd's `client/v3/kubernetes`. How often each is
//! sent is our choice, as no two clusters are alike: most writes of a cluster are updates (statuses, node leases), and
//! most of its reads come from apiserver's own cache, which the watches feed. Start reading at `object`, one client's
//! share of the objects.

mod answers;
mod object;
mod requests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use async_trait::async_trait;
use clap::Args;

use super::Workload;
use super::put::STAMP_BYTES;
use super::watch::{Streams, Wish};
use crate::bench::Bench;
use crate::load::{Plan, drive, prefix_end};
use crate::options::duration;
use crate::report::{Latency, Outcome, figure};
use object::{CLASSES, Component};

/// The requests of kube-apiserver, while watches on every prefix get all changes
#[derive(Clone, Debug, Args)]
pub(crate) struct Kube {
    /// Objects that are there at the beginning, over all kinds
    #[arg(long, default_value_t = 10_000)]
    objects: u64,
    /// How many apiservers watch: each has a stream for each kind, with a watch that wants previous values
    #[arg(long, default_value_t = 3)]
    apiservers: usize,
    /// How often each stream asks for its progress, as apiserver does while a consistent read waits
    #[arg(long, default_value = "100ms", value_parser = duration)]
    progress: Duration,
}

/// Kinds of objects and how many of 100 objects are of them.
const KINDS: &[(&str, u64)] = &[
    ("pods", 40),
    ("leases", 25),
    ("events", 15),
    ("configmaps", 10),
    ("endpointslices", 5),
    ("minions", 5),
];

/// Where the objects of a kind are.
fn prefix(kind: &str) -> String {
    format!("/registry/{kind}/")
}

#[async_trait]
impl Workload for Kube {
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome> {
        let bench = &*bench;
        ensure!(
            bench.values.size >= STAMP_BYTES,
            "values carry the time of their write: give --value-size of at least {STAMP_BYTES}"
        );
        let changes = Arc::new(AtomicU64::new(0));
        let components = self.create_objects(bench, &changes).await?;
        let open = self.watch(bench).await?;
        changes.store(0, Ordering::Relaxed);
        let components = components
            .into_iter()
            .map(|component| component.stamped(open.from))
            .collect();
        // Every event counts, so every change does.
        let plan = Plan {
            warmup: Duration::ZERO,
            ..bench.plan.clone()
        };
        let began = Instant::now();
        let meter = bench.meter.begin();
        let loaded = drive(&bench.stage(), &plan, CLASSES.len(), components).await?;
        let wanted = changes.load(Ordering::Relaxed) * self.apiservers as u64;
        let delivered = open.finish(wanted).await?;
        let used = meter.end();
        let mut outcome = Outcome::of(loaded, &plan, CLASSES);
        let seconds = delivered.last.max(began + Duration::from_millis(1)) - began;
        outcome.used = used;
        outcome.set(
            figure::EVENTS_PER_SECOND,
            delivered.events as f64 / seconds.as_secs_f64(),
        );
        outcome.set_latency("event", Latency::of(&delivered.times));
        Ok(outcome)
    }
}

impl Kube {
    /// All clients, each with its share of the objects created.
    async fn create_objects(&self, bench: &Bench, changes: &Arc<AtomicU64>) -> anyhow::Result<Vec<Component>> {
        let clients = bench.options.clients.max(1);
        let mut creating = Vec::new();
        for number in 0..clients {
            let mut component = Component::new(bench, number, Arc::clone(changes));
            let share = self.objects / clients as u64 + u64::from((number as u64) < self.objects % clients as u64);
            let created = bench.tasks.spawn_value("create-objects", async move {
                component.create_many(share).await.map(|()| component)
            });
            creating.push(created);
        }
        let mut components = Vec::new();
        for created in creating {
            components.push(created.await.context("a client ended early")??);
        }
        Ok(components)
    }

    async fn watch(&self, bench: &Bench) -> anyhow::Result<Streams> {
        let wish = |kind: &str| Wish {
            key: prefix(kind).into_bytes(),
            end: prefix_end(prefix(kind).as_bytes()),
            prev_kv: true,
            progress_notify: true,
        };
        let streams: Vec<Vec<Wish>> = (0..self.apiservers)
            .flat_map(|_| KINDS.iter().map(|(kind, _)| vec![wish(kind)]))
            .collect();
        Streams::open(bench, &streams, Some(self.progress)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_are_a_hundred_percent() {
        assert_eq!(KINDS.iter().map(|(_, share)| share).sum::<u64>(), 100);
        assert_eq!(prefix_end(prefix("pods").as_bytes()), b"/registry/pods0");
    }
}
