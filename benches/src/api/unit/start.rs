//! How long a server needs from the start of its process until it is ready, with many objects in its store.

use std::time::Instant;

use anyhow::Context;
use async_trait::async_trait;

use super::{Phase, Unit, bulk};
use crate::api::object::NAMESPACE;
use crate::api::report::{FIRST_LIST, Group, READY};
use crate::api::server::Side;
use crate::report::Outcome;

/// Starts with so many pods.
pub(crate) struct Start {
    pub(crate) pods: u64,
    pub(crate) nodes: u64,
}

#[async_trait]
impl Unit for Start {
    fn name(&self) -> String {
        format!("start with {} pods", self.pods)
    }

    fn group(&self) -> Group {
        Group::Start
    }

    async fn run(&self, side: &mut Side, phases: &mut Vec<Phase>) -> anyhow::Result<()> {
        phases.extend(bulk::fill(side, self.pods, self.nodes).await?);
        let started = side.started.as_mut().context("the server was not started here")?;
        started.stop().await?;
        let began = Instant::now();
        let measuring = side.measure();
        let ready = side.start().await?;
        // Readiness may come before the cache; this list has none of the many pods and must wait for it.
        let list = format!("/api/v1/namespaces/{NAMESPACE}/pods?resourceVersion=0");
        side.ask(&list).await.context("listing pods after the start")?;
        let mut outcome = Outcome {
            pacing: "from the start of the process to /readyz; then a list from the cache".to_owned(),
            seconds: began.elapsed().as_secs_f64(),
            ..Outcome::default()
        };
        measuring.restarted(side).end(&mut outcome);
        outcome.set(READY, ready.as_secs_f64());
        outcome.set(FIRST_LIST, outcome.seconds);
        phases.push(Phase {
            name: self.name(),
            outcome,
        });
        Ok(())
    }
}
