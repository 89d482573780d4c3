//! Replays of good histories, and of histories with one lie each.

use super::*;
use crate::history::{Compare, Get, Put, Relation, Request, Target, Txn};
use crate::testing::{
    Operations, absent, cas, delete, delete_event, delivery, done, get, kv, ops, present, put, put_event, put_leased,
    puts, puts_reply, swapped, watch_all,
};

/// Two writes and a read of each, none at the same time.
fn simple() -> Operations {
    ops()
        .ok(1, 10, 20, put("x", "1"), done(), 2)
        .ok(1, 30, 40, put("x", "2"), done(), 3)
        .ok(2, 50, 60, get("x"), present("x", "2", 2, 3, 2), 3)
}

fn verdict(history: Operations) -> Verdict {
    check(&history.history(), &Log::new()).verdict
}

/// The only rule that is broken, and what is said of it.
fn broken(history: Operations) -> (&'static str, String) {
    let verdict = verdict(history);
    let [violation] = verdict.violations() else {
        panic!("{verdict}");
    };
    (violation.rule, violation.message.clone())
}

/// A watch from the first revision on that saw these revisions.
fn watched(history: Operations, revisions: Vec<(i64, Vec<Event>)>) -> Operations {
    let responses = revisions
        .into_iter()
        .map(|(revision, events)| (1_000_000 + revision as u64, delivery(revision, events)))
        .collect();
    history.watch(99, 1, 2_000_000, watch_all(2), responses, 0)
}

#[test]
fn a_true_history_passes() {
    let history = simple()
        .ok(3, 15, 55, get("x"), present("x", "1", 2, 2, 1), 2)
        .ok(
            4,
            70,
            80,
            delete("x"),
            Reply::Delete {
                deleted: 1,
                prev: vec![],
            },
            4,
        )
        .ok(
            4,
            81,
            82,
            delete("x"),
            Reply::Delete {
                deleted: 0,
                prev: vec![],
            },
            4,
        )
        .ok(4, 90, 95, get("x"), absent(), 4)
        .ok(5, 100, 110, puts(&[("a", "1"), ("b", "1")]), puts_reply(2), 5)
        .ok(5, 120, 130, cas("a", Some("1"), "2"), swapped(true), 6)
        .ok(5, 140, 150, cas("a", Some("1"), "3"), swapped(false), 6);
    let replayed = check(&history.history(), &Log::new());
    assert_eq!(replayed.verdict, Verdict::Pass { checked: 10 });
    assert_eq!(replayed.log.complete_to(), 6);
    assert_eq!(replayed.log.get(5).map(<[Event]>::len), Some(2));
    assert_eq!(replayed.log.get(4).unwrap()[0].prev, Some(kv("x", "2", 2, 3, 2)));
}

#[test]
fn nothing_answered_is_no_pass() {
    assert!(matches!(verdict(ops()), Verdict::Unknown(_)));
    assert!(matches!(
        verdict(ops().info(1, 1, 2, put("x", "1"))),
        Verdict::Unknown(_)
    ));
}

#[test]
fn a_wrong_value_is_found_with_its_author() {
    let (rule, message) = broken(simple().ok(3, 70, 80, get("x"), present("x", "1", 2, 2, 1), 3));
    assert_eq!(rule, "replay");
    assert!(
        message.contains("operation 3") && message.contains("revision 3 was written by operation 1"),
        "{message}"
    );
}

#[test]
fn a_lost_write_is_found() {
    let (rule, message) = broken(simple().ok(3, 70, 80, get("x"), absent(), 3));
    assert_eq!(rule, "replay");
    assert!(message.contains("the answer is: [x = \"2\""), "{message}");
}

#[test]
fn wrong_versions_and_wrong_creations_are_found() {
    for answer in [
        present("x", "2", 2, 3, 1),
        present("x", "2", 3, 3, 2),
        present("x", "2", 2, 2, 2),
    ] {
        assert_eq!(broken(simple().ok(3, 70, 80, get("x"), answer, 3)).0, "replay");
    }
}

