//! Watches that keep their promises, and one broken promise each.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::history::{KeyValue, Kind};
use crate::replay;
use crate::testing::{
    Operations, created, delete, delete_event, delivery, done, get, kv, ops, present, progress, put, put_event, puts,
    puts_reply, watch_all,
};

/// x = 1 at 2, a and b at 3, x = 2 at 4, x deleted at 5; all over at 50.
fn writes() -> Operations {
    ops()
        .ok(1, 10, 11, put("x", "1"), done(), 2)
        .ok(1, 20, 21, puts(&[("a", "1"), ("b", "1")]), puts_reply(2), 3)
        .ok(1, 30, 31, put("x", "2"), done(), 4)
        .ok(
            1,
            40,
            41,
            delete("x"),
            Reply::Delete {
                deleted: 1,
                prev: vec![],
            },
            5,
        )
}

fn first() -> Vec<Event> {
    vec![put_event(kv("x", "1", 2, 2, 1))]
}

fn both() -> Vec<Event> {
    vec![put_event(kv("a", "1", 3, 3, 1)), put_event(kv("b", "1", 3, 3, 1))]
}

fn second() -> Vec<Event> {
    vec![put_event(kv("x", "2", 2, 4, 2))]
}

fn gone() -> Vec<Event> {
    vec![delete_event("x", 5)]
}

/// A watch from `start` that gets these responses from time 60 on, and what is said of it.
fn judge_from(writes: Operations, watch: Watch, responses: Vec<Response>, through: i64) -> Verdict {
    let responses = (60..).zip(responses).collect();
    let history = writes.watch(9, 5, 100, watch, responses, through).history();
    let log = replay::check(&history, &Log::new()).log;
    check(&history, &log)
}

fn rules(verdict: &Verdict) -> BTreeSet<&'static str> {
    verdict.violations().iter().map(|one| one.rule).collect()
}

/// The rules that a watch of everything from the first revision on breaks.
fn broken(responses: Vec<Response>) -> Vec<&'static str> {
    let verdict = judge_from(writes(), watch_all(2), responses, 0);
    rules(&verdict).into_iter().collect()
}

#[test]
fn a_true_watch_passes() {
    let each = vec![
        created(1),
        delivery(2, first()),
        delivery(3, both()),
        delivery(4, second()),
        progress(4),
        delivery(5, gone()),
        progress(5),
    ];
    let verdict = judge_from(writes(), watch_all(2), each, 5);
    assert_eq!(verdict, Verdict::Pass { checked: 7 });
    let at_once = delivery(5, [first(), both(), second(), gone()].concat());
    assert!(judge_from(writes(), watch_all(2), vec![created(5), at_once], 5).passed());
    assert!(matches!(
        judge_from(writes(), watch_all(2), vec![], 0),
        Verdict::Unknown(_)
    ));
}

#[test]
fn a_watch_may_lag_but_its_client_may_wait() {
    let some = vec![delivery(2, first())];
    assert!(judge_from(writes(), watch_all(2), some.clone(), 0).passed());
    assert_eq!(
        rules(&judge_from(writes(), watch_all(2), some, 5)),
        BTreeSet::from(["reliable"])
    );
}

#[test]
fn filtered_nothing_else_comes() {
    let x = Watch {
        key: "x".into(),
        start_revision: 2,
        filters: vec![Kind::Delete],
        ..Watch::default()
    };
    let right = vec![delivery(2, first()), delivery(4, second())];
    assert!(judge_from(writes(), x.clone(), right, 5).passed());
    for wrong in [delivery(5, gone()), delivery(3, both())] {
        let verdict = judge_from(
            writes(),
            x.clone(),
            vec![delivery(2, first()), delivery(4, second()), wrong],
            0,
        );
        assert!(rules(&verdict).contains("filtered"), "{verdict}");
    }
    let verdict = judge_from(
        writes(),
        watch_all(3),
        vec![delivery(2, first()), delivery(3, both())],
        0,
    );
    assert_eq!(rules(&verdict), BTreeSet::from(["filtered"]));
}

#[test]
fn ordered_revisions_do_not_go_back() {
    let responses = vec![delivery(2, first()), delivery(4, second()), delivery(4, both())];
    assert_eq!(broken(responses), ["ordered"]);
}

