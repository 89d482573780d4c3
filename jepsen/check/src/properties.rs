//! Serial executions told as concurrent histories: every checker of keys passes them, and finds one lie in each.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::history::{Call, Compare, Event, Get, History, Outcome, Put, Relation, Reply, Request, Target, Txn};
use crate::log::Log;
use crate::model::Keys;
use crate::testing::{Interval, cas, delete, delivery, get, ops, put, spread, watch_all};
use crate::{replay, watch, wgl};

/// A value that nobody writes.
const LIE: &str = "lie";
/// The process that watches everything.
const WATCHER: u64 = 1_000_000;

/// One call of a generated history, how long it is open, and how it ends.
#[derive(Clone, Debug)]
struct Plan {
    call: Call,
    around: (u64, u64),
    fate: u8,
}

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c"])
}

fn value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["0", "1", "2"])
}

/// Calls that a register has.
fn simple() -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => key().prop_map(get),
        3 => (key(), value()).prop_map(|(key, value)| put(key, value)),
        1 => key().prop_map(delete),
        3 => (key(), prop::option::of(value()), value()).prop_map(|(key, from, to)| cas(key, from, to)),
    ]
}

fn wide() -> impl Strategy<Value = Call> {
    prop_oneof![
        6 => simple(),
        1 => key().prop_map(|key| Call::Get(Get {
            key: key.into(),
            end: Some("\0".into()),
            ..Get::default()
        })),
        2 => (key(), value(), key(), value()).prop_map(|(key, wanted, other, value)| txn(key, wanted, other, value)),
    ]
}

/// Writes `other` if `key` has the wanted value, and reads it otherwise.
fn txn(key: &str, wanted: &str, other: &str, value: &str) -> Call {
    Call::Txn(Txn {
        compare: vec![Compare {
            key: key.into(),
            is: Relation::Equal,
            target: Target::Value(wanted.into()),
        }],
        then: vec![Request::Put(Put {
            key: other.into(),
            value: value.into(),
            prev_kv: true,
            ..Put::default()
        })],
        otherwise: vec![Request::Get(Get {
            key: key.into(),
            ..Get::default()
        })],
    })
}

fn plans(call: impl Strategy<Value = Call>) -> impl Strategy<Value = Vec<Plan>> {
    let plan = (call, (0..6_u64, 0..6_u64), 0..24_u8).prop_map(|(call, around, fate)| Plan { call, around, fate });
    prop::collection::vec(plan, 1..60)
}

/// Runs the plans one after the other, and tells them as concurrent calls beside a watch of everything.
fn run(plans: &[Plan]) -> History {
    let around: Vec<(u64, u64)> = plans.iter().map(|plan| plan.around).collect();
    let (mut keys, mut revision, mut history) = (Keys::default(), 1, ops());
    let mut seen = Vec::new();
    let mut last = 0;
    for (plan, Interval { process, start, end }) in plans.iter().zip(spread(&around)) {
        last = last.max(end);
        let call = plan.call.clone();
        if plan.fate == 1 {
            history = history.info(process, start, end, call);
            continue;
        }
        if plan.fate == 2 {
            history = history.fail(process, start, end, call);
            continue;
        }
        let effect = keys.run(revision + 1, &call, None).unwrap();
        if !effect.events.is_empty() {
            revision += 1;
            keys.apply(&effect.events);
            seen.push((revision, effect.events));
        }
        history = if plan.fate == 0 {
            history.info(process, start, end, call)
        } else {
            history.ok(process, start, end, call, effect.reply, revision)
        };
    }
    let told = |event: Event| Event { prev: None, ..event };
    let responses = (last + 1..)
        .zip(seen)
        .map(|(time, (revision, events))| (time, delivery(revision, events.into_iter().map(told).collect())))
        .collect();
    history
        .watch(WATCHER, 0, last + 1_000, watch_all(2), responses, revision)
        .history()
}

/// Changes one answered read so that it is wrong whatever else happened; false if there is none.
fn lie_in_a_read(history: &mut History, choice: Index, how: u8) -> bool {
    let mut reads: Vec<&mut Reply> = Vec::new();
    for operation in &mut history.operations {
        if let Outcome::Ok { reply, .. } = &mut operation.outcome
            && matches!(reply, Reply::Get { kvs, .. } if !kvs.is_empty())
        {
            reads.push(reply);
        }
    }
    if reads.is_empty() {
        return false;
    }
    let at = choice.index(reads.len());
    if let Reply::Get { kvs, count } = &mut *reads[at] {
        match how {
            0 => kvs[0].value = LIE.into(),
            1 => kvs[0].mod_revision += 1,
            2 => kvs[0].version += 1,
            3 => kvs[0].create_revision -= 1,
            _ => {
                kvs.pop();
                *count -= 1;
            }
        }
    }
    true
}

/// Gives one answered write the revision of another; false if there are not two.
fn lie_in_a_revision(history: &mut History, one: Index, other: Index) -> bool {
    let writes: Vec<usize> = history
        .operations
        .iter()
        .filter(|operation| crate::order::wrote(operation))
        .map(|operation| operation.index)
        .collect();
    if writes.len() < 2 {
        return false;
    }
    let (one, other) = (one.index(writes.len()), other.index(writes.len()));
    let told = history.operations[writes[other]].revision();
    if let Outcome::Ok { revision, .. } = &mut history.operations[writes[one]].outcome {
        *revision = told;
    }
    one != other
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_was_serial_is_replayed_and_watched(plans in plans(wide())) {
        let history = run(&plans);
        let replayed = replay::check(&history, &Log::new());
        prop_assert!(replayed.verdict.violations().is_empty(), "{}", replayed.verdict);
        let verdict = watch::check(&history, &replayed.log);
        prop_assert!(verdict.violations().is_empty(), "{verdict}");
        // The same history, read again, gives the same verdict.
        let mut text = Vec::new();
        history.write(&mut text).unwrap();
        let again = History::read(text.as_slice()).unwrap();
        prop_assert_eq!(replay::check(&again, &Log::new()).verdict, replayed.verdict);
    }

    #[test]
    fn a_replay_finds_every_lie(
        plans in plans(wide()),
        choice in any::<Index>(),
        other in any::<Index>(),
        how in 0..6_u8,
    ) {
        let mut history = run(&plans);
        let is_wrong = if how == 5 {
            lie_in_a_revision(&mut history, choice, other)
        } else {
            lie_in_a_read(&mut history, choice, how)
        };
        if is_wrong {
            let verdict = replay::check(&history, &Log::new()).verdict;
            prop_assert!(!verdict.violations().is_empty(), "{verdict}");
        }
    }

    #[test]
    fn what_was_serial_is_linearizable_and_a_made_up_value_is_not(
        plans in plans(simple()),
        choice in any::<Index>(),
    ) {
        let mut history = run(&plans);
        let verdict = wgl::check(&history, wgl::STEPS);
        prop_assert!(verdict.violations().is_empty(), "{verdict}");
        prop_assert!(!matches!(&verdict, crate::Verdict::Unknown(reason) if reason.contains("given up")), "{verdict}");
        if lie_in_a_read(&mut history, choice, 0) {
            let verdict = wgl::check(&history, wgl::STEPS);
            prop_assert!(!verdict.violations().is_empty(), "{verdict}");
        }
    }
}
