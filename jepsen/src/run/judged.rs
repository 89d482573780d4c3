//! A run judged from what it left: at its end, and whenever somebody wants to see it again.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context;
use clap::ValueEnum;
use jepsen_check::history::History;

use super::facts::Facts;
use super::folder::Folder;
use crate::judge::{Sentence, sentence};
use crate::report;
use crate::workload::Name;

/// A run and what is said of it.
pub(crate) struct Judged {
    /// Where it is.
    pub(crate) folder: Folder,
    /// What it was.
    pub(crate) facts: Facts,
    /// What is said of it.
    pub(crate) sentence: Sentence,
}

/// Reads the history that is in a folder, or is this file.
///
/// # Errors
/// There is none, or a line of it is none.
pub(crate) fn read_history(path: &Path) -> anyhow::Result<History> {
    let path = if path.is_dir() {
        Folder::of(path).history()
    } else {
        path.to_owned()
    };
    let file = File::open(&path).with_context(|| format!("{}", path.display()))?;
    History::read(BufReader::new(file)).with_context(|| format!("{}", path.display()))
}

/// Judges what is in a folder, and writes the verdict and the timeline beside it.
///
/// # Errors
/// Something is missing there or cannot be read, or the folder cannot be written.
pub(crate) fn recheck(folder: &Folder) -> anyhow::Result<Judged> {
    let facts = Facts::read(&folder.facts())?;
    let name =
        Name::from_str(&facts.workload, false).map_err(|error| anyhow::anyhow!("the run's workload: {error}"))?;
    let workload = name.workload();
    let history = read_history(folder.path())?;
    let sentence = sentence(&history, &workload.judges(), &facts, workload.broken());
    let verdict = report::verdict_json(&history, &facts, &sentence)?;
    let path = folder.verdict();
    std::fs::write(&path, verdict).with_context(|| format!("{}", path.display()))?;
    let path = folder.timeline();
    std::fs::write(&path, report::timeline(&history, &facts, &sentence)?)
        .with_context(|| format!("{}", path.display()))?;
    Ok(Judged {
        folder: folder.clone(),
        facts,
        sentence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Outcome;

    #[test]
    fn what_a_run_left_is_judged_again() {
        let path = tempfile::tempdir().unwrap();
        let folder = Folder::of(path.path());
        let facts = Facts {
            workload: "set".into(),
            ..Facts::default()
        };
        assert!(recheck(&folder).is_err());
        facts.write(&folder.facts()).unwrap();
        let history = r#"{"type":"invoke","process":1,"time":1,"call":{"add":{"value":1}}}
{"type":"ok","process":1,"time":2,"reply":{"add":{}}}
{"type":"invoke","process":1,"time":3,"call":{"members":{}}}
{"type":"ok","process":1,"time":4,"reply":{"members":{"values":[]}}}
"#;
        std::fs::write(folder.history(), history).unwrap();
        let judged = recheck(&folder).unwrap();
        assert_eq!(judged.sentence.outcome, Outcome::Anomaly);
        assert_eq!(judged.sentence.accused(), [0, 1]);
        let verdict = std::fs::read_to_string(folder.verdict()).unwrap();
        assert!(verdict.contains("\"anomaly\""), "{verdict}");
        assert!(folder.timeline().exists());
        assert_eq!(judged.folder.path(), folder.path());
        assert_eq!(judged.facts.workload, "set");
    }
}
