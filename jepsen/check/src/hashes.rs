//! Members hold the same: hashes of one revision, over the same history of keys, are equal.
//!
//! The only rule is "hash". Two members at least must have told theirs at one revision, over history that begins at one
//! revision, and nobody who was asked may be left out of that.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Call, History, Operation, Reply};
use crate::verdict::{Findings, Verdict};

/// What a member told, and in which operation.
type Told<'a> = (&'a str, u32, &'a Operation);

/// Compares all hashes of a history.
pub fn check(history: &History) -> Verdict {
    let mut findings = Findings::default();
    let mut alone: BTreeSet<&str> = BTreeSet::new();
    // What each member told of one revision, and of history that begins at one revision.
    let mut told: BTreeMap<(i64, i64), Vec<Told<'_>>> = BTreeMap::new();
    for operation in &history.operations {
        let (Call::Hash { .. }, Some(member)) = (&operation.call, operation.member.as_deref()) else {
            continue;
        };
        alone.insert(member);
        if let Some(Reply::Hash {
            hash,
            revision,
            compact_revision,
        }) = operation.reply()
        {
            let of_one = told.entry((*revision, *compact_revision)).or_default();
            of_one.push((member, *hash, operation));
        }
    }
    for ((revision, _), hashes) in &told {
        let Some(((first, expected, other), rest)) = hashes.split_first() else {
            continue;
        };
        for (member, hash, operation) in rest {
            if hash != expected {
                let message = format!("members differ at revision {revision}: {other}, and {operation}");
                findings.report("hash", &[other.index, operation.index], message);
            }
            if member != first {
                findings.check();
                alone.remove(first);
                alone.remove(member);
            }
        }
    }
    if !alone.is_empty() {
        let names: Vec<&str> = alone.into_iter().collect();
        findings.doubt(format!("hashes of {} were compared with nobody's", names.join(", ")));
    }
    findings.verdict("no member was asked for its hash")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Operations, ops};

    fn hash(history: Operations, member: &str, hash: u32, compact_revision: i64) -> Operations {
        let reply = Reply::Hash {
            hash,
            revision: 7,
            compact_revision,
        };
        history.ok_at(member, 1, 2, Call::Hash { revision: 7 }, reply)
    }

    fn unknown(history: Operations) -> String {
        match check(&history.history()) {
            Verdict::Unknown(why) => why,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn hashes_of_one_revision_are_equal() {
        let one = || hash(ops(), "n1", 0xabc, 3);
        assert!(check(&hash(one(), "n2", 0xabc, 3).history()).passed());
        let verdict = check(&hash(one(), "n2", 0xdef, 3).history());
        assert_eq!(verdict.violations()[0].operations, vec![0, 1]);
        assert!(verdict.to_string().contains("00000abc of revision 7"), "{verdict}");
    }

    #[test]
    fn a_member_is_compared_with_another_one() {
        let one = || hash(ops(), "n1", 0xabc, 3);
        assert!(unknown(ops()).contains("no member"));
        assert!(unknown(one()).contains("n1"));
        assert!(unknown(hash(one(), "n1", 0xabc, 3)).contains("n1"));
        let why = unknown(hash(one(), "n2", 0xdef, 4));
        assert!(why.contains("n1, n2"), "{why}");
        let two = || hash(one(), "n2", 0xabc, 3);
        let why = unknown(hash(two(), "n3", 0xdef, 4));
        assert!(why.contains("n3") && !why.contains("n2"), "{why}");
        let silent = two().info_at("n3", 1, 2, Call::Hash { revision: 7 });
        assert!(unknown(silent).contains("n3"));
        assert!(check(&hash(hash(two(), "n3", 0xdef, 4), "n3", 0xabc, 3).history()).passed());
    }
}
