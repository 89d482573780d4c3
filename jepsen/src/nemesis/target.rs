//! Whom a fault meets.

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};

use super::chance::Chance;
use crate::cluster::Cluster;

/// A choice of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Any one.
    One,
    /// The one that leads.
    Leader,
    /// As many as the others can do without.
    Minority,
    /// As many as the others cannot do without.
    Majority,
    /// All of them.
    All,
}

impl Target {
    /// One of several choices; while chance is gentle, of those that leave a majority.
    pub(super) fn among(targets: &[Self], random: &mut Chance) -> Self {
        let mut targets = targets.to_vec();
        if random.is_gentle() {
            targets.retain(|target| !matches!(target, Self::Majority | Self::All));
        }
        targets.choose(random).copied().unwrap_or(Self::One)
    }

    /// The nodes that it means now. Where nobody leads, the leader is any one.
    pub(super) async fn nodes(self, cluster: &Cluster, random: &mut Chance) -> Vec<usize> {
        let leader = if self == Self::Leader {
            cluster.leader().await
        } else {
            None
        };
        self.of(cluster.nodes(), leader, random)
    }

    fn of(self, mut nodes: Vec<usize>, leader: Option<usize>, random: &mut impl Rng) -> Vec<usize> {
        if let Some(leader) = leader {
            return vec![leader];
        }
        nodes.shuffle(random);
        let count = nodes.len();
        nodes.truncate(match self {
            Self::One | Self::Leader => 1,
            Self::Minority => (count.saturating_sub(1) / 2).max(1),
            Self::Majority => count / 2 + 1,
            Self::All => count,
        });
        nodes.sort_unstable();
        nodes
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn a_gentle_choice_leaves_a_majority() {
        let mut random = Chance::new(StdRng::seed_from_u64(1));
        let mut draw = |gentle| {
            random.set_gentle(gentle);
            (0..50)
                .map(|_| Target::among(&[Target::Leader, Target::Majority, Target::All], &mut random))
                .collect::<Vec<_>>()
        };
        assert!(draw(true).iter().all(|target| *target == Target::Leader));
        assert!(draw(false).contains(&Target::All));
    }

    #[test]
    fn as_many_are_chosen_as_the_word_says() {
        let mut random = StdRng::seed_from_u64(1);
        for (target, of_three, of_five) in [
            (Target::One, 1, 1),
            (Target::Leader, 1, 1),
            (Target::Minority, 1, 2),
            (Target::Majority, 2, 3),
            (Target::All, 3, 5),
        ] {
            assert_eq!(
                target.of(vec![0, 1, 2], None, &mut random).len(),
                of_three,
                "{target:?}"
            );
            let nodes = target.of(vec![0, 2, 3, 4, 6], None, &mut random);
            assert_eq!(nodes.len(), of_five, "{target:?}");
            assert!(nodes.is_sorted() && nodes.iter().all(|node| [0, 2, 3, 4, 6].contains(node)));
        }
        assert_eq!(Target::Leader.of(vec![0, 1, 2], Some(1), &mut random), [1]);
        assert!(Target::One.of(Vec::new(), None, &mut random).is_empty());
    }
}
