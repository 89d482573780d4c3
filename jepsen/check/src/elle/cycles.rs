//! Cycles by the name of their anomaly, told step by step.

use super::graph::{ALL, Edge, Graph, Kind};
use super::infer::Inferred;
use crate::verdict::Findings;

/// So many strongly connected parts are told of at most.
const PARTS: usize = 20;
/// So many paths are looked for, for each anomaly in each part.
const PATHS: usize = 2000;

const WW: u8 = Kind::Ww as u8;
const WR: u8 = Kind::Wr as u8;
const RW: u8 = Kind::Rw as u8;
const RT: u8 = Kind::RealTime as u8;

/// Anomalies, the worst first: a name, the kind of the step that a cycle must have, and the kinds of its other steps.
const ANOMALIES: [(&str, u8, u8); 8] = [
    ("G0", WW, WW),
    ("G1c", WR, WW | WR),
    ("G-single", RW, WW | WR),
    ("G2", RW, WW | WR | RW),
    ("G0-realtime", WW, WW | RT),
    ("G1c-realtime", WR, WW | WR | RT),
    ("G-single-realtime", RW, WW | WR | RT),
    ("G2-realtime", RW, ALL),
];

/// Reports one cycle of each strongly connected part.
pub(super) fn report(inferred: &Inferred<'_>, findings: &mut Findings) {
    for nodes in inferred.graph.components(ALL).iter().take(PARTS) {
        let part = inferred.graph.part(nodes);
        for (name, first, rest) in ANOMALIES {
            if let Some(cycle) = shortest(&part, first, rest) {
                tell(inferred, nodes, name, &cycle, findings);
                break;
            }
        }
    }
}

/// A short cycle with a step of the first kind, the others of the rest.
fn shortest(part: &Graph, first: u8, rest: u8) -> Option<Vec<Edge>> {
    // Only edges inside a part along these kinds can be on such a cycle.
    let mut place = vec![None; part.edges().map(|edge| edge.from.max(edge.to) + 1).max()?];
    for (number, nodes) in part.components(first | rest).iter().enumerate() {
        for node in nodes {
            place[*node] = Some(number);
        }
    }
    let mut best: Option<Vec<Edge>> = None;
    let inside = |edge: &&Edge| edge.is(first) && place[edge.from].is_some() && place[edge.from] == place[edge.to];
    for edge in part.edges().filter(inside).take(PATHS) {
        let Some(path) = part.path(edge.to, edge.from, rest) else {
            continue;
        };
        if best.as_ref().is_none_or(|best| path.len() + 1 < best.len()) {
            best = Some(std::iter::once(*edge).chain(path).collect());
        }
        if best.as_ref().is_some_and(|best| best.len() == 2) {
            break;
        }
    }
    best
}

fn tell(inferred: &Inferred<'_>, nodes: &[usize], name: &'static str, cycle: &[Edge], findings: &mut Findings) {
    let operation = |node: usize| inferred.operations[nodes[node]];
    let short = |node: usize| format!("operation {}", operation(node).index);
    let steps: Vec<String> = cycle.iter().map(|edge| step(inferred, edge, &short)).collect();
    let whole: Vec<String> = cycle.iter().map(|edge| operation(edge.from).to_string()).collect();
    let message = format!(
        "each must come before the next, and the last before the first: {}. These are {}",
        steps.join("; "),
        whole.join("; ")
    );
    let operations: Vec<usize> = cycle.iter().map(|edge| operation(edge.from).index).collect();
    findings.report(name, &operations, message);
}

fn step(inferred: &Inferred<'_>, edge: &Edge, short: &impl Fn(usize) -> String) -> String {
    let (from, to) = (short(edge.from), short(edge.to));
    let key = inferred.keys.get(edge.key).copied().unwrap_or_default();
    let element = |value: Option<i64>| value.map_or("nothing".to_owned(), |value| value.to_string());
    let (earlier, later) = (element(edge.earlier), element(edge.later));
    match edge.kind {
        Kind::Ww => format!("{from} appended {earlier} to {key} before {to} appended {later}"),
        Kind::Wr => format!("{from} appended {earlier} to {key}, where {to} read it"),
        Kind::Rw => format!("{from} read {key} up to {earlier}, before {to} appended {later}"),
        Kind::RealTime => format!("{from} ended before {to} began"),
    }
}
