//! Locks whose holders are told apart by a fencing token.
//!
//! A client may believe that it holds a lock when its lease is long over; no store can prevent that. What a store and a
//! guarded resource can do together is checked here:
//!
//! - "token": no two holders have one token, and who asked for the lock after another had got it has a greater one;
//! - "fence": a write under the lock is only accepted with a token that was won, and never after a write with a greater
//!   one was accepted;
//! - "overlap", only where it is asked for: nobody gets the lock while another surely has it. That needs leases that
//!   outlast every pause.

use std::collections::BTreeMap;

use crate::history::{Call, History, Operation, Reply};
use crate::verdict::{Findings, Verdict};

/// What is known of one lock.
#[derive(Default)]
struct Lock<'a> {
    /// Tokens won, in the order in which the calls were made.
    won: Vec<(i64, &'a Operation)>,
    /// Writes that were accepted, and the token of each.
    writes: Vec<(i64, &'a Operation)>,
    /// When a token was given back first: the start of the call.
    returned: BTreeMap<i64, u64>,
    /// A call with an unknown outcome may have won a token that nobody was told.
    is_unsure: bool,
}

/// Judges every lock of a history; `overlap` says whether holders may overlap.
pub fn check(history: &History, overlap: Overlap) -> Verdict {
    let mut findings = Findings::default();
    for (name, lock) in gather(history) {
        check_tokens(name, &lock.won, &mut findings);
        check_fence(name, &lock, &mut findings);
        if overlap == Overlap::Forbidden {
            check_overlap(name, &lock, &mut findings);
        }
    }
    findings.verdict("no lock was won")
}

/// Whether two clients may hold a lock at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// A lease may end while its client believes in it.
    Allowed,
    /// Leases outlast every pause of this history.
    Forbidden,
}

fn gather(history: &History) -> BTreeMap<&str, Lock<'_>> {
    let mut locks: BTreeMap<&str, Lock<'_>> = BTreeMap::new();
    for operation in &history.operations {
        match (&operation.call, operation.reply()) {
            (Call::Lock { name }, Some(Reply::Lock { token })) => {
                locks.entry(name).or_default().won.push((*token, operation));
            }
            (Call::Lock { name }, _) if operation.is_unknown() => locks.entry(name).or_default().is_unsure = true,
            (Call::Unlock { name, token }, _) => {
                let returned = locks.entry(name).or_default().returned.entry(*token);
                returned.or_insert(operation.start);
            }
            (Call::Guarded { name, token }, Some(_)) => {
                locks.entry(name).or_default().writes.push((*token, operation));
            }
            _ => {}
        }
    }
    locks
}

/// Tokens are unique and grow: the rule of [`crate::election`] too.
pub(crate) fn check_tokens(name: &str, won: &[(i64, &Operation)], findings: &mut Findings) {
    let mut holders: BTreeMap<i64, &Operation> = BTreeMap::new();
    for (token, operation) in won {
        findings.check();
        if let Some(other) = holders.insert(*token, operation) {
            let message = format!("two hold {name} with token {token}: {other}, and {operation}");
            findings.report("token", &[other.index, operation.index], message);
        }
    }
    for (older, newer) in regressions(won) {
        let message = format!("{newer} has a token that is not greater, though it began after {older}");
        findings.report("token", &[older.index, newer.index], message);
    }
}