#[test]
fn unique_nothing_comes_twice() {
    assert_eq!(broken(vec![delivery(2, first()), delivery(2, first())]), ["unique"]);
    assert_eq!(broken(vec![delivery(2, [first(), first()].concat())]), ["unique"]);
}

#[test]
fn atomic_a_revision_comes_whole_and_at_once() {
    let (a, b) = (vec![both()[0].clone()], vec![both()[1].clone()]);
    assert_eq!(broken(vec![delivery(2, first()), delivery(3, a.clone())]), ["atomic"]);
    let split = vec![delivery(2, first()), delivery(3, a), delivery(3, b)];
    assert_eq!(broken(split.clone()), ["atomic"]);
    let fragments: Vec<Response> = split
        .into_iter()
        .enumerate()
        .map(|(number, response)| Response {
            fragment: number == 1,
            ..response
        })
        .collect();
    let watch = Watch {
        fragment: true,
        ..watch_all(2)
    };
    assert!(judge_from(writes(), watch.clone(), fragments.clone(), 0).passed());
    let torn = fragments[..2].to_vec();
    assert!(judge_from(writes(), watch, torn, 0).passed());
}

#[test]
fn reliable_nothing_is_missing_or_made_up() {
    assert_eq!(broken(vec![delivery(2, first()), delivery(4, second())]), ["reliable"]);
    let made_up = vec![put_event(kv("x", "7", 2, 4, 2))];
    assert_eq!(
        broken(vec![delivery(2, first()), delivery(3, both()), delivery(4, made_up)]),
        ["reliable"]
    );
    let elsewhere = vec![put_event(kv("y", "2", 4, 4, 1))];
    let verdict = broken(vec![delivery(2, first()), delivery(3, both()), delivery(4, elsewhere)]);
    assert_eq!(verdict, ["atomic", "reliable"]);
}

#[test]
fn resumable_a_watch_starts_where_it_was_asked_to() {
    assert_eq!(broken(vec![delivery(3, both())]), ["resumable"]);
    let from_now = |responses: Vec<Response>| judge_from(writes(), watch_all(0), responses, 0);
    assert!(from_now(vec![created(3), delivery(4, second())]).passed());
    assert_eq!(
        rules(&from_now(vec![created(3), delivery(5, gone())])),
        BTreeSet::from(["reliable"])
    );
}

#[test]
fn a_watch_ends_as_compacted_only_if_what_it_needs_is() {
    let compacted = |revision: i64| Response {
        revision: 5,
        canceled: true,
        compact_revision: revision,
        ..Response::default()
    };
    let compact = |history: Operations| history.ok(2, 50, 51, Call::Compact { revision: 4 }, Reply::Compact {}, 0);
    let judge = |writes: Operations, start: i64, revision: i64| {
        let responses = vec![progress(1), compacted(revision)];
        rules(&judge_from(writes, watch_all(start), responses, 0))
    };
    assert_eq!(judge(compact(writes()), 2, 4), BTreeSet::new());
    assert_eq!(judge(compact(writes()), 4, 4), BTreeSet::from(["resumable"]));
    assert_eq!(judge(writes(), 2, 4), BTreeSet::from(["resumable"]));
}

#[test]
fn bookmarkable_nothing_comes_from_before_a_bookmark() {
    let late = vec![delivery(2, first()), progress(3), delivery(3, both())];
    assert_eq!(broken(late), ["bookmarkable"]);
    assert_eq!(broken(vec![delivery(2, first()), progress(3)]), ["reliable"]);
    let back = vec![delivery(2, first()), delivery(3, both()), progress(3), progress(2)];
    assert_eq!(broken(back), ["bookmarkable"]);
}

