//! Locks whose holders are told apart by a fencing token.
//!
//! A client may believe that it holds a lock when its lease is long over; no store can prevent that. What a store and a
//! guarded resource can do together is checked here:
//!
//! - "token": no two holders have one token, and who asked for the lock after another had got it has a greater one;
//! - "fence": a write under the lock is only accepted with a token that was won, and never after a greater one was won,
//!   or a write with a greater one was accepted;
//! - "guarded": what is read of that which the lock guards was written last, or may have been;
//! - "overlap", only where it is asked for: nobody gets the lock while another surely has it. That needs leases that
//!   outlast every pause.

use std::collections::BTreeMap;

use crate::history::{Call, Get, History, KeyValue, Operation, Reply, covers};
use crate::verdict::{Findings, Verdict};

/// What a lock guards is at its name below this; each write puts its token there.
pub const GUARDED: &str = "guarded/";

/// What is known of one lock.
#[derive(Default)]
struct Lock<'a> {
    /// Tokens won, in the order in which the calls were made.
    won: Vec<(i64, &'a Operation)>,
    /// Writes that were accepted, and the token of each.
    writes: Vec<(i64, &'a Operation)>,
    /// Writes of which nobody knows whether they were accepted.
    perhaps: Vec<(i64, &'a Operation)>,
    /// When a token was given back first: the start of the call.
    returned: BTreeMap<i64, u64>,
    /// When calls began that may each have won one token of which nobody was told, in their order.
    unsure: Vec<u64>,
}

/// A read of what locks guard, and what it found.
type Read<'a> = (&'a Get, &'a [KeyValue], &'a Operation);

/// Judges every lock of a history; `overlap` says whether holders may overlap.
pub fn check(history: &History, overlap: Overlap) -> Verdict {
    let mut findings = Findings::default();
    let reads: Vec<Read<'_>> = history.operations.iter().filter_map(read).collect();
    for (name, lock) in gather(history) {
        check_tokens(name, &lock.won, &mut findings);
        check_fence(name, &lock, &mut findings);
        check_guarded(name, &lock, &reads, &mut findings);
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
            (Call::Lock { name }, _) if operation.is_unknown() => {
                locks.entry(name).or_default().unsure.push(operation.start);
            }
            (Call::Unlock { name, token }, _) => {
                let returned = locks.entry(name).or_default().returned.entry(*token);
                returned.or_insert(operation.start);
            }
            (Call::Guarded { name, token }, Some(_)) => {
                locks.entry(name).or_default().writes.push((*token, operation));
            }
            (Call::Guarded { name, token }, _) if operation.is_unknown() => {
                locks.entry(name).or_default().perhaps.push((*token, operation));
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
    overtaken(tokens, tokens)
}

/// The same, of operations and others that may have overtaken them.
fn overtaken<'a>(
    tokens: &[(i64, &'a Operation)],
    others: &[(i64, &'a Operation)],
) -> Vec<(&'a Operation, &'a Operation)> {
    let mut by_end: Vec<&(i64, &Operation)> = others.iter().collect();
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
    check_claims(name, lock, findings);
    let used: Vec<(i64, &Operation)> = lock.won.iter().chain(&lock.writes).copied().collect();
    for (newer, older) in overtaken(&lock.writes, &used) {
        let message = format!("a write was accepted after a greater token was won or used: {older}, after {newer}");
        findings.report("fence", &[newer.index, older.index], message);
    }
}

/// Tokens that nobody was told of: there can be one for each call with an unknown outcome that began in time.
fn check_claims(name: &str, lock: &Lock<'_>, findings: &mut Findings) {
    let mut first: BTreeMap<i64, &Operation> = BTreeMap::new();
    for (token, write) in &lock.writes {
        if !lock.won.iter().any(|(won, _)| won == token) {
            let earliest = first.entry(*token).or_insert(write);
            if write.effective_by() < earliest.effective_by() {
                *earliest = write;
            }
        }
    }
    let mut unclaimed: Vec<(i64, &Operation)> = first.into_iter().collect();
    unclaimed.sort_by_key(|(_, write)| write.effective_by());
    let mut given = 0;
    for (token, write) in unclaimed {
        let possible = lock.unsure.partition_point(|start| *start < write.effective_by());
        if given < possible {
            given += 1;
        } else {
            let message = format!("nobody won token {token} of {name}: {write}");
            findings.report("fence", &[write.index], message);
        }
    }
}

/// A read of what may be what locks guard, as it is now.
fn read(operation: &Operation) -> Option<Read<'_>> {
    match (&operation.call, operation.reply()) {
        (Call::Get(get), Some(Reply::Get { kvs, .. }))
            if !get.serializable && get.revision == 0 && get.limit == 0 && get.key.starts_with(GUARDED) =>
        {
            Some((get, kvs, operation))
        }
        _ => None,
    }
}

/// What was written last is read: a write that no other one surely followed.
fn check_guarded(name: &str, lock: &Lock<'_>, reads: &[Read<'_>], findings: &mut Findings) {
    let key = format!("{GUARDED}{name}");
    for (get, kvs, read) in reads {
        if !covers(&get.key, get.end.as_deref(), &key) {
            continue;
        }
        findings.check();
        let before = lock.writes.iter().filter(|(_, write)| write.precedes(read));
        let last = before.max_by_key(|(_, write)| write.start);
        let value = kvs.iter().find(|kv| kv.key == key).map(|kv| kv.value.as_str());
        let holds = match (value, last) {
            (None, last) => last.is_none(),
            (Some(value), last) => lock.writes.iter().chain(&lock.perhaps).any(|(token, write)| {
                let is_over = last.is_some_and(|(_, last)| write.precedes(last));
                token.to_string() == value && !is_over && !read.precedes(write)
            }),
        };
        if !holds {
            let found = value.map_or("nothing".to_owned(), |value| format!("token {value}"));
            let against = last.map_or("nobody wrote that".to_owned(), |(_, last)| format!("though of {last}"));
            let operations: Vec<usize> = std::iter::once(*read)
                .chain(last.map(|(_, last)| *last))
                .map(|one| one.index)
                .collect();
            findings.report(
                "guarded",
                &operations,
                format!("{name} guards {found}, {against}: {read}"),
            );
        }
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
    use crate::testing::{Operations, absent, ops, present};

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
        assert!(message.contains("after operation 1"), "{message}");
        assert_eq!(rules(write(good(), 1, 50, 9)), ["fence"]);
        // The next holder has won and has written nothing yet.
        let won = lock(unlock(good(), 2, 42, 6), 3, 43, 44, 7);
        assert!(rules(write(won.clone(), 2, 44, 6)).is_empty());
        assert_eq!(rules(write(won, 2, 45, 6)), ["fence"]);
        assert_eq!(rules(lock(write(good(), 3, 50, 7), 4, 60, 70, 7)), ["fence"]);
    }

    #[test]
    fn a_call_without_an_answer_wins_one_token_at_most() {
        let unsure = || good().info(3, 1, 45, Call::Lock { name: "l".into() });
        assert!(rules(write(unsure(), 1, 50, 9)).is_empty());
        assert!(rules(write(write(unsure(), 1, 50, 9), 1, 52, 9)).is_empty());
        assert_eq!(rules(write(write(unsure(), 1, 50, 9), 1, 52, 10)), ["fence"]);
        let late = good().info(3, 60, 65, Call::Lock { name: "l".into() });
        assert_eq!(rules(write(late, 1, 50, 9)), ["fence"]);
    }

    /// What the lock guards is read from 60 to 61.
    fn guards(history: Operations, value: Option<&str>) -> Operations {
        let get = Get {
            key: GUARDED.into(),
            end: Some("guarded0".into()),
            ..Get::default()
        };
        let reply = value.map_or_else(absent, |value| present("guarded/l", value, 2, 9, 3));
        history.ok(9, 60, 61, Call::Get(get), reply, 0)
    }

    #[test]
    fn what_is_guarded_was_written_last() {
        assert!(rules(guards(good(), Some("6"))).is_empty());
        for wrong in [Some("5"), Some("7"), Some("x"), None] {
            assert_eq!(rules(guards(good(), wrong)), ["guarded"], "{wrong:?}");
        }
        assert!(rules(guards(lock(ops(), 1, 0, 10, 5), None)).is_empty());
        // Who wrote at the same time, or without an answer, may have been the last.
        let both = || write(good(), 1, 40, 5);
        assert!(!rules(guards(both(), Some("5"))).contains(&"guarded"));
        let unknown = || good().info(5, 20, 22, guarded(5)).info(6, 62, 63, guarded(7));
        assert!(rules(guards(unknown(), Some("5"))).is_empty());
        assert_eq!(rules(guards(unknown(), Some("7"))), ["guarded"]);
    }

    #[test]
    fn holders_do_not_overlap_where_leases_last() {
        let both = || write(unlock(lock(lock(ops(), 1, 0, 10, 5), 2, 0, 15, 6), 1, 20, 5), 2, 30, 6);
        assert_eq!(rules(both()), ["overlap"]);
        assert!(check(&both().history(), Overlap::Allowed).passed());
        let lost = write(write(lock(lock(ops(), 1, 0, 10, 5), 2, 0, 15, 6), 1, 20, 5), 2, 30, 6);
        assert_eq!(rules(lost), ["fence", "overlap"]);
    }
}
