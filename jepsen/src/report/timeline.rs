//! The page of one run: what every client did when, what was done to the cluster meanwhile, and what contradicts what.
//!
//! It is one file that needs nothing else. Bars are operations, one row a client; bands are faults. A small script
//! draws them, so that one can zoom; everything that must be readable without it stands in lists and tables.

use jepsen_check::history::{Call, History, Operation, Outcome, Phase};
use serde::Serialize;

use super::html::{cut, escape, script};
use super::rules::meaning;
use super::sample::choose;
use crate::judge::Sentence;
use crate::run::{Facts, Tried, stamp};

const STYLE: &str = include_str!("timeline.css");
const SCRIPT: &str = include_str!("timeline.js");
/// Operations of one page.
const OPERATIONS: usize = 12_000;
/// Letters of a call or an answer.
const LETTERS: usize = 160;
/// Letters of those that are accused, and of what they are accused of.
const ACCUSED_LETTERS: usize = 3_000;
/// Letters of a contradiction in the list of all; the rest of it is shown once it is chosen.
const LISTED_LETTERS: usize = 700;
/// Violations of one page.
const VIOLATIONS: usize = 200;
/// Bands of one page.
const BANDS: usize = 2_000;

/// What the script draws. Times are microseconds.
#[derive(Serialize)]
struct Page {
    end: u64,
    lanes: Vec<String>,
    bars: Vec<Bar>,
    bands: Vec<Band>,
    violations: Vec<Charge>,
}

/// An operation: row, start, end (0: open), outcome, whether it is accused, its index, its call, what became of it.
#[derive(Serialize)]
struct Bar(usize, u64, u64, u8, u8, usize, String, String);

/// A fault: its name, its time, and to whom it was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Band {
    name: String,
    from: u64,
    to: u64,
    detail: String,
}

/// A violation.
#[derive(Serialize)]
struct Charge {
    judge: &'static str,
    rule: &'static str,
    /// What the rule says.
    meaning: &'static str,
    message: String,
    bars: Vec<usize>,
}

/// The page of a run.
///
/// # Errors
/// What it shows cannot be written as JSON.
pub(crate) fn timeline(history: &History, facts: &Facts, sentence: &Sentence) -> serde_json::Result<String> {
    let accused = sentence.accused();
    let page = page(history, facts, sentence, &accused);
    let left_out = history.operations.len() - page.bars.len();
    let data = script(&page)?;
    let title = format!("{} under {}, seed {}", facts.workload, facts.nemesis, facts.seed);
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n{head}{charges}\
         <div id=\"bar\"><button id=\"out\">&minus;</button><button id=\"in\">+</button>\
         <button id=\"all\">all</button> <span id=\"span\"></span>\
         <span class=\"key ok\">answered</span><span class=\"key fail\">did not happen</span>\
         <span class=\"key info\">nobody knows</span><span class=\"key watch\">open watch</span>\
         <span class=\"key band\">fault</span><span class=\"key accused\">part of a contradiction</span>{left_out}</div>\n\
         <div id=\"chart\"><canvas id=\"canvas\"></canvas></div>\n<pre id=\"told\">Drag to move, turn the wheel to zoom, \
         point at a bar to read it, click to keep it.</pre>\n{faults}\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        title = escape(&title),
        head = head(facts, sentence, &title),
        charges = charges(&page.violations),
        left_out = match left_out {
            0 => String::new(),
            more => format!(" <em>{more} more operations are in history.jsonl</em>"),
        },
        faults = tried(facts, &page.bands),
    ))
}

/// The row of an operation: that of its client, under whatever number it called.
fn lane(operation: &Operation, width: u64) -> u64 {
    operation.process.checked_rem(width).unwrap_or(operation.process)
}

