//! Bugs that are switched on in the store are noticed by the model beside it, and shown by a few commands.
//!
//! A bug is on for the whole process, so this is a program of its own with one test.

// Only debug builds can have a bug.
#![cfg(debug_assertions)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../beside/generate.rs"]
mod generate;
#[path = "../beside/pair.rs"]
mod pair;
#[path = "../beside/watches.rs"]
mod watches;

use std::time::Instant;

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRng, TestRunner};
use store_planted::{Bug, plant};

use crate::generate::{Step, open, secured};
use crate::pair::{play, right};

/// What the model can notice: everything that a machine does alone, in one life or over two.
const BUGS: [Bug; 8] = [
    Bug::HalfTxn,
    Bug::OldCompare,
    Bug::RevisionFalls,
    Bug::OverCompaction,
    Bug::LostEvent,
    Bug::FutureWatch,
    Bug::WrongPrevious,
    Bug::DeposedExpiry,
];

/// Looks for steps that show what is wrong, always the same way.
fn search(steps: impl Strategy<Value = Vec<Step>>) -> Option<Vec<Step>> {
    let config = ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    // What panics is noticed too; a hook that prints each while it shrinks would say nothing more.
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let found = TestRunner::new_with_rng(config, rng).run(&steps, |steps| play(right, &steps));
    std::panic::set_hook(quiet);
    match found {
        Err(TestError::Fail(_, steps)) => Some(steps),
        _ => None,
    }
}

#[test]
fn the_model_notices_planted_bugs() {
    let mut missed = Vec::new();
    for bug in BUGS {
        plant(Some(bug));
        let started = Instant::now();
        let found = search(open());
        plant(None);
        let seconds = started.elapsed().as_secs_f64();
        match found {
            Some(steps) => println!("{}: {} steps, {seconds:.1} s", bug.name(), steps.len()),
            None => missed.push(bug.name()),
        }
    }
    assert!(missed.is_empty(), "missed: {missed:?}");
    plant(Some(Bug::HalfTxn));
    let found = search(secured());
    plant(None);
    assert!(found.is_some(), "half transactions of users are missed");
}
