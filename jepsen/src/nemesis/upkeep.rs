//! What operators do, at bad times.

use async_trait::async_trait;

use super::chance::Chance;
use super::target::Target;
use super::{Nemesis, Seen, Started};
use crate::cluster::Cluster;

/// A piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Compact,
    Defragment,
    Snapshot,
}

/// Work that is done once.
pub(super) struct Upkeep {
    work: Work,
    done: String,
}

impl Upkeep {
    pub(super) const fn new(work: Work) -> Self {
        Self {
            work,
            done: String::new(),
        }
    }
}

#[async_trait]
impl Nemesis for Upkeep {
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started> {
        if self.work == Work::Compact {
            let revision = cluster.compact().await?;
            self.done = format!("forgot what was before revision {revision}");
            return Ok(Started::Installed(self.done.clone()));
        }
        let target = Target::among(&[Target::One, Target::Leader, Target::All], random);
        let mut words = Vec::new();
        // Another fault may have ended or stopped some.
        let serves = |node: &usize| cluster.is_running(*node) && !cluster.is_frozen(*node);
        let mut nodes = target.nodes(cluster, random).await;
        nodes.retain(serves);
        if nodes.is_empty() {
            nodes.extend(cluster.nodes().into_iter().find(serves));
        }
        if nodes.is_empty() {
            return Ok(Started::Skipped("none of them serves".to_owned()));
        }
        for node in nodes {
            let name = cluster.name(node);
            if self.work == Work::Defragment {
                cluster.defragment(node).await?;
                words.push(format!("{name} gave space back"));
            } else {
                let bytes = cluster.snapshot(node).await?;
                words.push(format!("{name} gave {bytes} bytes"));
            }
        }
        self.done = words.join(", ");
        Ok(Started::Installed(self.done.clone()))
    }

    async fn observe(&mut self, _: &Cluster) -> Seen {
        Seen {
            seen: !self.done.is_empty(),
            evidence: self.done.clone(),
        }
    }

    async fn stop(&mut self, _: &Cluster) -> anyhow::Result<()> {
        Ok(())
    }
}
