//! Transactions over lists: every anomaly by its name, and generated histories with and without one lie.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::history::{Operation, Outcome, Reply, Step};
use crate::testing::{Interval, Operations, append, lists, ops, read, spread};

fn rules(history: Operations) -> Vec<&'static str> {
    check(&history.history())
        .violations()
        .iter()
        .map(|one| one.rule)
        .collect()
}

fn message(history: Operations) -> String {
    let verdict = check(&history.history());
    let [violation] = verdict.violations() else {
        panic!("{verdict}");
    };
    violation.message.clone()
}

#[test]
fn serializable_transactions_pass() {
    let history = ops()
        .lists(
            1,
            0,
            10,
            &[append("x", 1), read("x", &[1]), append("x", 2), read("x", &[1, 2])],
        )
        .lists(2, 5, 15, &[read("x", &[]), read("y", &[])])
        .info(3, 20, 30, lists(&[append("x", 3)]))
        .info(4, 20, 30, lists(&[append("x", 9)]))
        .fail(5, 20, 30, lists(&[append("x", 8)]))
        .lists(1, 40, 50, &[read("x", &[1, 2, 3]), append("y", 1)]);
    assert_eq!(check(&history.history()), Verdict::Pass { checked: 3 });
    assert!(matches!(check(&ops().history()), Verdict::Unknown(_)));
}

#[test]
fn an_element_appended_twice_tells_nothing() {
    let history = ops()
        .lists(1, 0, 10, &[append("x", 1)])
        .lists(1, 20, 30, &[append("x", 1)]);
    assert!(matches!(check(&history.history()), Verdict::Unknown(_)));
}