/// Pairs of operations of which one began after the other had ended, and has a smaller token: for each operation the
/// one before it with the greatest.
pub(crate) fn regressions<'a>(tokens: &[(i64, &'a Operation)]) -> Vec<(&'a Operation, &'a Operation)> {
    let mut by_end: Vec<&(i64, &Operation)> = tokens.iter().collect();
    by_end.sort_by_key(|(_, operation)| operation.effective_by());
    let mut by_start: Vec<&(i64, &Operation)> = tokens.iter().collect();
    by_start.sort_by_key(|(_, operation)| operation.start);
    let mut ended = by_end.into_iter().peekable();
    let mut greatest: Option<&(i64, &'a Operation)> = None;
    let mut found = Vec::new();
    for (token, operation) in by_start {
        while let Some(one) = ended.next_if(|(_, one)| one.precedes(operation)) {
            if greatest.is_none_or(|greatest| greatest.0 < one.0) {
                greatest = Some(one);
            }
        }
        if let Some((most, older)) = greatest
            && most > token
        {
            found.push((*older, *operation));
        }
    }
    found
}

fn check_fence(name: &str, lock: &Lock<'_>, findings: &mut Findings) {
    for (token, write) in &lock.writes {
        findings.check();
        if !lock.is_unsure && !lock.won.iter().any(|(won, _)| won == token) {
            let message = format!("nobody won token {token} of {name}: {write}");
            findings.report("fence", &[write.index], message);
        }
        // Nobody writes with a token before the call that wins it is made.
        if let Some((_, winner)) = lock
            .won
            .iter()
            .find(|(won, winner)| won == token && write.precedes(winner))
        {
            let message = format!("token {token} of {name} was used before it was won: {write}, and {winner}");
            findings.report("fence", &[write.index, winner.index], message);
        }
    }
    for (newer, older) in regressions(&lock.writes) {
        let message = format!("a write was accepted after one with a greater token: {older}, after {newer}");
        findings.report("fence", &[newer.index, older.index], message);
    }
}

/// A holder has the lock at least from the end of its call to the start of the call that gives it back.
fn check_overlap(name: &str, lock: &Lock<'_>, findings: &mut Findings) {
    let mut held: Vec<(u64, u64, &Operation)> = Vec::new();
    for (token, winner) in &lock.won {
        let from = winner.effective_by();
        // A client that never gave it back surely had it while it wrote.
        let used = lock
            .writes
            .iter()
            .filter(|(used, _)| used == token)
            .map(|(_, write)| write.start)
            .max();
        let to = lock.returned.get(token).copied().or(used).unwrap_or(from);
        held.push((from, to, winner));
    }
    held.sort_by_key(|(from, _, _)| *from);
    let mut longest: Option<(u64, u64, &Operation)> = None;
    for (from, to, winner) in held {
        if let Some((_, until, other)) = longest
            && from < until
        {
            let message = format!("{name} was won while another had it: {winner}, and {other}");
            findings.report("overlap", &[other.index, winner.index], message);
        }
        if longest.is_none_or(|(_, until, _)| until < to) {
            longest = Some((from, to, winner));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Operations, ops};

    fn lock(history: Operations, process: u64, start: u64, end: u64, token: i64) -> Operations {
        history.ok(
            process,
            start,
            end,
            Call::Lock { name: "l".into() },
            Reply::Lock { token },
            0,
        )
    }

    fn unlock(history: Operations, process: u64, start: u64, token: i64) -> Operations {
        let call = Call::Unlock {
            name: "l".into(),
            token,
        };
        history.ok(process, start, start + 1, call, Reply::Unlock {}, 0)
    }

    fn guarded(token: i64) -> Call {
        Call::Guarded {
            name: "l".into(),
            token,
        }
    }

    fn write(history: Operations, process: u64, start: u64, token: i64) -> Operations {
        history.ok(process, start, start + 1, guarded(token), Reply::Guarded {}, 0)
    }

    fn rules(history: Operations) -> Vec<&'static str> {
        let verdict = check(&history.history(), Overlap::Forbidden);
        verdict.violations().iter().map(|one| one.rule).collect()
    }

    /// The first holder writes and gives back, then the second writes.
    fn good() -> Operations {
        let first = unlock(write(lock(ops(), 1, 0, 10, 5), 1, 20, 5), 1, 30, 5);
        write(lock(first, 2, 5, 35, 6), 2, 40, 6)
    }

    #[test]
    fn holders_one_after_the_other_pass() {
        let verdict = check(&good().history(), Overlap::Forbidden);
        assert_eq!(verdict, Verdict::Pass { checked: 4 });
        assert!(rules(good().fail(1, 50, 51, guarded(5))).is_empty());
        assert!(matches!(check(&ops().history(), Overlap::Allowed), Verdict::Unknown(_)));
    }

    #[test]
    fn tokens_are_unique_and_grow() {
        assert_eq!(rules(lock(good(), 3, 36, 50, 6)), ["token"]);
        assert_eq!(rules(lock(unlock(good(), 2, 42, 6), 3, 45, 50, 4)), ["token"]);
        let waited = lock(unlock(good(), 2, 42, 6), 3, 1, 50, 4);
        assert_eq!(rules(waited), Vec::<&str>::new());
    }

    #[test]
    fn a_deposed_holder_is_fenced_off() {
        assert_eq!(rules(write(good(), 1, 50, 5)), ["fence"]);
        let verdict = check(&write(good(), 1, 50, 5).history(), Overlap::Allowed);
        let message = &verdict.violations()[0].message;
        assert!(message.contains("after operation 4"), "{message}");
        assert_eq!(rules(write(good(), 1, 50, 9)), ["fence"]);
        let unsure = good().info(3, 1, 45, Call::Lock { name: "l".into() });
        assert!(rules(write(unsure, 1, 50, 9)).is_empty());
        assert_eq!(rules(lock(write(good(), 3, 50, 7), 4, 60, 70, 7)), ["fence"]);
    }

    #[test]
    fn holders_do_not_overlap_where_leases_last() {
        let both = || write(unlock(lock(lock(ops(), 1, 0, 10, 5), 2, 0, 15, 6), 1, 20, 5), 2, 30, 6);
        assert_eq!(rules(both()), ["overlap"]);
        assert!(check(&both().history(), Overlap::Allowed).passed());
        let lost = write(write(lock(lock(ops(), 1, 0, 10, 5), 2, 0, 15, 6), 1, 20, 5), 2, 30, 6);
        assert_eq!(rules(lost), ["overlap"]);
    }
}
