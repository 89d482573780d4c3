//! Registers that are linearizable and some that are not; every verdict on small histories against all orders there are.

use proptest::prelude::*;

use super::*;
use crate::testing::{
    Operations, absent, cas, delete, done, get, ops, present, put, put_leased, puts, puts_reply, swapped,
};

fn verdict(history: Operations) -> Verdict {
    check(&history.history(), STEPS)
}

fn holds(value: &str) -> Reply {
    present("x", value, 0, 0, 0)
}

#[test]
fn concurrent_calls_may_take_effect_in_any_order() {
    let history = ops()
        .ok(1, 0, 100, put("x", "1"), done(), 0)
        .ok(2, 25, 75, get("x"), holds("1"), 0)
        .ok(3, 30, 60, get("x"), absent(), 0);
    assert_eq!(verdict(history), Verdict::Pass { checked: 3 });
}

#[test]
fn a_value_seen_cannot_be_unseen() {
    let history = ops()
        .ok(1, 0, 100, put("x", "1"), done(), 0)
        .ok(2, 10, 30, get("x"), holds("1"), 0)
        .ok(3, 40, 90, get("x"), absent(), 0);
    let verdict = verdict(history);
    let [violation] = verdict.violations() else {
        panic!("{verdict}");
    };
    assert_eq!(violation.operations, vec![2, 0]);
    for expected in ["on x", "ends in operation 0", "leaves \"1\"", "operation 2 (process 3"] {
        assert!(
            violation.message.contains(expected),
            "{expected}: {}",
            violation.message
        );
    }
}

#[test]
fn an_unknown_write_may_take_effect_late_or_never_but_once() {
    let history = || ops().info(1, 0, 10, put("x", "1")).ok(2, 20, 30, get("x"), absent(), 0);
    assert!(verdict(history()).passed());
    let late = history().ok(2, 40, 50, get("x"), holds("1"), 0);
    assert!(verdict(late.clone()).passed());
    let twice = late
        .ok(2, 60, 70, put("x", "2"), done(), 0)
        .ok(2, 80, 90, get("x"), holds("1"), 0);
    assert_eq!(verdict(twice).violations().len(), 1);
}

#[test]
fn a_call_that_failed_had_no_effect() {
    let history = ops()
        .fail(1, 0, 10, put("x", "1"))
        .ok(2, 20, 30, get("x"), holds("1"), 0);
    assert_eq!(verdict(history).violations().len(), 1);
}

#[test]
fn two_swaps_from_one_value_cannot_both_write() {
    let history = |second: bool| {
        ops()
            .ok(1, 0, 10, cas("x", None, "0"), swapped(true), 0)
            .ok(1, 20, 40, cas("x", Some("0"), "1"), swapped(true), 0)
            .ok(2, 20, 40, cas("x", Some("0"), "2"), swapped(second), 0)
    };
    assert!(verdict(history(false)).passed());
    assert_eq!(verdict(history(true)).violations().len(), 1);
}

#[test]
fn a_delete_empties_a_register() {
    let deleted = |deleted: i64| Reply::Delete { deleted, prev: vec![] };
    let history = |first: i64, second: i64| {
        ops()
            .ok(1, 0, 10, put("x", "1"), done(), 0)
            .ok(1, 20, 30, delete("x"), deleted(first), 0)
            .ok(1, 40, 50, delete("x"), deleted(second), 0)
            .ok(1, 60, 70, get("x"), absent(), 0)
    };
    assert!(verdict(history(1, 0)).passed());
    assert_eq!(verdict(history(1, 1)).violations().len(), 1);
    assert_eq!(verdict(history(0, 1)).violations().len(), 1);
}

#[test]
fn each_key_is_judged_alone() {
    let history = ops()
        .ok(1, 0, 10, put("x", "1"), done(), 0)
        .ok(1, 20, 30, put("y", "1"), done(), 0)
        .ok(1, 40, 50, get("x"), absent(), 0)
        .ok(1, 60, 70, get("y"), present("y", "2", 0, 0, 0), 0);
    assert_eq!(verdict(history).violations().len(), 2);
}

#[test]
fn what_is_no_register_and_what_is_too_much_is_unknown() {
    let history = ops().ok(1, 0, 10, puts(&[("x", "1")]), puts_reply(1), 0);
    assert!(matches!(verdict(history), Verdict::Unknown(_)));
    let history = ops().info(1, 0, 10, put_leased("x", "1", 7));
    assert!(matches!(verdict(history), Verdict::Unknown(_)));
    assert!(matches!(verdict(ops()), Verdict::Unknown(_)));
    let history = ops().ok(1, 0, 10, put("x", "1"), done(), 0).history();
    assert!(matches!(check(&history, 0), Verdict::Unknown(_)));
    assert!(check(&history, 2).passed());
}

/// Whether some order explains all answers, by trying them all.
fn some_order(moves: &[Move], placed: &mut [bool], state: u32) -> bool {
    let open: Vec<usize> = (0..moves.len()).filter(|one| !placed[*one]).collect();
    if open.iter().all(|one| moves[*one].end.is_none()) {
        return true;
    }
    open.iter().any(|one| {
        let chosen = &moves[*one];
        let is_late = open
            .iter()
            .any(|other| moves[*other].end.is_some_and(|end| end < chosen.start));
        let fits = match chosen.needs {
            Needs::Nothing => true,
            Needs::Is(value) => state == value,
            Needs::Not(value) => state != value,
        };
        if is_late || !fits {
            return false;
        }
        placed[*one] = true;
        let found = some_order(moves, placed, chosen.sets.unwrap_or(state));
        placed[*one] = false;
        found
    })
}

fn one_move() -> impl Strategy<Value = Move> {
    let value = 0..3_u32;
    (0..40_u64, 1..25_u64, 0..5_u8, value.clone(), value, 0..5_u8).prop_map(|(start, length, kind, one, two, known)| {
        let (needs, sets) = match kind {
            0 | 1 => (Needs::Is(one), None),
            2 => (Needs::Nothing, Some(one)),
            3 => (Needs::Is(one), Some(two)),
            _ => (Needs::Not(one), None),
        };
        // A call with an unknown outcome that changes nothing is no move.
        let end = (known > 0 || sets.is_none()).then_some(start + length);
        Move {
            operation: 0,
            start,
            end,
            needs,
            sets,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn the_search_finds_an_order_where_there_is_one(moves in prop::collection::vec(one_move(), 1..8)) {
        let expected = some_order(&moves, &mut vec![false; moves.len()], 0);
        let found = match search::search(&moves, 1_000_000) {
            Answer::Linearizable => true,
            Answer::Stuck(stuck) => {
                prop_assert!(moves[stuck.blocked].end.is_some());
                false
            }
            Answer::GaveUp => panic!("gave up"),
        };
        prop_assert_eq!(found, expected);
    }
}
