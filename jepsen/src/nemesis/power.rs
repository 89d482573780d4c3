//! Power cuts: members are killed, and what they had not synced goes with them.

use async_trait::async_trait;
use rand::Rng;
use rand::seq::IndexedRandom;

use super::chance::Chance;
use super::target::Target;
use super::{Nemesis, Seen, Started};
use crate::cluster::Cluster;
use crate::disk::{Loss, Lost};

/// Members without power.
#[derive(Default)]
pub(super) struct Power {
    nodes: Vec<usize>,
    lost: Vec<(usize, Lost)>,
}

#[async_trait]
impl Nemesis for Power {
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started> {
        let target = Target::among(&[Target::One, Target::Leader, Target::Majority, Target::All], random);
        let mut nodes = target.nodes(cluster, random).await;
        nodes.retain(|node| cluster.disk(*node).is_some());
        if nodes.is_empty() {
            return Ok(Started::Skipped("this run has no disks that lose anything".to_owned()));
        }
        let losses = [Loss::Everything, Loss::Some, Loss::Torn];
        let loss = losses.choose(random).copied().unwrap_or(Loss::Everything);
        self.nodes = nodes;
        // All at once: nobody goes on writing while another's disk is emptied.
        for node in &self.nodes {
            cluster.kill(*node)?;
        }
        for node in &self.nodes {
            if let Some(disk) = cluster.disk(*node) {
                self.lost.push((*node, disk.power_loss(loss, random.random())?));
            }
        }
        let what = match loss {
            Loss::Everything => "all that was not synced is lost",
            Loss::Some => "some of what was not synced is lost",
            Loss::Torn => "the last changes are lost, one of them in part",
        };
        let words = format!("{}: {what}", cluster.names(&self.nodes));
        Ok(Started::hitting(cluster, &self.nodes, words))
    }

    async fn observe(&mut self, cluster: &Cluster) -> Seen {
        let words: Vec<String> = self
            .lost
            .iter()
            .map(|(node, lost)| {
                let Lost { changes, names, files } = lost;
                let name = cluster.name(*node);
                format!("{name} lost {changes} changes of files, {names} of names, {files} files")
            })
            .collect();
        Seen {
            seen: self.lost.iter().any(|(_, lost)| lost.is_any()),
            evidence: words.join("; "),
        }
    }

    async fn stop(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        self.nodes.iter().try_for_each(|node| cluster.start_member(*node))
    }
}
