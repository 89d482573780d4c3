//! Leases that end in time, and some that do not.

use super::*;
use crate::history::{Call, Phase, Reply};
use crate::testing::{
    Operations, absent, delete, delete_event, delivery, done, get, ops, present, put_leased, watch_all,
};

const BOUNDS: Bounds = Bounds {
    early: 0,
    late: seconds_of(2),
};

const fn seconds_of(count: u64) -> u64 {
    count * 1_000_000_000
}

/// Lease 7 for 10 seconds from between 1 s and 2 s, with the key x on it from 3 s.
fn granted() -> Operations {
    ops()
        .ok(
            1,
            seconds_of(1),
            seconds_of(2),
            Call::Grant { lease: 7, ttl: 10 },
            Reply::Grant { ttl: 10 },
            0,
        )
        .ok(1, seconds_of(3), seconds_of(3) + 1, put_leased("x", "1", 7), done(), 2)
}

fn read(history: Operations, at: u64, is_there: bool) -> Operations {
    let reply = if is_there {
        let Reply::Get { mut kvs, count } = present("x", "1", 2, 2, 1) else {
            panic!("no read");
        };
        kvs[0].lease = 7;
        Reply::Get { kvs, count }
    } else {
        absent()
    };
    history.ok(2, seconds_of(at), seconds_of(at) + 1, get("x"), reply, 0)
}

fn keep_alive(history: Operations, at: u64, ttl: i64) -> Operations {
    let reply = Reply::KeepAlive { ttl };
    history.ok(
        3,
        seconds_of(at),
        seconds_of(at) + 1,
        Call::KeepAlive { lease: 7 },
        reply,
        0,
    )
}

fn rules(history: Operations) -> Vec<&'static str> {
    check(&history.history(), BOUNDS)
        .violations()
        .iter()
        .map(|one| one.rule)
        .collect()
}

fn passes(history: Operations) -> bool {
    check(&history.history(), BOUNDS).passed()
}

#[test]
fn a_lease_lives_its_time_and_no_longer() {
    assert!(passes(read(granted(), 10, true)));
    assert!(passes(read(granted(), 11, false)));
    assert!(passes(read(granted(), 14, true)));
    assert!(passes(read(read(granted(), 10, true), 12, false)));
    assert!(passes(read(keep_alive(granted(), 9, 10), 18, true)));
    assert!(matches!(check(&granted().history(), BOUNDS), Verdict::Unknown(_)));
}

#[test]
fn early_a_key_or_its_lease_is_gone_before_its_time() {
    assert_eq!(rules(read(granted(), 10, false)), ["early"]);
    assert_eq!(rules(keep_alive(granted(), 10, 0)), ["early"]);
    assert_eq!(rules(read(keep_alive(granted(), 9, 10), 18, false)), ["early"]);
    let asked = granted().ok(
        2,
        seconds_of(5),
        seconds_of(5) + 1,
        Call::TimeToLive { lease: 7 },
        Reply::TimeToLive { ttl: -1 },
        0,
    );
    assert_eq!(rules(asked), ["early"]);
    let seen = vec![(seconds_of(10), delivery(3, vec![delete_event("x", 3)]))];
    let watched = granted().watch(9, 1, seconds_of(20), watch_all(2), seen, 0);
    let verdict = check(&watched.history(), BOUNDS);
    let message = &verdict.violations()[0].message;
    assert!(
        message.contains("lease 7 was gone by 10.000000 s, 1.000000 s before its time"),
        "{message}"
    );
    let bounds = Bounds {
        early: seconds_of(1),
        ..BOUNDS
    };
    assert!(check(&read(granted(), 10, false).history(), bounds).passed());
}

#[test]
fn late_a_key_or_its_lease_outlives_its_time_and_the_bound() {
    assert_eq!(rules(read(granted(), 15, true)), ["late"]);
    assert_eq!(rules(keep_alive(granted(), 15, 10)), ["late"]);
    let unknown = granted().info(4, seconds_of(8), seconds_of(9), Call::KeepAlive { lease: 7 });
    assert!(passes(read(unknown.clone(), 20, true)));
    assert_eq!(rules(read(unknown, 22, true)), ["late"]);
}

/// A fault between two seconds.
fn faulty(history: Operations, begin: u64, end: u64) -> Operations {
    history
        .fault(seconds_of(begin), "kill", Phase::Begin)
        .fault(seconds_of(end), "kill", Phase::End)
}

