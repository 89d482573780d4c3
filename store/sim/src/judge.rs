//! What clients saw, judged after the run by the checkers that judge real clusters too.

use jepsen_check::history::{Call, History, Kind};
use jepsen_check::{Log, Verdict, lease, replay, watch};

use crate::Failure;
use crate::clients::Claim;

/// A lease may end so much early: clocks drift by a twentieth, and the longest lives five seconds.
const EARLY: u64 = 400_000_000;
/// And so much late: each new leader lets it live anew, and a run has many.
const LATE: u64 = 120_000_000_000;

fn passed(checker: &'static str, verdict: &Verdict) -> Result<(), Failure> {
    if verdict.passed() {
        return Ok(());
    }
    Err(Failure::Client(format!("{checker}: {verdict}")))
}

/// Whoever was told that a lock was his had its key at that revision.
fn check_locks(claims: &[Claim], log: &Log) -> Result<(), Failure> {
    for Claim { key, revision } in claims {
        let events = log.between(1, *revision).flat_map(|(_, events)| events);
        let last = events.filter(|event| event.kv.key == *key).last();
        if last.is_none_or(|event| event.kind == Kind::Delete) {
            return Err(Failure::Client(format!(
                "lock: {key} was won at revision {revision}, where it does not exist"
            )));
        }
    }
    Ok(())
}

pub(crate) fn check(history: &History, known: &Log, claims: &[Claim]) -> Result<(), Failure> {
    let replayed = replay::check(history, known);
    passed("replay", &replayed.verdict)?;
    passed("watch", &watch::check(history, &replayed.log))?;
    check_locks(claims, known)?;
    let has_leases = history
        .operations
        .iter()
        .any(|one| one.is_ok() && matches!(one.call, Call::Grant { .. }));
    if has_leases {
        let bounds = lease::Bounds {
            early: EARLY,
            late: LATE,
        };
        // A short run may have ended before anybody looked at a lease.
        let verdict = lease::check(history, bounds);
        if !matches!(verdict, Verdict::Unknown(_)) {
            passed("lease", &verdict)?;
        }
    }
    Ok(())
}
