//! Elections that a history tells of: each leader leads in a term of its own, and answers name the term they were given in.

use crate::history::{History, Spell};

/// The elections after the first one. Each begins `late` before the last call that was answered in an older term: some
/// members answer a few calls without a leader, and nobody can be without one for longer. It ends with the first answer
/// of its term.
pub(super) fn elections(history: &History, late: u64) -> Vec<Spell<'static>> {
    let answered = history.operations.iter().filter_map(|one| {
        let (end, term) = (one.end?, one.term()?);
        Some((end, one.start, term))
    });
    let mut answered: Vec<(u64, u64, u64)> = answered.collect();
    answered.sort_unstable();
    let mut elections = Vec::new();
    // The highest term so far, and when the last call that was answered in it, or in an older one, was made.
    let mut known: Option<(u64, u64)> = None;
    for (end, start, term) in answered {
        known = Some(match known {
            Some((highest, asked)) if term > highest => {
                elections.push(Spell {
                    name: "election",
                    begin: asked.saturating_sub(late),
                    end: Some(end),
                });
                (term, start)
            }
            Some((highest, asked)) => (highest, asked.max(start)),
            None => (term, start),
        });
    }
    elections
}