fn page(history: &History, facts: &Facts, sentence: &Sentence, accused: &[usize]) -> Page {
    let row = |operation: &Operation| lane(operation, facts.width);
    let shown = choose(history, accused, row, OPERATIONS);
    let mut rows: Vec<u64> = shown.iter().map(|place| row(&history.operations[*place])).collect();
    rows.sort_unstable();
    rows.dedup();
    let end = end(history) / 1_000 + 1;
    let bars = shown.iter().map(|place| {
        let operation = &history.operations[*place];
        let row = rows.binary_search(&row(operation)).unwrap_or(0);
        bar(operation, row, accused.binary_search(place).is_ok())
    });
    let violations = sentence.judgements.iter().flat_map(|one| {
        let violations = one.verdict.violations().iter();
        violations.map(|violation| Charge {
            judge: one.judge,
            rule: violation.rule,
            meaning: meaning(one.judge, violation.rule),
            message: cut(&violation.message, ACCUSED_LETTERS),
            bars: violation.operations.clone(),
        })
    });
    Page {
        end,
        lanes: rows.iter().map(|row| name(history, *row, facts.width)).collect(),
        bars: bars.collect(),
        bands: bands(history, end),
        violations: violations.take(VIOLATIONS).collect(),
    }
}

/// When the last thing happened.
fn end(history: &History) -> u64 {
    let operations = history.operations.iter().map(|one| one.end.unwrap_or(one.start));
    let faults = history.faults.iter().map(|one| one.time);
    operations.chain(faults).max().unwrap_or(0)
}

/// What a row is called: the client or watcher, and the member that it always asked.
fn name(history: &History, row: u64, width: u64) -> String {
    let own = || history.operations.iter().filter(|one| lane(one, width) == row);
    let mut members: Vec<&str> = own().filter_map(|one| one.member.as_deref()).collect();
    members.sort_unstable();
    members.dedup();
    let is_watcher = own().all(|one| matches!(one.call, Call::Watch(_)));
    let role = if is_watcher { "watcher" } else { "client" };
    match members.as_slice() {
        [] => format!("{role} {row}"),
        [member] => format!("{role} {row} at {member}"),
        _ => format!("{role} {row} at any"),
    }
}

fn bar(operation: &Operation, row: usize, is_accused: bool) -> Bar {
    let letters = if is_accused { ACCUSED_LETTERS } else { LETTERS };
    let (outcome, told) = match (&operation.outcome, &operation.call) {
        (Outcome::Ok { .. }, Call::Watch(_)) => (3, answer(operation)),
        (Outcome::Ok { .. }, _) => (0, answer(operation)),
        (Outcome::Fail { error }, _) => (1, error.clone()),
        // A stream that broke lost nothing: it is no call whose outcome is in doubt.
        (Outcome::Info { error }, Call::Watch(_)) => (3, error.clone()),
        (Outcome::Info { error }, _) => (2, error.clone()),
    };
    let member = operation
        .member
        .as_deref()
        .map_or(String::new(), |member| format!(" at {member}"));
    Bar(
        row,
        operation.start / 1_000,
        operation.end.map_or(0, |end| end / 1_000),
        outcome,
        u8::from(is_accused),
        operation.index,
        cut(&format!("{}{member}", operation.call), letters),
        cut(&told, letters),
    )
}

/// What it was answered, in words.
fn answer(operation: &Operation) -> String {
    let Outcome::Ok { reply, revision, term } = &operation.outcome else {
        return String::new();
    };
    let mut words = reply.to_string();
    if let Some(revision) = revision {
        words = format!("{words}, revision {revision}");
    }
    if let Some(term) = term {
        words = format!("{words}, term {term}");
    }
    match operation.responses.len() {
        0 => words,
        count => format!("{words}, {count} responses"),
    }
}

/// Each fault from the moment it was set about to its end; one that never ends lasts to the end of the run.
fn bands(history: &History, end: u64) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for fault in &history.faults {
        match fault.phase {
            Phase::Begin if bands.len() < BANDS => {
                open.push(bands.len());
                bands.push(Band {
                    name: fault.name.clone(),
                    from: fault.began() / 1_000,
                    to: end,
                    detail: cut(&fault.detail, LETTERS),
                });
            }
            Phase::Begin => {}
            Phase::End => {
                if let Some(place) = open.iter().position(|band| bands[*band].name == fault.name) {
                    bands[open.remove(place)].to = fault.time / 1_000;
                }
            }
        }
    }
    bands
}

