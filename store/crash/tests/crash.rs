//! The cases that every change is checked with: each failpoint, and each thing that can happen there, once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

#[cfg(debug_assertions)]
use store_planted::Bug;

#[cfg(debug_assertions)]
use store_crash::{Action, Case, Cut};
use store_crash::{LEFT_OUT, Name, Outcome, Scenario, Seam, TABLE, Workshop, cases};

fn workshop() -> Workshop {
    Workshop::new(Path::new(env!("CARGO_BIN_EXE_keelson-crash"))).unwrap()
}

/// Another one looks at other occurrences.
fn seed() -> u64 {
    std::env::var("KEELSON_CRASH_SEED").map_or(1, |seed| seed.parse().unwrap())
}

/// Cases of a group that are tried until one is met.
const TRIES: usize = 6;

/// Plays a sample of the cases of a run.
fn play(scenario: Scenario, seam: Seam) {
    let mut workshop = workshop();
    if !workshop.can(seam) {
        eprintln!("skipped: there is no C compiler");
        return;
    }
    let record = workshop.record(scenario, seam).unwrap();
    let (mut missed, mut broken) = (Vec::new(), Vec::new());
    for group in cases::groups(cases::of(&record), seed()) {
        // What a thread of RocksDB did not do this time, it does at another occurrence.
        let met = group.iter().take(TRIES).any(|case| match workshop.play(case) {
            Ok(outcome) => outcome != Outcome::Missed,
            Err(error) => {
                broken.push(error.to_string());
                true
            }
        });
        if !met {
            missed.push(group[0].to_string());
        }
    }
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n\n"));
    assert_eq!(
        missed, [""; 0],
        "each failpoint was really met, with all that can happen there"
    );
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

/// A program with a bug that is planted; only debug builds can have one.
#[cfg(debug_assertions)]
fn wrong(bug: Bug) -> Workshop {
    Workshop::planted(Path::new(env!("CARGO_BIN_EXE_keelson-crash")), Some(bug)).unwrap()
}

/// What is said of a store in which something is not as it must be, or of a log that lacks what it had.
#[cfg(debug_assertions)]
const WRONG: [&str; 3] = ["it is in none of ", " was acknowledged at ", " is damaged at byte "];

#[cfg(debug_assertions)]
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
    let found = wrong(Bug::AckBeforeSync).play(&case).unwrap_err().to_string();
    assert!(WRONG.iter().any(|wrong| found.contains(wrong)), "{found}");
}

#[cfg(debug_assertions)]
#[test]
fn a_store_that_is_wrong_without_a_crash_is_found_out() {
    for bug in [Bug::HalfTxn, Bug::OverCompaction] {
        let found = wrong(bug)
            .record(Scenario::First, Seam::Traits)
            .err()
            .unwrap()
            .to_string();
        assert!(WRONG.iter().any(|wrong| found.contains(wrong)), "{bug:?}: {found}");
    }
}

#[test]
fn names_are_told_apart() {
    let all = TABLE.iter().map(|row| row.name);
    let all: Vec<&str> = all.chain(LEFT_OUT.iter().map(|(name, _)| *name)).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert!(TABLE.len() >= 41, "etcd has 41");
}
