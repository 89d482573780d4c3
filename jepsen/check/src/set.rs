//! A set to which elements are only added: nothing that was added is lost.
//!
//! - "lost": an element whose add was answered, or that was read, is missing from a read that began later;
//! - "phantom": an element is read that nobody added, or whose add failed or had not begun;
//! - "duplicate": an element is read twice.
//!
//! Each element is added by one call; an add with an unknown outcome may be read or not, but not vanish again.

use std::collections::{HashMap, HashSet};

use crate::history::{Call, History, Operation, Reply};
use crate::verdict::{Findings, Verdict};

/// So many elements are named.
const NAMED: usize = 10;

/// One element's add, and from when on it must be read.
struct Element<'a> {
    add: &'a Operation,
    /// Known to be there from this time on, by this operation.
    known: Option<(u64, usize)>,
}

/// Judges the set of a history.
pub fn check(history: &History) -> Verdict {
    let mut findings = Findings::default();
    let mut elements = added(history, &mut findings);
    let mut reads: Vec<(&Operation, &[i64])> = Vec::new();
    for operation in &history.operations {
        if let Some(Reply::Members { values }) = operation.reply() {
            reads.push((operation, values));
        }
    }
    for (read, values) in &reads {
        findings.check();
        check_members(read, values, &mut elements, &mut findings);
    }
    // Elements by the time from which on they must be read; a read misses those before its own start that it lacks.
    let mut known: Vec<(u64, usize, i64)> = elements
        .iter()
        .filter_map(|(value, element)| element.known.map(|(time, witness)| (time, witness, *value)))
        .collect();
    known.sort_unstable();
    for (read, values) in &reads {
        let present: HashSet<i64> = values.iter().copied().collect();
        let due = &known[..known.partition_point(|(time, _, _)| *time < read.start)];
        let lost: Vec<&(u64, usize, i64)> = due.iter().filter(|(_, _, value)| !present.contains(value)).collect();
        if let Some((_, witness, _)) = lost.first() {
            let named: Vec<String> = lost.iter().take(NAMED).map(|(_, _, value)| value.to_string()).collect();
            let message = format!(
                "{} elements are missing ({}) from {read}; the first was there by {}",
                lost.len(),
                named.join(", "),
                history.operations[*witness]
            );
            findings.report("lost", &[read.index, *witness], message);
        }
    }
    let answered = |one: &&Operation| one.is_ok() && matches!(one.call, Call::Add { .. });
    let over = history
        .operations
        .iter()
        .filter(answered)
        .map(Operation::effective_by)
        .max();
    match over {
        None => findings.doubt("no add was answered".to_owned()),
        Some(over) if reads.iter().all(|(read, _)| read.start <= over) => {
            findings.doubt("no read began after the last add had ended".to_owned());
        }
        Some(_) => {}
    }
    findings.verdict("no answered read of the set")
}

fn added<'a>(history: &'a History, findings: &mut Findings) -> HashMap<i64, Element<'a>> {
    let mut elements = HashMap::new();
    for add in &history.operations {
        let Call::Add { value } = add.call else {
            continue;
        };
        let known = add.is_ok().then(|| (add.effective_by(), add.index));
        if elements.insert(value, Element { add, known }).is_some() {
            findings.doubt(format!("the workload adds {value} twice"));
        }
    }
    elements
}

/// Holds what was read against what was added, and notes from when on it was there.
fn check_members(read: &Operation, values: &[i64], elements: &mut HashMap<i64, Element<'_>>, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for value in values {
        if !seen.insert(value) {
            findings.report("duplicate", &[read.index], format!("{value} is twice in {read}"));
        }
        let Some(element) = elements.get_mut(value) else {
            findings.report(
                "phantom",
                &[read.index],
                format!("nobody added {value}, which is in {read}"),
            );
            continue;
        };
        let add = element.add;
        if add.is_failed() {
            let message = format!("{value} is in {read}, but {add}");
            findings.report("phantom", &[read.index, add.index], message);
        } else if read.precedes(add) {
            let message = format!("{value} is in {read}, before {add} began");
            findings.report("phantom", &[read.index, add.index], message);
        }
        let time = read.effective_by();
        if element.known.is_none_or(|(known, _)| time < known) {
            element.known = Some((time, read.index));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Operations, ops};

    fn add(value: i64) -> Call {
        Call::Add { value }
    }

    fn read(history: Operations, start: u64, values: &[i64]) -> Operations {
        let reply = Reply::Members {
            values: values.to_vec(),
        };
        history.ok(9, start, start + 5, Call::Members {}, reply, 0)
    }

    /// 1 is added, 2 is refused, 3 is unknown.
    fn adds() -> Operations {
        ops()
            .ok(1, 10, 20, add(1), Reply::Add {}, 0)
            .fail(2, 10, 20, add(2))
            .info(3, 10, 20, add(3))
    }

    fn rules(history: Operations) -> Vec<&'static str> {
        check(&history.history())
            .violations()
            .iter()
            .map(|one| one.rule)
            .collect()
    }

    #[test]
    fn what_was_added_is_read() {
        assert!(check(&read(adds(), 30, &[1]).history()).passed());
        assert!(check(&read(read(adds(), 30, &[1]), 40, &[3, 1]).history()).passed());
        assert!(check(&read(read(adds(), 11, &[]), 40, &[1]).history()).passed());
    }

    #[test]
    fn lost_elements_are_found() {
        assert_eq!(rules(read(adds(), 30, &[])), ["lost"]);
        let unseen = read(read(adds(), 30, &[1, 3]), 40, &[1]);
        let verdict = check(&unseen.history());
        let message = &verdict.violations()[0].message;
        assert!(message.contains("1 elements are missing (3)"), "{message}");
        assert!(message.contains("by operation 3"), "{message}");
    }

    #[test]
    fn phantoms_and_duplicates_are_found() {
        assert_eq!(rules(read(adds(), 30, &[1, 7])), ["phantom"]);
        assert_eq!(rules(read(adds(), 30, &[1, 2])), ["phantom"]);
        assert_eq!(rules(read(adds(), 30, &[1, 1])), ["duplicate"]);
        let early = read(read(adds(), 1, &[1]), 30, &[1]);
        assert_eq!(rules(early), ["phantom"]);
    }

    #[test]
    fn without_a_last_read_nothing_is_proven() {
        assert!(matches!(check(&adds().history()), Verdict::Unknown(_)));
        assert!(matches!(check(&read(adds(), 12, &[1]).history()), Verdict::Unknown(_)));
    }

    #[test]
    fn without_an_answered_add_nothing_is_proven() {
        let refused = ops().fail(2, 10, 20, add(2)).info(3, 10, 20, add(3));
        let verdict = check(&read(refused, 30, &[3]).history());
        assert_eq!(verdict, Verdict::Unknown("no add was answered".into()));
    }
}
