//! A part of all combinations of workloads and faults: another one each day or with each seed, so that all have had
//! their turn after a while.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::ensure;
use rand::seq::SliceRandom;

use super::every_nemesis;
use super::runs::fitting;
use crate::cli::MatrixArgs;
use crate::cluster::Means;
use crate::run::{Nemesis, Order};
use crate::seed::Seed;
use crate::workload::Name;

const DAY: u64 = 86_400;
/// What a run takes beside its load, in seconds: a cluster that starts, last reads, judges.
const BESIDE: u64 = 15;
/// Of so many runs one has five members.
const LARGE: u128 = 4;

/// One workload under one nemesis.
#[derive(Clone)]
struct Combination {
    workload: Name,
    nemesis: Nemesis,
}

/// The runs of today, or of the seed, in their order. There are more than fit into the budget, should some be short.
///
/// # Errors
/// Nothing is left to combine.
pub(crate) fn matrix(args: &MatrixArgs) -> anyhow::Result<Vec<Order>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let turn = args.seed.unwrap_or(now.as_secs() / DAY);
    println!("matrix of --seed {turn}");
    let all = combinations(
        &args.workload.concat(),
        args.nemesis.concat(),
        Means::here(args.shape.db),
    )?;
    let slots = (args.budget.as_secs() / (args.shape.time.as_secs() + BESIDE)).max(1);
    let root = Seed::new(turn);
    let chosen = part(&all, turn, slots as usize);
    let orders = chosen.into_iter().enumerate().map(|(number, (one, members))| {
        let seed = root.part("matrix", number as u64).number();
        args.shape.order(one.workload, one.nemesis, members, seed)
    });
    Ok(orders.collect())
}

/// Every workload with every nemesis. A workload that must fail by itself needs no faults, and shows more without.
fn combinations(workloads: &[Name], mut nemeses: Vec<Nemesis>, means: Means) -> anyhow::Result<Vec<Combination>> {
    let workloads = if workloads.is_empty() { Name::ALL } else { workloads };
    if nemeses.is_empty() {
        nemeses = every_nemesis();
        nemeses.push(Nemesis::mix());
    }
    let nemeses = fitting(nemeses, means)?;
    let mut all = Vec::new();
    for workload in workloads.iter().copied() {
        if workload.workload().expects_anomaly() {
            let nemesis = "none".parse().map_err(anyhow::Error::msg)?;
            all.push(Combination { workload, nemesis });
            continue;
        }
        let each = nemeses.iter().cloned().map(|nemesis| Combination { workload, nemesis });
        all.extend(each);
    }
    ensure!(!all.is_empty(), "there is nothing to combine");
    // In an order that is always the same, and in which neighbours have little in common.
    all.shuffle(&mut Seed::new(0).part("combinations", 0).rng());
    Ok(all)
}

/// The part of a turn: those that must fail, for a matrix that finds nothing wrong there is blind; so many of the others
/// from where the last turn ended, and then the rest. Each with how many members: in one round through all of them of
/// [`LARGE`] five, at other places in each.
fn part(all: &[Combination], turn: u64, slots: usize) -> Vec<(Combination, usize)> {
    let (must_fail, others): (Vec<_>, Vec<_>) = all
        .iter()
        .cloned()
        .partition(|one| one.workload.workload().expects_anomaly());
    let size = others.len().max(1) as u64;
    let slots = slots.saturating_sub(must_fail.len()).max(1) as u64;
    let first = u128::from(turn) * u128::from(slots);
    let count = others.len();
    let rotated = (0..count).map(|step| {
        let number = first + step as u128;
        let (round, place) = (number / u128::from(size), (number % u128::from(size)) as usize);
        let is_large = (round + place as u128) % LARGE == LARGE - 1;
        (others[place].clone(), if is_large { 5 } else { 3 })
    });
    must_fail.into_iter().map(|one| (one, 3)).chain(rotated).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::cluster::Product;

    const MEANS: Means = Means::all(Product::Keelson);

    fn names<'a>(part: impl IntoIterator<Item = &'a Combination>) -> Vec<(Name, String)> {
        part.into_iter()
            .map(|one| (one.workload, one.nemesis.text().to_owned()))
            .collect()
    }

    #[test]
    fn all_have_their_turn() {
        let all = combinations(&[], Vec::new(), MEANS).unwrap();
        let slots = 6;
        let turns = (all.len() - 1).div_ceil(slots - 1) as u64;
        let mut seen = HashSet::new();
        for turn in 20_000..20_000 + turns {
            let part = part(&all, turn, slots);
            assert_eq!(part.len(), all.len());
            assert_eq!(part[0].0.workload, Name::LockUnfenced);
            seen.extend(names(part[..slots].iter().map(|(one, _)| one)));
        }
        assert_eq!(seen.len(), all.len());
        // With three members and with five, after four rounds.
        let mut sizes = HashSet::new();
        for turn in 20_000..20_000 + 4 * turns + 4 {
            let part = part(&all, turn, slots);
            sizes.extend(part[..slots].iter().map(|(one, members)| (names([one]), *members)));
        }
        assert_eq!(sizes.len(), 2 * (all.len() - 1) + 1);
        assert_eq!(
            names(&combinations(&[], Vec::new(), MEANS).unwrap()),
            names(&all),
            "always in the same order"
        );
    }

    #[test]
    fn what_must_fail_by_itself_needs_no_faults() {
        let all = combinations(&[Name::LockUnfenced, Name::Bank], Vec::new(), MEANS).unwrap();
        let unfenced: Vec<_> = names(&all)
            .into_iter()
            .filter(|(name, _)| *name == Name::LockUnfenced)
            .collect();
        assert_eq!(unfenced, [(Name::LockUnfenced, "none".to_owned())]);
        assert_eq!(all.len(), every_nemesis().len() + 2);
    }
}
