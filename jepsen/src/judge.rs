//! Who judges a history, and what follows from all judgements for a run.

use std::fmt;
use std::time::Duration;

use jepsen_check::history::{Call, History};
use jepsen_check::lock::Overlap;
use jepsen_check::{Log, Verdict, bank, election, elle, lease, lock, replay, set, watch, wgl};
use serde::Serialize;

use crate::run::Facts;

/// Leases may end so much too late while one leader leads: it looks for ended ones twice a second, and what it finds has
/// to be agreed on. No election takes longer either.
pub(crate) const LATE: Duration = Duration::from_secs(3);
/// How exactly leases must end. Never too early: the store and this program measure time with one clock.
const LEASES: lease::Bounds = lease::Bounds {
    early: 0,
    late: LATE.as_nanos() as u64,
};

/// A checker, with what it has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judge {
    /// Every answer, by the store's own revisions.
    Replay,
    /// Registers, without believing in revisions.
    Wgl,
    /// Transactions over lists.
    Elle,
    /// Watches; needs what [`Judge::Replay`] finds out.
    Watch,
    /// Leases.
    Lease,
    /// The set.
    Set,
    /// The accounts.
    Bank {
        /// What they hold together.
        total: i64,
    },
    /// Locks.
    Lock(Overlap),
    /// Elections.
    Election,
}

impl Judge {
    /// What it is called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Wgl => "wgl",
            Self::Elle => "elle",
            Self::Watch => "watch",
            Self::Lease => "lease",
            Self::Set => "set",
            Self::Bank { .. } => "bank",
            Self::Lock(_) => "lock",
            Self::Election => "election",
        }
    }
}

/// What one checker says.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Judgement {
    /// The checker.
    pub(crate) judge: &'static str,
    /// Its verdict.
    pub(crate) verdict: Verdict,
}

/// What follows for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Everything was checked and holds.
    Valid,
    /// The run does not show enough, or this program failed. Never a pass.
    Unknown,
    /// The store broke a promise.
    Anomaly,
}

impl Outcome {
    /// The program's exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Anomaly => 1,
            Self::Unknown => 2,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Valid => "valid",
            Self::Unknown => "unknown",
            Self::Anomaly => "ANOMALY",
        })
    }
}

/// Everything that is said of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sentence {
    /// What follows.
    pub(crate) outcome: Outcome,
    /// Why, line by line.
    pub(crate) reasons: Vec<String>,
    /// What each checker says.
    pub(crate) judgements: Vec<Judgement>,
}