#[test]
fn a_stale_read_is_found_by_real_time() {
    let stale = present("x", "1", 2, 2, 1);
    let (rule, message) = broken(simple().ok(3, 70, 80, get("x"), stale.clone(), 2));
    assert_eq!(rule, "real time");
    assert!(
        message.contains("after revision 3 was seen by operation 1"),
        "{message}"
    );
    let serializable = Call::Get(Get {
        key: "x".into(),
        serializable: true,
        ..Get::default()
    });
    assert!(verdict(simple().ok(3, 70, 80, serializable, stale.clone(), 2)).passed());
    let past = Call::Get(Get {
        key: "x".into(),
        revision: 2,
        ..Get::default()
    });
    assert!(verdict(simple().ok(3, 70, 80, past.clone(), stale, 3)).passed());
    assert_eq!(broken(simple().ok(3, 70, 80, past, absent(), 3)).0, "replay");
}

#[test]
fn a_write_at_a_revision_that_was_seen_before_is_found() {
    let history = ops()
        .ok(1, 10, 20, get("x"), present("x", "1", 2, 2, 1), 2)
        .ok(2, 30, 40, put("x", "1"), done(), 2);
    assert_eq!(broken(history).0, "real time");
}

#[test]
fn two_writes_of_one_revision_are_found() {
    let (rule, message) = broken(simple().ok(3, 35, 45, put("y", "1"), done(), 3));
    assert_eq!(rule, "revision");
    assert!(message.contains("share revision 3"), "{message}");
}

#[test]
fn impossible_revisions_are_found() {
    assert_eq!(broken(simple().ok(3, 5, 80, get("x"), absent(), -1)).0, "revision");
    assert_eq!(broken(simple().ok(3, 5, 80, put("y", "1"), done(), 1)).0, "revision");
    let future = Call::Get(Get {
        key: "x".into(),
        revision: 9,
        ..Get::default()
    });
    assert_eq!(broken(simple().ok(3, 70, 80, future, absent(), 3)).0, "revision");
}

#[test]
fn a_swap_that_should_not_have_written_is_found() {
    let (rule, _) = broken(simple().ok(3, 70, 80, cas("x", Some("1"), "9"), swapped(true), 4));
    assert_eq!(rule, "replay");
    let (rule, _) = broken(simple().ok(3, 70, 80, cas("x", Some("2"), "9"), swapped(false), 3));
    assert_eq!(rule, "replay");
}

#[test]
fn half_a_transaction_is_found() {
    let history = simple()
        .ok(3, 70, 80, puts(&[("a", "1"), ("b", "1")]), puts_reply(2), 4)
        .ok(3, 90, 95, get("a"), present("a", "1", 4, 4, 1), 4)
        .ok(3, 96, 99, get("b"), absent(), 4);
    assert_eq!(broken(history).0, "replay");
}

#[test]
fn a_transaction_that_took_the_wrong_branch_is_found() {
    let guarded = |succeeded: bool, revision: i64| {
        let call = Call::Txn(Txn {
            compare: vec![Compare {
                key: "x".into(),
                is: Relation::Equal,
                target: Target::Mod(3),
            }],
            then: vec![Request::Put(Put {
                key: "x".into(),
                value: "3".into(),
                ..Put::default()
            })],
            otherwise: vec![Request::Get(Get {
                key: "x".into(),
                ..Get::default()
            })],
        });
        let replies = if succeeded {
            vec![done()]
        } else {
            vec![present("x", "2", 2, 3, 2)]
        };
        simple().ok(3, 70, 80, call, Reply::Txn { succeeded, replies }, revision)
    };
    assert!(verdict(guarded(true, 4)).passed());
    assert_eq!(broken(guarded(false, 3)).0, "replay");
}