fn head(facts: &Facts, sentence: &Sentence, title: &str) -> String {
    let mut head = format!(
        "<h1 class=\"{class}\">{outcome}: {title}</h1>\n<p>{product}, {members} members, {clients} clients, {rate} calls \
         a second for {seconds} s, begun {started}<br><code>{command}</code></p>\n",
        class = match sentence.outcome.code() {
            0 => "valid",
            1 => "anomaly",
            _ => "unknown",
        },
        outcome = sentence.outcome,
        title = escape(title),
        product = escape(&facts.product),
        members = facts.members,
        clients = facts.clients,
        rate = facts.rate,
        seconds = facts.seconds,
        started = stamp(facts.started),
        command = escape(&facts.command),
    );
    if !sentence.reasons.is_empty() {
        let rows: Vec<String> = sentence
            .reasons
            .iter()
            .map(|reason| format!("<li>{}</li>\n", escape(&cut(reason, ACCUSED_LETTERS))))
            .collect();
        head = format!("{head}<ul>\n{}</ul>\n", rows.concat());
    }
    head
}

fn charges(violations: &[Charge]) -> String {
    let rows: Vec<String> = violations
        .iter()
        .enumerate()
        .map(|(number, one)| {
            format!(
                "<li><a href=\"#chart\" class=\"charge\" data-number=\"{number}\">{}: {}</a> <b>{}</b> {}</li>\n",
                escape(one.judge),
                escape(one.rule),
                escape(one.meaning),
                escape(&cut(&one.message, LISTED_LETTERS))
            )
        })
        .collect();
    if rows.is_empty() {
        String::new()
    } else {
        format!(
            "<h2>Contradictions</h2>\n<p>Choose one to see the operations that cannot all be true.</p>\n<ol>\n{}</ol>\n",
            rows.concat()
        )
    }
}

/// When each fault that was made was on: the first of a kind is the first band of that name, and so on.
fn times(facts: &Facts, bands: &[Band]) -> Vec<String> {
    let mut left: Vec<&Band> = bands.iter().collect();
    let was_made = |one: &&Tried| one.state != "skipped";
    let count = |name: &str| {
        facts
            .faults
            .iter()
            .filter(|one| one.name == name)
            .filter(was_made)
            .count()
    };
    let seconds = |micros: u64| micros as f64 / 1e6;
    let mut times = Vec::new();
    for one in &facts.faults {
        let is_told = bands.iter().filter(|band| band.name == one.name).count() == count(&one.name);
        let place = left
            .iter()
            .position(|band| is_told && was_made(&one) && band.name == one.name);
        times.push(place.map_or(String::new(), |place| {
            let band = left.remove(place);
            format!("{:.3} s to {:.3} s", seconds(band.from), seconds(band.to))
        }));
    }
    times
}

fn tried(facts: &Facts, bands: &[Band]) -> String {
    let rows: Vec<String> = facts
        .faults
        .iter()
        .zip(times(facts, bands))
        .take(BANDS)
        .map(|(one, time)| {
            format!(
                "<tr><td>{time}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                escape(&one.name),
                escape(&one.detail),
                escape(if one.seen { "seen" } else { &one.state }),
                escape(&one.evidence)
            )
        })
        .collect();
    if rows.is_empty() {
        String::new()
    } else {
        let head = "<tr><th>when</th><th>fault</th><th>to whom</th><th></th><th>how it showed</th></tr>\n";
        format!("<h2>Faults</h2>\n<table>\n{head}{}</table>\n", rows.concat())
    }
}

#[cfg(test)]
mod tests {
    use jepsen_check::{Verdict, Violation};