#[test]
fn g0_two_transactions_append_in_opposite_orders() {
    let history = ops()
        .lists(1, 0, 10, &[append("x", 1), append("y", 1)])
        .lists(2, 0, 10, &[append("x", 2), append("y", 2)])
        .lists(3, 20, 30, &[read("x", &[1, 2]), read("y", &[2, 1])]);
    assert_eq!(rules(history.clone()), ["G0"]);
    let message = message(history);
    for expected in [
        "operation 0 appended 1 to x before operation 1 appended 2",
        "operation 1 appended 2 to y before operation 0 appended 1",
        "operation 0 (process 1",
    ] {
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn g1c_two_transactions_read_each_other() {
    let history =
        ops()
            .lists(1, 0, 10, &[append("x", 1), read("y", &[1])])
            .lists(2, 0, 10, &[append("y", 1), read("x", &[1])]);
    assert_eq!(rules(history), ["G1c"]);
}

#[test]
fn g_single_a_transaction_sees_half_of_another() {
    let history =
        ops()
            .lists(1, 0, 10, &[read("x", &[]), read("y", &[1])])
            .lists(2, 0, 10, &[append("x", 1), append("y", 1)]);
    assert_eq!(rules(history.clone()), ["G-single"]);
    assert!(message(history).contains("operation 0 read x up to nothing, before operation 1 appended 1"));
}

#[test]
fn g2_two_transactions_do_not_see_each_other() {
    let history =
        ops()
            .lists(1, 0, 10, &[read("x", &[]), append("y", 1)])
            .lists(2, 0, 10, &[read("y", &[]), append("x", 1)]);
    assert_eq!(rules(history), ["G2"]);
}

#[test]
fn g0_realtime_a_later_append_comes_first() {
    let history = ops()
        .lists(1, 0, 10, &[append("x", 1)])
        .lists(2, 20, 30, &[append("x", 2)])
        .lists(3, 40, 50, &[read("x", &[2, 1])]);
    assert_eq!(rules(history), ["G0-realtime"]);
}

#[test]
fn g1c_realtime_the_future_is_read() {
    let history = ops()
        .lists(1, 0, 10, &[read("x", &[1])])
        .lists(2, 20, 30, &[append("x", 1)]);
    assert_eq!(rules(history), ["G1c-realtime"]);
}

#[test]
fn g_single_realtime_an_append_is_lost() {
    let history = ops()
        .lists(1, 0, 10, &[append("x", 1)])
        .lists(2, 20, 30, &[read("x", &[])]);
    assert_eq!(rules(history.clone()), ["G-single-realtime"]);
    assert!(message(history).contains("operation 0 ended before operation 1 began"));
}

#[test]
fn g2_realtime_two_reads_are_too_old_together() {
    let history = ops()
        .lists(1, 0, 100, &[append("x", 1), read("y", &[])])
        .lists(2, 10, 20, &[append("y", 1)])
        .lists(3, 30, 40, &[read("x", &[])]);
    assert_eq!(rules(history), ["G2-realtime"]);
}

#[test]
fn what_shows_without_a_cycle() {
    let one = || ops().lists(1, 0, 10, &[append("x", 1)]);
    let two = || one().lists(2, 0, 10, &[append("x", 2)]);
    for (rule, history) in [
        (
            "internal",
            one().lists(2, 20, 30, &[read("x", &[1]), append("x", 2), read("x", &[1])]),
        ),
        ("internal", one().lists(2, 20, 30, &[read("x", &[1]), read("x", &[])])),
        ("internal", ops().lists(2, 20, 30, &[append("x", 2), read("x", &[])])),
        ("duplicate", one().lists(2, 20, 30, &[read("x", &[1, 1])])),
        ("phantom", one().lists(2, 20, 30, &[read("x", &[1, 7])])),
        (
            "G1a",
            one()
                .fail(3, 0, 10, lists(&[append("x", 3)]))
                .lists(2, 20, 30, &[read("x", &[1, 3])]),
        ),
        (
            "incompatible order",
            two()
                .lists(3, 20, 30, &[read("x", &[1, 2])])
                .lists(4, 20, 30, &[read("x", &[2, 1])]),
        ),
    ] {
        assert_eq!(rules(history), [rule]);
    }
}

#[test]
fn what_one_transaction_appended_keeps_its_order() {
    let history = ops()
        .lists(1, 0, 10, &[append("x", 1), append("x", 2)])
        .lists(2, 0, 10, &[read("x", &[2, 1])]);
    assert_eq!(rules(history), ["G1b", "internal"]);
}

#[test]
fn g1b_a_transaction_is_read_before_it_is_finished() {
    let history = ops()
        .lists(1, 0, 10, &[append("x", 1), append("x", 2)])
        .lists(2, 0, 10, &[read("x", &[1])])
        .lists(3, 20, 30, &[read("x", &[1, 2])]);
    assert_eq!(rules(history), ["G1b", "G-single"]);
}

/// What one generated transaction does, how long it is open, and how it ends.
#[derive(Clone, Debug)]
struct Plan {
    /// A key, and whether it is appended to.
    steps: Vec<(usize, bool)>,
    around: (u64, u64),
    fate: u8,
}

fn plan() -> impl Strategy<Value = Plan> {
    let steps = prop::collection::vec((0..3_usize, any::<bool>()), 1..4);
    (steps, (0..6_u64, 0..6_u64), 0..20_u8).prop_map(|(steps, around, fate)| Plan { steps, around, fate })
}

/// Runs the plans one after the other, and tells them as concurrent transactions.
fn run(plans: &[Plan]) -> History {
    let around: Vec<(u64, u64)> = plans.iter().map(|plan| plan.around).collect();
    let mut stored: HashMap<&str, Vec<i64>> = HashMap::new();
    let mut history = ops();
    let mut next = 0;
    for (plan, Interval { process, start, end }) in plans.iter().zip(spread(&around)) {
        let before = stored.clone();
        let mut steps = Vec::new();
        for (key, is_append) in &plan.steps {
            let key = ["x", "y", "z"][*key];
            let list = stored.entry(key).or_default();
            if *is_append {
                next += 1;
                list.push(next);
                steps.push(append(key, next));
            } else {
                steps.push(read(key, list));
            }
        }
        history = match plan.fate {
            0 => history.info(process, start, end, lists(&steps)),
            1 | 2 => {
                stored = before;
                let call = lists(&steps);
                if plan.fate == 1 {
                    history.info(process, start, end, call)
                } else {
                    history.fail(process, start, end, call)
                }
            }
            _ => history.lists(process, start, end, &steps),
        };
    }
    history.history()
}

fn answered(operation: &mut Operation) -> &mut [Step] {
    match &mut operation.outcome {
        Outcome::Ok {
            reply: Reply::Lists { steps },
            ..
        } => steps,
        _ => &mut [],
    }
}

/// Every read: operation, place in it, key and values.
fn reads(history: &History) -> Vec<(usize, usize, String, Vec<i64>)> {
    let mut reads = Vec::new();
    for operation in &history.operations {
        let Some(Reply::Lists { steps }) = operation.reply() else {
            continue;
        };
        for (place, step) in steps.iter().enumerate() {
            if let Step::Read {
                key,
                values: Some(values),
            } = step
            {
                reads.push((operation.index, place, key.clone(), values.clone()));
            }
        }
    }
    reads
}

/// Every lie that can be told by changing one read: the operation, the place in it, and what it reads then.
fn lies(history: &History) -> Vec<(usize, usize, Vec<i64>)> {
    let appends = |operation: &Operation, element: i64| {
        matches!(operation.reply(), Some(Reply::Lists { steps })
            if steps.iter().any(|step| matches!(step, Step::Append { value, .. } if *value == element)))
    };
    let mut lies = Vec::new();
    let reads = reads(history);
    for (index, place, key, values) in &reads {
        let reader = &history.operations[*index];
        lies.push((*index, *place, [values.as_slice(), &[-1]].concat()));
        let Some((last, rest)) = values.split_last() else {
            continue;
        };
        let is_over = |one: &Operation| appends(one, *last) && one.precedes(reader);
        if history.operations.iter().any(is_over) {
            lies.push((*index, *place, rest.to_vec()));
        }
        let is_seen = |(other, _, name, seen): &(usize, usize, String, Vec<i64>)| {
            other != index && name == key && seen.len() >= values.len()
        };
        if values.len() > 1 && reads.iter().any(is_seen) {
            let mut swapped = values.clone();
            swapped.swap(values.len() - 2, values.len() - 1);
            lies.push((*index, *place, swapped));
        }
    }
    lies
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_was_serial_passes_and_every_lie_is_found(
        plans in prop::collection::vec(plan(), 1..40),
        choice in any::<Index>(),
    ) {
        let mut history = run(&plans);
        let verdict = check(&history);
        prop_assert!(verdict.violations().is_empty(), "{verdict}");
        let lies = lies(&history);
        if !lies.is_empty() {
            let (operation, place, values) = choice.get(&lies).clone();
            if let Step::Read { values: told, .. } = &mut answered(&mut history.operations[operation])[place] {
                *told = Some(values);
            }
            prop_assert!(!check(&history).violations().is_empty(), "{}", history.operations[operation]);
        }
    }
}
