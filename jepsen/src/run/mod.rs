//! One run: a cluster, a load, faults, the end, and what is left of it.
//!
//! `order` is what to run, `stage` plays it, `load` are the players at work, `facts` and `folder` are what is left,
//! `judged` is the judgement, which a recheck makes in the same way.

mod chronicle;
mod facts;
mod folder;
mod judged;
mod load;
mod order;
mod spell;
mod stage;

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use base::task::Tasks;

use crate::client::Members;
use crate::cluster::{Cluster, Program};
use crate::judge::Outcome;
use crate::recorder::Recorder;
#[cfg(test)]
pub(crate) use facts::Floor;
pub(crate) use facts::{Facts, Tried};
pub(crate) use folder::{Folder, stamp};
pub(crate) use judged::{Judged, read_history, recheck};
pub(crate) use order::{Nemesis, Order};
use stage::Stage;

impl Members for Cluster {
    fn nodes(&self) -> Vec<usize> {
        Self::nodes(self)
    }

    fn name(&self, node: usize) -> String {
        Self::name(self, node)
    }

    fn endpoint(&self, node: usize) -> String {
        Self::endpoint(self, node)
    }
}

/// Runs an order and judges it.
///
/// What goes wrong in the run stands in its facts and makes it unknown.
///
/// # Errors
/// The run's folder could not be made or written, or there is no such program.
pub(crate) async fn run(order: &Order, tasks: &Tasks) -> anyhow::Result<Judged> {
    let started = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let program = Program::find(order.product, order.binary.as_deref())?;
    if let Some(bugs) = program.known_bugs() {
        tracing::warn!("{bugs}");
    }
    let folder = Folder::make(
        &order.out,
        started,
        order.workload.text(),
        order.nemesis.text(),
        order.seed,
    )?;
    let product = format!("{} {}", program.path.display(), program.version);
    let mut facts = order.facts(started, product);
    let (recorder, writer) = Recorder::start(&folder.history(), tasks)?;
    let own = tasks.child();
    let played = Stage {
        order,
        folder: &folder,
        recorder: &recorder,
        facts: &mut facts,
        tasks: &own,
    }
    .play(program)
    .await;
    own.shutdown().await;
    recorder.close();
    if let Err(error) = writer.finish().await {
        facts.troubles.push(error.to_string());
    }
    if let Err(error) = played {
        facts.troubles.push(format!("{error:#}"));
    }
    facts.write(&folder.facts())?;
    let judging = tasks.spawn_blocking("jepsen-judge", move || recheck(&folder));
    let judged = judging.await.context("a checker panicked")??;
    if judged.sentence.outcome != Outcome::Anomaly {
        judged
            .folder
            .forget_data()
            .context("the members' data cannot be removed")?;
    }
    Ok(judged)
}
