//! Links that are cut, in every shape.

use rand::Rng;
use rand::seq::SliceRandom;

use super::{Fault, Ground};
use crate::net::Number;

/// Cuts, and what was cut.
#[derive(Default)]
pub(crate) struct Partition {
    cut: Vec<(Number, Number)>,
}

/// Both directions between two groups.
fn between(one: &[Number], other: &[Number]) -> Vec<(Number, Number)> {
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b)));
    pairs.flat_map(|(a, b)| [(a, b), (b, a)]).collect()
}

/// Everyone hears only the majority that begins with himself on a ring, so that no two see the same one.
fn ring(nodes: &[Number]) -> Vec<(Number, Number)> {
    let (count, reach) = (nodes.len(), nodes.len() / 2);
    let far = |a: usize, b: usize| {
        let apart = (b + count - a) % count;
        apart.min(count - apart) > reach.div_ceil(2)
    };
    let pairs = (0..count).flat_map(|a| (0..count).map(move |b| (a, b)));
    pairs
        .filter(|(a, b)| a != b && far(*a, *b))
        .map(|(a, b)| (nodes[a], nodes[b]))
        .collect()
}

impl Fault for Partition {
    fn begin(&mut self, ground: &mut Ground<'_>) -> Option<String> {
        let victim = ground.victim();
        let mut nodes: Vec<Number> = (0..ground.nodes.len()).collect();
        nodes.shuffle(ground.random);
        let others: Vec<Number> = nodes.iter().copied().filter(|node| *node != victim).collect();
        let (shape, cut) = match ground.below(6) {
            0 => ("isolated", between(&[victim], &others)),
            1 => {
                let (one, other) = nodes.split_at(nodes.len() / 2);
                ("halves", between(one, other))
            }
            2 if nodes.len() > 2 => {
                // One node sees both sides, which do not see each other.
                let (one, other) = others.split_at(others.len() / 2);
                ("bridge", between(one, other))
            }
            3 if nodes.len() > 3 => ("ring", ring(&nodes)),
            4 => {
                let deaf: bool = ground.random.random();
                let way = |other: &Number| if deaf { (*other, victim) } else { (victim, *other) };
                ("one way", others.iter().map(way).collect())
            }
            _ => {
                let pairs = between(&nodes, &nodes);
                let some = pairs
                    .into_iter()
                    .filter(|(a, b)| a != b && ground.random.random_ratio(1, 3));
                ("some links", some.collect())
            }
        };
        if cut.is_empty() {
            return None;
        }
        for (from, to) in &cut {
            ground.net.set_weather(*from, *to, |weather| weather.cut = true);
        }
        let text = format!("{shape}, node {victim}, {} links", cut.len());
        self.cut = cut;
        Some(text)
    }

    fn end(&mut self, ground: &mut Ground<'_>) {
        for (from, to) in self.cut.drain(..) {
            ground.net.set_weather(from, to, |weather| weather.cut = false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_ring_everyone_hears_a_majority_and_nobody_hears_all() {
        let cut = ring(&[0, 1, 2, 3, 4]);
        for node in 0..5 {
            let lost = cut.iter().filter(|(from, _)| *from == node).count();
            assert_eq!(lost, 2, "node {node} of {cut:?}");
        }
    }

    #[test]
    fn a_cut_between_groups_goes_both_ways() {
        assert_eq!(between(&[0], &[1, 2]), [(0, 1), (1, 0), (0, 2), (2, 0)]);
    }
}
