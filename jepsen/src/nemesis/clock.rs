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
/// Seconds by which a date may be wrong.
const SLACK: i64 = 2;

/// Whether a date that is off by this shows that a clock was set so. Dates of HTTP have whole seconds, and the answer
/// took a while. A server repeats the last date that it told until its clock has passed that, so one that was set back
/// is first seen to stand still: every date without the fault would be of now.
const fn shows(wanted: i64, found: i64) -> bool {
    let is_there = (found - wanted).abs() <= SLACK;
    let stands_still = wanted < 0 && found < -SLACK && found >= wanted - SLACK;
    is_there || stands_still
}

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
            seen |= found.is_some_and(|found| shows(*wanted, found));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_shows_in_dates() {
        for (wanted, found) in [(2048, 2047), (-4, -4), (-32, -33), (-32, -5)] {
            assert!(shows(wanted, found), "{wanted} {found}");
        }
        for (wanted, found) in [(2048, 0), (4, 0), (-32, 0), (-32, -1), (-4, -60), (2048, 5)] {
            assert!(!shows(wanted, found), "{wanted} {found}");
        }
    }
}
