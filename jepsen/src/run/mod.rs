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
/// them. That this cannot be done is one more thing to say of the run, and takes back nothing.
fn keep_data(judged: &mut Judged, disks: &[(String, Contents)]) {
    let Judged { folder, sentence, .. } = judged;
    if sentence.outcome != Outcome::Anomaly {
        if let Err(error) = folder.forget_data() {
            sentence.weigh(
                Outcome::Unknown,
                format!("the members' data cannot be removed: {error}"),
            );
        }
        return;
    }
    for (member, contents) in disks {
        let path = folder.disk(member);
        if let Err(error) = contents.write(&path) {
            let reason = format!("the disk of {member} cannot be kept: {}: {error}", path.display());
            sentence.weigh(Outcome::Unknown, reason);
        }
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
    let mut judged = judging.await.context("a checker panicked")??;
    keep_data(&mut judged, &disks);
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
        let mut found = judged(Outcome::Anomaly);
        keep_data(&mut found, &disks);
        assert!(folder.disk("n1").is_dir() && path.path().join("n1/data").is_dir());
        assert!(found.sentence.reasons.is_empty());
        keep_data(&mut judged(Outcome::Unknown), &disks);
        assert_eq!(std::fs::read_dir(path.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_kept_takes_back_no_anomaly() {
        let path = tempfile::tempdir().unwrap();
        let judged = |path: &std::path::Path, outcome| Judged {
            folder: Folder::of(path),
            facts: Facts::default(),
            sentence: Sentence {
                outcome,
                reasons: vec!["elle: 1 violations".to_owned()],
                judgements: Vec::new(),
            },
        };
        let disks = [
            ("n1".to_owned(), Contents::empty()),
            ("n2".to_owned(), Contents::empty()),
        ];
        let mut found = judged(path.path(), Outcome::Anomaly);
        std::fs::write(found.folder.disk("n1"), "in the way").unwrap();
        keep_data(&mut found, &disks);
        assert_eq!(found.sentence.outcome, Outcome::Anomaly);
        let [first, second] = found.sentence.reasons.as_slice() else {
            panic!("{:?}", found.sentence.reasons);
        };
        assert!(
            first.starts_with("elle") && second.contains("the disk of n1"),
            "{second}"
        );
        assert!(found.folder.disk("n2").is_dir());
        let mut valid = judged(&path.path().join("gone"), Outcome::Valid);
        keep_data(&mut valid, &disks);
        assert_eq!(
            (valid.sentence.outcome, valid.sentence.reasons.len()),
            (Outcome::Unknown, 2)
        );
    }
}
