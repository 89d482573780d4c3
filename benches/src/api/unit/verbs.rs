//! One kind of object created, changed in every way, read and deleted, at one concurrency.

use std::time::Duration;

use anyhow::ensure;
use async_trait::async_trait;

use super::worker::{Job, Numbers};
use super::{Phase, Unit, bulk, clients, closed, count};
use crate::api::object::{Resource, Verb};
use crate::api::report::Group;
use crate::api::server::Side;

/// Objects of different runs are told apart by numbers of so many digits.
const NUMBERS: u64 = 10_000_000;
/// So many runs have numbers of their own.
const RUNS: u64 = 100;

/// Verb after verb; each for a while, but as many objects are deleted as were created.
pub(crate) struct Verbs {
    pub(crate) group: Group,
    pub(crate) resource: Resource,
    pub(crate) order: Vec<Verb>,
    pub(crate) clients: usize,
    pub(crate) duration: Duration,
    pub(crate) nodes: u64,
}

#[async_trait]
impl Unit for Verbs {
    fn name(&self) -> String {
        format!("{}, {}", self.resource.name, clients(self.clients))
    }

    fn group(&self) -> Group {
        self.group
    }

    async fn run(&self, side: &mut Side, phases: &mut Vec<Phase>) -> anyhow::Result<()> {
        let first = u64::from(side.next_run()) % RUNS * NUMBERS;
        let mut made = 0;
        let outcome = self.run_all(side, first, &mut made, phases).await;
        if outcome.is_err() {
            // What was made must not be in the way of what comes; the first failure is the one that is told.
            let _ = bulk::delete(side, &self.resource, first..first + made).await;
        }
        outcome
    }
}

impl Verbs {
    async fn run_all(&self, side: &Side, first: u64, made: &mut u64, phases: &mut Vec<Phase>) -> anyhow::Result<()> {
        for verb in &self.order {
            let plan = match verb {
                Verb::Delete => count(*made),
                _ => closed(self.duration),
            };
            let job = Job {
                nodes: self.nodes,
                ..Job::new(
                    *verb,
                    &self.resource,
                    Numbers {
                        first,
                        count: (!verb.is_create()).then_some(*made),
                    },
                )
            };
            let group = side.group();
            let workers = job.workers(side, self.clients, &group).await?;
            let loaded = side.load(&plan, verb.name(), workers, &group).await;
            group.shutdown().await;
            let outcome = loaded?;
            if verb.is_create() {
                ensure!(outcome.requests > 0, "nothing could be created: {:?}", outcome.errors);
                // Every turn had its number, and those that failed may have made an object as well.
                *made = outcome.requests + outcome.errors.values().sum::<u64>();
            }
            phases.push(Phase {
                name: format!("{} {}, {}", self.resource.name, verb.name(), clients(self.clients)),
                outcome,
            });
        }
        Ok(())
    }
}
