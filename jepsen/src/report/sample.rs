//! Which operations a page shows when there are too many for one.

use jepsen_check::history::{Call, History, Operation};

/// Operations before and after an accused one, on the same lane, that are shown with it.
const NEIGHBOURS: usize = 15;

/// The places of those to show, in their order: all accused ones with their neighbours, then as many of those that were
/// not answered, of watches, and of the rest as there is room for, evenly over the run.
pub(super) fn choose(
    history: &History,
    accused: &[usize],
    lane: impl Fn(&Operation) -> u64,
    room: usize,
) -> Vec<usize> {
    let operations = &history.operations;
    if operations.len() <= room {
        return (0..operations.len()).collect();
    }
    let mut chosen = vec![false; operations.len()];
    let mut left = room;
    for index in accused.iter().copied().filter(|index| *index < operations.len()) {
        let own = lane(&operations[index]);
        let is_near = |place: &usize| lane(&operations[*place]) == own;
        let before = (0..index).rev().filter(is_near).take(NEIGHBOURS);
        let after = (index..operations.len()).filter(is_near).take(NEIGHBOURS + 1);
        for place in after.chain(before).collect::<Vec<_>>() {
            take(&mut chosen, &mut left, place);
        }
    }
    let is_rare = |place: &usize| !operations[*place].is_ok() || matches!(operations[*place].call, Call::Watch(_));
    let (rare, common): (Vec<usize>, Vec<usize>) =
        (0..operations.len()).filter(|place| !chosen[*place]).partition(is_rare);
    // At most half of the room for what went wrong, or nothing else would be seen of a run in which much did; more only
    // if there is nothing else.
    let for_rare = (left / 2).max(left.saturating_sub(common.len()));
    for place in spread(&rare, for_rare) {
        take(&mut chosen, &mut left, place);
    }
    for place in spread(&common, left) {
        take(&mut chosen, &mut left, place);
    }
    let places = chosen.iter().enumerate();
    places.filter(|(_, chosen)| **chosen).map(|(place, _)| place).collect()
}

fn take(chosen: &mut [bool], left: &mut usize, place: usize) {
    if *left > 0 && !chosen[place] {
        chosen[place] = true;
        *left -= 1;
    }
}

/// Up to so many of them, evenly.
fn spread(places: &[usize], count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(places.len());
    (0..count).map(move |number| places[number * places.len() / count])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many reads, one after the other; each tenth is not answered.
    fn history(count: usize) -> History {
        let mut lines = Vec::new();
        for number in 0..count {
            let time = number * 10;
            let process = number % 4;
            lines.push(format!(
                r#"{{"type":"invoke","process":{process},"time":{time},"call":{{"members":{{}}}}}}"#
            ));
            let end = time + 5;
            lines.push(if number % 10 == 0 {
                format!(r#"{{"type":"fail","process":{process},"time":{end},"error":"no"}}"#)
            } else {
                format!(r#"{{"type":"ok","process":{process},"time":{end},"reply":{{"members":{{"values":[]}}}}}}"#)
            });
        }
        History::read((lines.join("\n") + "\n").as_bytes()).unwrap()
    }

    #[test]
    fn a_small_history_is_shown_whole_and_a_large_one_in_part() {
        let history = history(2000);
        let lane = |operation: &Operation| operation.process;
        assert_eq!(choose(&history, &[], lane, 2000).len(), 2000);
        let some = choose(&history, &[1003], lane, 300);
        assert_eq!(some.len(), 300);
        assert!(some.is_sorted());
        // The accused with what its own client did around it.
        for place in [1003, 999, 1007, 1003 - 4 * NEIGHBOURS, 1003 + 4 * NEIGHBOURS] {
            assert!(some.contains(&place), "{place}");
        }
        let failed = some.iter().filter(|place| **place % 10 == 0).count();
        assert!(failed > 50 && failed < 200, "{failed}");
        let last = some.iter().filter(|place| **place > 1800).count();
        assert!(last > 15, "the end is shown too: {last}");
    }

    #[test]
    fn many_accused_do_not_burst_the_page() {
        let history = history(2000);
        let accused: Vec<usize> = (0..2000).collect();
        assert_eq!(choose(&history, &accused, |one| one.process, 100).len(), 100);
    }
}
