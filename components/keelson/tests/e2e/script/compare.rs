//! A script against both, side by side.

use super::execute::execute;
use super::parse::{Script, parse};
use crate::harness::{Kind, exists, skip, tools};

/// Marks what is wrong whatever the other side says.
pub(super) const WRONG: &str = "!!";

/// Runs a script against etcd and Keelson and fails where they differ without a reason, or agree in spite of one.
pub(crate) fn check(text: &str) {
    if let Err(why) = tools() {
        return skip(why);
    }
    if !exists("curl") {
        return skip("no curl in PATH");
    }
    let script = parse(text);
    let both = [Kind::Etcd, Kind::Keelson];
    let [theirs, ours] = std::thread::scope(|scope| {
        let script = &script;
        // Each thread owns its cluster, since the processes end with the thread that started them.
        both.map(|kind| scope.spawn(move || execute(kind, script)))
            .map(|run| run.join().unwrap())
    });
    // Shown when the test fails, or with --no-capture.
    for (step, theirs) in script.steps.iter().zip(&theirs) {
        eprintln!("> {}\n{theirs}", step.command);
    }
    let wrong = differences(&script, &theirs, &ours);
    assert!(
        wrong.is_empty(),
        "{} of {} commands:\n{}",
        wrong.len(),
        script.steps.len(),
        wrong.join("\n")
    );
}

fn differences(script: &Script, theirs: &[String], ours: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for ((step, theirs), ours) in script.steps.iter().zip(theirs).zip(ours) {
        match &step.apart {
            None if theirs != ours || theirs.contains(WRONG) => {
                wrong.push(format!(
                    "== line {}: {}\n{}",
                    step.line,
                    step.command,
                    marked(theirs, ours)
                ));
            }
            Some(reason) if theirs == ours => {
                wrong.push(format!(
                    "== line {}: {}\nnot apart any more: {reason}",
                    step.line, step.command
                ));
            }
            _ => {}
        }
    }
    wrong
}

/// Both outputs, with a mark at what only one of them says.
fn marked(theirs: &str, ours: &str) -> String {
    let only = |mark: &str, these: &str, those: &str| {
        let those: Vec<&str> = those.lines().collect();
        let lines = these
            .lines()
            .map(|line| format!("{} {line}", if those.contains(&line) { " " } else { mark }));
        lines.collect::<Vec<_>>().join("\n")
    };
    format!(
        "-- etcd\n{}\n-- keelson\n{}",
        only("-", theirs, ours),
        only("+", ours, theirs)
    )
}
