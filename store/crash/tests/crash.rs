//! The cases that every change is checked with: each failpoint, and each thing that can happen there, once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use store_planted::Bug;

use store_crash::{Action, Case, Cut, LEFT_OUT, Name, Outcome, Scenario, Seam, TABLE, Workshop, cases};

fn workshop() -> Workshop {
    Workshop::new(Path::new(env!("CARGO_BIN_EXE_keelson-crash"))).unwrap()
}

/// Another one looks at other occurrences.
fn seed() -> u64 {
    std::env::var("KEELSON_CRASH_SEED").map_or(1, |seed| seed.parse().unwrap())
}

/// Plays a sample of the cases of a run.
fn play(scenario: Scenario, seam: Seam) {
    let mut workshop = workshop();
    if !workshop.can(seam) {
        eprintln!("skipped: there is no C compiler");
        return;
    }
    let record = workshop.record(scenario, seam).unwrap();
    let chosen = cases::sample(cases::of(&record), seed());
    let (mut cut, mut broken) = (BTreeSet::new(), Vec::new());
    for case in &chosen {
        match workshop.play(case) {
            Ok(Outcome::Missed) => {}
            Ok(_) => drop(cut.insert(case.name)),
            Err(error) => broken.push(error.to_string()),
        }
    }
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n\n"));
    let wanted: BTreeSet<&str> = chosen.iter().map(|case| case.name).collect();
    assert_eq!(cut, wanted, "each failpoint was really met");
}

#[test]
fn a_member_that_starts_and_works() {
    play(Scenario::First, Seam::Traits);
}

#[test]
fn a_member_that_starts_and_works_by_system_calls() {
    play(Scenario::First, Seam::Calls);
}

#[test]
fn a_member_that_starts_again() {
    play(Scenario::Again, Seam::Traits);
    play(Scenario::Again, Seam::Calls);
}

#[test]
fn a_member_that_is_left_alone() {
    play(Scenario::Force, Seam::Traits);
}

#[test]
fn a_member_that_gets_a_snapshot() {
    play(Scenario::Join, Seam::Traits);
}

#[test]
fn a_member_that_gets_a_snapshot_by_system_calls() {
    play(Scenario::Join, Seam::Calls);
}

#[test]
fn every_operation_has_a_name_and_every_name_an_operation() {
    let mut workshop = workshop();
    let (mut met, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    for scenario in Scenario::ALL {
        for seam in [Seam::Traits, Seam::Calls] {
            if !workshop.can(seam) {
                eprintln!("skipped: there is no C compiler");
                return;
            }
            let record = workshop.record(scenario, seam).unwrap();
            unknown.extend(record.unknown().into_iter().map(str::to_owned));
            for (_, name) in &record.operations {
                if let Name::Of(name) = name {
                    met.insert((*name, scenario, seam as u8));
                }
            }
        }
    }
    assert_eq!(unknown, BTreeSet::new(), "operations without a name");
    let never: Vec<&str> = TABLE
        .iter()
        .filter(|row| !met.contains(&(row.name, row.scenario, row.seam as u8)))
        .map(|row| row.name)
        .collect();
    assert_eq!(never, [""; 0], "names that no operation has");
}

/// A program with a bug that is planted.
fn wrong(bug: Bug) -> Workshop {
    Workshop::planted(Path::new(env!("CARGO_BIN_EXE_keelson-crash")), Some(bug)).unwrap()
}

#[test]
fn a_log_that_is_not_synced_is_found_out() {
    // The mark of what was committed comes after the entry was to be on the disk.
    let case = Case {
        name: "log.committed.write",
        cut: Cut {
            operation: "log.committed.write".to_owned(),
            occurrence: 12,
            action: Action::Power,
        },
    };
    assert_eq!(workshop().play(&case), Ok(Outcome::Killed));
    let found = wrong(Bug::AckBeforeSync).play(&case);
    assert!(found.is_err(), "{found:?}");
}

#[test]
fn a_store_that_is_wrong_without_a_crash_is_found_out() {
    for bug in [Bug::HalfTxn, Bug::OverCompaction] {
        let found = wrong(bug).record(Scenario::First, Seam::Traits);
        assert!(found.is_err(), "{bug:?}");
    }
}

#[test]
fn names_are_told_apart() {
    let all = TABLE.iter().map(|row| row.name);
    let all: Vec<&str> = all.chain(LEFT_OUT.iter().map(|(name, _)| *name)).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert!(TABLE.len() >= 41, "etcd has 41");
}