    use super::*;
    use crate::judge::{self, Judgement};

    const EVIL: &str = "</script><img src=x onerror='alert(1)'>";

    /// So many adds by four clients under changing numbers, one fault, and words that want to be markup.
    fn history(count: u64) -> History {
        let mut lines = Vec::new();
        let fault = |time: u64, phase: &str| {
            let detail = serde_json::to_string(EVIL).unwrap();
            format!(r#"{{"type":"fault","time":{time},"name":"kill","phase":"{phase}","detail":{detail}}}"#)
        };
        lines.push(fault(0, "begin"));
        for number in 0..count {
            let (process, time) = (number % 4 + number / 4 * 10, number * 10_000);
            lines.push(format!(
                r#"{{"type":"invoke","process":{process},"time":{time},"member":"n1","call":{{"add":{{"value":{number}}}}}}}"#
            ));
            lines.push(format!(
                r#"{{"type":"info","process":{process},"time":{},"error":{}}}"#,
                time + 5_000,
                serde_json::to_string(EVIL).unwrap()
            ));
        }
        lines.push(fault(count * 10_000, "end"));
        History::read((lines.join("\n") + "\n").as_bytes()).unwrap()
    }

    fn sentence(violations: usize) -> Sentence {
        let violation = |number: usize| Violation {
            rule: "lost",
            message: format!("{number} {}", EVIL.repeat(200)),
            operations: vec![number],
        };
        Sentence {
            outcome: judge::Outcome::Anomaly,
            reasons: vec![EVIL.to_owned()],
            judgements: vec![Judgement {
                judge: "set",
                verdict: Verdict::Fail((0..violations).map(violation).collect()),
            }],
        }
    }

    fn facts() -> Facts {
        Facts {
            workload: "set".into(),
            nemesis: EVIL.into(),
            command: EVIL.into(),
            width: 10,
            ..Facts::default()
        }
    }

    #[test]
    fn words_are_never_markup() {
        let page = timeline(&history(20), &facts(), &sentence(2)).unwrap();
        assert!(!page.contains("<img"), "{page}");
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(page.contains("data-number=\"1\"") && page.contains("is missing from a later read"));
        assert!(
            !page.contains("src=\"") && !page.contains("http"),
            "it needs no other file"
        );
    }

    #[test]
    fn a_long_run_makes_no_longer_page() {
        let page = timeline(&history(100_000), &facts(), &sentence(5_000)).unwrap();
        assert!(page.len() < 8 << 20, "{}", page.len());
        assert!(page.contains("88000 more operations"));
    }

    #[test]
    fn a_row_is_a_client_and_a_band_a_fault() {
        let history = history(20);
        let page = page(&history, &facts(), &sentence(1), &[0]);
        assert_eq!(
            page.lanes,
            ["client 0 at n1", "client 1 at n1", "client 2 at n1", "client 3 at n1"]
        );
        assert_eq!(page.bars.len(), 20);
        assert_eq!((page.bars[0].4, page.bars[1].4), (1, 0));
        let [band] = page.bands.as_slice() else {
            panic!("{:?}", page.bands);
        };
        assert_eq!((band.from, band.to), (0, 200));
        let mut facts = facts();
        facts.faults = vec![
            Tried {
                name: "kill".into(),
                state: "skipped".into(),
                ..Tried::default()
            },
            Tried {
                name: "kill".into(),
                state: "installed".into(),
                ..Tried::default()
            },
        ];
        assert_eq!(times(&facts, &page.bands), ["", "0.000 s to 0.000 s"]);
    }

    #[test]
    fn a_band_begins_when_its_fault_was_set_about() {
        let text = r#"{"type":"fault","time":9000,"name":"kill","phase":"begin","since":4000}
{"type":"fault","time":12000,"name":"kill","phase":"end"}
"#;
        let bands = bands(&History::read(text.as_bytes()).unwrap(), 20);
        assert_eq!((bands[0].from, bands[0].to), (4, 12));
    }
}
