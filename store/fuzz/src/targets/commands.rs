//! Commands out of the replicated log, applied to a machine in memory: applying is total and the same everywhere.
//!
//! An input is pieces, each an encoded command.

use std::sync::Arc;

use prost::Message;
use proto::store::reply::Outcome;
use proto::store::{Command, Reply};
use store_engine::Memory;
use store_machine::{Machine, Stamp, State};

use crate::support::machine::{TERM, apply, founded, open};
use crate::support::{dump, must, same_again, sample};
use crate::{Verdict, pieces};

/// Commands of one input.
const MOST: usize = 64;

/// Applies the commands, each as a batch of its own and all as one, and opens the machine again.
///
/// # Panics
/// Where a command is not answered, where one that is refused changes anything, or where two members that were given
/// the same commands do not hold the same.
pub fn run(data: &[u8]) -> Verdict {
    let commands: Vec<Command> = pieces::split(data)
        .take(MOST)
        .filter_map(|piece| Command::decode(piece).ok())
        .collect();
    let engine = Arc::new(Memory::new());
    let mut machine = founded(&engine);
    let mut granted = false;
    for command in &commands {
        let before = machine.reader().state();
        let reply = must("apply to a store that is whole", apply(&mut machine, command));
        check(&before, &machine, &reply);
        granted |= !matches!(reply.outcome, Some(Outcome::Fault(_)));
    }
    must("compare index and versions", machine.verify());
    let again = must("open what was applied", open(&engine));
    assert_eq!(
        machine.reader().state(),
        again.reader().state(),
        "a start finds what was there"
    );

    let other = Arc::new(Memory::new());
    at_once(&mut founded(&other), &commands);
    let held = |engine: &Memory| must("scan an engine in memory", dump(engine));
    assert!(
        held(&engine) == held(&other),
        "the same commands in other batches leave other bytes"
    );
    Verdict::of(granted)
}

fn check(before: &State, machine: &Machine, reply: &Reply) {
    let after = machine.reader().state();
    assert_eq!(
        reply.index, after.applied_index,
        "a reply says where its command stands"
    );
    assert!(
        after.revision >= before.revision && after.compacted >= before.compacted,
        "nothing goes back"
    );
    assert!(reply.outcome.is_some(), "every command is answered");
    if let Some(Outcome::Fault(_)) = &reply.outcome {
        let unchanged = State {
            applied_index: before.applied_index,
            applied_term: before.applied_term,
            now_ms: before.now_ms,
            ..(*after).clone()
        };
        assert_eq!(&unchanged, before, "a refused command changed something");
    }
    same_again(reply);
}

fn at_once(machine: &mut Machine, commands: &[Command]) {
    let mut run = machine.begin();
    for (index, command) in (1..).zip(commands) {
        let stamp = Stamp {
            index,
            term: TERM,
            now_ms: command.now_ms,
        };
        drop(run.apply(stamp, command));
    }
    if !commands.is_empty() {
        must("commit to an engine in memory", run.commit(b"raft"));
    }
}

/// Every command by itself, and all of them in order.
pub fn seeds() -> Vec<Vec<u8>> {
    let all = sample::encoded();
    let mut seeds: Vec<Vec<u8>> = all.iter().map(|one| pieces::join([one])).collect();
    seeds.push(pieces::join(&all));
    seeds.push(pieces::join(all.iter().rev()));
    seeds
}
