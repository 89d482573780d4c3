//! What must come before what: a graph, its strongly connected parts, its shortest paths.

use std::collections::{HashMap, VecDeque};

/// Why one transaction comes before another; a set of kinds is their sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// It appended before the other appended.
    Ww = 1,
    /// The other read what it appended.
    Wr = 2,
    /// It read what was there before the other appended.
    Rw = 4,
    /// It ended before the other began.
    RealTime = 8,
}

/// All kinds.
pub(super) const ALL: u8 = 15;

/// One thing that must come before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: Kind,
    /// The key that tells, by its number, and the elements at the two ends; none for real time.
    pub(super) key: usize,
    pub(super) earlier: Option<i64>,
    pub(super) later: Option<i64>,
}

/// Nodes are numbered from 0.
#[derive(Debug, Default)]
pub(super) struct Graph {
    edges: Vec<Vec<Edge>>,
}

impl Edge {
    pub(super) const fn is(&self, kinds: u8) -> bool {
        self.kind as u8 & kinds != 0
    }
}

impl Graph {
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            edges: vec![Vec::new(); nodes],
        }
    }

    /// Adds an edge; one from a node to itself says nothing.
    pub(super) fn add(&mut self, edge: Edge) {
        if edge.from != edge.to {
            self.edges[edge.from].push(edge);
        }
    }

    pub(super) fn edges(&self) -> impl Iterator<Item = &Edge> {
        self.edges.iter().flatten()
    }

    /// The graph between these nodes alone; they are numbered by their places in the list.
    pub(super) fn part(&self, nodes: &[usize]) -> Self {
        let places: HashMap<usize, usize> = nodes.iter().enumerate().map(|(place, node)| (*node, place)).collect();
        let mut part = Self::new(nodes.len());
        for edge in nodes.iter().flat_map(|node| &self.edges[*node]) {
            if let (Some(from), Some(to)) = (places.get(&edge.from), places.get(&edge.to)) {
                part.add(Edge {
                    from: *from,
                    to: *to,
                    ..*edge
                });
            }
        }
        part
    }

    /// The strongly connected parts of more than one node, along edges of these kinds: Tarjan's algorithm, with a stack
    /// of its own.
    pub(super) fn components(&self, kinds: u8) -> Vec<Vec<usize>> {
        const NEW: usize = usize::MAX;
        let count = self.edges.len();
        let (mut index, mut low, mut on_stack) = (vec![NEW; count], vec![0; count], vec![false; count]);
        let (mut stack, mut work, mut found) = (Vec::new(), Vec::new(), Vec::new());
        let mut reached = 0;
        for root in 0..count {
            if index[root] == NEW {
                work.push((root, 0));
            }
            while let Some((node, mut place)) = work.pop() {
                if place == 0 {
                    index[node] = reached;
                    low[node] = reached;
                    reached += 1;
                    stack.push(node);
                    on_stack[node] = true;
                }
                let mut child = None;
                while let (Some(edge), None) = (self.edges[node].get(place), child) {
                    place += 1;
                    if edge.is(kinds) && index[edge.to] == NEW {
                        child = Some(edge.to);
                    } else if edge.is(kinds) && on_stack[edge.to] {
                        low[node] = low[node].min(index[edge.to]);
                    }
                }
                if let Some(child) = child {
                    work.push((node, place));
                    work.push((child, 0));
                    continue;
                }
                if low[node] == index[node] {
                    let first = stack.iter().rposition(|one| *one == node).unwrap_or(0);
                    let part = stack.split_off(first);
                    for one in &part {
                        on_stack[*one] = false;
                    }
                    if part.len() > 1 {
                        found.push(part);
                    }
                }
                if let Some((parent, _)) = work.last() {
                    low[*parent] = low[*parent].min(low[node]);
                }
            }
        }
        found
    }

    /// A shortest path along edges of these kinds.
    pub(super) fn path(&self, from: usize, to: usize, kinds: u8) -> Option<Vec<Edge>> {
        let mut came: HashMap<usize, Edge> = HashMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            if node == to {
                break;
            }
            for edge in self.edges[node].iter().filter(|edge| edge.is(kinds)) {
                if edge.to != from && !came.contains_key(&edge.to) {
                    came.insert(edge.to, *edge);
                    queue.push_back(edge.to);
                }
            }
        }
        let mut path = Vec::new();
        let mut node = to;
        while node != from {
            let edge = came.get(&node)?;
            path.push(*edge);
            node = edge.from;
        }
        path.reverse();
        Some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(nodes: usize, edges: &[(usize, usize, Kind)]) -> Graph {
        let mut graph = Graph::new(nodes);
        for (from, to, kind) in edges {
            graph.add(Edge {
                from: *from,
                to: *to,
                kind: *kind,
                key: 0,
                earlier: None,
                later: None,
            });
        }
        graph
    }

    #[test]
    fn parts_are_found_along_the_kinds_asked_for() {
        let graph = graph(
            7,
            &[
                (0, 1, Kind::Ww),
                (1, 2, Kind::Ww),
                (2, 0, Kind::Rw),
                (2, 3, Kind::Ww),
                (3, 4, Kind::Ww),
                (4, 3, Kind::Wr),
                (5, 5, Kind::Ww),
                (6, 0, Kind::Ww),
            ],
        );
        let parts = |kinds| {
            let mut parts = graph.components(kinds);
            for part in &mut parts {
                part.sort_unstable();
            }
            parts.sort();
            parts
        };
        assert_eq!(parts(ALL), vec![vec![0, 1, 2], vec![3, 4]]);
        assert_eq!(parts(Kind::Ww as u8 | Kind::Wr as u8), vec![vec![3, 4]]);
        assert_eq!(parts(Kind::Ww as u8), Vec::<Vec<usize>>::new());
        let part = graph.part(&[4, 3]);
        assert_eq!(part.components(ALL).len(), 1);
        assert_eq!(part.edges().count(), 2);
    }

    #[test]
    fn paths_are_shortest_and_keep_to_their_kinds() {
        let graph = graph(
            4,
            &[(0, 1, Kind::Ww), (1, 2, Kind::Ww), (2, 3, Kind::Ww), (0, 3, Kind::Rw)],
        );
        assert_eq!(graph.path(0, 3, ALL).unwrap().len(), 1);
        assert_eq!(graph.path(0, 3, Kind::Ww as u8).unwrap().len(), 3);
        assert!(graph.path(3, 0, ALL).is_none());
        assert_eq!(graph.path(2, 2, ALL), Some(vec![]));
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let count = 200_000;
        let mut edges: Vec<(usize, usize, Kind)> = (1..count).map(|node| (node - 1, node, Kind::Ww)).collect();
        edges.push((count - 1, 0, Kind::Wr));
        assert_eq!(graph(count, &edges).components(ALL)[0].len(), count);
    }
}
