//! Linearizability of registers, found by search after Wing & Gong and Lowe.
//!
//! Each key is a register that is read, written, emptied and swapped. The checker looks for one order of all calls on it
//! in which every call lies between its start and its end and every answer is what the register holds by then. Revisions
//! that the store names play no part, so a store that lies about them deceives [`crate::replay`] but not this checker.
//!
//! Linearizability is local: a history is linearizable if each of its keys is, so each is searched alone. The search is
//! exponential at worst. It remembers every pair of (calls placed, value held) that led nowhere, places reads as soon as
//! they fit, and takes calls with unknown outcomes that do the same only in one order; it gives up after a number of
//! steps, and then the verdict is unknown.
//!
//! The only rule is "linearizable". Calls that are about several keys, leases among them, have no register and leave the
//! verdict unknown; reads of the past are left out.

mod search;

use std::collections::{BTreeMap, HashMap};

use crate::history::{Action, Call, History, Operation, Outcome, Reply, action};
use crate::order::is_current;
use crate::verdict::{Findings, Verdict};
use search::{Answer, Move, Needs, Stuck};

/// Steps for one key that take a few seconds and a few hundred megabytes at most.
pub const STEPS: u64 = 20_000_000;

/// Searches each key, giving up on one after so many `steps`.
pub fn check(history: &History, steps: u64) -> Verdict {
    let mut findings = Findings::default();
    for (key, register) in registers(history, &mut findings) {
        match search::search(&register.moves, steps) {
            Answer::Linearizable => findings.check_many(register.moves.len()),
            Answer::GaveUp => findings.doubt(format!("the search on {key} was given up after {steps} steps")),
            Answer::Stuck(stuck) => explain(history, key, &register, &stuck, &mut findings),
        }
    }
    findings.verdict("no call on a register")
}

/// The calls on one key.
#[derive(Default)]
struct Register<'a> {
    moves: Vec<Move>,
    /// Values by their number; 0 is no value.
    numbers: HashMap<&'a str, u32>,
}

impl<'a> Register<'a> {
    fn number(&mut self, value: Option<&'a str>) -> u32 {
        let next = self.numbers.len() as u32 + 1;
        value.map_or(0, |value| *self.numbers.entry(value).or_insert(next))
    }

    fn value(&self, number: u32) -> String {
        let found = self.numbers.iter().find(|(_, one)| **one == number);
        found.map_or("nothing".to_owned(), |(value, _)| format!("{value:?}"))
    }

    fn add(&mut self, operation: &'a Operation, action: Action<'a>) {
        let answered = operation.is_ok();
        let (needs, sets) = match action {
            Action::Read => match operation.read_value() {
                Some(value) => (Needs::Is(self.number(value)), None),
                // It changed nothing, and nobody knows what it saw.
                None => return,
            },
            Action::Write(value) => (Needs::Nothing, Some(self.number(Some(value)))),
            Action::Delete => match operation.reply() {
                Some(Reply::Delete { deleted: 0, .. }) => (Needs::Is(0), None),
                _ => (Needs::Not(0), Some(0)),
            },
            Action::Swap { from, to } => {
                let (from, to) = (self.number(from), self.number(Some(to)));
                match operation.swapped() {
                    Some(false) => (Needs::Not(from), None),
                    Some(true) | None => (Needs::Is(from), Some(to)),
                }
            }
        };
        self.moves.push(Move {
            operation: operation.index,
            start: operation.start,
            end: answered.then(|| operation.effective_by()),
            needs,
            sets,
        });
    }
}

fn registers<'a>(history: &'a History, findings: &mut Findings) -> BTreeMap<&'a str, Register<'a>> {
    let mut registers: BTreeMap<&str, Register<'a>> = BTreeMap::new();
    for operation in &history.operations {
        if matches!(operation.outcome, Outcome::Fail { .. }) {
            continue;
        }
        if let Some((key, action)) = action(&operation.call) {
            registers.entry(key).or_default().add(operation, action);
            continue;
        }
        let reads_past = matches!(&operation.call, Call::Get(get) if get.revision != 0);
        if is_current(&operation.call) && !reads_past {
            findings.doubt(format!("{operation} is not about one register"));
        }
    }
    registers
}

fn explain(history: &History, key: &str, register: &Register<'_>, stuck: &Stuck, findings: &mut Findings) {
    let operation = |place: &usize| &history.operations[register.moves[*place].operation];
    let in_words = |places: &[usize]| match places {
        [] => "no call".to_owned(),
        places => {
            let texts: Vec<String> = places.iter().map(|place| operation(place).to_string()).collect();
            texts.join("; ")
        }
    };
    let blocked = operation(&stuck.blocked);
    let message = format!(
        "no order of the calls on {key} explains all answers. The longest that explains some ends in {} and leaves {}. \
         {blocked} does not fit there, and nothing that could come before it helps: {}",
        in_words(&stuck.last),
        register.value(stuck.state),
        in_words(&stuck.open)
    );
    let mut operations = vec![blocked.index];
    operations.extend(stuck.last.iter().map(|place| operation(place).index));
    findings.report("linearizable", &operations, message);
}

#[cfg(test)]
mod tests;
