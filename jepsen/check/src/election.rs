//! Elections whose leaders are told apart by a token.
//!
//! - "token": no two leaders have one token, and who campaigned after another had won has a greater one;
//! - "leader": who is named as the leader has won, or may have, with the token and with a value of its own;
//! - "order": who asks later is not named an older leader;
//! - "deposed": nobody proclaims anything after a newer leader was known, or after it resigned;
//! - "resigned": who has resigned is not named any more.

use std::collections::BTreeMap;

use crate::history::{Call, History, Operation, Reply};
use crate::lock::{check_tokens, regressions};
use crate::verdict::{Findings, Verdict};

/// What is known of one election.
#[derive(Default)]
struct Election<'a> {
    /// Campaigns that were won, with their tokens.
    won: Vec<(i64, &'a Operation)>,
    /// Campaigns with unknown outcomes.
    unsure: Vec<&'a Operation>,
    /// Proclamations that were not refused.
    proclaimed: Vec<(i64, &'a Operation)>,
    resigned: Vec<(i64, &'a Operation)>,
    /// Who was named when somebody asked: token, value, and who asked.
    named: Vec<(i64, &'a str, &'a Operation)>,
}

/// Judges every election of a history.
pub fn check(history: &History) -> Verdict {
    let mut findings = Findings::default();
    for (name, election) in gather(history) {
        check_tokens(name, &election.won, &mut findings);
        for (token, value, asked) in &election.named {
            findings.check();
            check_named(&election, *token, value, asked, &mut findings);
        }
        let named: Vec<(i64, &Operation)> = election
            .named
            .iter()
            .map(|(token, _, asked)| (*token, *asked))
            .collect();
        for (newer, older) in regressions(&named) {
            let message = format!("an older leader was named after a newer one: {older}, after {newer}");
            findings.report("order", &[newer.index, older.index], message);
        }
        check_deposed(&election, &named, &mut findings);
    }
    findings.verdict("no election was won")
}

fn gather(history: &History) -> BTreeMap<&str, Election<'_>> {
    let mut elections: BTreeMap<&str, Election<'_>> = BTreeMap::new();
    for operation in history.operations.iter().filter(|one| !one.is_failed()) {
        let (Call::Campaign { name, .. }
        | Call::Proclaim { name, .. }
        | Call::Resign { name, .. }
        | Call::Leader { name }) = &operation.call
        else {
            continue;
        };
        let election = elections.entry(name).or_default();
        match (&operation.call, operation.reply()) {
            (_, Some(Reply::Campaign { token })) => election.won.push((*token, operation)),
            (Call::Campaign { .. }, _) => election.unsure.push(operation),
            (Call::Proclaim { token, .. }, _) => election.proclaimed.push((*token, operation)),
            (Call::Resign { token, .. }, Some(_)) => election.resigned.push((*token, operation)),
            (_, Some(Reply::Leader { leader: Some(leader) })) => {
                election.named.push((leader.token, leader.value.as_str(), operation));
            }
            _ => {}
        }
    }
    elections
}

/// What a campaign or a proclamation says.
fn said(operation: &Operation) -> &str {
    match &operation.call {
        Call::Campaign { value, .. } | Call::Proclaim { value, .. } => value,
        _ => "",
    }
}

fn check_named(election: &Election<'_>, token: i64, value: &str, asked: &Operation, findings: &mut Findings) {
    let begun = |one: &Operation| !asked.precedes(one);
    let says = |one: &Operation| begun(one) && said(one) == value;
    let winner = election.won.iter().find(|(won, _)| *won == token);
    let proclaims = election.proclaimed.iter().any(|(by, one)| *by == token && says(one));
    // A campaign whose outcome nobody knows may have won, and left its value before its client gave up.
    let maybe = winner.is_none() && election.unsure.iter().any(|one| says(one));
    match winner {
        Some((_, winner)) if !begun(winner) => {
            let message = format!("a leader was named before it campaigned: {asked}, and {winner}");
            findings.report("leader", &[asked.index, winner.index], message);
        }
        Some((_, winner)) if !says(winner) && !proclaims => {
            let message = format!("the leader never said {value:?} before it was asked for: {asked}, and {winner}");
            findings.report("leader", &[asked.index, winner.index], message);
        }
        None if !maybe && !proclaims => {
            let message = format!("nobody who campaigned can be this leader: {asked}");
            findings.report("leader", &[asked.index], message);
        }
        _ => {}
    }
    let resigned = election
        .resigned
        .iter()
        .find(|(by, one)| *by == token && one.precedes(asked));
    if let Some((_, resigned)) = resigned {
        let message = format!("a leader was named that had resigned: {asked}, after {resigned}");
        findings.report("resigned", &[resigned.index, asked.index], message);
    }
}

/// A proclamation is one's own write, fenced by its token.
fn check_deposed(election: &Election<'_>, named: &[(i64, &Operation)], findings: &mut Findings) {
    for (token, one) in election.proclaimed.iter().filter(|(_, one)| one.is_ok()) {
        findings.check();
        let newer = election
            .won
            .iter()
            .chain(named)
            .find(|(other, seen)| other > token && seen.precedes(one));
        let resigned = election
            .resigned
            .iter()
            .find(|(by, seen)| by == token && seen.precedes(one));
        if let Some((_, witness)) = newer.or(resigned) {
            let message = format!("a leader that was deposed still proclaimed: {one}, after {witness}");
            findings.report("deposed", &[witness.index, one.index], message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Leader;
    use crate::testing::{Operations, ops};

    fn campaign(value: &str) -> Call {
        Call::Campaign {
            name: "e".into(),
            value: value.into(),
        }
    }

    fn wins(history: Operations, process: u64, start: u64, end: u64, value: &str, token: i64) -> Operations {
        history.ok(process, start, end, campaign(value), Reply::Campaign { token }, 0)
    }

    fn asks(history: Operations, start: u64, value: &str, token: i64) -> Operations {
        let leader = Leader {
            token,
            value: value.into(),
        };
        let reply = Reply::Leader { leader: Some(leader) };
        history.ok(9, start, start + 1, Call::Leader { name: "e".into() }, reply, 0)
    }

    fn proclaims(history: Operations, process: u64, start: u64, value: &str, token: i64) -> Operations {
        let call = Call::Proclaim {
            name: "e".into(),
            token,
            value: value.into(),
        };
        history.ok(process, start, start + 1, call, Reply::Proclaim {}, 0)
    }

    fn resigns(history: Operations, process: u64, start: u64, token: i64) -> Operations {
        let call = Call::Resign {
            name: "e".into(),
            token,
        };
        history.ok(process, start, start + 1, call, Reply::Resign {}, 0)
    }

    /// a leads from 10 with token 5, says b at 30, resigns at 40; c leads from 45 with token 6.
    fn good() -> Operations {
        let first = asks(wins(ops(), 1, 0, 10, "a", 5), 20, "a", 5);
        let said = asks(proclaims(first, 1, 30, "b", 5), 35, "b", 5);
        asks(wins(resigns(said, 1, 40, 5), 2, 1, 45, "c", 6), 50, "c", 6)
    }

    fn rules(history: Operations) -> Vec<&'static str> {
        check(&history.history())
            .violations()
            .iter()
            .map(|one| one.rule)
            .collect()
    }

    #[test]
    fn leaders_one_after_the_other_pass() {
        assert_eq!(check(&good().history()), Verdict::Pass { checked: 6 });
        assert!(matches!(check(&ops().history()), Verdict::Unknown(_)));
    }

    #[test]
    fn tokens_are_unique_and_grow() {
        assert_eq!(rules(wins(good(), 3, 2, 60, "d", 6)), ["token"]);
        assert_eq!(rules(wins(good(), 3, 46, 60, "d", 4)), ["token"]);
    }

    #[test]
    fn only_who_won_is_named_and_with_its_own_words() {
        assert_eq!(rules(asks(good(), 60, "z", 6)), ["leader"]);
        assert_eq!(rules(asks(good(), 60, "d", 7)), ["leader"]);
        let unsure = good().info(3, 55, 58, campaign("d"));
        assert!(rules(asks(unsure, 60, "d", 7)).is_empty());
        let early = wins(asks(ops(), 0, "a", 5), 1, 10, 20, "a", 5);
        assert_eq!(rules(early), ["leader"]);
        let hasty = asks(wins(ops(), 1, 0, 10, "a", 5), 20, "b", 5);
        assert_eq!(rules(proclaims(hasty, 1, 30, "b", 5)), ["leader"]);
    }

    #[test]
    fn an_older_leader_is_not_named_later() {
        let both = wins(wins(ops(), 1, 0, 10, "a", 5), 2, 0, 15, "c", 6);
        assert_eq!(rules(asks(asks(both, 20, "c", 6), 30, "a", 5)), ["order"]);
    }

    #[test]
    fn who_was_deposed_or_resigned_leads_no_more() {
        let both = || wins(wins(ops(), 1, 0, 10, "a", 5), 2, 0, 15, "c", 6);
        assert_eq!(rules(proclaims(both(), 1, 20, "b", 5)), ["deposed"]);
        assert!(rules(proclaims(both(), 1, 12, "b", 5)).is_empty());
        let resigned = || resigns(wins(ops(), 1, 0, 10, "a", 5), 1, 20, 5);
        assert_eq!(rules(proclaims(resigned(), 1, 30, "b", 5)), ["deposed"]);
        assert_eq!(rules(asks(resigned(), 30, "a", 5)), ["resigned"]);
    }
}
