//! Data that rot on the disk of one member: it may refuse to start, end, or be found out, and must serve nothing wrong.
//!
//! Its data cannot be trusted any more, whatever it does, so in the end it is replaced, as an operator would do.

use async_trait::async_trait;
use rand::Rng;

use super::chance::Chance;
use super::target::Target;
use super::{Nemesis, Seen, Started};
use crate::cluster::{Cluster, Damage};

/// A member with damaged data.
pub(super) struct Rot {
    damage: Damage,
    node: Option<usize>,
    done: String,
}

impl Rot {
    pub(super) const fn new(damage: Damage) -> Self {
        Self {
            damage,
            node: None,
            done: String::new(),
        }
    }
}

#[async_trait]
impl Nemesis for Rot {
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started> {
        if cluster.nodes().len() < 3 {
            return Ok(Started::Skipped("the others are no majority".to_owned()));
        }
        let target = Target::among(&[Target::One, Target::Leader], random);
        let Some(node) = target.nodes(cluster, random).await.first().copied() else {
            return Ok(Started::Skipped("there is no member".to_owned()));
        };
        self.node = Some(node);
        cluster.excuse(node, true);
        cluster.kill(node)?;
        self.done = cluster.damage(node, self.damage, random.random())?;
        cluster.start_member(node)?;
        Ok(Started::Installed(format!("{}: {}", cluster.name(node), self.done)))
    }

    async fn observe(&mut self, cluster: &Cluster) -> Seen {
        let Some(node) = self.node else {
            return Seen {
                seen: false,
                evidence: String::new(),
            };
        };
        let reaction = match cluster.last_end(node) {
            Some(end) => end,
            None if cluster.is_healthy(node).await => "it serves".to_owned(),
            None => "it runs and does not serve".to_owned(),
        };
        Seen {
            seen: !self.done.is_empty(),
            evidence: format!("{}; {reaction}", self.done),
        }
    }

    async fn stop(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        let Some(node) = self.node else { return Ok(()) };
        cluster.kill(node)?;
        cluster.remove(node).await?;
        cluster.excuse(node, false);
        cluster.add(node).await
    }
}
