//! The report as a Markdown document.

use std::fmt::Write as _;

use super::lines::{Bar, Line, Row, Step};
use super::rows::{Pair, Verdict};
use super::{Comparison, Profile};
use crate::process::Kind;
use crate::report::{figure, rounded};

const MIB: f64 = 1_048_576.0;
/// Runs of which something else took more than this share of the machine are pointed out.
const DISTURBED: f64 = 0.05;
/// What stands where there is nothing.
const NONE: &str = "-";

/// The whole report.
pub(super) fn report(comparison: &Comparison, lines: &[Line]) -> String {
    let mut text = String::from("# Keelson beside etcd\n\n");
    head(&mut text, comparison);
    text.push_str("\n## Results\n\n");
    results(&mut text, comparison, lines);
    text.push_str("\n## What it cost\n\n");
    costs(&mut text, comparison, lines);
    text.push_str("\n## How close to the limits of the machine\n\n");
    limits(&mut text, comparison, lines);
    plots(&mut text, comparison);
    text.push_str("\n## How each line was made\n\n");
    commands(&mut text, comparison, lines);
    doubts(&mut text, comparison, lines);
    text
}

fn head(text: &mut String, comparison: &Comparison) {
    let facts = &comparison.facts;
    let profile = match comparison.profile {
        Profile::Quick => "quick",
        Profile::Full => "full",
    };
    let thread_word = if comparison.threads == 1 { "thread" } else { "threads" };
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "Written by `keelson-bench compare --profile {profile}` in {:.0} minutes; the generator had {} {thread_word}. \
         All servers and the generator share the machine. Every figure is the median of all rounds, a round being one \
         run of each side, one after the other, with fresh data; fsync is on for both. How to read it stands in \
         [benches/ARCHITECTURE.md](../ARCHITECTURE.md).\n",
        comparison.seconds / 60.0,
        comparison.threads,
    );
    let _ = writeln!(text, "| machine | |\n| --- | --- |");
    for (name, value) in [
        ("CPU", format!("{}, {} cores", facts.machine.cpu, facts.machine.cores)),
        (
            "memory",
            format!("{} GiB", rounded(facts.machine.memory_bytes as f64 / MIB / 1024.0)),
        ),
        ("kernel", facts.machine.kernel.clone()),
        ("file system", facts.file_system.clone()),
        (
            "4 KiB append and fdatasync",
            format!(
                "{} a second, p50 {} ms, p99 {} ms",
                rounded(facts.syncs_per_second),
                rounded(facts.sync.p50),
                rounded(facts.sync.p99)
            ),
        ),
        (
            "one long write and fdatasync",
            format!("{} MiB a second", rounded(facts.sequential_bytes_per_second / MIB)),
        ),
        ("load average before", rounded(facts.machine.load_average)),
    ] {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    for (kind, version) in &comparison.versions {
        let _ = writeln!(text, "| {} | {version} |", kind.name());
    }
}

fn steps<'a>(comparison: &'a Comparison, lines: &'a [Line]) -> impl Iterator<Item = (&'a Line, &'a Step, Pair<'a>)> {
    lines.iter().flat_map(move |line| {
        let pairs = line
            .steps
            .iter()
            .map(move |step| (line, step, Pair::of(comparison, line, step)));
        pairs.filter(|(_, _, pair)| pair.is_there())
    })
}

fn results(text: &mut String, comparison: &Comparison, lines: &[Line]) {
    text.push_str("| work | members | figure | etcd | Keelson | ratio | bar | reached |\n");
    text.push_str("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (line, step, pair) in steps(comparison, lines) {
        for row in &step.rows {
            let value = |side: &super::rows::Side<'_>| show(row, side.median(row.figure));
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                step.label,
                line.members,
                row.title,
                value(&pair.etcd),
                value(&pair.keelson),
                times(pair.ratio(row.figure)),
                bar(row),
                verdict(pair.verdict(row)),
            );
        }
    }
    text.push_str(
        "\nThe ratio is Keelson's figure over etcd's. \"By CPU\": the machine had no CPU time left, so the generator's \
         share caps the ratio of throughput, and the servers' CPU seconds a request reach the bar.\n",
    );
}

fn show(row: &Row, value: Option<f64>) -> String {
    match value {
        Some(bytes) if row.is_bytes => format!("{} MiB", rounded(bytes / MIB)),
        Some(value) => rounded(value),
        None => NONE.to_owned(),
    }
}

fn times(ratio: Option<f64>) -> String {
    ratio.map_or(NONE.to_owned(), |ratio| format!("{}x", rounded(ratio)))
}

fn bar(row: &Row) -> String {
    match row.bar {
        Some(Bar::AtLeast { bar, .. }) => format!("at least {}x", rounded(bar)),
        Some(Bar::AtMost { bar, .. }) => format!("at most {}x", rounded(bar)),
        Some(Bar::OwnAtMost { bar, .. }) => format!("Keelson's at most {}", rounded(bar)),
        None => NONE.to_owned(),
    }
}

fn verdict(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Moonshot) => "yes, and the moonshot",
        Some(Verdict::Met) => "yes",
        Some(Verdict::MetByCpu) => "by CPU",
        Some(Verdict::Missed) => "**no**",
        None => NONE,
    }
}

