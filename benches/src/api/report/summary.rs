//! Many runs as few numbers: the median of each figure on each server, and their ratio.

use serde::{Deserialize, Serialize};

use super::{Group, Report};
use crate::report::{Outcome, median, spread};

/// One figure of one phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) group: Group,
    pub(crate) phase: String,
    pub(crate) figure: String,
    /// Medians by server; nothing where nothing was measured.
    pub(crate) medians: Vec<Option<f64>>,
    /// The first server's median over the second's.
    pub(crate) ratio: Option<f64>,
}

/// One row for each figure of each phase.
pub(super) fn rows(report: &Report) -> Vec<Row> {
    let mut rows = Vec::new();
    for (group, phase) in phases(report) {
        let outcomes = report.runs.iter().filter_map(|run| {
            let outcome = run.outcome.as_ref().ok()?;
            (run.phase == phase).then_some(outcome)
        });
        let mut figures: Vec<&String> = outcomes.flat_map(|outcome| outcome.figures.keys()).collect();
        figures.sort_unstable();
        figures.dedup();
        for figure in figures {
            rows.push(Row {
                group,
                phase: phase.to_owned(),
                figure: figure.clone(),
                medians: (0..report.servers.len())
                    .map(|server| Side::of(report, phase, server).median(figure))
                    .collect(),
                ratio: ratio(report, phase, figure),
            });
        }
    }
    rows
}

/// The phases of a report, in the order in which they ran.
pub(super) fn phases(report: &Report) -> Vec<(Group, &str)> {
    let mut phases: Vec<(Group, &str)> = Vec::new();
    for run in &report.runs {
        let phase = (run.group, run.phase.as_str());
        if !phases.contains(&phase) {
            phases.push(phase);
        }
    }
    phases
}

/// The first server's median over the second's.
pub(super) fn ratio(report: &Report, phase: &str, figure: &str) -> Option<f64> {
    let of = |server| Side::of(report, phase, server).median(figure);
    let (own, peer) = (of(0)?, of(1)?);
    (peer > 0.0).then(|| own / peer)
}

/// The runs of one phase on one server.
pub(super) struct Side<'r> {
    pub(super) outcomes: Vec<&'r Outcome>,
    /// Why runs failed.
    pub(super) failures: Vec<&'r str>,
    cores: usize,
}

impl<'r> Side<'r> {
    /// Those of `phase` on the server at this place.
    pub(super) fn of(report: &'r Report, phase: &str, server: usize) -> Self {
        let (mut outcomes, mut failures) = (Vec::new(), Vec::new());
        for run in &report.runs {
            if run.phase == phase && run.server == server {
                match &run.outcome {
                    Ok(outcome) => outcomes.push(outcome),
                    Err(error) => failures.push(error.as_str()),
                }
            }
        }
        Self {
            outcomes,
            failures,
            cores: report.machine.cores,
        }
    }

    fn values(&self, figure: &str) -> Vec<f64> {
        let values = self.outcomes.iter().filter_map(|outcome| outcome.figures.get(figure));
        values.copied().collect()
    }

    /// The median of a figure.
    pub(super) fn median(&self, figure: &str) -> Option<f64> {
        median(&self.values(figure))
    }

    /// How far its runs lie apart.
    pub(super) fn spread(&self, figure: &str) -> Option<f64> {
        spread(&self.values(figure))
    }

    /// The share of the machine's CPU time that `seconds` of an outcome are.
    pub(super) fn share(&self, seconds: impl Fn(&Outcome) -> f64) -> Option<f64> {
        let measured = self.outcomes.iter().filter(|outcome| outcome.seconds > 0.0);
        let shares = measured.map(|outcome| seconds(outcome) / (outcome.seconds * self.cores.max(1) as f64));
        median(&shares.collect::<Vec<_>>())
    }

    /// Errors that requests ended with, by text, over all runs.
    pub(super) fn errors(&self) -> Vec<(&'r str, u64)> {
        let mut all: Vec<(&str, u64)> = Vec::new();
        for (text, count) in self.outcomes.iter().flat_map(|outcome| &outcome.errors) {
            match all.iter_mut().find(|(known, _)| known == text) {
                Some((_, sum)) => *sum += count,
                None => all.push((text, *count)),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::*;
    use crate::report::figure;

    #[test]
    fn medians_are_compared() {
        let report = report(&[&[300.0, 100.0, 200.0], &[100.0, 50.0]]);
        let rows = rows(&report);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].figure, figure::PER_SECOND);
        assert_eq!(rows[0].medians, [Some(200.0), Some(75.0)]);
        assert!((rows[0].ratio.unwrap() - 200.0 / 75.0).abs() < 1e-9);
    }

    #[test]
    fn one_server_has_no_ratio() {
        let mut report = report(&[&[300.0]]);
        report.servers.truncate(1);
        let rows = rows(&report);
        assert_eq!((rows[0].medians.len(), rows[0].ratio), (1, None));
    }

    #[test]
    fn errors_of_all_rounds_are_added() {
        let mut report = report(&[&[1.0, 2.0]]);
        for (place, run) in report.runs.iter_mut().enumerate() {
            let outcome = run.outcome.as_mut().unwrap();
            outcome.errors.insert("too many".to_owned(), 5);
            outcome.used.generator_cpu_seconds = 5.0 * (1 + place) as f64;
        }
        let side = Side::of(&report, "pods create, 50 clients", 0);
        assert_eq!(side.errors(), [("too many", 10)]);
        let share = side.share(|outcome| outcome.used.generator_cpu_seconds).unwrap();
        assert!((share - 0.75).abs() < 1e-9, "{share}");
        assert_eq!(side.spread(figure::PER_SECOND), Some(2.0));
    }
}
