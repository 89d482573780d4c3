//! Runs, one after the other.

use std::time::Duration;

use anyhow::ensure;
use base::task::Tasks;
use tokio::time::Instant;

use crate::cli::RunArgs;
use crate::cluster::Product;
use crate::judge::Outcome;
use crate::nemesis::Kind;
use crate::report;
use crate::run::{Nemesis, Order, run};

/// Seeds that nobody chose are short enough to be typed.
const SEEDS: u64 = 1_000_000_000;

/// A nemesis for each kind of fault.
pub(crate) fn every_nemesis() -> Vec<Nemesis> {
    Kind::ALL.iter().copied().map(Nemesis::one).collect()
}

/// Those that can be done to a store; the others are named.
///
/// # Errors
/// None can.
pub(super) fn fitting(nemeses: Vec<Nemesis>, product: Product) -> anyhow::Result<Vec<Nemesis>> {
    let mut fit = Vec::with_capacity(nemeses.len());
    for nemesis in nemeses {
        let text = nemesis.text().to_owned();
        match nemesis.on(product) {
            Ok(nemesis) => fit.push(nemesis),
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
    let nemeses = fitting(args.nemesis.concat(), args.shape.db)?;
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
    let mut worst = Outcome::Valid;
    let mut longest = Duration::ZERO;
    let mut done = 0;
    for (number, order) in orders.iter().enumerate() {
        // The first runs whatever the budget: a slice without a run proves nothing.
        let is_over = budget.is_some_and(|budget| began.elapsed() + longest > budget);
        if number > 0 && is_over {
            break;
        }
        println!(
            "{} of {}: {} under {} on {} members, seed {}",
            number + 1,
            orders.len(),
            order.workload.text(),
            order.nemesis.text(),
            order.members,
            order.seed
        );
        let started = Instant::now();
        worst = worst.max(run_one(order, tasks).await);
        longest = longest.max(started.elapsed());
        done += 1;
    }
    println!("{done} runs in {:.0} s: {worst}", began.elapsed().as_secs_f64());
    Ok(worst)
}

async fn run_one(order: &Order, tasks: &Tasks) -> Outcome {
    let outcome = match run(order, tasks).await {
        Ok(judged) => {
            print!("{}", report::terminal(&judged));
            judged.sentence.outcome
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            Outcome::Unknown
        }
    };
    if let Err(error) = report::write_index(&order.out) {
        eprintln!("error: {error:#}");
    }
    outcome
}
