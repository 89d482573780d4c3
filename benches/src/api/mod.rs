//! `keelson-bench api`: load for any Kubernetes apiserver, or for two side by side.
//!
//! It knows the API of Kubernetes and nothing of how a server is made. Start reading at [`run`], then `unit`, the work that
//! servers are made to do.

mod client;
mod flags;
mod object;
mod report;
mod server;
mod stamp;
mod unit;

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use base::task::Tasks;

pub(crate) use flags::Api;

use crate::cli::Places;
use crate::facts::Machine;
use crate::progress::Progress;
use report::{Group, Report, Run, tables};
use server::Side;
use unit::{Phase, Unit};

/// Does what the flags ask for; `command` is how they were given.
///
/// # Errors
/// A server cannot be reached or started, or a file cannot be written. What goes wrong in a phase stands in the report.
pub(crate) async fn run(api: &Api, places: &Places, command: String, tasks: &Tasks) -> anyhow::Result<()> {
    if let Some(path) = &api.render {
        return show(api, &Report::read(path)?);
    }
    let folder = places.folder()?;
    let (progress, began) = (Progress::new(), Instant::now());
    let mut report = Report {
        command,
        machine: Machine::gather(),
        scale: api.scale,
        threads: api.threads(),
        ..Report::default()
    };
    let mut sides = Vec::new();
    for (place, endpoint) in api.endpoints().iter().enumerate() {
        let own = folder.path().join(place.to_string());
        sides.push(Side::open(endpoint, &own, &progress, tasks).await?);
    }
    report.servers = sides.iter().map(|side| side.about.clone()).collect();
    for units in api.stages() {
        for round in 0..api.rounds.max(1) {
            for unit in &units {
                // Each goes first in its turn: what a unit leaves behind meets both alike.
                for turn in 0..sides.len() {
                    let place = (turn + round) % sides.len();
                    let runs = run_unit(unit.as_ref(), &mut sides[place], place, round, &progress).await;
                    report.runs.extend(runs);
                    report.seconds = began.elapsed().as_secs_f64();
                    save(api, &report)?;
                }
            }
        }
    }
    show(api, &report)?;
    for side in &mut sides {
        if side.started.is_none() && !api.keep {
            unit::clean(side).await?;
        }
    }
    Ok(())
}

/// Runs a unit on one server. A failure stands among its runs and does not keep the others from running.
async fn run_unit(unit: &dyn Unit, side: &mut Side, server: usize, round: usize, progress: &Progress) -> Vec<Run> {
    let what = format!("{}: {}, round {}", side.about.name, unit.name(), round + 1);
    if unit.group() == Group::Start && side.started.is_none() {
        eprintln!("{what}: left out, since the server was not started here");
        return Vec::new();
    }
    eprintln!("{what}");
    progress.say(&what);
    let mut phases: Vec<Phase> = Vec::new();
    let mut failure = unit.run(side, &mut phases).await.err();
    // A process that ended explains more than the requests that failed with it.
    if let Err(error) = side.check_alive() {
        failure = Some(error);
    }
    let run = |phase: String, outcome| Run {
        group: unit.group(),
        phase,
        server,
        round,
        outcome,
    };
    let mut runs: Vec<Run> = phases
        .into_iter()
        .map(|phase| run(phase.name, Ok(phase.outcome)))
        .collect();
    if let Some(error) = failure {
        let error = format!("{error:#}");
        eprintln!("{what}: {error}");
        runs.push(run(unit.name(), Err(error)));
    }
    runs
}

/// Writes what there is; a run that is interrupted leaves a report that can be shown.
fn save(api: &Api, report: &Report) -> anyhow::Result<()> {
    match &api.json {
        Some(path) => write(path, &report.json()?),
        None => Ok(()),
    }
}

fn show(api: &Api, report: &Report) -> anyhow::Result<()> {
    let text = tables(report);
    print!("{text}");
    match &api.out {
        Some(path) => write(path, &text),
        None => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
