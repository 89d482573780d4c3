//! A run that proves something: enough operations were answered before, during and after its faults.
//!
//! - "before", "during", "after": fewer answered operations than asked for lie wholly in that part of the run; during is
//!   while at least one fault is on, before and after are the times before the first and after the last;
//! - "tried": fewer operations than asked for began while a fault was on or soon after it began, answered or not: where a
//!   fault leaves no majority nobody can be answered, but clients must have asked. A client names the member that it asked;
//!   what a fault itself asks for names none, and does not count;
//! - "faults": no fault began, or one never ended.

use crate::history::{History, Operation, Spell, seconds};
use crate::verdict::{Findings, Verdict};

/// How many answered operations each part of a run must have.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// Before the first fault.
    pub before: usize,
    /// While faults are on.
    pub during: usize,
    /// Begun while faults are on, whatever came of it.
    pub tried: usize,
    /// After the last fault.
    pub after: usize,
    /// How long after its beginning a call still counts as begun while a fault is on, in nanoseconds: what is over at once
    /// is felt longer than it lasts.
    pub felt: u64,
}

/// Judges whether a run can have shown anything.
pub fn check(history: &History, floor: Floor) -> Verdict {
    let mut findings = Findings::default();
    let bands = bands(history, &mut findings);
    let (Some(first), Some(last)) = (bands.first(), bands.last()) else {
        findings.report("faults", &[], "no fault began and ended".to_owned());
        return findings.verdict("");
    };
    let (begin, end) = (first.0, last.1);
    let (mut before, mut during, mut after) = (0, 0, 0);
    for operation in history.operations.iter().filter(|one| one.is_ok()) {
        let (start, over) = (operation.start, operation.effective_by());
        findings.check();
        if over < begin {
            before += 1;
        } else if start > end {
            after += 1;
        } else if bands.iter().any(|(from, to)| *from <= start && over <= *to) {
            during += 1;
        }
    }
    let is_stormy = |time: u64| {
        let mut felt = bands
            .iter()
            .map(|(from, to)| (*from, *to.max(&from.saturating_add(floor.felt))));
        felt.any(|(from, to)| from <= time && time <= to)
    };
    let is_tried = |one: &&Operation| one.member.is_some() && is_stormy(one.start);
    let tried = history.operations.iter().filter(is_tried).count();
    for (rule, count, least, words) in [
        ("before", before, floor.before, "answered before"),
        ("during", during, floor.during, "answered during"),
        ("tried", tried, floor.tried, "begun during"),
        ("after", after, floor.after, "answered after"),
    ] {
        if count < least {
            let message = format!(
                "{count} operations were {words} the faults ({} to {}), {least} are asked for",
                seconds(begin),
                seconds(end)
            );
            findings.report(rule, &[], message);
        }
    }
    findings.verdict("no answered operation")
}

/// The times in which at least one fault is on, oldest first, none touching another.
fn bands(history: &History, findings: &mut Findings) -> Vec<(u64, u64)> {
    let mut bands: Vec<(u64, u64)> = Vec::new();
    for Spell { name, begin, end } in history.spells() {
        let Some(end) = end else {
            let message = format!("{name} began at {} and never ended", seconds(begin));
            findings.report("faults", &[], message);
            continue;
        };
        match bands.last_mut() {
            Some(last) if begin <= last.1 => last.1 = last.1.max(end),
            _ => bands.push((begin, end)),
        }
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Call, Phase};
    use crate::testing::{Operations, done, ops, put};

    const FLOOR: Floor = Floor {
        before: 1,
        during: 1,
        tried: 1,
        after: 1,
        felt: 0,
    };

    fn at(history: Operations, start: u64) -> Operations {
        history.ok_at("n1", start, start + 1, put("x", "1"), done())
    }

    fn faulty() -> Operations {
        ops()
            .fault(100, "kill", Phase::Begin)
            .fault(150, "cut", Phase::Begin)
            .fault(200, "kill", Phase::End)
            .fault(300, "cut", Phase::End)
    }

    fn rules(history: Operations) -> Vec<&'static str> {
        check(&history.history(), FLOOR)
            .violations()
            .iter()
            .map(|one| one.rule)
            .collect()
    }

    #[test]
    fn each_part_of_a_run_needs_answers() {
        assert!(check(&at(at(at(faulty(), 10), 250), 310).history(), FLOOR).passed());
        assert_eq!(rules(at(at(faulty(), 10), 250)), ["after"]);
        assert_eq!(rules(at(at(faulty(), 10), 310)), ["during", "tried"]);
        assert_eq!(rules(at(at(faulty(), 110), 310)), ["before"]);
        let refused = at(at(faulty(), 10), 310)
            .fail(9, 110, 120, put("x", "1"))
            .told_by("n1", 9);
        assert_eq!(rules(refused), ["during"]);
    }

    #[test]
    fn what_a_fault_asks_for_is_no_try_of_a_client() {
        let compacted = at(at(faulty(), 10), 310).info(9, 110, 120, Call::Compact { revision: 1 });
        assert_eq!(rules(compacted.clone()), ["during", "tried"]);
        assert_eq!(rules(compacted.told_by("n1", 9)), ["during"]);
    }

    #[test]
    fn what_is_over_at_once_is_felt_longer() {
        let instant = ops()
            .fault(100, "compact", Phase::Begin)
            .fault(101, "compact", Phase::End);
        let run = at(at(instant, 10), 130).history();
        let tried = |felt| {
            let floor = Floor {
                during: 0,
                felt,
                ..FLOOR
            };
            check(&run, floor).passed()
        };
        assert!(!tried(0) && !tried(29) && tried(30));
    }

    #[test]
    fn a_fault_is_on_from_the_moment_it_was_set_about() {
        let slow = ops()
            .slow_fault(100, 400, "disk-full")
            .fault(500, "disk-full", Phase::End);
        assert_eq!(rules(at(at(slow.clone(), 250), 510)), ["before"]);
        assert!(check(&at(at(at(slow, 10), 250), 510).history(), FLOOR).passed());
    }

    #[test]
    fn faults_begin_and_end() {
        assert_eq!(rules(at(ops(), 10)), ["faults"]);
        let endless = at(at(at(faulty(), 10), 250), 310).fault(400, "kill", Phase::Begin);
        assert_eq!(rules(endless), ["faults"]);
    }
}
