//! Keelson beside etcd: both are started in turn, do the same work, and one report tells how they compare.
//!
//! Start reading at `lines`, the list of what is compared; `rounds` runs it, `rows` judges it.

mod chart;
mod lines;
mod markdown;
mod plots;
mod rounds;
mod rows;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use base::task::Tasks;
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::cli::Places;
use crate::facts::{self, Facts};
use crate::process::{Kind, Program};
use crate::progress::Progress;
use crate::report::Outcome;
use lines::Line;
use rounds::Rounds;

/// How thorough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    /// All lines in less than 20 minutes, with less data than the bars ask for where that takes long
    Quick,
    /// The sizes that the bars ask for, with at least five alternations; takes hours
    Full,
}

/// Start etcd and Keelson in turn, have both do the same, and write one report
#[derive(Clone, Debug, Args)]
pub(crate) struct Compare {
    #[arg(long, value_enum, default_value = "quick")]
    profile: Profile,
    /// Only these lines: their names with commas between them
    #[arg(long, value_delimiter = ',', value_name = "LINE")]
    only: Vec<String>,
    /// How often each line runs on each side (default: as the profile says)
    #[arg(long)]
    rounds: Option<usize>,
    /// Begin no further round of a line that would end after this time; each line runs once in any case (default: 17m
    /// for the quick profile)
    #[arg(long, value_parser = crate::options::duration)]
    budget: Option<Duration>,
    /// Where the report goes (default: benches/results, and benches/results/only with --only)
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Write the report anew from the runs that are in the folder, without running anything
    #[arg(long)]
    render: bool,
    /// Threads of the generator
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
}

/// One run of one step of one line on one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) line: String,
    /// The step's label within its line.
    pub(crate) step: String,
    pub(crate) kind: Kind,
    pub(crate) round: usize,
    /// What was measured, or why nothing was.
    pub(crate) outcome: Result<Outcome, String>,
}

/// Everything that the report is made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Comparison {
    pub(crate) profile: Profile,
    pub(crate) facts: Facts,
    /// What each side says about itself.
    pub(crate) versions: Vec<(Kind, String)>,
    pub(crate) threads: usize,
    pub(crate) seconds: f64,
    pub(crate) runs: Vec<Run>,
}

const RUNS: &str = "runs.json";
const OUT: &str = "benches/results";
const OUT_ONLY: &str = "benches/results/only";
/// Leaves time for building in the 20 minutes of `make bench`.
const QUICK_BUDGET: Duration = Duration::from_secs(17 * 60);

impl Compare {
    fn out(&self) -> PathBuf {
        let usual = if self.only.is_empty() { OUT } else { OUT_ONLY };
        self.out.clone().unwrap_or_else(|| usual.into())
    }

    fn budget(&self) -> Option<Duration> {
        self.budget.or((self.profile == Profile::Quick).then_some(QUICK_BUDGET))
    }

    /// The lines that were asked for.
    fn lines(&self) -> anyhow::Result<Vec<Line>> {
        let mut lines = lines::all(self.profile);
        for name in &self.only {
            ensure!(
                lines.iter().any(|line| line.name == name),
                "there is no line {name:?}; there are {}",
                lines.iter().map(|line| line.name).collect::<Vec<_>>().join(", ")
            );
        }
        lines.retain(|line| self.only.is_empty() || self.only.iter().any(|name| name == line.name));
        Ok(lines)
    }
}

/// Runs the comparison and writes the report.
///
/// # Errors
/// A program is missing, or the report cannot be written. What goes wrong in a run stands in the report.
pub(crate) async fn run(compare: &Compare, places: &Places, tasks: &Tasks) -> anyhow::Result<()> {
    let out = compare.out();
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let comparison = if compare.render {
        read(&out)?
    } else {
        measure(compare, &out, places, tasks).await?
    };
    for (name, svg) in plots::all(&comparison)? {
        write(&out, name, &svg)?;
    }
    let text = markdown::report(&comparison, &lines::all(comparison.profile));
    print!("{text}");
    write(&out, "report.md", &text)
}

fn write(out: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = out.join(name);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn read(out: &Path) -> anyhow::Result<Comparison> {
    let path = out.join(RUNS);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} holds no runs", path.display()))
}

/// JSON with one run a line, so that it can be read and its changes seen.
fn one_a_line(comparison: &Comparison) -> anyhow::Result<String> {
    let head = Comparison {
        runs: Vec::new(),
        ..comparison.clone()
    };
    let head = serde_json::to_string(&head)?;
    let runs: Vec<String> = comparison
        .runs
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<_, _>>()?;
    let head = head.strip_suffix("[]}").context("the runs are the last field")?;
    Ok(format!("{head}[\n{}\n]}}\n", runs.join(",\n")))
}

async fn measure(compare: &Compare, out: &Path, places: &Places, tasks: &Tasks) -> anyhow::Result<Comparison> {
    let lines = compare.lines()?;
    let programs = [Kind::Etcd, Kind::Keelson]
        .map(|kind| Program::find(kind, places.of(kind)))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let folder = places.folder()?;
    ensure!(
        !facts::is_in_memory(folder.path()),
        "{} is in memory, where no write is ever slow; give --data on the disk to be measured",
        folder.path().display()
    );
    let began = Instant::now();
    let versions = programs
        .iter()
        .map(|program| (program.kind, program.version.clone()))
        .collect();
    let mut comparison = Comparison {
        profile: compare.profile,
        facts: Facts::gather(folder.path())?,
        versions,
        threads: compare.threads,
        seconds: 0.0,
        runs: Vec::new(),
    };
    let quiet = comparison.facts.sync.clone();
    let rounds = Rounds {
        lines: &lines,
        count: compare.rounds,
        budget: compare.budget(),
        programs: &programs,
        folder: folder.path(),
        quiet: &quiet,
        progress: &Progress::new(),
        tasks,
    };
    rounds
        .run(|runs| {
            comparison.runs.extend(runs);
            comparison.seconds = began.elapsed().as_secs_f64();
            // An interrupted comparison can be made a report with --render.
            write(out, RUNS, &one_a_line(&comparison)?)
        })
        .await?;
    Ok(comparison)
}