fn costs(text: &mut String, comparison: &Comparison, lines: &[Line]) {
    text.push_str(
        "Servers' CPU seconds for 1,000 requests (for a million events where events are delivered), bytes written to \
         disk by all members for a byte put, the memory of the largest member at the end, and the generator's share of \
         the machine; etcd's figure first.\n\n",
    );
    text.push_str("| work | CPU seconds | ratio | bytes written | ratio | memory | generator |\n");
    text.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
    for (_, step, pair) in steps(comparison, lines).filter(|(_, _, pair)| pair.is_complete()) {
        let both = |name: &str| {
            let one = |value: Option<f64>| value.map_or(NONE.to_owned(), rounded);
            format!("{}, {}", one(pair.etcd.median(name)), one(pair.keelson.median(name)))
        };
        let mib = |value: Option<f64>| value.map_or(NONE.to_owned(), |bytes| rounded(bytes / MIB));
        let share = |value: Option<f64>| value.map_or(NONE.to_owned(), |share| format!("{:.0}%", 100.0 * share));
        let cpu = pair.cpu_figure();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {}, {} MiB | {}, {} |",
            step.label,
            both(cpu),
            times(pair.ratio(cpu)),
            both(figure::WRITTEN_PER_BYTE),
            times(pair.ratio(figure::WRITTEN_PER_BYTE)),
            mib(pair.etcd.median(figure::RSS)),
            mib(pair.keelson.median(figure::RSS)),
            share(pair.etcd.generator_share()),
            share(pair.keelson.generator_share()),
        );
    }
}

/// CPU for all; the disk for what writes.
fn limits(text: &mut String, comparison: &Comparison, lines: &[Line]) {
    let facts = &comparison.facts;
    text.push_str(
        "The share of the machine's CPU time that servers and generator took; what all members wrote to disk as a share \
         of what one long write reaches; and the median latency in fdatasyncs of 4 KiB; etcd's figure first.\n\n",
    );
    text.push_str("| work | CPU | disk | latency |\n| --- | --- | --- | --- |\n");
    for (_, step, pair) in steps(comparison, lines).filter(|(_, _, pair)| pair.is_complete()) {
        let sides = [&pair.etcd, &pair.keelson];
        let both = |values: [Option<f64>; 2], show: &dyn Fn(f64) -> String| {
            values.map(|value| value.map_or(NONE.to_owned(), show)).join(", ")
        };
        let percent = |value: f64| format!("{:.0}%", 100.0 * value);
        let writes = pair.keelson.median(figure::WRITTEN_PER_BYTE).is_some();
        let disk = |side: &super::rows::Side<'_>| {
            let rate = side.written_per_second().filter(|_| writes)?;
            Some(rate / facts.sequential_bytes_per_second)
        };
        let syncs = |side: &super::rows::Side<'_>| {
            let latency = side.median(figure::P50).filter(|_| writes && facts.sync.p50 > 0.0)?;
            Some(latency / facts.sync.p50)
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            step.label,
            both(sides.map(super::rows::Side::busy_share), &percent),
            both(sides.map(disk), &percent),
            both(sides.map(syncs), &rounded),
        );
    }
}

fn plots(text: &mut String, comparison: &Comparison) {
    let Ok(plots) = super::plots::all(comparison) else {
        return;
    };
    if !plots.is_empty() {
        text.push_str("\n## Plots\n\n");
    }
    for (name, _) in plots {
        let title = name.trim_end_matches(".svg");
        let _ = writeln!(text, "![{title}]({name})\n");
    }
}

fn commands(text: &mut String, comparison: &Comparison, lines: &[Line]) {
    text.push_str(
        "Each work of a line runs against the cluster that its line started, after the works before it. Latencies are \
         those of a closed loop unless the command has a rate; with one they count from when a request was due.\n\n",
    );
    text.push_str("| work | line | rounds | command |\n| --- | --- | --- | --- |\n");
    for (line, step, pair) in steps(comparison, lines) {
        let rounds = pair.keelson.outcomes().len();
        let _ = writeln!(
            text,
            "| {} | {} | {rounds} | `{}` |",
            step.label, line.name, step.command
        );
    }
    let flagged = lines.iter().filter(|line| !line.flags.is_empty());
    for line in flagged {
        let _ = writeln!(
            text,
            "\nLine {}: both servers had `{}`.",
            line.name,
            line.flags.join(" ")
        );
    }
}

/// What makes a figure doubtful.
fn doubts(text: &mut String, comparison: &Comparison, lines: &[Line]) {
    let mut doubts = String::new();
    for (_, step, pair) in steps(comparison, lines) {
        for (kind, side) in [(Kind::Etcd, &pair.etcd), (Kind::Keelson, &pair.keelson)] {
            let name = format!("{}, {}", step.label, kind.name());
            for failure in &side.failures {
                let _ = writeln!(
                    doubts,
                    "* {name}: a run failed: {}",
                    failure.lines().next().unwrap_or(NONE)
                );
            }
            if side.errors() > 0 {
                let _ = writeln!(doubts, "* {name}: {} requests ended with errors.", side.errors());
            }
            if let Some(share) = side.others_share().filter(|share| *share > DISTURBED) {
                let _ = writeln!(
                    doubts,
                    "* {name}: other programs took {:.0}% of the machine.",
                    100.0 * share
                );
            }
            let wide = |row: &&Row| side.spread(row.figure).is_some_and(|spread| spread > 1.5);
            for row in step.rows.iter().filter(|row| row.bar.is_some()).filter(wide) {
                let spread = side.spread(row.figure).unwrap_or(1.0);
                let _ = writeln!(
                    doubts,
                    "* {name}: the largest {} is {}x the smallest.",
                    row.title,
                    rounded(spread)
                );
            }
        }
    }
    if !doubts.is_empty() {
        text.push_str("\n## What makes figures doubtful\n\n");
        text.push_str(&doubts);
    }
}

#[cfg(test)]
mod tests;
