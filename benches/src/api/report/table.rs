//! The report as tables in Markdown, which a terminal shows well enough.

use std::fmt::Write as _;

use super::summary::{Side, phases, ratio};
use super::{
    BYTES_PER_ANSWER, COMPRESSED, CUT_OFF, FIRST_LIST, Group, MISSING, OPEN_SECONDS, READY, RSS_PER_WATCH, Report,
    WRITES_PER_SECOND, cost,
};
use crate::report::{figure, rounded};

const MIB: f64 = 1_048_576.0;
/// Runs of which something else took more than this share of the machine are pointed out.
const DISTURBED: f64 = 0.05;
/// Runs of which the generator took more than this share are.
const BUSY: f64 = 0.4;
/// Figures whose runs lie further apart than this are.
const APART: f64 = 1.5;
/// What stands where there is nothing.
const NONE: &str = "-";

/// A column of a table.
struct Column {
    title: &'static str,
    figure: &'static str,
    /// Bytes are shown as MiB.
    bytes: bool,
}

const fn number(title: &'static str, figure: &'static str) -> Column {
    Column {
        title,
        figure,
        bytes: false,
    }
}

const fn mebibytes(title: &'static str, figure: &'static str) -> Column {
    Column {
        title,
        figure,
        bytes: true,
    }
}

const REQUESTS: &[Column] = &[
    number("requests/s", figure::PER_SECOND),
    number("p50, ms", figure::P50),
    number("p99, ms", figure::P99),
    number("CPU s/1,000", figure::CPU_PER_1000),
];
const LISTS: &[Column] = &[
    number("lists/s", figure::PER_SECOND),
    number("p50, ms", figure::P50),
    number("p99, ms", figure::P99),
    mebibytes("MiB/list", BYTES_PER_ANSWER),
    number("CPU s/1,000", figure::CPU_PER_1000),
];
const WATCHES: &[Column] = &[
    number("events/s", figure::EVENTS_PER_SECOND),
    number("p50, ms", "event_p50_ms"),
    number("p99, ms", "event_p99_ms"),
    number("missing", MISSING),
    number("cut off", CUT_OFF),
    number("writes/s", WRITES_PER_SECOND),
    number("CPU s/million", figure::CPU_PER_MILLION_EVENTS),
    number("bytes/watch", RSS_PER_WATCH),
    number("s to open", OPEN_SECONDS),
];
const START: &[Column] = &[
    number("s to ready", READY),
    number("s to first list", FIRST_LIST),
    number("CPU s", cost::SERVER_CPU),
    mebibytes("memory, MiB", figure::RSS),
];
/// What all phases cost.
const COSTS: &[Column] = &[
    number("CPU s", cost::SERVER_CPU),
    mebibytes("memory, MiB", figure::RSS),
    mebibytes("memory at most, MiB", figure::RSS_PEAK),
    number("store CPU s", cost::STORE_CPU),
    mebibytes("store memory, MiB", cost::STORE_RSS),
    mebibytes("store written, MiB", cost::STORE_WRITTEN),
    number("generator CPU s", cost::GENERATOR_CPU),
];

impl Group {
    fn title(self) -> &'static str {
        match self {
            Self::Verbs => "Requests",
            Self::Rich => "Deployments with many fields",
            Self::Leases => "Leases of nodes",
            Self::Watches => "Watches",
            Self::Lists => "Lists",
            Self::Start => "Start",
        }
    }

    fn columns(self) -> &'static [Column] {
        match self {
            Self::Verbs | Self::Rich | Self::Leases => REQUESTS,
            Self::Lists => LISTS,
            Self::Watches => WATCHES,
            Self::Start => START,
        }
    }
}

/// The whole report.
pub(crate) fn tables(report: &Report) -> String {
    let mut text = String::new();
    head(&mut text, report);
    let phases = phases(report);
    for group in Group::ALL {
        let own: Vec<&str> = phases
            .iter()
            .filter(|(one, _)| one == group)
            .map(|(_, phase)| *phase)
            .collect();
        if !own.is_empty() {
            table(&mut text, report, group.title(), group.columns(), &own);
        }
    }
    let all: Vec<&str> = phases.iter().map(|(_, phase)| *phase).collect();
    table(&mut text, report, "What it cost", COSTS, &all);
    doubts(&mut text, report, &phases);
    text
}

