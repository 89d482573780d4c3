//! Many runs judged: medians, ratios, and whether a bar is reached.

use super::lines::{Bar, Line, Row, Step};
use super::{Comparison, Run};
use crate::process::Kind;
use crate::report::{Outcome, figure, median, spread};

/// A machine of which servers and generator take more than this share has no CPU time left to give.
const FULL: f64 = 0.9;

/// The runs of one step on one side.
pub(crate) struct Side<'a> {
    cores: usize,
    outcomes: Vec<&'a Outcome>,
    /// Why runs failed.
    pub(crate) failures: Vec<&'a str>,
}

impl<'a> Side<'a> {
    /// All runs of `step` on the side of `kind`.
    pub(crate) fn of(comparison: &'a Comparison, line: &str, step: &str, kind: Kind) -> Self {
        let runs = comparison.runs.iter();
        let runs: Vec<&Run> = runs
            .filter(|run| run.line == line && run.step == step && run.kind == kind)
            .collect();
        Self {
            cores: comparison.facts.machine.cores,
            outcomes: runs.iter().filter_map(|run| run.outcome.as_ref().ok()).collect(),
            failures: runs
                .iter()
                .filter_map(|run| run.outcome.as_ref().err().map(String::as_str))
                .collect(),
        }
    }

    /// What was measured, run by run.
    pub(crate) fn outcomes(&self) -> &[&'a Outcome] {
        &self.outcomes
    }

    /// The values of a figure, run by run.
    fn values(&self, name: &str) -> Vec<f64> {
        self.outcomes
            .iter()
            .filter_map(|outcome| outcome.figures.get(name).copied())
            .collect()
    }

    /// The median of a figure.
    pub(crate) fn median(&self, name: &str) -> Option<f64> {
        median(&self.values(name))
    }

    /// How far the runs of a figure lie apart.
    pub(crate) fn spread(&self, name: &str) -> Option<f64> {
        spread(&self.values(name))
    }

    /// The share of the machine's CPU time that `seconds` of an outcome are.
    fn share(&self, seconds: impl Fn(&Outcome) -> f64) -> Option<f64> {
        let cores = self.cores as f64;
        let shares = self
            .outcomes
            .iter()
            .map(|outcome| seconds(outcome) / (outcome.seconds * cores));
        median(&shares.collect::<Vec<_>>())
    }

    /// The share of the machine that the generator took.
    pub(crate) fn generator_share(&self) -> Option<f64> {
        self.share(|outcome| outcome.used.generator_cpu_seconds)
    }

    /// The share of the machine that neither the servers nor the generator took.
    pub(crate) fn others_share(&self) -> Option<f64> {
        self.share(|outcome| outcome.used.others_cpu_seconds)
    }

    /// Bytes a second that all members wrote to disk.
    pub(crate) fn written_per_second(&self) -> Option<f64> {
        let rates = self
            .outcomes
            .iter()
            .filter(|outcome| outcome.seconds > 0.0)
            .map(|outcome| outcome.used.written_bytes() as f64 / outcome.seconds);
        median(&rates.collect::<Vec<_>>())
    }

    /// The share of the machine that servers and generator took.
    pub(crate) fn busy_share(&self) -> Option<f64> {
        self.share(|outcome| outcome.used.cpu_seconds() + outcome.used.generator_cpu_seconds)
    }

    /// Errors that requests ended with, over all runs.
    pub(crate) fn errors(&self) -> u64 {
        self.outcomes.iter().flat_map(|outcome| outcome.errors.values()).sum()
    }
}

/// How a bar was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The dream came true.
    Moonshot,
    /// It was reached.
    Met,
    /// The machine was full, and the servers' CPU seconds a request reach it.
    MetByCpu,
    /// It was not.
    Missed,
}

fn at_most(value: f64, bar: f64, moonshot: f64) -> Verdict {
    if value <= moonshot {
        Verdict::Moonshot
    } else if value <= bar {
        Verdict::Met
    } else {
        Verdict::Missed
    }
}

/// Two sides of one step.
pub(crate) struct Pair<'a> {
    pub(crate) etcd: Side<'a>,
    pub(crate) keelson: Side<'a>,
}

impl<'a> Pair<'a> {
    /// Both sides of a step.
    pub(crate) fn of(comparison: &'a Comparison, line: &Line, step: &Step) -> Self {
        Self {
            etcd: Side::of(comparison, line.name, &step.label, Kind::Etcd),
            keelson: Side::of(comparison, line.name, &step.label, Kind::Keelson),
        }
    }

    /// Whether there are runs on both sides.
    pub(crate) fn is_complete(&self) -> bool {
        !self.etcd.outcomes.is_empty() && !self.keelson.outcomes.is_empty()
    }

    /// Whether there is any run.
    pub(crate) fn is_there(&self) -> bool {
        let some = |side: &Side<'_>| !side.outcomes.is_empty() || !side.failures.is_empty();
        some(&self.etcd) || some(&self.keelson)
    }

    /// Keelson's median over etcd's.
    pub(crate) fn ratio(&self, name: &str) -> Option<f64> {
        let (etcd, keelson) = (self.etcd.median(name)?, self.keelson.median(name)?);
        (etcd > 0.0).then(|| keelson / etcd)
    }

    /// Whether the bar of a row is reached; `None` if it has none or cannot be judged.
    pub(crate) fn verdict(&self, row: &Row) -> Option<Verdict> {
        let ratio = || self.ratio(row.figure);
        Some(match row.bar? {
            Bar::OwnAtMost { bar, moonshot } => at_most(self.keelson.median(row.figure)?, bar, moonshot),
            Bar::AtMost { bar, moonshot } => at_most(ratio()?, bar, moonshot),
            Bar::AtLeast { moonshot, .. } if ratio()? >= moonshot => Verdict::Moonshot,
            Bar::AtLeast { bar, .. } if ratio()? >= bar => Verdict::Met,
            Bar::AtLeast {
                bar, or_by_cpu: true, ..
            } if self.is_full() && self.cpu_advantage().is_some_and(|advantage| advantage >= bar) => Verdict::MetByCpu,
            Bar::AtLeast { .. } => Verdict::Missed,
        })
    }

    /// The figure of CPU seconds that this step has.
    pub(crate) fn cpu_figure(&self) -> &'static str {
        if self.etcd.median(figure::CPU_PER_MILLION_EVENTS).is_some() {
            figure::CPU_PER_MILLION_EVENTS
        } else {
            figure::CPU_PER_1000
        }
    }

    fn cpu_advantage(&self) -> Option<f64> {
        self.ratio(self.cpu_figure())
            .filter(|ratio| *ratio > 0.0)
            .map(|ratio| 1.0 / ratio)
    }

    fn is_full(&self) -> bool {
        self.keelson.busy_share().is_some_and(|share| share >= FULL)
    }
}
