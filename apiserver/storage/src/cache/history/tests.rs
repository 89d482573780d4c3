//! Watchers of a history see all that is theirs, once and in order, or are told that they cannot.

use std::sync::Arc;

use apiserver_api::tree::parse;
use proptest::prelude::*;

use super::{Cursor, History, Key, Overrun};
use crate::object::tests::Plain;
use crate::object::{Change, Object};

fn object(name: &str, node: &str, revision: i64) -> Arc<Object> {
    let json = format!(r#"{{"metadata":{{"name":"{name}","namespace":"n"}},"spec":{{"nodeName":"{node}"}}}}"#);
    let tree = parse(json.as_bytes()).unwrap().tree;
    Arc::new(Object::of(&format!("/r/n/{name}"), revision, tree, &Plain))
}

fn change(name: &str, before: Option<&str>, now: Option<&str>, revision: i64) -> Change {
    let now = now.map(|node| object(name, node, revision));
    let before = before.map(|node| object(name, node, revision - 1));
    Change::new(now, before, revision)
}

fn read(history: &History, cursor: &mut Cursor) -> Vec<i64> {
    let mut revisions = Vec::new();
    loop {
        let part = history.read(cursor, 2).unwrap();
        if part.is_empty() {
            return revisions;
        }
        revisions.extend(part.iter().map(|change| change.revision));
    }
}

#[test]
fn a_watcher_begins_after_its_revision() {
    let mut history = History::new(10, usize::MAX);
    for revision in [12, 15, 20] {
        history.push(change("a", None, Some("x"), revision));
    }
    for (after, told) in [
        (10, vec![12, 15, 20]),
        (12, vec![15, 20]),
        (14, vec![15, 20]),
        (20, vec![]),
        (99, vec![]),
    ] {
        let mut cursor = history.watch(None, after).unwrap();
        assert_eq!(read(&history, &mut cursor), told);
    }
    assert!(history.watch(None, 9).is_none());
}

#[test]
fn a_lane_has_what_its_key_touches() {
    let mut history = History::new(0, usize::MAX);
    history.push(change("a", None, Some("x"), 1));
    let on_x = Key::Field(0, "x".into());
    let mut cursor = history.watch(Some(on_x), 0).unwrap();
    history.push(change("b", None, Some("y"), 2));
    history.push(change("a", Some("x"), Some("x"), 3));
    history.push(change("a", Some("x"), Some("y"), 4));
    history.push(change("a", Some("y"), None, 5));
    assert_eq!(read(&history, &mut cursor), [1, 3, 4]);
    let mut named = history.watch(Some(Key::Name("n".into(), "a".into())), 3).unwrap();
    assert_eq!(read(&history, &mut named), [4, 5]);
}

#[test]
fn what_is_over_the_budget_is_forgotten_and_who_needed_it_is_told() {
    let one = change("a", Some("x"), Some("x"), 10).weight();
    let mut history = History::new(0, one * 3);
    let mut slow = history.watch(None, 0).unwrap();
    let mut idle = history.watch(Some(Key::Field(0, "z".into())), 0).unwrap();
    let mut busy = history.watch(Some(Key::Field(0, "x".into())), 0).unwrap();
    for revision in 1..=10 {
        history.push(change("a", Some("x"), Some("x"), revision));
    }
    assert_eq!((history.count(), history.since()), (3, 7));
    assert!(history.weight() <= one * 3);
    // Nor do lanes keep what the ring has forgotten, whichever of their objects it was about.
    let kept: Vec<usize> = history.lanes.values().map(|lane| lane.changes.len()).collect();
    assert_eq!(kept.iter().max(), Some(&3), "{kept:?}");
    assert_eq!(history.read(&mut slow, 9).unwrap_err(), Overrun);
    assert_eq!(history.read(&mut busy, 9).unwrap_err(), Overrun);
    // Nothing of its own was lost.
    assert_eq!(read(&history, &mut idle), [0_i64; 0]);
    assert!(history.watch(None, 6).is_none());
    let mut late = history.watch(None, 7).unwrap();
    assert_eq!(read(&history, &mut late), [8, 9, 10]);
}

#[tokio::test]
async fn a_watcher_sleeps_until_something_is_for_it() {
    let mut history = History::new(0, usize::MAX);
    let mut cursor = history.watch(Some(Key::Field(0, "x".into())), 0).unwrap();
    history.push(change("b", None, Some("y"), 1));
    assert!(futures_ready(&mut cursor).await.is_none());
    history.push(change("a", None, Some("x"), 2));
    assert!(futures_ready(&mut cursor).await.is_some());
    assert_eq!(read(&history, &mut cursor), [2]);
}

/// Whether there is news at once.
async fn futures_ready(cursor: &mut Cursor) -> Option<()> {
    tokio::select! {
        biased;
        () = cursor.news() => Some(()),
        () = std::future::ready(()) => None,
    }
}

proptest! {
    #[test]
    fn every_watcher_sees_what_a_plain_filter_sees(
        steps in prop::collection::vec((0..3_usize, 0..3_usize, any::<bool>()), 1..60),
        joins in prop::collection::vec(0..60_usize, 3),
    ) {
        let nodes = ["x", "y", "z"];
        let mut history = History::new(0, usize::MAX);
        let mut state = [None; 3];
        let mut all = Vec::new();
        let mut watchers: Vec<(Cursor, usize, i64, Vec<i64>)> = Vec::new();
        for (at, (name, node, gone)) in steps.iter().enumerate() {
            for (lane, _) in joins.iter().enumerate().filter(|(_, join)| **join == at) {
                let after = at as i64 / 2;
                let cursor = history.watch(Some(Key::Field(0, nodes[lane].into())), after).unwrap();
                watchers.push((cursor, lane, after, Vec::new()));
            }
            let now = if *gone && state[*name].is_some() { None } else { Some(*node) };
            let revision = at as i64 + 1;
            let before = std::mem::replace(&mut state[*name], now);
            all.push((revision, before, now));
            let names = ["a", "b", "c"];
            history.push(change(names[*name], before.map(|n| nodes[n]), now.map(|n| nodes[n]), revision));
            if at % 3 == 0 {
                for (cursor, _, _, told) in &mut watchers {
                    told.extend(read(&history, cursor));
                }
            }
        }
        for (cursor, lane, after, mut told) in watchers.iter_mut().map(|(c, l, a, t)| (c, *l, *a, std::mem::take(t))) {
            told.extend(read(&history, cursor));
            let expected: Vec<i64> = all
                .iter()
                .filter(|(revision, before, now)| *revision > after && (*before == Some(lane) || *now == Some(lane)))
                .map(|(revision, _, _)| *revision)
                .collect();
            prop_assert_eq!(told, expected);
        }
    }
}

#[test]
fn lanes_that_nobody_watches_do_not_pile_up() {
    let mut history = History::new(0, usize::MAX);
    history.push(change("a", None, Some("x"), 1));
    let key = |name: String| Some(Key::Name("n".into(), name.into()));
    let mut first = history.watch(key("a".into()), 0).unwrap();
    let mut watched: Vec<Cursor> = Vec::new();
    for at in 0..20_000 {
        let cursor = history
            .watch(key(format!("name-{at}-{}", "x".repeat(1000))), 1)
            .unwrap();
        if at < 100 {
            watched.push(cursor);
        }
        assert!(history.lanes.len() <= 16.max(2 * (watched.len() + 2)));
    }
    history.push(change("a", Some("x"), Some("y"), 2));
    assert_eq!(read(&history, &mut first), [1, 2]);
    for cursor in &mut watched {
        assert_eq!(read(&history, cursor), [0_i64; 0]);
    }
    drop(watched);
    for at in 0..300 {
        drop(history.watch(key(at.to_string()), 2));
    }
    assert!(history.lanes.len() <= 16);
    assert_eq!(read(&history, &mut first), [0_i64; 0]);
}

#[test]
fn lanes_that_were_left_go_as_changes_come() {
    let mut history = History::new(0, usize::MAX);
    history.push(change("a", None, Some("x"), 1));
    let key = |at: u64| Some(Key::Name("n".into(), format!("name-{at}").as_str().into()));
    let watched: Vec<Cursor> = (0..1000).map(|at| history.watch(key(at), 1).unwrap()).collect();
    let mut kept = history.watch(key(1000), 1).unwrap();
    drop(watched);
    assert!(history.lanes.len() > 1000);
    for revision in 2..4000 {
        history.push(change("a", Some("x"), Some("x"), revision));
    }
    assert_eq!(history.lanes.len(), 1);
    history.push(change("name-1000", None, Some("x"), 4000));
    assert_eq!(read(&history, &mut kept), [4000]);
}

#[test]
fn a_lane_reaches_back_as_far_as_its_watchers_ask() {
    let one = change("a", Some("x"), Some("x"), 10).weight();
    let mut history = History::new(0, one * 4);
    for revision in 1..=6 {
        history.push(change("a", Some("x"), Some("x"), revision));
    }
    let on_x = || Some(Key::Field(0, "x".into()));
    let mut cursors: Vec<Cursor> = [5, 6, 3, 2].map(|after| history.watch(on_x(), after).unwrap()).into();
    let told: Vec<_> = cursors.iter_mut().map(|cursor| read(&history, cursor)).collect();
    assert_eq!(told, [vec![6], vec![], vec![4, 5, 6], vec![3, 4, 5, 6]]);
    assert!(history.watch(on_x(), 1).is_none());
    history.push(change("a", Some("x"), Some("y"), 7));
    for cursor in &mut cursors {
        assert_eq!(read(&history, cursor), [7]);
    }
}