fn head(text: &mut String, report: &Report) {
    let machine = &report.machine;
    // Writing to a String cannot fail.
    let _ = writeln!(text, "`keelson-bench {}`\n", report.command);
    for about in &report.servers {
        let _ = writeln!(text, "* {}: {}, {}", about.name, about.version, about.url);
    }
    let _ = writeln!(
        text,
        "* machine: {}, {} cores, {} GiB, load average {} before; generator with {} threads; {:.0} s",
        machine.cpu,
        machine.cores,
        rounded(machine.memory_bytes as f64 / MIB / 1024.0),
        rounded(machine.load_average),
        report.threads,
        report.seconds,
    );
    if (report.scale - 1.0).abs() > f64::EPSILON {
        let _ = writeln!(text, "* all sizes and times are multiplied by {}", report.scale);
    }
    if let [own, peer] = report.servers.as_slice() {
        let _ = writeln!(
            text,
            "\nEach cell: {}, {}, and the first over the second; medians of all rounds.",
            own.name, peer.name
        );
    }
}

/// A table of those columns that any phase has a figure for.
fn table(text: &mut String, report: &Report, title: &str, columns: &[Column], phases: &[&str]) {
    let cell = |column: &Column, phase: &str| cell(report, column, phase);
    let used: Vec<&Column> = columns
        .iter()
        .filter(|column| phases.iter().any(|phase| cell(column, phase) != NONE))
        .collect();
    if used.is_empty() {
        return;
    }
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(used.iter().map(|column| column.title.to_owned()));
    for phase in phases {
        let cells: Vec<String> = used.iter().map(|column| cell(column, phase)).collect();
        if cells.iter().any(|cell| cell != NONE) {
            rows.push(std::iter::once((*phase).to_owned()).chain(cells).collect());
        }
    }
    let _ = writeln!(text, "\n## {title}\n");
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|place| rows.iter().map(|row| row[place].chars().count()).max().unwrap_or(0))
        .collect();
    for (place, row) in rows.iter().enumerate() {
        text.push('|');
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column == 0 {
                write!(text, " {cell:<width$} |")
            } else {
                write!(text, " {cell:>width$} |")
            };
        }
        text.push('\n');
        if place == 0 {
            text.push('|');
            for (column, width) in widths.iter().enumerate() {
                let mark = if column == 0 { '-' } else { ':' };
                let _ = write!(text, " {}{mark} |", "-".repeat(width.saturating_sub(1)));
            }
            text.push('\n');
        }
    }
}

fn cell(report: &Report, column: &Column, phase: &str) -> String {
    let value = |server| {
        let median = Side::of(report, phase, server).median(column.figure)?;
        let shown = if column.bytes { median / MIB } else { median };
        Some(if shown == 0.0 { "0".to_owned() } else { rounded(shown) })
    };
    let values: Vec<Option<String>> = (0..report.servers.len()).map(value).collect();
    if values.iter().all(Option::is_none) {
        return NONE.to_owned();
    }
    let mut cells: Vec<String> = values
        .into_iter()
        .map(|value| value.unwrap_or_else(|| NONE.to_owned()))
        .collect();
    if let Some(ratio) = ratio(report, phase, column.figure) {
        cells.push(format!("{}x", rounded(ratio)));
    }
    cells.join("  ")
}

