//! Many watches of pods, all of them or those of one node, and how fast changes come to them.

mod streams;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, ensure};
use async_trait::async_trait;
use base::task::Tasks;

use super::worker::{Job, Numbers, Worker};
use super::{Phase, Unit, bulk, count};
use crate::api::client::text;
use crate::api::object::{self, Verb};
use crate::api::report::{
    CUT_OFF, DELIVERED, FRAMES, Group, MISSING, OPEN_SECONDS, OPENED, RSS_PER_WATCH, WRITES_PER_SECOND,
};
use crate::api::server::Side;
use crate::load::{Client, Done, Plan, Turn};
use crate::report::{Latency, Outcome, figure};
use crate::rpc::Fault;
use streams::Streams;

/// Fewer writes would say little.
const WRITES_MIN: u64 = 10;

/// Watches, and the writes that they are told of.
pub(crate) struct Watches {
    pub(crate) watchers: u64,
    /// Each watches the pods of one node, as a kubelet does; else all pods.
    pub(crate) by_node: bool,
    pub(crate) nodes: u64,
    /// Clients that write.
    pub(crate) writers: usize,
    /// About so many events are to be delivered.
    pub(crate) events: u64,
    /// But no more writes than this are sent.
    pub(crate) writes: u64,
    /// Writes a second; as many as the server takes without it.
    pub(crate) rate: Option<f64>,
    /// Watches that share a connection.
    pub(crate) streams: usize,
}

#[async_trait]
impl Unit for Watches {
    fn name(&self) -> String {
        let what = if self.by_node {
            "pods of a node each"
        } else {
            "all pods"
        };
        format!("{} watchers of {what}", self.watchers)
    }

    fn group(&self) -> Group {
        Group::Watches
    }

    async fn run(&self, side: &mut Side, phases: &mut Vec<Phase>) -> anyhow::Result<()> {
        bulk::create(side, &object::pods(), 0..self.nodes, self.nodes).await?;
        let group = side.group();
        let outcome = self.deliver(side, &group).await;
        group.shutdown().await;
        bulk::delete(side, &object::pods(), 0..self.nodes).await?;
        phases.push(Phase {
            name: self.name(),
            outcome: outcome?,
        });
        Ok(())
    }
}

impl Watches {
    /// The watchers that are told of a change of the pod with this number.
    fn told(&self, number: u64) -> u64 {
        if !self.by_node {
            return self.watchers;
        }
        let node = number % self.nodes;
        self.watchers / self.nodes + u64::from(node < self.watchers % self.nodes)
    }

    fn plan(&self) -> Plan {
        let each = if self.by_node {
            (self.watchers / self.nodes).max(1)
        } else {
            self.watchers
        };
        Plan {
            rate: self.rate,
            ..count((self.events / each).min(self.writes).max(WRITES_MIN))
        }
    }

    /// The path that watcher `number` watches.
    fn path(&self, number: u64, revision: &str) -> String {
        let selector = if self.by_node {
            format!("&fieldSelector=spec.nodeName%3Dbench-node-{:06}", number % self.nodes)
        } else {
            String::new()
        };
        format!(
            "/api/v1/pods?watch=1&allowWatchBookmarks=true&timeoutSeconds=3600&resourceVersion={revision}{selector}"
        )
    }

    async fn deliver(&self, side: &mut Side, group: &Tasks) -> anyhow::Result<Outcome> {
        let head = side.ask("/api/v1/pods?limit=1").await?;
        let revision = text(&head, "resourceVersion").context("a list has no resourceVersion")?;
        let run = side.next_run();
        let (memory, began) = (side.rss_bytes(), Instant::now());
        let paths = (0..self.watchers).map(|number| self.path(number, revision)).collect();
        let streams = Streams::open(side, run, paths, self.streams, group).await?;
        let open_seconds = began.elapsed().as_secs_f64();
        let memory = side.rss_bytes().saturating_sub(memory);

        let numbers = Numbers {
            first: 0,
            count: Some(self.nodes),
        };
        let job = Job {
            nodes: self.nodes,
            run,
            ..Job::new(Verb::Update, &object::pods(), numbers)
        };
        let told: Arc<[u64]> = (0..self.nodes).map(|number| self.told(number)).collect();
        let workers = job.workers(side, self.writers, group).await?;
        let writers = workers.into_iter().map(|worker| Writer {
            worker,
            told: Arc::clone(&told),
            streams: streams.clone(),
        });
        let (plan, measuring, began) = (self.plan(), side.measure(), Instant::now());
        let mut outcome = side.load(&plan, "write", writers.collect(), group).await?;
        ensure!(outcome.requests > 0, "nothing could be written: {:?}", outcome.errors);
        let writes_per_second = outcome.requests as f64 / outcome.seconds;
        let delivered = streams.finish().await;
        measuring.end(&mut outcome);

        outcome.seconds = delivered.last.saturating_duration_since(began).as_secs_f64();
        outcome.set(WRITES_PER_SECOND, writes_per_second);
        outcome.set(OPENED, delivered.opened as f64);
        outcome.set(OPEN_SECONDS, open_seconds);
        outcome.set(CUT_OFF, delivered.cut as f64);
        outcome.set(DELIVERED, delivered.events as f64);
        outcome.set(FRAMES, delivered.frames as f64);
        outcome.set(MISSING, delivered.missing as f64);
        outcome.set(figure::EVENTS_PER_SECOND, delivered.events as f64 / outcome.seconds);
        if !outcome.used.servers.is_empty() {
            let millions = delivered.events as f64 / 1e6;
            outcome.set(figure::CPU_PER_MILLION_EVENTS, outcome.used.cpu_seconds() / millions);
            outcome.set(RSS_PER_WATCH, memory as f64 / delivered.opened as f64);
        }
        outcome.errors.extend(delivered.errors);
        outcome.set_latency("event", Latency::of(&delivered.times));
        Ok(outcome)
    }
}

/// A client that changes pods, and says how many watches are to be told.
struct Writer {
    worker: Worker,
    /// Watchers by the number of the pod.
    told: Arc<[u64]>,
    streams: Streams,
}

impl Client for Writer {
    async fn step(&mut self, turn: Turn) -> Result<Done, Fault> {
        let number = self.worker.work(turn).await?;
        let told = self.told.get(number as usize).copied().unwrap_or(0);
        self.streams.shared.expected.fetch_add(told, Ordering::Relaxed);
        Ok(Done::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watches(watchers: u64, by_node: bool) -> Watches {
        Watches {
            watchers,
            by_node,
            nodes: 300,
            writers: 1,
            events: 100_000,
            writes: 10_000,
            rate: None,
            streams: 100,
        }
    }

    #[test]
    fn every_watcher_of_a_node_is_told() {
        let by_node = watches(1000, true);
        let told: u64 = (0..300).map(|number| by_node.told(number)).sum();
        assert_eq!(told, 1000);
        assert_eq!((by_node.told(99), by_node.told(100)), (4, 3));
        assert!(
            by_node
                .path(301, "7")
                .ends_with("resourceVersion=7&fieldSelector=spec.nodeName%3Dbench-node-000001")
        );
        assert_eq!(watches(1000, false).told(5), 1000);
        assert!(watches(1000, false).path(1, "7").ends_with("&resourceVersion=7"));
    }

    #[test]
    fn as_many_are_written_as_are_to_be_delivered() {
        assert_eq!(watches(1000, false).plan().total, Some(100));
        assert_eq!(watches(100_000, false).plan().total, Some(10));
        assert_eq!(watches(900, true).plan().total, Some(10_000));
        assert_eq!(watches(9000, true).plan().total, Some(3333));
    }
}
