//! Partitions of every shape.

use async_trait::async_trait;
use rand::Rng;
use rand::seq::SliceRandom;

use super::chance::Chance;
use super::target::Target;
use super::{Nemesis, Seen, Started};
use crate::cluster::Cluster;
use crate::net::{Pair, shapes};

/// Who can no longer send to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The leader is alone.
    Leader,
    /// A minority and a majority.
    Halves,
    /// Two sides that share one member.
    Bridge,
    /// Everybody sees another majority.
    Ring,
    /// One hears nothing, or is not heard; it may be the leader.
    OneWay,
    /// Any pairs.
    Pairs,
}

/// A partition.
pub(super) struct Partition {
    shape: Shape,
    /// Frames that had been cut before.
    before: u64,
}

impl Partition {
    pub(super) const fn new(shape: Shape) -> Self {
        Self { shape, before: 0 }
    }

    async fn pairs(&self, cluster: &Cluster, random: &mut Chance) -> Vec<Pair> {
        let mut nodes = cluster.nodes();
        nodes.shuffle(random);
        match self.shape {
            Shape::Leader => {
                let leader = Target::Leader.nodes(cluster, random).await;
                leader
                    .first()
                    .map_or_else(Vec::new, |leader| shapes::isolate(*leader, &nodes))
            }
            Shape::Halves => shapes::halves(&nodes),
            Shape::Bridge => shapes::bridge(&nodes),
            Shape::Ring => shapes::ring(&nodes),
            Shape::OneWay => {
                let target = Target::among(&[Target::One, Target::Leader], random);
                let one = target.nodes(cluster, random).await;
                let Some(one) = one.first() else { return Vec::new() };
                if random.random_bool(0.5) {
                    shapes::deaf(*one, &nodes)
                } else {
                    shapes::mute(*one, &nodes)
                }
            }
            Shape::Pairs => {
                let mut pairs = shapes::all(&nodes);
                pairs.retain(|_| random.random_bool(0.5));
                pairs
            }
        }
    }
}

#[async_trait]
impl Nemesis for Partition {
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started> {
        let pairs = self.pairs(cluster, random).await;
        if pairs.is_empty() {
            return Ok(Started::Skipped("there is nobody to part".to_owned()));
        }
        self.before = cluster.net().cut_frames()?;
        cluster.net().cut(&pairs)?;
        let words = describe(cluster, &pairs);
        Ok(if shapes::leaves_majority(&cluster.nodes(), &pairs) {
            Started::Installed(words)
        } else {
            Started::Standstill(words)
        })
    }

    async fn observe(&mut self, cluster: &Cluster) -> Seen {
        match cluster.net().cut_frames() {
            Ok(now) => Seen::count("frames were cut", now.saturating_sub(self.before)),
            Err(error) => Seen {
                seen: false,
                evidence: error.to_string(),
            },
        }
    }

    async fn stop(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        cluster.net().heal()
    }
}

fn describe(cluster: &Cluster, pairs: &[Pair]) -> String {
    let words: Vec<String> = pairs
        .iter()
        .map(|(from, to)| format!("{} to {}", cluster.name(*from), cluster.name(*to)))
        .collect();
    format!("cut: {}", words.join(", "))
}