/// What makes figures doubtful.
fn doubts(text: &mut String, report: &Report, phases: &[(Group, &str)]) {
    let mut doubts = String::new();
    for (server, about) in report.servers.iter().enumerate() {
        let sides: Vec<Side<'_>> = phases
            .iter()
            .map(|(_, phase)| Side::of(report, phase, server))
            .collect();
        for ((group, phase), side) in phases.iter().zip(&sides) {
            let doubt = doubts_of(*group, side).join("; ");
            if !doubt.is_empty() {
                let _ = writeln!(doubts, "* {phase}, {}: {doubt}", about.name);
            }
        }
        let generator: Vec<f64> = sides
            .iter()
            .filter_map(|side| side.share(|one| one.used.generator_cpu_seconds))
            .collect();
        // Where the server's processes are not known, they are among the others.
        let others: Vec<f64> = sides
            .iter()
            .filter(|side| side.outcomes.iter().all(|outcome| !outcome.used.servers.is_empty()))
            .filter_map(|side| side.share(|one| one.used.others_cpu_seconds))
            .collect();
        for (who, shares, usual) in [
            ("the generator", generator, BUSY),
            ("other programs", others, DISTURBED),
        ] {
            let above: Vec<f64> = shares.iter().copied().filter(|share| *share > usual).collect();
            if let Some(most) = above.iter().copied().max_by(f64::total_cmp) {
                let _ = writeln!(
                    doubts,
                    "* {}: {who} took more than {:.0}% of the machine in {} of {} phases, {:.0}% at most",
                    about.name,
                    100.0 * usual,
                    above.len(),
                    shares.len(),
                    100.0 * most,
                );
            }
        }
    }
    if !doubts.is_empty() {
        text.push_str("\n## What makes figures doubtful\n\n");
        text.push_str(&doubts);
    }
}

/// What makes the figures of one phase on one server doubtful.
fn doubts_of(group: Group, side: &Side<'_>) -> Vec<String> {
    let mut doubts: Vec<String> = side
        .failures
        .iter()
        .map(|failure| format!("a run failed: {}", failure.lines().next().unwrap_or(NONE)))
        .collect();
    doubts.extend(side.errors().iter().map(|(error, count)| format!("{count} x {error}")));
    let unsent: u64 = side.outcomes.iter().map(|outcome| outcome.unsent).sum();
    if unsent > 0 {
        doubts.push(format!("{unsent} requests were due and never sent"));
    }
    if side.median(COMPRESSED).is_some_and(|compressed| compressed < 1.0) {
        doubts.push("the server was asked to compress and did not".to_owned());
    }
    let apart: Vec<String> = group
        .columns()
        .iter()
        .filter_map(|column| {
            let spread = side.spread(column.figure).filter(|spread| *spread > APART)?;
            Some(format!("{} {}x", column.title, rounded(spread)))
        })
        .collect();
    if !apart.is_empty() {
        doubts.push(format!("the largest over the smallest: {}", apart.join(", ")));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::super::{Group, Run};
    use super::*;

    #[test]
    fn two_servers_stand_side_by_side() {
        let text = tables(&report(&[&[3000.0, 2000.0], &[1000.0]]));
        assert!(
            text.contains("| pods create, 50 clients | 2,500  1,000  2.50x |"),
            "{text}"
        );
        assert!(!text.contains("p99"), "a column without figures is left out: {text}");
        assert!(!text.contains("doubtful"), "{text}");
    }

    #[test]
    fn one_server_stands_alone() {
        let mut report = report(&[&[3000.0]]);
        report.servers.truncate(1);
        let text = tables(&report);
        assert!(text.contains("| pods create, 50 clients |      3,000 |"), "{text}");
        assert!(!text.contains("over the second"), "{text}");
    }

    #[test]
    fn doubts_are_told() {
        let mut report = report(&[&[3000.0, 1000.0], &[1000.0]]);
        let outcome = report.runs[2].outcome.as_mut().unwrap();
        outcome.errors.insert("too many requests (code 429)".to_owned(), 7);
        outcome.used.generator_cpu_seconds = 8.0;
        report.runs.push(Run {
            group: Group::Start,
            phase: "start with 150000 pods".to_owned(),
            server: 0,
            round: 0,
            outcome: Err("the server ended\nwith its log".to_owned()),
        });
        let text = tables(&report);
        for doubt in [
            "* pods create, 50 clients, keelson: the largest over the smallest: requests/s 3.00x\n",
            "* pods create, 50 clients, upstream: 7 x too many requests (code 429)",
            "* upstream: the generator took more than 40% of the machine in 1 of 1 phases, 80% at most",
            "* start with 150000 pods, keelson: a run failed: the server ended\n",
        ] {
            assert!(text.contains(doubt), "{doubt}\n{text}");
        }
    }
}
