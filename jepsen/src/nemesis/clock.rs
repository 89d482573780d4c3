//! Wall clocks that jump. Leases and elections must not care: they are timed by clocks that cannot.

use async_trait::async_trait;
use rand::Rng;

use super::chance::Chance;
use super::target::Target;
use super::{Nemesis, Seen, Started};
use crate::cluster::Cluster;

/// Clocks that are off, some by seconds, some by weeks.
#[derive(Default)]
pub(super) struct Clock {
    /// By node, in seconds.
    offsets: Vec<(usize, i64)>,
}

/// Clocks are off by at most 2 to the power of this, in seconds: twelve days.
const POWER_MAX: u32 = 20;

#[async_trait]
impl Nemesis for Clock {
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started> {
        let target = Target::among(
            &[Target::Leader, Target::Minority, Target::Majority, Target::All],
            random,
        );
        for node in target.nodes(cluster, random).await {
            // Small jumps and large ones are as frequent: the power is what is drawn.
            let size = 1_i64 << random.random_range(2..=POWER_MAX);
            let offset = if random.random_bool(0.5) { size } else { -size };
            self.offsets.push((node, offset));
            cluster.set_clock(node, offset)?;
        }
        let words: Vec<String> = self
            .offsets
            .iter()
            .map(|(node, offset)| format!("{} by {offset:+} s", cluster.name(*node)))
            .collect();
        Ok(Started::Installed(words.join(", ")))
    }

    async fn observe(&mut self, cluster: &Cluster) -> Seen {
        let mut words = Vec::new();
        let mut seen = false;
        for (node, wanted) in &self.offsets {
            let found = cluster.clock_offset(*node).await;
            // Dates of HTTP have whole seconds, and the answer took a while.
            seen |= found.is_some_and(|found| (found - wanted).abs() <= 2);
            let found = found.map_or_else(|| "does not say".to_owned(), |found| format!("is {found:+} s off"));
            words.push(format!("{} {found}", cluster.name(*node)));
        }
        Seen {
            seen,
            evidence: words.join(", "),
        }
    }

    async fn stop(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        self.offsets
            .iter()
            .try_for_each(|(node, _)| cluster.set_clock(*node, 0))
    }
}
