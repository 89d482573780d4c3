//! Strict serializability of transactions over lists, by the cycles in what depends on what (after Adya, and Elle).
//!
//! Elements are unique, so a read tells which appends came before it and in which order. From all reads of a key follows
//! the order of its versions, and from that which transaction must come before which: the one that appended an element
//! before the one that appended the next (ww), before the one that read it (wr), and the one that read a version before
//! the one that appended the next element (rw). An answered append that no read has seen comes after all that were
//! seen. To these come pairs of which one ended before the other began (real time). A cycle is a contradiction:
//!
//! - "G0": only ww; "G1c": ww and wr; "G-single": one rw; "G2": several rw. With "-realtime" behind the name, some steps
//!   of the cycle are real time.
//!
//! Some contradictions show without a cycle: "internal" (a transaction does not see its own past, or others see it the
//! wrong way round), "duplicate" (an element twice in a list), "phantom" (one that nobody appended), "G1a" (one whose
//! transaction failed), "G1b" (a list between two appends of one transaction), "incompatible order" (two reads of which
//! neither is the other's beginning).
//!
//! Time and room are nearly linear in the length of the history; of each strongly connected part the first anomaly in
//! the order above is told, with as short a cycle as was found.

mod cycles;
mod graph;
mod infer;
mod versions;

use crate::history::History;
use crate::verdict::{Findings, Verdict};

/// Judges the transactions over lists in a history.
pub fn check(history: &History) -> Verdict {
    let mut findings = Findings::default();
    let inferred = infer::infer(history, &mut findings);
    cycles::report(&inferred, &mut findings);
    findings.verdict("no answered transaction over lists")
}

#[cfg(test)]
mod tests;
