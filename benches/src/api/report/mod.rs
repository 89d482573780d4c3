//! What was measured of all servers, as JSON and as tables.
//!
//! Start reading at [`Report`].

pub(crate) mod cost;
mod summary;
mod table;

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::server::About;
use crate::facts::Machine;
use crate::report::Outcome;
use summary::Row;
pub(crate) use table::tables;

/// Bytes of an answer as they came over the wire; of all pages of a list.
pub(crate) const BYTES_PER_ANSWER: &str = "bytes_per_answer";
/// Whether the server compressed its answers when it was asked to, 1 or 0.
pub(crate) const COMPRESSED: &str = "compressed";
/// Seconds from the start of the process until `/readyz` says yes.
pub(crate) const READY: &str = "ready_seconds";
/// Seconds until a list from the cache was answered as well.
pub(crate) const FIRST_LIST: &str = "first_list_seconds";
/// Watches that were opened.
pub(crate) const OPENED: &str = "watches_opened";
/// Seconds until they were.
pub(crate) const OPEN_SECONDS: &str = "watches_open_seconds";
/// Watches that the server ended.
pub(crate) const CUT_OFF: &str = "watches_cut_off";
/// Events that came.
pub(crate) const DELIVERED: &str = "events_delivered";
/// Frames that came: events, those of others, bookmarks.
pub(crate) const FRAMES: &str = "frames_received";
/// Events that should have come.
pub(crate) const MISSING: &str = "events_missing";
/// What the server's memory grew by while watches were opened, bytes a watch.
pub(crate) const RSS_PER_WATCH: &str = "rss_bytes_per_watch";
/// Writes a second while their events were delivered.
pub(crate) const WRITES_PER_SECOND: &str = "writes_per_second";

/// Which table a phase belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Group {
    /// Create, update, patch, get and delete configmaps and pods
    Verbs,
    /// Create, update and apply a Deployment with many fields
    Rich,
    /// Renew the Leases of nodes
    Leases,
    /// Deliver events to many watchers
    Watches,
    /// List many pods
    Lists,
    /// Start with many objects; needs --server-command
    Start,
}

impl Group {
    /// All of them, in the order in which they run.
    pub(crate) const ALL: &'static [Self] = &[
        Self::Verbs,
        Self::Rich,
        Self::Leases,
        Self::Watches,
        Self::Lists,
        Self::Start,
    ];
}

/// One run of one phase on one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) group: Group,
    pub(crate) phase: String,
    /// The place of the server in [`Report::servers`].
    pub(crate) server: usize,
    pub(crate) round: usize,
    /// What was measured, or why nothing was.
    pub(crate) outcome: Result<Outcome, String>,
}

/// Everything that was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The subcommand and its flags.
    pub(crate) command: String,
    pub(crate) machine: Machine,
    pub(crate) servers: Vec<About>,
    /// What all sizes and times were multiplied by.
    pub(crate) scale: f64,
    pub(crate) threads: usize,
    pub(crate) seconds: f64,
    /// Medians and ratios; made from the runs.
    #[serde(default)]
    pub(crate) summary: Vec<Row>,
    pub(crate) runs: Vec<Run>,
}

impl Report {
    /// Reads a report from a file.
    ///
    /// # Errors
    /// It cannot be read, or is no report.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no report of an apiserver", path.display()))
    }

    /// The report as JSON, with one run a line, so that it can be read and its changes seen.
    ///
    /// # Errors
    /// None in practice; those of the encoder.
    pub(crate) fn json(&self) -> anyhow::Result<String> {
        let head = Self {
            summary: summary::rows(self),
            runs: Vec::new(),
            ..self.clone()
        };
        let head = serde_json::to_string_pretty(&head)?;
        let head = head
            .trim_end()
            .strip_suffix("[]\n}")
            .context("the runs are the last field")?;
        let runs: Vec<String> = self.runs.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        Ok(format!("{head}[\n{}\n]\n}}\n", runs.join(",\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figure;

    /// A report of two servers with one phase, whose figures are given by server and round.
    pub(super) fn report(figures: &[&[f64]]) -> Report {
        let mut report = Report {
            servers: ["keelson", "upstream"]
                .map(|name| About {
                    name: name.to_owned(),
                    ..About::default()
                })
                .to_vec(),
            scale: 1.0,
            machine: Machine {
                cores: 2,
                ..Machine::default()
            },
            ..Report::default()
        };
        for (server, rounds) in figures.iter().enumerate() {
            for (round, value) in rounds.iter().enumerate() {
                let mut outcome = Outcome {
                    seconds: 5.0,
                    ..Outcome::default()
                };
                outcome.set(figure::PER_SECOND, *value);
                report.runs.push(Run {
                    group: Group::Verbs,
                    phase: "pods create, 50 clients".to_owned(),
                    server,
                    round,
                    outcome: Ok(outcome),
                });
            }
        }
        report
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        let mut report = report(&[&[300.0, 100.0, 200.0], &[100.0]]);
        report.runs.push(Run {
            outcome: Err("the server ended".to_owned()),
            ..report.runs[0].clone()
        });
        std::fs::write(&path, report.json().unwrap()).unwrap();
        let again = Report::read(&path).unwrap();
        assert_eq!(again.runs, report.runs);
        assert_eq!(again.summary, summary::rows(&report));
        assert_eq!(tables(&again), tables(&report));
        let lines = std::fs::read_to_string(&path).unwrap();
        assert_eq!(lines.lines().filter(|line| line.starts_with("{\"group\"")).count(), 5);
        std::fs::write(&path, "{}").unwrap();
        assert!(Report::read(&path).is_err());
        assert!(Report::read(dir.path()).is_err());
    }
}
