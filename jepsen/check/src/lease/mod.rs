//! Leases end in time: never early, and not too late.
//!
//! A lease lives for its time to live from some moment between the start and the end of the call that granted or renewed
//! it. So it lives at least that long from the call's start, and at most that long from the call's end.
//!
//! - "early": the lease, or a key on it, is gone before that;
//! - "late": it is still there when that and the bound are over, or what the last fault or election in between adds to
//!   them;
//! - "risen": it is there after it was gone;
//! - "revoked": it is there after its revocation was answered.
//!
//! A key counts only if a single put wrote it. What a call with an unknown outcome may have renewed counts from the
//! moment at which its client gave up. Ids of leases are used once in a history.

mod elections;
mod evidence;

use crate::history::{History, Operation, Spell, seconds};
use crate::verdict::{Findings, Verdict};
use elections::elections;
use evidence::{Lease, Renewal, Sight, gather};

/// How exactly leases must end, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// They may be gone so much too early: what clocks may differ by.
    pub early: u64,
    /// They may live so much too long while one leader leads, and no election takes longer.
    pub late: u64,
}

/// Judges every lease of a history.
pub fn check(history: &History, bounds: Bounds) -> Verdict {
    let mut findings = Findings::default();
    let mut spells = history.spells();
    spells.extend(elections(history, bounds.late));
    for (id, lease) in gather(history) {
        for gone in &lease.gone {
            findings.check();
            check_gone(id, &lease, gone, bounds, &mut findings);
        }
        for alive in &lease.alive {
            findings.check();
            check_alive(id, &lease, alive, &mut findings);
            check_late(id, &lease, alive, (&spells, bounds.late), &mut findings);
        }
    }
    findings.verdict("no lease was found alive or gone")
}

fn report(findings: &mut Findings, rule: &'static str, what: &str, one: &Operation, other: &Operation) {
    let message = format!("{what}: {one}, and {other}");
    findings.report(rule, &[one.index, other.index], message);
}

fn check_gone(id: i64, lease: &Lease<'_>, gone: &Sight<'_>, bounds: Bounds, findings: &mut Findings) {
    if lease.revokes.iter().any(|revoke| revoke.start <= gone.time) {
        return;
    }
    let renewed = lease
        .renewals
        .iter()
        .filter(|renewal| renewal.operation.is_ok() && renewal.operation.start <= gone.time)
        .max_by_key(|renewal| renewal.operation.start + renewal.ttl);
    if let Some(renewal) = renewed {
        let due = renewal.operation.start + renewal.ttl;
        if gone.time + bounds.early < due {
            let what = format!(
                "lease {id} was gone by {}, {} before its time",
                seconds(gone.time),
                seconds(due - gone.time)
            );
            report(findings, "early", &what, gone.operation, renewal.operation);
        }
    }
}

fn check_alive(id: i64, lease: &Lease<'_>, alive: &Sight<'_>, findings: &mut Findings) {
    if let Some(gone) = lease.gone.iter().find(|gone| gone.time < alive.time) {
        let what = format!("lease {id} was gone by {} and alive later", seconds(gone.time));
        report(findings, "risen", &what, gone.operation, alive.operation);
    }
    let ended = lease
        .revokes
        .iter()
        .find(|revoke| revoke.is_ok() && revoke.precedes(alive.operation));
    if let Some(revoke) = ended {
        let what = format!("lease {id} was alive after it was revoked");
        report(findings, "revoked", &what, alive.operation, revoke);
    }
}

/// When a lease that is seen at a moment must have been gone, if this was its last renewal: `late` after its end. A new
/// leader starts the time of every lease afresh, and without a leader none ends. So if there was a fault or an election in
/// between, it may also live its whole time from the election that the last of them made necessary; `None` while that is
/// on.
fn due(renewal: &Renewal<'_>, seen: u64, spells: &[Spell<'_>], late: u64) -> Option<u64> {
    let over = |spell: &Spell<'_>| spell.end.unwrap_or(u64::MAX);
    let ended = renewal.operation.end.unwrap_or(u64::MAX);
    let between = spells
        .iter()
        .filter(|spell| spell.begin < seen && ended < over(spell).saturating_add(late));
    let calm = renewal.latest().saturating_add(late);
    match between.map(over).max() {
        None => Some(calm),
        Some(end) if end >= seen => None,
        Some(end) => Some(calm.max(end + late + renewal.ttl).saturating_add(late)),
    }
}

fn check_late(
    id: i64,
    lease: &Lease<'_>,
    alive: &Sight<'_>,
    (spells, late): (&[Spell<'_>], u64),
    findings: &mut Findings,
) {
    let mut last: Option<(u64, &Renewal<'_>)> = None;
    for renewal in lease.renewals.iter().filter(|one| one.operation.start < alive.time) {
        // Any of them may be the one that counts, so the one that lets the lease live longest must be over.
        match due(renewal, alive.time, spells, late) {
            Some(due) if due < alive.time => {
                if last.is_none_or(|(latest, _)| latest < due) {
                    last = Some((due, renewal));
                }
            }
            _ => return,
        }
    }
    if let Some((due, renewal)) = last {
        let what = format!(
            "lease {id} was alive at {}, {} too long",
            seconds(alive.time),
            seconds(alive.time - due)
        );
        report(findings, "late", &what, alive.operation, renewal.operation);
    }
}

#[cfg(test)]
mod tests;