#[test]
fn prev_kv_is_what_was_there_before() {
    let watch = Watch {
        key: "x".into(),
        start_revision: 2,
        prev_kv: true,
        ..Watch::default()
    };
    let with = |event: &Event, prev: Option<KeyValue>| Event { prev, ..event.clone() };
    let old = || Some(kv("x", "1", 2, 2, 1));
    let new = || Some(kv("x", "2", 2, 4, 2));
    let judge = |writes: Operations, put: Option<KeyValue>, deleted: Option<KeyValue>| {
        let responses = vec![
            delivery(2, first()),
            delivery(4, vec![with(&second()[0], put)]),
            delivery(5, vec![with(&gone()[0], deleted)]),
        ];
        rules(&judge_from(writes, watch.clone(), responses, 5))
    };
    assert_eq!(judge(writes(), old(), new()), BTreeSet::new());
    for (put, deleted) in [(None, new()), (old(), None), (new(), new()), (old(), old())] {
        assert_eq!(judge(writes(), put, deleted), BTreeSet::from(["prev_kv"]));
    }
    let compacted = writes().info(2, 50, 51, Call::Compact { revision: 4 });
    assert_eq!(judge(compacted.clone(), None, new()), BTreeSet::new());
    assert_eq!(judge(compacted, old(), None), BTreeSet::from(["prev_kv"]));
    let unasked = vec![delivery(2, vec![with(&first()[0], old())])];
    assert_eq!(broken(unasked), ["prev_kv"]);
}

#[test]
fn future_no_response_is_ahead_of_the_store() {
    assert_eq!(broken(vec![delivery(1, first())]), ["future"]);
    let later = writes().ok(2, 80, 85, get("a"), present("a", "1", 3, 3, 1), 5);
    let verdict = judge_from(later.clone(), watch_all(6), vec![progress(6)], 0);
    assert_eq!(rules(&verdict), BTreeSet::from(["future"]));
    assert!(judge_from(later, watch_all(6), vec![progress(5)], 0).passed());
    let written = writes().ok(2, 80, 85, put("y", "1"), done(), 6);
    let verdict = judge_from(written, watch_all(7), vec![progress(6)], 0);
    assert_eq!(rules(&verdict), BTreeSet::from(["future"]));
}

/// Puts to one key of three each, some of them two at once.
fn generated(keys: &[(usize, bool)]) -> (Operations, Vec<(i64, Vec<Event>)>) {
    let names = ["a", "b", "c"];
    let (mut stored, mut history, mut log) = ([(0, 0); 3], ops(), Vec::new());
    for (number, (key, two)) in (0_u32..).zip(keys) {
        let (revision, value) = (i64::from(number) + 2, number.to_string());
        let touched = if *two { vec![*key, (*key + 1) % 3] } else { vec![*key] };
        let mut events = Vec::new();
        for key in &touched {
            let (created, version) = &mut stored[*key];
            if *version == 0 {
                *created = revision;
            }
            *version += 1;
            events.push(put_event(kv(names[*key], &value, *created, revision, *version)));
        }
        let pairs: Vec<(&str, &str)> = touched.iter().map(|key| (names[*key], value.as_str())).collect();
        let start = 10 * (u64::from(number) + 1);
        history = history.ok(1, start, start + 1, puts(&pairs), puts_reply(touched.len()), revision);
        log.push((revision, events));
    }
    (history, log)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_lie_of_a_generated_watch_is_found(
        keys in prop::collection::vec((0..3_usize, any::<bool>()), 2..30),
        from in any::<Index>(),
        lie in 0..6_u8,
        at in any::<Index>(),
    ) {
        let (history, log) = generated(&keys);
        let from = from.index(log.len());
        let mut told: Vec<Response> =
            log[from..].iter().map(|(revision, events)| delivery(*revision, events.clone())).collect();
        let last = log.last().map_or(0, |(revision, _)| *revision);
        let judge = |told: Vec<Response>| {
            let responses = (10_000..).zip(told).collect();
            let start = log[from].0;
            let history = history.clone().watch(9, 5, 20_000, watch_all(start), responses, last).history();
            let known = replay::check(&history, &Log::new()).log;
            check(&history, &known)
        };
        let verdict = judge(told.clone());
        prop_assert!(verdict.passed(), "{verdict}");
        let at = at.index(told.len());
        match lie {
            0 => {
                told.remove(at);
            }
            1 => told.insert(at, told[at].clone()),
            2 => told.insert(at, progress(last + 1)),
            3 => told[at].events[0].kv.version += 1,
            4 => told[at].events[0].prev = Some(kv("a", "1", 2, 2, 1)),
            _ => {
                told[at].events.pop();
            }
        }
        prop_assert!(!judge(told).violations().is_empty(), "lie {lie} at {at} was not found");
    }
}
