//! Disks without room.

use async_trait::async_trait;
use rand::Rng;

use super::chance::Chance;
use super::target::Target;
use super::{Nemesis, Seen, Started};
use crate::cluster::Cluster;
use crate::disk::{Disk, Faults};

/// Full disks.
#[derive(Default)]
pub(super) struct Full {
    nodes: Vec<usize>,
    before: u64,
}

/// Bytes that can still be written at most, so that the end comes while something is under way; few, for some loads
/// leave little to be written.
const LEFT_MAX: u64 = 16 << 10;

#[async_trait]
impl Nemesis for Full {
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started> {
        let target = Target::among(&[Target::One, Target::Leader, Target::All], random);
        self.nodes = target.nodes(cluster, random).await;
        let left = if random.random_bool(0.5) {
            0
        } else {
            random.random_range(0..=LEFT_MAX)
        };
        let mut found = Vec::new();
        for node in &self.nodes {
            let Some(disk) = cluster.disk(*node) else { continue };
            found.push(*node);
            self.before += disk.counters().refused;
            // A member whose disk is full may end; the others must go on.
            cluster.excuse(*node, true);
            disk.set_faults(Faults {
                space_left: Some(left),
                ..disk.faults()
            });
        }
        if found.is_empty() {
            return Ok(Started::Skipped("this run has no disks that can be full".to_owned()));
        }
        // Logs have their room already; whoever is asked to give back space, or for a snapshot, writes more than a log.
        // What comes of it does not matter.
        for node in &found {
            drop(futures_util::future::join(cluster.snapshot(*node), cluster.defragment(*node)).await);
        }
        let words = format!("{}: {left} bytes are left", cluster.names(&found));
        Ok(Started::hitting(cluster, &found, words))
    }

    async fn observe(&mut self, cluster: &Cluster) -> Seen {
        let refused: u64 = disks(cluster, &self.nodes).map(|disk| disk.counters().refused).sum();
        Seen::count("requests found no room", refused.saturating_sub(self.before))
    }

    async fn stop(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        for disk in disks(cluster, &self.nodes) {
            disk.set_faults(Faults {
                space_left: None,
                ..disk.faults()
            });
        }
        for node in &self.nodes {
            cluster.start_member(*node)?;
            cluster.excuse(*node, false);
        }
        Ok(())
    }
}

/// The disks of these nodes.
pub(super) fn disks<'a>(cluster: &'a Cluster, nodes: &'a [usize]) -> impl Iterator<Item = &'a Disk> {
    nodes.iter().filter_map(move |node| cluster.disk(*node))
}
