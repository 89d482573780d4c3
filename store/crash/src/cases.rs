//! Which operations are cut, and how.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::names::Name;
use crate::plan::{Action, Cut};
use crate::record::Record;
use crate::table::{Seam, row};

/// An operation and what happens at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The failpoint.
    pub name: &'static str,
    /// The operation of this name.
    pub cut: Cut,
}

/// What became of a case in which all is as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The member was killed.
    Killed,
    /// It ended by itself.
    Ended,
    /// It went on.
    WentOn,
    /// The run did not come there: threads of `RocksDB` do not always do the same.
    Missed,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cut {
            operation,
            occurrence,
            action,
        } = &self.cut;
        write!(f, "{} '{operation}' {occurrence} {}", self.name, action.name())
    }
}

/// The cases of a run: of each operation the first, the middle and the last, with all that can be done to it.
pub fn of(record: &Record) -> Vec<Case> {
    let mut places: BTreeMap<(&'static str, &str), Vec<usize>> = BTreeMap::new();
    for (at, (operation, name)) in record.operations.iter().enumerate() {
        let Name::Of(name) = *name else { continue };
        // What another run is cut for is cut there.
        if row(name).is_some_and(|row| (row.scenario, row.seam) == (record.scenario, record.seam)) {
            places.entry((name, operation.text.as_str())).or_default().push(at);
        }
    }
    let mut cases = Vec::new();
    for ((name, _), met) in places {
        let chosen = BTreeSet::from([0, met.len() / 2, met.len() - 1]);
        for at in chosen {
            let (operation, _) = &record.operations[met[at]];
            // What passes at the traits is done by one thread, so that nothing else is written while the power goes.
            // Below them RocksDB has threads of its own.
            let power = (record.seam == Seam::Traits).then_some(&Action::Power);
            for action in operation.kind.actions().iter().chain(power) {
                cases.push(Case {
                    name,
                    cut: Cut {
                        operation: operation.text.clone(),
                        occurrence: operation.occurrence,
                        action: *action,
                    },
                });
            }
        }
    }
    cases
}

/// The cases of each failpoint by what happens there: the process ends, the power goes, half of the bytes are written, or
/// one of the errors comes. One of each group says what there is to say, the first for this seed.
pub fn groups(cases: Vec<Case>, seed: u64) -> Vec<Vec<Case>> {
    let mut groups: BTreeMap<(&'static str, Action), Vec<Case>> = BTreeMap::new();
    for case in cases {
        let kind = match case.cut.action {
            Action::After => Action::Before,
            Action::Short => Action::Torn,
            other => other,
        };
        groups.entry((case.name, kind)).or_default().push(case);
    }
    let turned = |(at, mut group): (usize, Vec<Case>)| {
        let first = (seed as usize).wrapping_mul(7).wrapping_add(at) % group.len();
        group.rotate_left(first);
        group
    };
    groups.into_values().enumerate().map(turned).collect()
}

/// One case of each group; others for another seed.
pub fn sample(cases: Vec<Case>, seed: u64) -> Vec<Case> {
    groups(cases, seed)
        .into_iter()
        .filter_map(|group| group.into_iter().next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Kind;
    use crate::record::Operation;
    use crate::script::Scenario;

    fn actions(scenario: Scenario, seam: Seam, text: &str, name: &'static str) -> Vec<Action> {
        let operation = Operation {
            text: text.to_owned(),
            occurrence: 1,
            kind: Kind::Plain,
        };
        let cases = of(&Record {
            scenario,
            seam,
            operations: vec![(operation, Name::Of(name))],
        });
        cases.iter().map(|case| case.cut.action).collect()
    }

    #[test]
    fn the_power_goes_at_every_operation_of_the_traits_whatever_it_is_called() {
        for (scenario, text, name) in [
            (Scenario::First, "log.append.write", "node.bootstrap.initialize"),
            (Scenario::Join, "log.purge.write", "raft.install.purge"),
            (Scenario::First, "raft.flush", "raft.flush"),
            (Scenario::First, "node.gc.write", "node.gc.write"),
            (Scenario::First, "node.identity.save", "node.identity.save"),
        ] {
            let actions = actions(scenario, Seam::Traits, text, name);
            assert!(actions.contains(&Action::Power), "{name}: {actions:?}");
        }
        let (text, name) = ("sync@main a/member/identity.new", "node.identity.sync");
        let actions = actions(Scenario::First, Seam::Calls, text, name);
        assert!(!actions.is_empty() && !actions.contains(&Action::Power), "{actions:?}");
    }
}
