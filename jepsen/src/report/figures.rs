//! What a history amounts to, in numbers.

use std::collections::BTreeMap;

use jepsen_check::history::{Call, History, Operation, Outcome};
use serde::Serialize;

/// Calls of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Figures {
    /// Answered.
    pub(crate) ok: usize,
    /// Surely not done.
    pub(crate) failed: usize,
    /// Nobody knows.
    pub(crate) unknown: usize,
    /// Microseconds within which half of the answered were answered.
    pub(crate) median_us: u64,
    /// Microseconds within which 99 of 100 were.
    pub(crate) p99_us: u64,
}

/// The name of a call's kind, as a history's lines have it.
pub(super) const fn kind(call: &Call) -> &'static str {
    match call {
        Call::Get(_) => "get",
        Call::Put(_) => "put",
        Call::Delete(_) => "delete",
        Call::Txn(_) => "txn",
        Call::Cas { .. } => "cas",
        Call::Compact { .. } => "compact",
        Call::Watch(_) => "watch",
        Call::Grant { .. } => "grant",
        Call::KeepAlive { .. } => "keep_alive",
        Call::Revoke { .. } => "revoke",
        Call::TimeToLive { .. } => "time_to_live",
        Call::Lists { .. } => "lists",
        Call::Add { .. } => "add",
        Call::Members {} => "members",
        Call::Transfer { .. } => "transfer",
        Call::Balances {} => "balances",
        Call::Lock { .. } => "lock",
        Call::Unlock { .. } => "unlock",
        Call::Guarded { .. } => "guarded",
        Call::Campaign { .. } => "campaign",
        Call::Proclaim { .. } => "proclaim",
        Call::Resign { .. } => "resign",
        Call::Leader { .. } => "leader",
        Call::Hash { .. } => "hash",
    }
}

/// The figures of each kind of call; those of "all" leave watches out, which are open as long as they like.
pub(crate) fn figures(history: &History) -> BTreeMap<&'static str, Figures> {
    let mut by_kind: BTreeMap<&'static str, Vec<&Operation>> = BTreeMap::new();
    for operation in &history.operations {
        by_kind.entry(kind(&operation.call)).or_default().push(operation);
        if !matches!(operation.call, Call::Watch(_)) {
            by_kind.entry("all").or_default().push(operation);
        }
    }
    by_kind
        .into_iter()
        .map(|(kind, operations)| (kind, count(&operations)))
        .collect()
}

fn count(operations: &[&Operation]) -> Figures {
    let mut figures = Figures::default();
    let mut took: Vec<u64> = Vec::new();
    for operation in operations {
        match operation.outcome {
            Outcome::Ok { .. } => {
                figures.ok += 1;
                took.extend(operation.end.map(|end| (end - operation.start) / 1_000));
            }
            Outcome::Fail { .. } => figures.failed += 1,
            Outcome::Info { .. } => figures.unknown += 1,
        }
    }
    took.sort_unstable();
    let at = |hundredth: usize| {
        let place = (took.len() * hundredth / 100).min(took.len().saturating_sub(1));
        took.get(place).copied().unwrap_or(0)
    };
    figures.median_us = at(50);
    figures.p99_us = at(99);
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_kind_and_outcome() {
        let text = r#"{"type":"invoke","process":1,"time":1000,"call":{"add":{"value":1}}}
{"type":"ok","process":1,"time":9000,"reply":{"add":{}}}
{"type":"invoke","process":1,"time":10000,"call":{"add":{"value":2}}}
{"type":"info","process":1,"time":11000,"error":"lost"}
{"type":"invoke","process":2,"time":12000,"call":{"watch":{"key":"x"}}}
"#;
        let figures = figures(&History::read(text.as_bytes()).unwrap());
        let adds = Figures {
            ok: 1,
            unknown: 1,
            median_us: 8,
            p99_us: 8,
            ..Figures::default()
        };
        assert_eq!(figures["add"], adds);
        assert_eq!(figures["all"], adds);
        assert_eq!(figures["watch"].unknown, 1);
    }
}