#[test]
fn an_unknown_call_took_effect_once_or_never() {
    let unknown = || simple().info(3, 45, 70, put("x", "3"));
    assert!(verdict(unknown()).passed());
    let third = || vec![put_event(kv("x", "3", 2, 4, 3))];
    let first = || vec![put_event(kv("x", "1", 2, 2, 1))];
    let second = || vec![put_event(kv("x", "2", 2, 3, 2))];
    let seen = |more: Vec<(i64, Vec<Event>)>| {
        let mut all = vec![(2, first()), (3, second())];
        all.extend(more);
        all
    };
    let once = watched(unknown(), seen(vec![(4, third())])).ok(4, 90, 95, get("x"), present("x", "3", 2, 4, 3), 4);
    assert!(verdict(once).passed());
    let twice = watched(
        unknown(),
        seen(vec![(4, third()), (5, vec![put_event(kv("x", "3", 2, 5, 4))])]),
    );
    let (rule, message) = broken(twice);
    assert_eq!(rule, "twice");
    assert!(message.contains("operation 3"), "{message}");
}

#[test]
fn an_unknown_call_cannot_take_effect_before_it_began() {
    let history = ops()
        .ok(1, 10, 20, get("x"), present("x", "1", 2, 2, 1), 2)
        .info(3, 45, 70, put("x", "1"));
    let (rule, _) = broken(watched(history, vec![(2, vec![put_event(kv("x", "1", 2, 2, 1))])]));
    assert_eq!(rule, "phantom");
}

#[test]
fn unknown_calls_are_matched_with_revisions_along_alternating_paths() {
    // The swap fits only the first of the two, the put both: the greedy choice would give the put the first.
    let history = ops()
        .ok(1, 10, 20, put("x", "0"), done(), 2)
        .info(2, 11, 30, put("x", "1"))
        .info(3, 12, 30, cas("x", Some("0"), "1"))
        .ok(1, 40, 50, get("x"), present("x", "1", 2, 4, 3), 4);
    let seen = vec![
        (2, vec![put_event(kv("x", "0", 2, 2, 1))]),
        (3, vec![put_event(kv("x", "1", 2, 3, 2))]),
        (4, vec![put_event(kv("x", "1", 2, 4, 3))]),
    ];
    assert!(verdict(watched(history, seen)).passed());
}

#[test]
fn a_call_that_failed_must_not_have_happened() {
    let failed = simple().fail(3, 45, 70, put("y", "3"));
    let (rule, message) = broken(watched(failed, vec![(4, vec![put_event(kv("y", "3", 4, 4, 1))])]));
    assert_eq!(rule, "phantom");
    assert!(message.contains("nobody wrote but operation 3"), "{message}");
}

#[test]
fn what_watches_saw_must_be_what_the_author_did() {
    let seen = vec![(3, vec![put_event(kv("x", "7", 2, 3, 2))])];
    assert_eq!(broken(watched(simple(), seen)).0, "log");
}

#[test]
fn the_end_of_a_lease_is_an_author() {
    let leased = || {
        ops()
            .ok(1, 10, 20, put_leased("a", "1", 7), done(), 2)
            .ok(1, 30, 40, put_leased("b", "1", 7), done(), 3)
    };
    let both = vec![(4, vec![delete_event("a", 4), delete_event("b", 4)])];
    assert!(verdict(watched(leased(), both)).passed());
    let half = vec![(4, vec![delete_event("a", 4)])];
    assert_eq!(broken(watched(leased(), half)).0, "phantom");
}

#[test]
fn what_nothing_tells_is_unknown_and_what_nobody_can_have_done_is_not() {
    let gap = |history: Operations| history.ok(4, 90, 95, get("y"), absent(), 4);
    let Verdict::Unknown(reason) = verdict(gap(simple().info(3, 45, 70, put("x", "3")))) else {
        panic!("a gap must be in doubt");
    };
    assert!(reason.contains("revisions 4 to 4"), "{reason}");
    assert_eq!(broken(gap(simple())).0, "phantom");
    let log = {
        let mut log = Log::new();
        log.insert(4, vec![put_event(kv("x", "3", 2, 4, 3))]);
        log
    };
    let history = gap(simple().info(3, 45, 70, put("x", "3"))).history();
    assert!(check(&history, &log).verdict.passed());
}

#[test]
fn an_answer_without_a_revision_is_a_doubt() {
    assert!(matches!(
        verdict(simple().ok(3, 70, 80, get("x"), absent(), 0)),
        Verdict::Unknown(_)
    ));
}
