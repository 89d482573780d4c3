//! Partitions as lists of directed pairs: who can no longer send to whom.
//!
//! All of them are about the nodes that are given, in the order in which they are given: who shuffles them chooses who
//! plays which part.

use super::Pair;

/// One node can neither send nor receive.
pub(crate) fn isolate(node: usize, nodes: &[usize]) -> Vec<Pair> {
    between(nodes, |from, to| (from == node) != (to == node))
}

/// The first nodes, fewer than half of them, and the others know nothing of each other.
pub(crate) fn halves(nodes: &[usize]) -> Vec<Pair> {
    let minority = &nodes[..nodes.len().saturating_sub(1) / 2];
    between(nodes, |from, to| minority.contains(&from) != minority.contains(&to))
}

/// Two sides that know nothing of each other, and the first node, which knows both: with it either is a majority.
pub(crate) fn bridge(nodes: &[usize]) -> Vec<Pair> {
    let Some((middle, rest)) = nodes.split_first() else {
        return Vec::new();
    };
    let left = &rest[..rest.len() / 2];
    between(nodes, |from, to| {
        from != *middle && to != *middle && left.contains(&from) != left.contains(&to)
    })
}

/// Every node knows a majority, itself among it, and no two know the same one: each hears its nearest neighbours on the
/// ring that the order is. Of three nodes that would be all; there each node hears only the one before it.
pub(crate) fn ring(nodes: &[usize]) -> Vec<Pair> {
    let count = nodes.len();
    let place = |node: usize| nodes.iter().position(|one| *one == node).unwrap_or(0);
    if count <= 3 {
        return between(nodes, |from, to| count > 2 && (place(from) + 1) % count != place(to));
    }
    // Half of a majority, the node itself left out, on either side.
    let reach = (count / 2).div_ceil(2);
    between(nodes, |from, to| {
        let far = place(from).abs_diff(place(to));
        far.min(count - far) > reach
    })
}

/// One node can be heard and hears nothing.
pub(crate) fn deaf(node: usize, nodes: &[usize]) -> Vec<Pair> {
    between(nodes, |_, to| to == node)
}

/// One node hears all and is heard by none.
pub(crate) fn mute(node: usize, nodes: &[usize]) -> Vec<Pair> {
    between(nodes, |from, _| from == node)
}

/// Everybody with everybody else.
pub(crate) fn all(nodes: &[usize]) -> Vec<Pair> {
    between(nodes, |_, _| true)
}

/// Whether some node talks with a majority in both directions, itself among them, so that it can lead.
pub(crate) fn leaves_majority(nodes: &[usize], cut: &[Pair]) -> bool {
    let talks = |one: usize, other: usize| !cut.contains(&(one, other)) && !cut.contains(&(other, one));
    nodes
        .iter()
        .any(|one| 2 * nodes.iter().filter(|other| talks(*one, **other)).count() > nodes.len())
}

fn between(nodes: &[usize], is_cut: impl Fn(usize, usize) -> bool) -> Vec<Pair> {
    let ordered = nodes.iter().flat_map(|from| nodes.iter().map(move |to| (*from, *to)));
    ordered.filter(|(from, to)| from != to && is_cut(*from, *to)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: [usize; 5] = [4, 2, 0, 1, 3];

    /// Whom a node can talk with in both directions, itself among them.
    fn friends(node: usize, nodes: &[usize], cut: &[Pair]) -> Vec<usize> {
        let open = |one: &&usize| !cut.contains(&(node, **one)) && !cut.contains(&(**one, node));
        nodes.iter().filter(open).copied().collect()
    }

    #[test]
    fn an_isolated_node_is_alone_and_the_others_are_not() {
        let cut = isolate(1, &[0, 1, 2]);
        assert_eq!(cut, [(0, 1), (1, 0), (1, 2), (2, 1)]);
    }

    #[test]
    fn halves_are_a_minority_and_a_majority() {
        for nodes in [&[0, 1, 2][..], &[0, 1, 2, 3], &FIVE] {
            let cut = halves(nodes);
            let minority = (nodes.len() - 1) / 2;
            for (place, node) in nodes.iter().enumerate() {
                let expected = if place < minority {
                    minority
                } else {
                    nodes.len() - minority
                };
                assert_eq!(friends(*node, nodes, &cut).len(), expected, "{nodes:?} {node}");
            }
        }
        assert!(halves(&[7]).is_empty() && halves(&[]).is_empty());
    }

    #[test]
    fn over_a_bridge_both_sides_have_a_majority() {
        for nodes in [&[0, 1, 2][..], &FIVE] {
            let cut = bridge(nodes);
            assert_eq!(friends(nodes[0], nodes, &cut).len(), nodes.len());
            for node in &nodes[1..] {
                let friends = friends(*node, nodes, &cut).len();
                assert_eq!(friends, nodes.len() / 2 + 1, "{nodes:?} {node}");
            }
            assert!(leaves_majority(nodes, &cut));
        }
    }

    #[test]
    fn on_a_ring_everybody_has_another_majority() {
        for nodes in [&[0, 1, 2, 3, 4][..], &FIVE, &[0, 1, 2, 3, 4, 5, 6]] {
            let cut = ring(nodes);
            let mut seen = Vec::new();
            for node in nodes {
                let mut friends = friends(*node, nodes, &cut);
                friends.sort_unstable();
                assert!(
                    friends.len() > nodes.len() / 2 && friends.len() < nodes.len(),
                    "{friends:?}"
                );
                assert!(!seen.contains(&friends), "{friends:?} twice");
                seen.push(friends);
            }
        }
    }

    #[test]
    fn on_a_ring_of_three_everybody_hears_one() {
        let cut = ring(&[2, 0, 1]);
        let mut open: Vec<Pair> = all(&[2, 0, 1]).into_iter().filter(|pair| !cut.contains(pair)).collect();
        open.sort_unstable();
        assert_eq!(open, [(0, 1), (1, 2), (2, 0)]);
        assert!(!leaves_majority(&[2, 0, 1], &cut));
    }

    #[test]
    fn one_way_is_one_way() {
        assert_eq!(deaf(0, &[0, 1, 2]), [(1, 0), (2, 0)]);
        assert_eq!(mute(0, &[0, 1, 2]), [(0, 1), (0, 2)]);
        assert_eq!(all(&[0, 1]), [(0, 1), (1, 0)]);
    }
}
