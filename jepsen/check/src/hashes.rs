//! Members hold the same: hashes of one revision, over the same history of keys, are equal.
//!
//! The only rule is "hash". At least two members must have been asked at one revision, or nothing was compared.

use std::collections::BTreeMap;

use crate::history::{History, Operation, Reply};
use crate::verdict::{Findings, Verdict};

/// Compares all hashes of a history.
pub fn check(history: &History) -> Verdict {
    let mut findings = Findings::default();
    let mut first: BTreeMap<(i64, i64), (u32, &Operation)> = BTreeMap::new();
    for operation in &history.operations {
        let Some(Reply::Hash {
            hash,
            revision,
            compact_revision,
        }) = operation.reply()
        else {
            continue;
        };
        let Some((expected, other)) = first.get(&(*revision, *compact_revision)) else {
            first.insert((*revision, *compact_revision), (*hash, operation));
            continue;
        };
        findings.check();
        if hash != expected {
            let message = format!("members differ at revision {revision}: {other}, and {operation}");
            findings.report("hash", &[other.index, operation.index], message);
        }
    }
    findings.verdict("no two hashes of one revision")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Call;
    use crate::testing::{Operations, ops};

    fn hash(history: Operations, process: u64, hash: u32, compact_revision: i64) -> Operations {
        let reply = Reply::Hash {
            hash,
            revision: 7,
            compact_revision,
        };
        history.ok(process, process, process + 10, Call::Hash { revision: 7 }, reply, 0)
    }

    #[test]
    fn hashes_of_one_revision_are_equal() {
        let one = || hash(ops(), 1, 0xabc, 3);
        assert!(check(&hash(one(), 2, 0xabc, 3).history()).passed());
        assert!(matches!(check(&one().history()), Verdict::Unknown(_)));
        assert!(matches!(
            check(&hash(one(), 2, 0xdef, 4).history()),
            Verdict::Unknown(_)
        ));
        let verdict = check(&hash(one(), 2, 0xdef, 3).history());
        assert_eq!(verdict.violations()[0].operations, vec![0, 1]);
        assert!(verdict.to_string().contains("00000abc of revision 7"), "{verdict}");
    }
}
