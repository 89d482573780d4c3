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
    /// How many requests had found no room before, at each of them.
    before: Vec<u64>,
}

impl Full {
    /// How many requests found no room since it began, at each node.
    fn refused<'a>(&'a self, cluster: &'a Cluster) -> impl Iterator<Item = (usize, u64)> + 'a {
        self.nodes.iter().zip(&self.before).filter_map(|(node, before)| {
            let refused = cluster.disk(*node)?.counters().refused;
            Some((*node, refused.saturating_sub(*before)))
        })
    }
}

/// Bytes that can still be written at most, so that the end comes while something is under way; few, for some loads
/// leave little to be written.
const LEFT_MAX: u64 = 16 << 10;

#[async_trait]
impl Nemesis for Full {
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started> {
        let target = Target::among(&[Target::One, Target::Leader, Target::All], random);
        let nodes = target.nodes(cluster, random).await;
        let left = if random.random_bool(0.5) {
            0
        } else {
            random.random_range(0..=LEFT_MAX)
        };
        for node in &nodes {
            let Some(disk) = cluster.disk(*node) else { continue };
            self.nodes.push(*node);
            self.before.push(disk.counters().refused);
            // A member whose disk is full may end; the others must go on.
            cluster.excuse(*node, true);
            disk.set_faults(Faults {
                space_left: Some(left),
                ..disk.faults()
            });
        }
        if self.nodes.is_empty() {
            return Ok(Started::Skipped("this run has no disks that can be full".to_owned()));
        }
        // Logs have their room already; whoever is asked to give back space, or for a snapshot, writes more than a log.
        // What comes of it does not matter.
        for node in &self.nodes {
            drop(futures_util::future::join(cluster.snapshot(*node), cluster.defragment(*node)).await);
        }
        let words = format!("{}: {left} bytes are left", cluster.names(&self.nodes));
        Ok(Started::hitting(cluster, &self.nodes, words))
    }

    async fn observe(&mut self, cluster: &Cluster) -> Seen {
        let refused = self.refused(cluster).map(|(_, refused)| refused).sum();
        Seen::count("requests found no room", refused)
    }

    async fn stop(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        for disk in disks(cluster, &self.nodes) {
            disk.set_faults(Faults {
                space_left: None,
                ..disk.faults()
            });
        }
        // A database that found no room in the background takes no write until it is opened again, and its member ends at
        // the next one, which may be long after: who freed the disk starts it anew.
        for (node, refused) in self.refused(cluster) {
            if refused > 0 {
                cluster.kill(node)?;
            }
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
