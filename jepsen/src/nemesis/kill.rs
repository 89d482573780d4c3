//! Members that are killed, at once and without warning.

use async_trait::async_trait;

use super::chance::Chance;
use super::target::Target;
use super::{Nemesis, Seen, Started};
use crate::cluster::Cluster;

/// Killed members.
#[derive(Default)]
pub(super) struct Kill {
    nodes: Vec<usize>,
}

#[async_trait]
impl Nemesis for Kill {
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started> {
        let target = Target::among(&[Target::One, Target::Leader, Target::Majority, Target::All], random);
        self.nodes = target.nodes(cluster, random).await;
        for node in &self.nodes {
            cluster.kill(*node)?;
        }
        Ok(Started::hitting(cluster, &self.nodes, cluster.names(&self.nodes)))
    }

    async fn observe(&mut self, cluster: &Cluster) -> Seen {
        let ends: Vec<String> = self
            .nodes
            .iter()
            .filter_map(|node| Some(format!("{}: {}", cluster.name(*node), cluster.last_end(*node)?)))
            .collect();
        Seen {
            seen: !ends.is_empty() && ends.len() == self.nodes.len(),
            evidence: ends.join(", "),
        }
    }

    async fn stop(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        self.nodes.iter().try_for_each(|node| cluster.start_member(*node))
    }
}
