//! Each bug of `store-planted` in turn: seeds are run until one notices it.

use anyhow::{Result, bail};
use store_planted::Bug;

use crate::many::Many;

/// Looks for each of the bugs in `count` seeds at most; true where none was missed. Prints the rows of a table: the bug,
/// what noticed it, the seed, how many seeds were run till then, and how many seconds that took.
pub(crate) fn planted(bugs: &[&'static str], first: u64, count: u64, jobs: Option<usize>) -> Result<bool> {
    if !cfg!(debug_assertions) {
        bail!("this build has no bugs in it: build it with debug assertions, as the profile `sim` does");
    }
    let mut missed = 0;
    for name in bugs {
        let many = Many {
            first,
            count,
            jobs,
            keep_going: false,
            plant: Some(name),
        };
        let total = many.run(|_| {})?;
        let seconds = total.took.as_secs_f64();
        if let Some(failed) = total.failed.first() {
            let runs = total.passed + total.failed.len() as u64;
            println!(
                "| {name} | {} | {} | {runs} | {seconds:.1} |",
                noticed(&failed.text),
                failed.seed
            );
        } else {
            missed += 1;
            println!("| {name} | **missed** | - | {count} | {seconds:.1} |");
        }
    }
    if missed > 0 {
        eprintln!("keelson-sim: {missed} planted bugs were missed: what should notice them does not");
    }
    Ok(missed == 0)
}

/// The rule that was broken: the start of the line that says so.
fn noticed(text: &str) -> String {
    let kinds = ["invariant: ", "liveness: ", "client: ", "harness: "];
    let line = text
        .lines()
        .find(|line| kinds.iter().any(|kind| line.starts_with(kind)));
    let Some(line) = line else {
        return "panic".to_owned();
    };
    let mut parts = line.split(": ");
    let both: Vec<&str> = parts.by_ref().take(2).collect();
    let short: String = both.join(": ").chars().take(70).collect();
    short.replace('|', "/")
}

/// The bugs of these names, or all that a simulation can notice.
pub(crate) fn chosen(only: &[String]) -> Result<Vec<&'static str>> {
    if only.is_empty() {
        return Ok(Bug::ALL.iter().map(|bug| bug.name()).collect());
    }
    only.iter().map(|name| named(name).map(Bug::name)).collect()
}

/// The bug of this name.
pub(crate) fn named(name: &str) -> Result<Bug> {
    let Some(bug) = Bug::named(name) else {
        let names: Vec<&str> = Bug::ALL.iter().map(|bug| bug.name()).collect();
        bail!("there is no bug `{name}`; there are {}", names.join(", "));
    };
    Ok(bug)
}
