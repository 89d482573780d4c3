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
use crate::disk::Contents;
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

/// Of an anomaly the members' data are kept, those of their disks too, which are in memory; of other runs nobody wants
/// them.
fn keep_data(judged: &Judged, disks: &[(String, Contents)]) -> anyhow::Result<()> {
    let folder = &judged.folder;
    if judged.sentence.outcome != Outcome::Anomaly {
        return folder.forget_data().context("the members' data cannot be removed");
    }
    for (member, contents) in disks {
        let path = folder.disk(member);
        contents.write(&path).with_context(|| format!("{}", path.display()))?;
    }
    Ok(())
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
    let mut disks = Vec::new();
    let own = tasks.child();
    let played = Stage {
        order,
        folder: &folder,
        recorder: &recorder,
        facts: &mut facts,
        disks: &mut disks,
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
    keep_data(&judged, &disks)?;
    Ok(judged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Sentence;

    #[test]
    fn of_an_anomaly_what_was_on_disks_is_kept() {
        let path = tempfile::tempdir().unwrap();
        let folder = Folder::of(path.path());
        std::fs::create_dir_all(path.path().join("n1/data")).unwrap();
        let judged = |outcome| Judged {
            folder: folder.clone(),
            facts: Facts::default(),
            sentence: Sentence {
                outcome,
                reasons: Vec::new(),
                judgements: Vec::new(),
            },
        };
        let disks = [("n1".to_owned(), Contents::empty())];
        keep_data(&judged(Outcome::Anomaly), &disks).unwrap();
        assert!(folder.disk("n1").is_dir() && path.path().join("n1/data").is_dir());
        keep_data(&judged(Outcome::Unknown), &disks).unwrap();
        assert_eq!(std::fs::read_dir(path.path()).unwrap().count(), 0);
    }
}
