//! Syncs that take long, and syncs that fail.

use std::time::Duration;

use async_trait::async_trait;
use rand::Rng;

use super::chance::Chance;
use super::full::disks;
use super::target::Target;
use super::{Nemesis, Seen, Started};
use crate::cluster::Cluster;
use crate::disk::{Faults, Loss};

/// Slow syncs.
#[derive(Default)]
pub(super) struct SlowSync {
    nodes: Vec<usize>,
    before: u64,
}

/// A disk that hangs for longer than an election takes is among them.
const DELAY_MS: std::ops::RangeInclusive<u64> = 20..=2000;

#[async_trait]
impl Nemesis for SlowSync {
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started> {
        let target = Target::among(&[Target::Leader, Target::One, Target::Majority, Target::All], random);
        self.nodes = target.nodes(cluster, random).await;
        if disks(cluster, &self.nodes).next().is_none() {
            return Ok(Started::Skipped("this run has no disks that can be slow".to_owned()));
        }
        let sync_delay = Duration::from_millis(random.random_range(DELAY_MS));
        for disk in disks(cluster, &self.nodes) {
            self.before += disk.counters().slow_syncs;
            disk.set_faults(Faults {
                sync_delay,
                ..disk.faults()
            });
        }
        let words = format!("{}: each sync takes {sync_delay:?}", cluster.names(&self.nodes));
        // Clients have less patience than some of these syncs take.
        Ok(Started::hitting(cluster, &self.nodes, words))
    }

    async fn observe(&mut self, cluster: &Cluster) -> Seen {
        let slow: u64 = disks(cluster, &self.nodes).map(|disk| disk.counters().slow_syncs).sum();
        Seen::count("syncs had to wait", slow.saturating_sub(self.before))
    }

    async fn stop(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        for disk in disks(cluster, &self.nodes) {
            disk.set_faults(Faults {
                sync_delay: Duration::ZERO,
                ..disk.faults()
            });
        }
        Ok(())
    }
}

/// Failing syncs of one member. It may end, and must not acknowledge what was not synced. When the fault is over, its
/// machine has been started anew, so that what the kernel has dropped is gone for the member too: that it still reads
/// it without a restart of the machine is more than a store can know.
#[derive(Default)]
pub(super) struct FailSync {
    nodes: Vec<usize>,
    before: u64,
    /// Nodes whose members gave back space while the fault was on.
    synced: Vec<usize>,
}

impl FailSync {
    /// Nodes that are still to be asked to sync something: those that can answer now, and have not yet.
    fn unasked(&self, serves: impl Fn(usize) -> bool) -> Vec<usize> {
        let nodes = self.nodes.iter().copied();
        nodes
            .filter(|node| !self.synced.contains(node) && serves(*node))
            .collect()
    }

    /// How many syncs failed since it began.
    fn failed(&self, cluster: &Cluster) -> u64 {
        let disks = disks(cluster, &self.nodes);
        let failed: u64 = disks.map(|disk| disk.counters().failed_syncs).sum();
        failed.saturating_sub(self.before)
    }
}

#[async_trait]
impl Nemesis for FailSync {
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started> {
        let target = Target::among(&[Target::Leader, Target::One], random);
        self.nodes = target.nodes(cluster, random).await;
        if disks(cluster, &self.nodes).next().is_none() {
            return Ok(Started::Skipped("this run has no disks that can fail".to_owned()));
        }
        for node in &self.nodes {
            cluster.excuse(*node, true);
        }
        for disk in disks(cluster, &self.nodes) {
            self.before += disk.counters().failed_syncs;
            disk.set_faults(Faults {
                fail_syncs: true,
                ..disk.faults()
            });
        }
        Ok(Started::Installed(cluster.names(&self.nodes)))
    }

    async fn observe(&mut self, cluster: &Cluster) -> Seen {
        let mut failed = self.failed(cluster);
        if failed == 0 {
            // A member that other faults have cut off may have had nothing to sync; giving back space always syncs. Who
            // cannot answer is not waited for.
            for node in self.unasked(|node| cluster.is_running(node) && !cluster.is_frozen(node)) {
                if cluster.defragment(node).await.is_ok() {
                    self.synced.push(node);
                }
            }
            failed = self.failed(cluster);
        }
        let mut ends = String::new();
        for node in &self.nodes {
            let end = cluster.last_end(*node).unwrap_or_else(|| "it runs".to_owned());
            ends.push_str("; ");
            ends.push_str(&cluster.name(*node));
            ends.push_str(": ");
            ends.push_str(&end);
        }
        Seen {
            seen: failed > 0,
            evidence: format!("{failed} syncs failed{ends}"),
        }
    }

    async fn stop(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        for node in &self.nodes {
            cluster.kill(*node)?;
            if let Some(disk) = cluster.disk(*node) {
                disk.set_faults(Faults {
                    fail_syncs: false,
                    ..disk.faults()
                });
                disk.power_loss(Loss::Everything, 0)?;
            }
            cluster.start_member(*node)?;
            cluster.excuse(*node, false);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_can_answer_is_asked_to_sync_and_only_until_it_has() {
        let mut fault = FailSync {
            nodes: vec![0, 2, 3],
            ..FailSync::default()
        };
        assert_eq!(fault.unasked(|node| node != 2), [0, 3]);
        fault.synced = vec![0];
        assert_eq!(fault.unasked(|_| true), [2, 3]);
        assert!(fault.unasked(|_| false).is_empty());
    }
}
