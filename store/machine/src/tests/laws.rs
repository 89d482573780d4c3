//! What holds for every log.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use proto::fault::Fault;
use proto::store::reply::Outcome;
use proto::store::{Command, Reply};
use store_engine::{Engine, Memory, Order, Space};

use super::arbitrary::command;
use crate::{Genesis, Limits, Machine, Stamp};

type Contents = Vec<(u8, Vec<u8>, Vec<u8>)>;

/// Every record of every space.
fn contents(engine: &dyn Engine) -> Contents {
    let mut contents = Vec::new();
    for space in 0..=6 {
        let mut cursor = engine.scan(Space(space), &[], None, Order::Ascending);
        while cursor.valid() {
            contents.push((space, cursor.key().to_vec(), cursor.value().to_vec()));
            cursor.advance();
        }
        cursor.status().unwrap();
    }
    contents
}

fn open(memory: &Memory) -> Machine {
    let members = vec![proto::etcd::Member {
        id: 1,
        peer_ur_ls: vec!["a".to_owned()],
        ..Default::default()
    }];
    let genesis = Genesis {
        cluster_id: 7,
        members,
        cluster_version: None,
    };
    Machine::open(Arc::new(memory.clone()), Some(genesis), Limits::default()).unwrap()
}

/// Applies a log in batches of the given length.
fn play(machine: &mut Machine, log: &[Command], batch: usize) -> Vec<Reply> {
    let mut replies = Vec::new();
    let first = machine.applied().0 as usize;
    for (number, commands) in log.chunks(batch).enumerate() {
        let mut run = machine.begin();
        for (offset, command) in commands.iter().enumerate() {
            let index = (number * batch + offset + 1) as u64;
            if index as usize > first {
                replies.push(run.apply(
                    Stamp {
                        index,
                        term: 1,
                        now_ms: command.now_ms,
                    },
                    command,
                ));
            }
        }
        run.commit(b"raft").unwrap();
    }
    replies
}

fn refused(reply: &Reply) -> bool {
    matches!(reply.outcome, Some(Outcome::Fault(_)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Same log, same answers, same bytes, however it was cut into batches; and all of it is read back.
    #[test]
    fn the_log_decides(log in prop::collection::vec(command(), 1..60), batch in 2_usize..9) {
        let (one, other) = (Memory::new(), Memory::new());
        let (mut single, mut batched) = (open(&one), open(&other));
        prop_assert_eq!(play(&mut single, &log, 1), play(&mut batched, &log, batch));
        prop_assert_eq!(contents(&one), contents(&other));
        let state = single.reader().state();
        prop_assert_eq!(&state, &batched.reader().state());
        prop_assert_eq!(state.applied_index, log.len() as u64);
        prop_assert_eq!(state.now_ms, log.iter().map(|command| command.now_ms).max().unwrap_or(0));
        prop_assert_eq!(single.reader().hashes(10_000), batched.reader().hashes(10_000));
        let reopened = open(&one);
        prop_assert_eq!(&reopened.reader().state(), &state);
        prop_assert_eq!(reopened.recovered(), Some(Bytes::from("raft")));
    }

    /// A refused command leaves nothing behind but the applied index and the time.
    #[test]
    fn a_refusal_changes_nothing(log in prop::collection::vec(command(), 1..40)) {
        let memory = Memory::new();
        let mut machine = open(&memory);
        let strip = |contents: Contents| -> Contents {
            contents.into_iter().filter(|(_, key, _)| key != b"machine/applied" && key != b"machine/raft").collect()
        };
        for (index, command) in (1..).zip(&log) {
            let before = strip(contents(&memory));
            let mut run = machine.begin();
            let reply = run.apply(Stamp { index, term: 1, now_ms: 0 }, command);
            let effects = run.commit(b"").unwrap();
            if refused(&reply) && index > 1 {
                prop_assert!(effects.is_empty(), "{effects:?}");
                prop_assert_eq!(strip(contents(&memory)), before);
            }
        }
    }

    /// What was not flushed is lost in a crash; the log brings it back to the same bytes.
    #[test]
    fn replay_after_a_crash(log in prop::collection::vec(command(), 1..40), flushed in 0_usize..40) {
        let memory = Memory::new();
        let mut machine = open(&memory);
        let (kept, lost) = log.split_at(flushed.min(log.len()));
        play(&mut machine, kept, 3);
        memory.flush().unwrap();
        let lost_replies = {
            let replies = play(&mut machine, &log, 4);
            prop_assert_eq!(replies.len(), lost.len());
            replies
        };
        let before = contents(&memory);
        memory.crash();
        let mut machine = open(&memory);
        prop_assert_eq!(machine.applied().0, kept.len() as u64);
        prop_assert_eq!(play(&mut machine, &log, 5), lost_replies);
        prop_assert_eq!(contents(&memory), before);
    }

    /// A run that is dropped never was; an entry is applied once.
    #[test]
    fn runs_are_all_or_nothing(log in prop::collection::vec(command(), 2..30)) {
        let (one, other) = (Memory::new(), Memory::new());
        let (mut clean, mut messy) = (open(&one), open(&other));
        play(&mut clean, &log, 1);
        for (index, command) in (1..).zip(&log) {
            let stamp = Stamp { index, term: 1, now_ms: command.now_ms };
            messy.begin().apply(stamp, command);
            let mut run = messy.begin();
            run.apply(stamp, command);
            let again = run.apply(stamp, command);
            prop_assert_eq!(again.outcome, Some(Outcome::Fault(Fault::None.into())));
            run.commit(b"raft").unwrap();
        }
        prop_assert_eq!(contents(&one), contents(&other));
        prop_assert_eq!(clean.reader().state(), messy.reader().state());
    }
}
