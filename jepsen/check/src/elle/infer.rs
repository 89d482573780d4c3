//! Which transaction must come before which.

use std::collections::HashSet;

use super::graph::{Edge, Graph, Kind};
use super::versions::{Key, Keys, Read, gather};
use crate::history::{Call, History, Operation};
use crate::verdict::Findings;

/// What follows from a history.
pub(super) struct Inferred<'a> {
    /// The transactions that took effect; the nodes of the graph, by their places here.
    pub(super) operations: Vec<&'a Operation>,
    /// Names of keys by their numbers.
    pub(super) keys: Vec<&'a str>,
    pub(super) graph: Graph,
}

/// Reports what shows without a cycle and gives the graph in which cycles are to be looked for.
pub(super) fn infer<'a>(history: &'a History, findings: &mut Findings) -> Inferred<'a> {
    let keys = gather(history, findings);
    let operations = effective(history, &keys);
    let mut nodes = vec![None; history.operations.len()];
    for (node, operation) in operations.iter().enumerate() {
        nodes[operation.index] = Some(node);
    }
    let mut build = Build {
        nodes,
        graph: Graph::new(operations.len()),
    };
    for (number, key) in keys.values().enumerate() {
        build.add_key(number, key);
    }
    add_real_time(&operations, &mut build.graph);
    Inferred {
        operations,
        keys: keys.into_keys().collect(),
        graph: build.graph,
    }
}

/// Transactions that were answered, and those with unknown outcomes of which somebody saw an append.
fn effective<'a>(history: &'a History, keys: &Keys<'_>) -> Vec<&'a Operation> {
    let seen: HashSet<usize> = keys
        .values()
        .flat_map(|key| key.order.iter().filter_map(move |value| key.appends.get(value)))
        .map(|append| append.operation)
        .collect();
    let is_effective = |one: &&Operation| {
        matches!(one.call, Call::Lists { .. }) && (one.is_ok() || (one.is_unknown() && seen.contains(&one.index)))
    };
    history.operations.iter().filter(is_effective).collect()
}

struct Build {
    /// The node of each operation that took effect.
    nodes: Vec<Option<usize>>,
    graph: Graph,
}

impl Build {
    /// The node that appended an element.
    fn writer(&self, key: &Key<'_>, value: i64) -> Option<usize> {
        let append = key.appends.get(&value)?;
        self.nodes[append.operation]
    }

    fn add_key(&mut self, number: usize, key: &Key<'_>) {
        for pair in key.order.windows(2) {
            self.add(number, key, Kind::Ww, pair[0], pair[1]);
        }
        // In the order of the history, so that the same history gives the same verdict.
        let mut unseen = unseen(key);
        unseen.retain(|(operation, _)| self.nodes[*operation].is_some());
        unseen.sort_unstable();
        if let Some(last) = key.order.last() {
            for (_, value) in &unseen {
                self.add(number, key, Kind::Ww, *last, *value);
            }
        }
        for read in &key.reads {
            self.add_read(number, key, read, &unseen);
        }
    }

    /// The transaction that appended one element comes before the one that appended the other.
    fn add(&mut self, number: usize, key: &Key<'_>, kind: Kind, earlier: i64, later: i64) {
        if let (Some(from), Some(to)) = (self.writer(key, earlier), self.writer(key, later)) {
            self.graph.add(Edge {
                from,
                to,
                kind,
                key: number,
                earlier: Some(earlier),
                later: Some(later),
            });
        }
    }

    fn add_read(&mut self, number: usize, key: &Key<'_>, read: &Read<'_>, unseen: &[(usize, i64)]) {
        let Some(reader) = self.nodes[read.operation] else {
            return;
        };
        let last = read.values[..read.base].last().copied();
        let edge = |from, to, kind, later| Edge {
            from,
            to,
            kind,
            key: number,
            earlier: last,
            later,
        };
        if let Some(writer) = last.and_then(|value| self.writer(key, value)) {
            self.graph.add(edge(writer, reader, Kind::Wr, None));
        }
        if let Some(next) = key.order.get(read.base) {
            if let Some(writer) = self.writer(key, *next) {
                self.graph.add(edge(reader, writer, Kind::Rw, Some(*next)));
            }
            return;
        }
        for (operation, value) in unseen {
            if let Some(writer) = self.nodes[*operation] {
                self.graph.add(edge(reader, writer, Kind::Rw, Some(*value)));
            }
        }
    }
}

/// Appends that no read has seen: operation and element.
fn unseen(key: &Key<'_>) -> Vec<(usize, i64)> {
    let order: HashSet<i64> = key.order.iter().copied().collect();
    key.appends
        .iter()
        .filter(|(value, _)| !order.contains(*value))
        .map(|(value, append)| (append.operation, *value))
        .collect()
}

/// Adds who ended before whom began, without those pairs that follow from others.
fn add_real_time(operations: &[&Operation], graph: &mut Graph) {
    let mut moments: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * operations.len());
    for (node, operation) in operations.iter().enumerate() {
        moments.push((operation.start, false, node));
        if operation.is_ok() {
            moments.push((operation.effective_by(), true, node));
        }
    }
    moments.sort_unstable();
    // Those that ended last: all that ended earlier did so before one of these began.
    let mut ended: Vec<usize> = Vec::new();
    for (_, is_end, node) in moments {
        if is_end {
            ended.retain(|other| !operations[*other].precedes(operations[node]));
            ended.push(node);
            continue;
        }
        for other in &ended {
            graph.add(Edge {
                from: *other,
                to: node,
                kind: Kind::RealTime,
                key: 0,
                earlier: None,
                later: None,
            });
        }
    }
}
