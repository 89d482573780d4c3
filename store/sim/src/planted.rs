//! Each bug of `store-planted` in turn: seeds are run until one notices it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use store_planted::Bug;

use crate::many::{Failed, Many, child};

/// Looks for each of the bugs in `count` seeds at most; true where none was missed. Prints the rows of a table: the bug,
/// what noticed it, the seed, how many seeds were run till then, and how many seconds that took.
pub(crate) fn planted(bugs: &[&'static str], first: u64, count: u64, jobs: Option<usize>) -> Result<bool> {
    if !cfg!(debug_assertions) {
        bail!("this build has no bugs in it: build it with debug assertions, as the profile `sim` does");
    }
    let own = std::env::current_exe().context("cannot find this program")?;
    let mut missed = 0;
    for name in bugs {
        let many = Many {
            first,
            count,
            jobs,
            keep_going: false,
            plant: Some(name),
            twice: false,
        };
        let total = many.run(|_| {})?;
        let (seconds, runs) = (total.took.as_secs_f64(), total.passed + total.failed.len() as u64);
        let (rule, seed) = match total.failed.first() {
            None => (Err("**missed**"), "-".to_owned()),
            Some(failed) => (blamed(&own, failed), failed.seed.to_string()),
        };
        missed += usize::from(rule.is_err());
        let rule = rule.unwrap_or_else(str::to_owned);
        println!("| {name} | {rule} | {seed} | {runs} | {seconds:.1} |");
    }
    if missed > 0 {
        eprintln!("keelson-sim: {missed} planted bugs were missed: what should notice them does not");
    }
    Ok(missed == 0)
}

/// The rule that the bug broke; or why it is not to blame.
fn blamed(own: &Path, failed: &Failed) -> Result<String, &'static str> {
    let rule = noticed(&failed.text).ok_or("**no rule was broken**")?;
    // A seed that fails by itself shows nothing.
    match child(own, failed.seed, None) {
        Ok(_) => Ok(rule),
        Err(_) => Err("**fails without the bug, too**"),
    }
}

/// The rule that was broken: the start of the line that says so.
fn noticed(text: &str) -> Option<String> {
    let kinds = ["invariant: ", "liveness: ", "client: "];
    let is_verdict = |line: &&str| kinds.iter().any(|kind| line.starts_with(kind));
    let mut parts = text.lines().find(is_verdict)?.split(": ");
    let both: Vec<&str> = parts.by_ref().take(2).collect();
    let short: String = both.join(": ").chars().take(70).collect();
    Some(short.replace('|', "/"))
}

/// The bugs of these names, or all there are.
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