impl Sentence {
    /// The operations that contradict each other, by their index in the history, each once.
    pub(crate) fn accused(&self) -> Vec<usize> {
        let violations = self.judgements.iter().flat_map(|one| one.verdict.violations());
        let mut all: Vec<usize> = violations.flat_map(|one| one.operations.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Something else is found out that says this of the run.
    pub(crate) fn weigh(&mut self, outcome: Outcome, reason: String) {
        self.outcome = self.outcome.max(outcome);
        self.reasons.push(reason);
    }
}

/// Judges a history and weighs it with what else is known of the run. `broken`: nothing was done to keep these rules, so
/// that they hold says only that nobody saw it; all others must.
pub(crate) fn sentence(history: &History, judges: &[Judge], facts: &Facts, broken: &[&str]) -> Sentence {
    let mut judgements = judge(history, judges);
    let own = judgements.len();
    judgements.push(Judgement {
        judge: "hashes",
        verdict: jepsen_check::hashes::check(history),
    });
    let coverage = facts.floor.map(|floor| Judgement {
        judge: "coverage",
        verdict: jepsen_check::coverage::check(history, floor.into()),
    });
    let mut scales = Scales::default();
    for (place, one) in judgements.iter().enumerate() {
        let broken = if place < own { broken } else { &[] };
        match (&one.verdict, !broken.is_empty()) {
            (Verdict::Pass { .. }, false) => {}
            (Verdict::Fail(found), _) => match found.iter().filter(|one| !broken.contains(&one.rule)).count() {
                0 => scales.reasons.push(format!("{}: found, as expected", one.judge)),
                others => scales.weigh(Outcome::Anomaly, format!("{}: {others} violations", one.judge)),
            },
            (Verdict::Unknown(why), _) => scales.weigh(Outcome::Unknown, format!("{}: {why}", one.judge)),
            (Verdict::Pass { .. }, true) => scales.weigh(
                Outcome::Unknown,
                format!("{}: the anomaly that must be there was not found", one.judge),
            ),
        }
    }
    match coverage.as_ref().map(|one| &one.verdict) {
        // A run with too little in it breaks no promise of the store; it proves nothing.
        Some(Verdict::Fail(found)) => {
            for one in found {
                scales.weigh(Outcome::Unknown, format!("coverage, {}: {}", one.rule, one.message));
            }
        }
        Some(Verdict::Unknown(why)) => scales.weigh(Outcome::Unknown, format!("coverage: {why}")),
        Some(Verdict::Pass { .. }) | None => {}
    }
    judgements.extend(coverage);
    for text in &facts.failures {
        scales.weigh(Outcome::Anomaly, text.clone());
    }
    for text in &facts.incidents {
        scales.weigh(Outcome::Anomaly, format!("crash: {text}"));
    }
    for text in &facts.troubles {
        scales.weigh(Outcome::Unknown, text.clone());
    }
    Sentence {
        outcome: scales.outcome.unwrap_or(Outcome::Valid),
        reasons: scales.reasons,
        judgements,
    }
}

/// The worst that was found so far.
#[derive(Default)]
struct Scales {
    outcome: Option<Outcome>,
    reasons: Vec<String>,
}

impl Scales {
    fn weigh(&mut self, outcome: Outcome, reason: String) {
        self.outcome = self.outcome.max(Some(outcome));
        self.reasons.push(reason);
    }
}

fn judge(history: &History, judges: &[Judge]) -> Vec<Judgement> {
    // What happened at each revision is needed by others, whatever the replay's own verdict.
    let needs_log = |judge: &Judge| matches!(judge, Judge::Replay | Judge::Watch);
    let replayed = judges
        .iter()
        .any(needs_log)
        .then(|| replay::check(history, &Log::new()));
    let unreplayed = Log::new();
    let log = replayed.as_ref().map_or(&unreplayed, |replayed| &replayed.log);
    judges
        .iter()
        .map(|judge| Judgement {
            judge: judge.name(),
            verdict: match judge {
                Judge::Replay => replayed.as_ref().map_or_else(
                    || Verdict::Unknown("nothing was replayed".to_owned()),
                    |replayed| replayed.verdict.clone(),
                ),
                Judge::Wgl => wgl::check(history, wgl::STEPS),
                Judge::Elle => elle::check(history),
                Judge::Watch => watch::check(history, log),
                Judge::Lease => lease::check(history, LEASES),
                Judge::Set => set::check(history),
                Judge::Bank { total } => bank::check(history, *total),
                Judge::Lock(overlap) => lock::check(history, *overlap),
                Judge::Election => election::check(history),
            },
        })
        .collect()
}

/// The keys of a history that are registers.
pub(crate) fn register_keys(history: &History) -> Vec<String> {
    let key = |call: &Call| match call {
        Call::Get(get) if get.end.is_none() => Some(get.key.clone()),
        Call::Put(put) => Some(put.key.clone()),
        Call::Delete(delete) if delete.end.is_none() => Some(delete.key.clone()),
        Call::Cas { key, .. } => Some(key.clone()),
        _ => None,
    };
    let mut keys: Vec<String> = history.operations.iter().filter_map(|one| key(&one.call)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Floor;

    fn line(text: &str) -> String {
        format!("{text}\n")
    }

    /// One add with an answer, perhaps one read, two equal hashes.
    fn history(read: &str) -> History {
        let hash = |process, start| {
            line(&format!(
                r#"{{"type":"invoke","process":{process},"time":{start},"member":"n{process}","call":{{"hash":{{"revision":2}}}}}}"#
            )) + &line(&format!(
                r#"{{"type":"ok","process":{process},"time":{},"reply":{{"hash":{{"hash":7,"revision":2,"compact_revision":0}}}}}}"#,
                start + 1
            ))
        };
        let text = line(r#"{"type":"invoke","process":1,"time":1,"call":{"add":{"value":1}}}"#)
            + &line(r#"{"type":"ok","process":1,"time":2,"reply":{"add":{}}}"#)
            + read
            + &hash(2, 20)
            + &hash(3, 22);
        History::read(text.as_bytes()).unwrap()
    }

    fn read(values: &str) -> String {
        line(r#"{"type":"invoke","process":1,"time":5,"call":{"members":{}}}"#)
            + &line(&format!(
                r#"{{"type":"ok","process":1,"time":6,"reply":{{"members":{{"values":{values}}}}}}}"#
            ))
    }

    fn outcome(history: &History, facts: &Facts, broken: &[&str]) -> Outcome {
        sentence(history, &[Judge::Set], facts, broken).outcome
    }

    #[test]
    fn the_worst_decides() {
        let facts = Facts::default();
        let good = history(&read("[1]"));
        assert_eq!(outcome(&good, &facts, &[]), Outcome::Valid);
        assert_eq!(outcome(&history(&read("[]")), &facts, &[]), Outcome::Anomaly);
        assert_eq!(outcome(&history(""), &facts, &[]), Outcome::Unknown);
        let crashed = Facts {
            incidents: vec!["n1: panicked".into()],
            troubles: vec!["no fault was seen".into()],
            ..Facts::default()
        };
        assert_eq!(outcome(&good, &crashed, &[]), Outcome::Anomaly);
        let troubled = Facts {
            troubles: vec!["no fault was seen".into()],
            ..Facts::default()
        };
        assert_eq!(outcome(&good, &troubled, &[]), Outcome::Unknown);
        assert_eq!(outcome(&history(&read("[]")), &troubled, &[]), Outcome::Anomaly);
    }

    #[test]
    fn an_expected_anomaly_must_be_found() {
        let facts = Facts::default();
        assert_eq!(outcome(&history(&read("[]")), &facts, &["lost"]), Outcome::Valid);
        assert_eq!(outcome(&history(&read("[1]")), &facts, &["lost"]), Outcome::Unknown);
        // Another one than that is none that was expected.
        assert_eq!(outcome(&history(&read("[7]")), &facts, &["lost"]), Outcome::Anomaly);
        assert_eq!(outcome(&history(&read("[]")), &facts, &["duplicate"]), Outcome::Anomaly);
    }

    #[test]
    fn too_little_is_unknown_and_no_anomaly() {
        let facts = Facts {
            floor: Some(Floor {
                before: 1,
                during: 1,
                tried: 1,
                after: 1,
            }),
            ..Facts::default()
        };
        let sentence = sentence(&history(&read("[1]")), &[Judge::Set], &facts, &[]);
        assert_eq!(sentence.outcome, Outcome::Unknown);
        assert!(sentence.reasons[0].contains("coverage"), "{:?}", sentence.reasons);
        assert!(sentence.accused().is_empty());
        let lost = self::sentence(&history(&read("[]")), &[Judge::Set], &facts, &[]);
        assert_eq!(lost.accused(), [0, 1]);
    }

    /// A lease of 4 s is granted before a fault that ends at 10 s, and seen so many seconds later.
    fn leased(after: u64) -> History {
        let at = |second: u64| second * 1_000_000_000;
        let call = |process: u64, start: u64, call: &str, reply: &str| {
            line(&format!(
                r#"{{"type":"invoke","process":{process},"time":{},"call":{call}}}"#,
                at(start)
            )) + &line(&format!(
                r#"{{"type":"ok","process":{process},"time":{},"reply":{reply}}}"#,
                at(start) + 1
            ))
        };
        let fault = |time, phase| {
            line(&format!(
                r#"{{"type":"fault","time":{},"name":"kill","phase":"{phase}"}}"#,
                at(time)
            ))
        };
        let text = call(1, 1, r#"{"grant":{"lease":7,"ttl":4}}"#, r#"{"grant":{"ttl":4}}"#)
            + &fault(2, "begin")
            + &fault(10, "end")
            + &call(
                2,
                10 + after,
                r#"{"time_to_live":{"lease":7}}"#,
                r#"{"time_to_live":{"ttl":0}}"#,
            );
        History::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn leases_outlive_the_last_fault_by_one_election_and_one_life() {
        let verdict = |after| judge(&leased(after), &[Judge::Lease]).remove(0).verdict;
        assert!(verdict(10).passed(), "{}", verdict(10));
        assert_eq!(verdict(11).violations()[0].rule, "late");
    }
}
