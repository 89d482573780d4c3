//! A run told: in a few lines on the terminal, as JSON, as a page that shows what happened when, and as one row among
//! other runs.

mod figures;
mod html;
mod index;
mod rules;
mod sample;
mod timeline;

use std::collections::BTreeMap;
use std::fmt::Write;

use jepsen_check::Verdict;
use jepsen_check::history::History;
use serde::Serialize;

use crate::judge::{Judgement, Outcome, Sentence};
use crate::run::{Facts, Judged};
use figures::{Figures, figures};
pub(crate) use index::write_index;
pub(crate) use timeline::timeline;

/// Operations that are told in full in a verdict.
const TOLD: usize = 40;
/// Violations of one checker that the terminal shows.
const SHOWN: usize = 5;
/// Letters of one line on the terminal.
const LETTERS: usize = 600;

/// Everything that is said of a run, as it is written beside its history.
#[derive(Serialize)]
struct Told<'a> {
    outcome: Outcome,
    reasons: &'a [String],
    judgements: &'a [Judgement],
    /// The operations that contradict each other, in words.
    accused: BTreeMap<usize, String>,
    calls: BTreeMap<&'static str, Figures>,
    facts: &'a Facts,
}

/// The verdict as JSON.
///
/// # Errors
/// It cannot be written as such.
pub(crate) fn verdict_json(history: &History, facts: &Facts, sentence: &Sentence) -> serde_json::Result<Vec<u8>> {
    let accused = sentence.accused().into_iter().take(TOLD);
    let told = accused.filter_map(|index| Some((index, history.operations.get(index)?.to_string())));
    serde_json::to_vec_pretty(&Told {
        outcome: sentence.outcome,
        reasons: &sentence.reasons,
        judgements: &sentence.judgements,
        accused: told.collect(),
        calls: figures(history),
        facts,
    })
}

/// The verdict for the terminal.
pub(crate) fn terminal(judged: &Judged) -> String {
    let Judged {
        folder,
        facts,
        sentence,
    } = judged;
    let mut text = String::new();
    let mut line = |words: String| {
        // A string always has room.
        let _ = writeln!(text, "{words}");
    };
    line(format!(
        "{}: {} under {} on {} members, seed {}",
        sentence.outcome, facts.workload, facts.nemesis, facts.members, facts.seed
    ));
    if let Some(floor) = &facts.floor {
        line(format!("  asked for: {floor}"));
    }
    for one in &sentence.judgements {
        match &one.verdict {
            Verdict::Pass { checked } => line(format!("  {}: pass, {checked} facts checked", one.judge)),
            Verdict::Unknown(why) => line(format!("  {}: unknown: {}", one.judge, html::cut(why, LETTERS))),
            Verdict::Fail(found) => {
                line(format!("  {}: {} violations", one.judge, found.len()));
                for violation in found.iter().take(SHOWN) {
                    let message = html::cut(&violation.message, LETTERS);
                    line(format!("    {}: {message}", violation.rule));
                }
            }
        }
    }
    for reason in &sentence.reasons {
        line(format!("  because: {}", html::cut(reason, LETTERS)));
    }
    line(format!("  {}", folder.timeline().display()));
    if sentence.outcome != Outcome::Valid {
        line(format!("  again: {}", facts.command));
    }
    text
}

#[cfg(test)]
mod tests {
    use jepsen_check::Violation;

    use super::*;
    use crate::run::Folder;

    fn judged() -> Judged {
        let violation = |number: usize| Violation {
            rule: "lost",
            message: format!("number {number} {}", "x".repeat(2 * LETTERS)),
            operations: vec![0],
        };
        Judged {
            folder: Folder::of(std::path::Path::new("store/run")),
            facts: Facts {
                workload: "set".into(),
                nemesis: "kill".into(),
                command: "keelson-jepsen run --seed 7".into(),
                ..Facts::default()
            },
            sentence: Sentence {
                outcome: Outcome::Anomaly,
                reasons: vec!["set: 9 violations".into()],
                judgements: vec![Judgement {
                    judge: "set",
                    verdict: Verdict::Fail((0..9).map(violation).collect()),
                }],
            },
        }
    }

    #[test]
    fn the_terminal_is_told_the_verdict_the_reason_and_the_command() {
        let text = terminal(&judged());
        for part in [
            "ANOMALY: set under kill",
            "because: set",
            "again: keelson-jepsen run",
            "number 4",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("number 5"), "{text}");
        assert!(text.lines().all(|line| line.len() < 2 * LETTERS));
    }

    #[test]
    fn the_json_names_who_is_accused() {
        let history = r#"{"type":"invoke","process":1,"time":1,"call":{"members":{}}}
"#;
        let history = History::read(history.as_bytes()).unwrap();
        let Judged { facts, sentence, .. } = judged();
        let json = verdict_json(&history, &facts, &sentence).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(value["outcome"], "anomaly");
        assert!(value["accused"]["0"].as_str().unwrap().contains("members"), "{value}");
        assert_eq!(value["judgements"][0]["judge"], "set");
    }
}
