//! `keelson-crash`: cuts a member off wherever it writes, and looks what is there when it starts again.
//!
//! `all` plays every case, `some` a sample, `case` one of them again, `list` shows the failpoints, `record` what a run
//! does. `member` is the child that is cut off.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use store_planted::Bug;

use store_crash::{
    Action, Case, Cut, Error, LEFT_OUT, Plan, Result, Scenario, Seam, TABLE, Workshop, cases, member, row,
};

const HELP: &str = "keelson-crash all [SCENARIO] | some SEED | case NAME OPERATION OCCURRENCE ACTION | record SCENARIO traits|calls | list";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keelson-crash: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["member", scenario, folder, rest @ ..] => child(scenario, folder, rest),
        ["all"] => all(&Scenario::ALL, None),
        ["all", scenario] => all(&[Scenario::named(scenario)?], None),
        ["some", seed] => all(&Scenario::ALL, Some(number(seed)?)),
        ["case", name, operation, occurrence, action] => one(name, cut(operation, occurrence, action)?),
        ["record", scenario, seam] => show(scenario, seam),
        ["list"] => list().map_err(|error| Error(error.to_string())),
        _ => Err(Error(HELP.to_owned())),
    }
}

fn list() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for row in TABLE {
        let (name, scenario, seam, errors) = (row.name, row.scenario, row.seam, row.errors);
        writeln!(out, "{name:28} {scenario:?}, {seam:?}; an error: {errors:?}")?;
    }
    LEFT_OUT
        .iter()
        .try_for_each(|(name, why)| writeln!(out, "{name:28} not cut: {why}"))
}

fn number(text: &str) -> Result<u64> {
    text.parse().map_err(|error| Error(format!("{text:?}: {error}")))
}

fn cut(operation: &str, occurrence: &str, action: &str) -> Result<Cut> {
    Ok(Cut {
        operation: operation.to_owned(),
        occurrence: number(occurrence)?,
        action: Action::named(action)?,
    })
}

fn workshop() -> Result<Workshop> {
    let program = std::env::current_exe().map_err(|error| Error(error.to_string()))?;
    Workshop::new(&program)
}

fn child(scenario: &str, folder: &str, mut rest: &[&str]) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("CUT_LOG").unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_env_filter(filter)
        .init();
    let (mut at, mut list) = (None, None);
    loop {
        match rest {
            [] => break,
            ["--bug", name, more @ ..] => {
                plant(name)?;
                rest = more;
            }
            ["--list", file, more @ ..] => (list, rest) = (Some(Path::new(*file)), more),
            ["--cut", operation, occurrence, action, more @ ..] => {
                (at, rest) = (Some(cut(operation, occurrence, action)?), more);
            }
            _ => return Err(Error(HELP.to_owned())),
        }
    }
    member::run(Scenario::named(scenario)?, Path::new(folder), Plan::new(at, list)?)
}

/// Makes this process wrong, to see that its parent notices.
fn plant(name: &str) -> Result<()> {
    let bug = Bug::named(name).ok_or_else(|| Error(format!("there is no bug {name:?}")))?;
    #[cfg(debug_assertions)]
    store_planted::plant(Some(bug));
    #[cfg(not(debug_assertions))]
    return Err(Error(format!("this build cannot have the bug {bug:?}")));
    #[cfg(debug_assertions)]
    Ok(())
}

fn one(name: &str, cut: Cut) -> Result<()> {
    let row = row(name).ok_or_else(|| Error(format!("there is no failpoint {name:?}")))?;
    let case = Case { name: row.name, cut };
    println!("{case}: {:?}", workshop()?.play(&case)?);
    Ok(())
}

fn show(scenario: &str, seam: &str) -> Result<()> {
    let (scenario, seam) = (Scenario::named(scenario)?, Seam::named(seam)?);
    let record = workshop()?.record(scenario, seam)?;
    for (operation, name) in &record.operations {
        println!("{name:?} {} {}", operation.text, operation.occurrence);
    }
    Ok(())
}

fn all(scenarios: &[Scenario], seed: Option<u64>) -> Result<()> {
    let mut workshop = workshop()?;
    let (mut outcomes, mut broken) = (BTreeMap::<_, BTreeMap<_, u64>>::new(), 0);
    for scenario in scenarios.iter().copied() {
        for seam in [Seam::Traits, Seam::Calls] {
            if !workshop.can(seam) {
                println!("{}, {seam:?}: skipped, there is no C compiler", scenario.name());
                continue;
            }
            let mut chosen = cases::of(&workshop.record(scenario, seam)?);
            if let Some(seed) = seed {
                chosen = cases::sample(chosen, seed);
            }
            for case in chosen {
                match workshop.play(&case) {
                    Ok(outcome) => *outcomes.entry(case.name).or_default().entry(outcome).or_default() += 1,
                    Err(error) => {
                        broken += 1;
                        println!("{error}\n");
                    }
                }
            }
        }
    }
    for (name, outcomes) in &outcomes {
        println!("{name:28} {outcomes:?}");
    }
    if broken == 0 {
        return Ok(());
    }
    Err(Error(format!("{broken} cases are broken")))
}
