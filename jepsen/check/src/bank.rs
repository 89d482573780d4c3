//! Accounts between which money moves: none is made and none is lost.
//!
//! - "total": what all accounts hold is always the same;
//! - "overdrawn": no account holds less than nothing;
//! - "accounts": every read shows the same accounts.

use crate::history::{Call, History, Operation, Reply};
use crate::verdict::{Findings, Verdict};

/// Judges the accounts of a history that hold `total` in all.
pub fn check(history: &History, total: i64) -> Verdict {
    let mut findings = Findings::default();
    let mut first = None;
    for read in &history.operations {
        let Some(Reply::Balances { accounts }) = read.reply() else {
            continue;
        };
        findings.check();
        let sum: i64 = accounts.values().sum();
        if sum != total {
            let (difference, direction) = ((sum - total).abs(), if sum > total { "more" } else { "less" });
            let message = format!("the accounts hold {sum}, {difference} {direction} than {total}: {read}");
            findings.report("total", &[read.index], message);
        }
        for (account, balance) in accounts {
            if *balance < 0 {
                let message = format!("{account} holds {balance}: {read}");
                findings.report("overdrawn", &[read.index], message);
            }
        }
        let (seen, before) = *first.get_or_insert((accounts, read));
        if !seen.keys().eq(accounts.keys()) {
            let message = format!("the accounts are not the same: {before}, and {read}");
            findings.report("accounts", &[before.index, read.index], message);
        }
    }
    let moved = |one: &Operation| one.is_ok() && matches!(one.call, Call::Transfer { .. });
    if !history.operations.iter().any(moved) {
        findings.doubt("no transfer was answered".to_owned());
    }
    findings.verdict("no answered read of the accounts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Operations, ops};

    fn read(history: Operations, start: u64, accounts: &[(&str, i64)]) -> Operations {
        let accounts = accounts
            .iter()
            .map(|(name, balance)| ((*name).to_owned(), *balance))
            .collect();
        history.ok(9, start, start + 5, Call::Balances {}, Reply::Balances { accounts }, 0)
    }

    /// A transfer was answered.
    fn moved() -> Operations {
        let call = Call::Transfer {
            from: "a".into(),
            to: "b".into(),
            amount: 1,
        };
        ops().ok(1, 1, 2, call, Reply::Transfer {}, 0)
    }

    #[test]
    fn money_is_neither_made_nor_lost() {
        let good = || read(moved(), 5, &[("a", 5), ("b", 5)]);
        assert!(check(&read(good(), 10, &[("a", 0), ("b", 10)]).history(), 10).passed());
        assert!(matches!(check(&moved().history(), 10), Verdict::Unknown(_)));
        let still = check(&read(ops(), 5, &[("a", 5), ("b", 5)]).history(), 10);
        assert_eq!(still, Verdict::Unknown("no transfer was answered".into()));
        for (accounts, rule) in [
            (&[("a", 4), ("b", 5)][..], "total"),
            (&[("a", 7), ("b", 5)][..], "total"),
            (&[("a", -1), ("b", 11)][..], "overdrawn"),
            (&[("a", 10)][..], "accounts"),
        ] {
            let verdict = check(&read(good(), 10, accounts).history(), 10);
            let rules: Vec<&str> = verdict.violations().iter().map(|one| one.rule).collect();
            assert_eq!(rules, [rule], "{verdict}");
        }
        let verdict = check(&read(ops(), 0, &[("a", 4), ("b", 5)]).history(), 10);
        assert!(verdict.to_string().contains("hold 9, 1 less than 10"), "{verdict}");
    }
}
