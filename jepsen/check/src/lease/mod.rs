//! Leases end in time: never early, and not too late.
//!
//! A lease lives for its time to live from some moment between the start and the end of the call that granted or renewed
//! it. So it lives at least that long from the call's start, and at most that long from the call's end.
//!
//! - "early": the lease, or a key on it, is gone before that;
//! - "late": it is still there when that and the bound are over;
//! - "risen": it is there after it was gone;
//! - "revoked": it is there after its revocation was answered.
//!
//! A key counts only if a single put wrote it. What a call with an unknown outcome may have renewed counts from the
//! moment at which its client gave up. Ids of leases are used once in a history. New leaders start the time of every
//! lease afresh, so the bound must allow for as many elections as a run may have, each with a time to live.

mod evidence;

use crate::history::{History, Operation, seconds};
use crate::verdict::{Findings, Verdict};
use evidence::{Lease, Sight, gather};

/// How exactly leases must end, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// They may be gone so much too early: what clocks may differ by.
    pub early: u64,
    /// They may live so much too long.
    pub late: u64,
}

/// Judges every lease of a history.
pub fn check(history: &History, bounds: Bounds) -> Verdict {
    let mut findings = Findings::default();
    for (id, lease) in gather(history) {
        for gone in &lease.gone {
            findings.check();
            check_gone(id, &lease, gone, bounds, &mut findings);
        }
        for alive in &lease.alive {
            findings.check();
            check_alive(id, &lease, alive, bounds, &mut findings);
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

fn check_alive(id: i64, lease: &Lease<'_>, alive: &Sight<'_>, bounds: Bounds, findings: &mut Findings) {
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
    let renewed = lease
        .renewals
        .iter()
        .filter(|renewal| renewal.operation.start < alive.time)
        .max_by_key(|renewal| renewal.latest());
    if let Some(renewal) = renewed {
        let due = renewal.latest().saturating_add(bounds.late);
        if alive.time > due {
            let what = format!(
                "lease {id} was alive at {}, {} too long",
                seconds(alive.time),
                seconds(alive.time - due)
            );
            report(findings, "late", &what, alive.operation, renewal.operation);
        }
    }
}

#[cfg(test)]
mod tests;
