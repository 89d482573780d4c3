//! Runs, one after the other.

use std::time::Duration;

use anyhow::ensure;
use base::task::Tasks;
use tokio::time::Instant;

use crate::cli::RunArgs;
use crate::cluster::Means;
use crate::judge::Outcome;
use crate::nemesis::Kind;
use crate::report;
use crate::run::{Judged, Nemesis, Order, run};

/// Seeds that nobody chose are short enough to be typed.
const SEEDS: u64 = 1_000_000_000;
/// Reasons of one run that the end repeats.
const REASONS: usize = 3;

/// A nemesis for each kind of fault.
pub(crate) fn every_nemesis() -> Vec<Nemesis> {
    Kind::ALL.iter().copied().map(Nemesis::one).collect()
}

/// Those that can be done to a store on a machine; the others are named.
///
/// # Errors
/// None can.
pub(super) fn fitting(nemeses: Vec<Nemesis>, means: Means) -> anyhow::Result<Vec<Nemesis>> {
    let mut fit = Vec::with_capacity(nemeses.len());
    for nemesis in nemeses {
        let text = nemesis.text().to_owned();
        match nemesis.on(means) {
            Ok((nemesis, left_out)) => {
                for why in left_out {
                    eprintln!("{why}");
                }
                fit.push(nemesis);
            }
            Err(why) => eprintln!("{text} is left out: {why}"),
        }
    }
    ensure!(!fit.is_empty(), "nothing is left to run");
    Ok(fit)
}

/// Each workload with each nemesis.
///
/// # Errors
/// None of the faults can be done to the store.
pub(crate) fn orders(args: &RunArgs) -> anyhow::Result<Vec<Order>> {
    let seed = args.seed.unwrap_or_else(|| rand::random_range(0..SEEDS));
    let nemeses = fitting(args.nemesis.concat(), Means::here(args.shape.db))?;
    let workloads = args.workload.concat();
    let orders = workloads
        .into_iter()
        .flat_map(|workload| nemeses.iter().map(move |nemesis| (workload, nemesis.clone())))
        .map(|(workload, nemesis)| args.shape.order(workload, nemesis, args.nodes, seed));
    Ok(orders.collect())
}

/// Runs orders until all are done, or the next may not end within the budget. The worst outcome counts.
///
/// # Errors
/// Nothing could be run at all.
pub(crate) async fn run_all(orders: &[Order], budget: Option<Duration>, tasks: &Tasks) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let mut longest = Duration::ZERO;
    let mut done: Vec<Line> = Vec::new();
    for (number, order) in orders.iter().enumerate() {
        // The first runs whatever the budget: a slice without a run proves nothing.
        let is_over = budget.is_some_and(|budget| began.elapsed() + longest > budget);
        if number > 0 && is_over {
            break;
        }
        println!("{} of {}: {}", number + 1, orders.len(), title(order));
        let started = Instant::now();
        let (outcome, words) = run_one(order, tasks).await;
        longest = longest.max(started.elapsed());
        done.push(Line {
            outcome,
            title: title(order),
            seconds: started.elapsed().as_secs(),
            words,
        });
    }
    print!("{}", summary(&done));
    let worst = done.iter().map(|line| line.outcome).max().unwrap_or(Outcome::Unknown);
    println!("{} runs in {:.0} s: {worst}", done.len(), began.elapsed().as_secs_f64());
    Ok(worst)
}

/// One run in the summary.
struct Line {
    outcome: Outcome,
    title: String,
    seconds: u64,
    /// Of one that is not valid: why, and how it is judged or run again.
    words: Vec<String>,
}

fn title(order: &Order) -> String {
    format!(
        "{} under {} on {} members, seed {}",
        order.workload.text(),
        order.nemesis.text(),
        order.members,
        order.seed
    )
}

/// A line for each run, and then everything that is wrong with those that are not valid.
fn summary(done: &[Line]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for one in done {
        lines.push(format!(
            "{:8}{:4} s  {}",
            one.outcome.to_string(),
            one.seconds,
            one.title
        ));
    }
    for one in done.iter().filter(|one| one.outcome != Outcome::Valid) {
        lines.push(format!("NOT VALID: {} ({})", one.title, one.outcome));
        lines.extend(one.words.iter().map(|words| format!("  {words}")));
    }
    lines.push(String::new());
    lines.join("\n")
}

async fn run_one(order: &Order, tasks: &Tasks) -> (Outcome, Vec<String>) {
    let (outcome, words) = match run(order, tasks).await {
        Ok(judged) => {
            print!("{}", report::terminal(&judged));
            (judged.sentence.outcome, again(&judged))
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            (Outcome::Unknown, vec![format!("this program failed: {error:#}")])
        }
    };
    if let Err(error) = report::write_index(&order.out) {
        eprintln!("error: {error:#}");
    }
    (outcome, words)
}

/// Why a run is not valid, and the commands that judge it or run it again.
fn again(judged: &Judged) -> Vec<String> {
    let reasons = judged.sentence.reasons.iter().take(REASONS);
    let first = |reason: &String| reason.lines().next().unwrap_or_default().to_owned();
    let mut words: Vec<String> = reasons.map(first).collect();
    words.push(format!("keelson-jepsen recheck {}", judged.folder.path().display()));
    words.push(judged.facts.command.clone());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_names_every_run_and_what_is_wrong_with_some() {
        let line = |outcome, title: &str, words: &[&str]| Line {
            outcome,
            title: title.to_owned(),
            seconds: 30,
            words: words.iter().map(|&word| word.to_owned()).collect(),
        };
        let done = [
            line(Outcome::Valid, "set under kill", &["unseen"]),
            line(
                Outcome::Anomaly,
                "bank under pause",
                &["bank: 1 violations", "keelson-jepsen recheck store/x"],
            ),
        ];
        let text = summary(&done);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "valid     30 s  set under kill");
        assert_eq!(lines[1], "ANOMALY   30 s  bank under pause");
        assert_eq!(lines[2], "NOT VALID: bank under pause (ANOMALY)");
        assert_eq!(lines[4], "  keelson-jepsen recheck store/x");
        assert_eq!(lines.len(), 5);
    }
}
