//! Running the lines: etcd, Keelson, etcd, Keelson and so on, each time with a fresh cluster.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use base::task::Tasks;

use super::Run;
use super::lines::Line;
use crate::cli::{parse_work, run_started};
use crate::facts::settle;
use crate::process::{Cluster, Program, Setup};
use crate::progress::Progress;
use crate::report::{Latency, Outcome};

/// So many looks at a running load are kept.
const SAMPLES_MAX: usize = 60;

/// What is run, and where.
pub(super) struct Rounds<'a> {
    pub(super) lines: &'a [Line],
    /// How often each line runs on each side, instead of as often as it says.
    pub(super) count: Option<usize>,
    /// No further round of a line is begun if it would end after this time.
    pub(super) budget: Option<Duration>,
    pub(super) programs: &'a [Program],
    pub(super) folder: &'a Path,
    /// What a sync took before anything ran.
    pub(super) quiet: &'a Latency,
    pub(super) progress: &'a Progress,
    pub(super) tasks: &'a Tasks,
}

impl Rounds<'_> {
    /// Runs all lines once, then again, and so on, and hands out the runs of each side as soon as they are made. A run
    /// that fails says why and does not keep the others from running.
    ///
    /// # Errors
    /// Those of `keep`.
    pub(super) async fn run(&self, mut keep: impl FnMut(Vec<Run>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let began = Instant::now();
        let rounds = |line: &Line| self.count.unwrap_or(line.rounds);
        let most = self.lines.iter().map(rounds).max().unwrap_or(0);
        let mut longest = vec![Duration::ZERO; self.lines.len()];
        for round in 0..most {
            for (line, longest) in self.lines.iter().zip(&mut longest) {
                let fits = self.budget.is_none_or(|budget| began.elapsed() + *longest <= budget);
                if round >= rounds(line) || (round > 0 && !fits) {
                    continue;
                }
                let line_began = Instant::now();
                // Each side goes first in its turn: what a line leaves behind meets both alike.
                for place in 0..self.programs.len() {
                    let program = &self.programs[(place + round) % self.programs.len()];
                    keep(self.run_side(line, round, program).await)?;
                }
                *longest = line_began.elapsed().max(*longest);
            }
        }
        Ok(())
    }

    async fn run_side(&self, line: &Line, round: usize, program: &Program) -> Vec<Run> {
        let name = format!("{} {} {}", line.name, round + 1, program.kind.name());
        eprintln!("{name}");
        // Each has its own tasks, which end with it.
        let group = self.tasks.child();
        let outcomes = run_line(line, program, self.folder, self.progress, &group).await;
        group.shutdown().await;
        // What the last run left to be written must not slow down the next.
        match settle(self.folder, self.quiet) {
            Ok(true) => {}
            Ok(false) => eprintln!("{name}: the disk is still slower than before; the next run may suffer"),
            Err(error) => eprintln!("{name}: {error:#}"),
        }
        let steps = line.steps.iter().zip(outcomes);
        let runs = steps.map(|(step, outcome)| {
            let outcome = outcome.map(thinned).map_err(|error| format!("{error:#}"));
            if let Err(error) = &outcome {
                eprintln!("{name}, {}: {error}", step.label);
            }
            Run {
                line: line.name.to_owned(),
                step: step.label.clone(),
                kind: program.kind,
                round,
                outcome,
            }
        });
        runs.collect()
    }
}

async fn run_line(
    line: &Line,
    program: &Program,
    folder: &Path,
    progress: &Progress,
    tasks: &Tasks,
) -> Vec<anyhow::Result<Outcome>> {
    let mut outcomes = Vec::new();
    if let Err(error) = run_steps(line, program, folder, progress, tasks, &mut outcomes).await {
        let error = format!("{error:#}");
        outcomes.resize_with(line.steps.len(), || Err(anyhow::anyhow!(error.clone())));
    }
    outcomes
}

async fn run_steps(
    line: &Line,
    program: &Program,
    folder: &Path,
    progress: &Progress,
    tasks: &Tasks,
    outcomes: &mut Vec<anyhow::Result<Outcome>>,
) -> anyhow::Result<()> {
    let data = tempfile::tempdir_in(folder)?;
    let setup = Setup {
        program: program.clone(),
        members: line.members,
        flags: line.flags.clone(),
    };
    let mut cluster = Cluster::new(&setup, data.path(), tasks);
    cluster.start().await?;
    let mut cluster = Some(cluster);
    for step in &line.steps {
        progress.say(&format!("{}: {}", program.kind.name(), step.label));
        let running = cluster
            .take()
            .context("the cluster is gone since an earlier step failed")?;
        let work = parse_work(&step.command)?;
        let (outcome, back) = run_started(&work, running, progress, tasks).await;
        cluster = back;
        outcomes.push(outcome.map(|outcome| Outcome {
            command: step.command.clone(),
            ..outcome
        }));
    }
    Ok(())
}

fn thinned(mut outcome: Outcome) -> Outcome {
    let step = outcome.series.len().div_ceil(SAMPLES_MAX).max(1);
    let last = outcome.series.len().saturating_sub(1);
    let mut place = 0;
    outcome.series.retain(|_| {
        let keep = place % step == 0 || place == last;
        place += 1;
        keep
    });
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Sample;

    #[test]
    fn long_series_are_thinned() {
        let sample = |n| Sample {
            seconds: f64::from(n),
            done: 0,
            rss_bytes: 0,
        };
        let outcome = thinned(Outcome {
            series: (0..1001).map(sample).collect(),
            ..Outcome::default()
        });
        assert!(outcome.series.len() <= SAMPLES_MAX + 1);
        assert!(outcome.series.last().unwrap().seconds > 999.0);
    }
}