#[test]
fn late_a_fault_adds_one_election_and_one_life() {
    // The lease ends at 12 s. An election after 11 s takes 2 s, a whole life 10 s, and the leader's look 2 s.
    assert!(passes(read(faulty(granted(), 5, 11), 25, true)));
    assert_eq!(rules(read(faulty(granted(), 5, 11), 26, true)), ["late"]);
    // Faults that are over when it is renewed, or come when it was seen, add nothing; while one is on all may be.
    let early = faulty(granted(), 20, 30);
    assert_eq!(rules(read(early.clone(), 15, true)), ["late"]);
    assert_eq!(rules(read(early.clone(), 19, true)), ["late"]);
    assert!(passes(read(early.clone(), 29, true)));
    assert_eq!(rules(read(early, 45, true)), ["late"]);
    assert!(passes(read(
        granted().fault(seconds_of(5), "kill", Phase::Begin),
        99,
        true
    )));
    let renewed = keep_alive(faulty(granted(), 4, 5), 9, 10);
    assert_eq!(rules(read(renewed, 23, true)), ["late"]);
}

#[test]
fn late_a_fault_that_is_made_slowly_counts_from_the_moment_it_was_set_about() {
    let slow =
        granted()
            .slow_fault(seconds_of(5), seconds_of(40), "disk-full")
            .fault(seconds_of(45), "disk-full", Phase::End);
    assert!(passes(read(slow.clone(), 30, true)));
    assert_eq!(rules(read(slow, 60, true)), ["late"]);
    assert_eq!(rules(read(faulty(granted(), 40, 45), 30, true)), ["late"]);
}

/// Somebody asks a member, and is answered in a term.
fn in_term(history: Operations, at: u64, term: u64) -> Operations {
    let (start, end) = (seconds_of(at), seconds_of(at) + 1);
    history.ok(5, start, end, get("y"), absent(), 0).in_term(term)
}

#[test]
fn late_an_election_without_a_fault_adds_one_life() {
    // The lease ends at 12 s. The answer of the new term comes at 8 s; the rest is as after a fault.
    let elected = in_term(in_term(granted(), 4, 1), 8, 2);
    assert!(passes(read(elected.clone(), 22, true)));
    assert_eq!(rules(read(elected, 23, true)), ["late"]);
    // Without a new term nobody was elected, and the first one that is named is not new.
    assert_eq!(rules(read(in_term(in_term(granted(), 4, 1), 8, 1), 22, true)), ["late"]);
    assert_eq!(rules(read(in_term(granted(), 8, 2), 22, true)), ["late"]);
    // Nor does one help that was over when it was renewed, or came when it had been seen.
    let renewed = keep_alive(in_term(in_term(granted(), 4, 1), 6, 2), 11, 10);
    assert_eq!(rules(read(renewed, 24, true)), ["late"]);
    let elected = in_term(in_term(in_term(granted(), 4, 1), 19, 1), 30, 2);
    assert_eq!(rules(read(elected, 15, true)), ["late"]);
}

#[test]
fn late_while_nobody_leads_no_lease_ends() {
    // Answers in the old term may come until shortly before the election.
    let elected = in_term(in_term(in_term(granted(), 4, 1), 16, 1), 17, 2);
    assert!(passes(read(elected.clone(), 15, true)));
    let after = in_term(elected, 18, 1);
    assert!(passes(read(after.clone(), 31, true)));
    assert_eq!(rules(read(after, 32, true)), ["late"]);
}

#[test]
fn late_of_two_renewals_the_one_that_lets_it_live_longer_counts() {
    // Of the first the fault may have begun a whole life anew at 13 s, of the second it was over.
    let renewed = keep_alive(faulty(granted(), 5, 11), 14, 5);
    assert!(passes(read(renewed.clone(), 25, true)));
    assert_eq!(rules(read(renewed, 26, true)), ["late"]);
}

#[test]
fn risen_a_lease_that_was_gone_stays_gone() {
    assert_eq!(rules(read(read(granted(), 11, false), 12, true)), ["risen"]);
}

#[test]
fn revoked_a_lease_may_go_early_and_must() {
    let call = || Call::Revoke { lease: 7 };
    let revoked = granted().ok(4, seconds_of(4), seconds_of(5), call(), Reply::Revoke {}, 0);
    assert!(passes(read(revoked.clone(), 6, false)));
    assert_eq!(rules(read(revoked, 6, true)), ["revoked"]);
    let unknown = granted().info(4, seconds_of(4), seconds_of(5), call());
    assert!(passes(read(unknown.clone(), 6, false)));
    assert!(passes(read(unknown, 6, true)));
}

#[test]
fn keys_that_others_write_tell_nothing() {
    let deleted = granted().info(4, seconds_of(4), seconds_of(5), delete("x"));
    assert!(matches!(
        check(&read(deleted, 6, false).history(), BOUNDS),
        Verdict::Unknown(_)
    ));
}
