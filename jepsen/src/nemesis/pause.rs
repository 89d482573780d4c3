//! Members that stand still for a while and then go on as if nothing had been.

use async_trait::async_trait;

use super::chance::Chance;
use super::target::Target;
use super::{Nemesis, Seen, Started};
use crate::cluster::Cluster;

/// Members that stand still.
#[derive(Default)]
pub(super) struct Pause {
    nodes: Vec<usize>,
}

#[async_trait]
impl Nemesis for Pause {
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started> {
        // A leader that slept and does not know it yet is what lies most easily.
        let target = Target::among(
            &[
                Target::Leader,
                Target::Leader,
                Target::One,
                Target::Majority,
                Target::All,
            ],
            random,
        );
        let mut nodes = target.nodes(cluster, random).await;
        // Another fault may have killed some.
        nodes.retain(|node| cluster.is_running(*node));
        if nodes.is_empty() {
            return Ok(Started::Skipped("none of them runs".to_owned()));
        }
        self.nodes = nodes;
        for node in &self.nodes {
            cluster.freeze(*node)?;
        }
        Ok(Started::hitting(cluster, &self.nodes, cluster.names(&self.nodes)))
    }

    async fn observe(&mut self, cluster: &Cluster) -> Seen {
        let mut frozen = self.nodes.clone();
        frozen.retain(|node| cluster.is_frozen(*node));
        Seen {
            seen: !frozen.is_empty(),
            evidence: format!("the kernel says that they are stopped: {}", cluster.names(&frozen)),
        }
    }

    async fn stop(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        self.nodes.iter().try_for_each(|node| cluster.thaw(*node))
    }
}
