//! Machines over an engine in memory, and everything that can be asked of one.

use std::sync::Arc;

use proto::etcd::{CompactionRequest, DeleteRangeRequest, LeaseRevokeRequest, PutRequest, RangeRequest};
use proto::store::command::Action;
use proto::store::{Command, Reply};
use store_engine::{Engine, Memory};
use store_machine::{Limits, Machine, OpenError, Stamp, own};
use store_mvcc::watch::Filter;
use store_mvcc::{KeyRange, PageLimits, View};

use super::must;
use super::sample::{self, ME};

/// The term of all commands here.
pub(crate) const TERM: u64 = 1;
/// Pages, steps and versions that are asked for of a store that may never end.
const ENOUGH: usize = 2_000;

/// A machine on what an engine holds.
pub(crate) fn open(engine: &Arc<Memory>) -> Result<Machine, OpenError> {
    Machine::open(Arc::<Memory>::clone(engine), None, Limits::default())
}

/// A machine of a founded cluster, on an engine that holds nothing.
pub(crate) fn founded(engine: &Arc<Memory>) -> Machine {
    let opened = Machine::open(Arc::<Memory>::clone(engine), Some(sample::genesis()), Limits::default());
    must("found a cluster", opened)
}

/// The same, after all sample commands.
pub(crate) fn filled() -> (Arc<Memory>, Machine) {
    after(usize::MAX)
}

/// A machine of a founded cluster, after so many of the sample commands.
pub(crate) fn after(commands: usize) -> (Arc<Memory>, Machine) {
    let engine = Arc::new(Memory::new());
    let mut machine = founded(&engine);
    for command in sample::commands().into_iter().take(commands) {
        must("apply a sample", apply(&mut machine, &command));
    }
    (engine, machine)
}

/// Where and when the next command stands in the log.
pub(crate) fn next(machine: &Machine, command: &Command) -> Stamp {
    Stamp {
        index: machine.applied().0.saturating_add(1),
        term: TERM,
        now_ms: command.now_ms,
    }
}

/// Applies one command, as a batch of its own.
pub(crate) fn apply(machine: &mut Machine, command: &Command) -> store_engine::Result<Reply> {
    let stamp = next(machine, command);
    let mut run = machine.begin();
    let reply = run.apply(stamp, command);
    run.commit(b"raft")?;
    Ok(reply)
}

/// Asks for everything that can be read. Answers do not matter: the store may be a broken one.
pub(crate) fn read(machine: &Machine) {
    let reader = machine.reader();
    let view = reader.mvcc().view();
    drop(machine.verify());
    drop(reader.hashes(16));
    let past = view.revision().saturating_sub(2);
    for revision in [0, 1, view.compacted(), past, view.revision()] {
        let mut request = RangeRequest {
            revision,
            ..sample::everything()
        };
        drop(view.range(&request));
        request.limit = 3;
        request.sort_order = 2;
        request.sort_target = 4;
        drop(view.range(&request));
        request.sort_target = 1;
        request.keys_only = true;
        drop(view.range(&request));
        request.count_only = true;
        request.max_create_revision = 5;
        drop(view.range(&request));
        drop(view.hash_kv(revision));
        pages(machine, revision);
    }
    pieces(&view);
    history(&view);
    if let Ok(export) = view.export() {
        drop(export.take(ENOUGH).collect::<Result<Vec<_>, _>>());
    }
}

fn pages(machine: &Machine, revision: i64) {
    let request = RangeRequest {
        revision,
        ..sample::everything()
    };
    let Ok(mut pages) = machine.reader().mvcc().range_pages(request, 64) else {
        return;
    };
    for _ in 0..ENOUGH {
        if !matches!(pages.next_page(), Ok(Some(_))) {
            return;
        }
    }
}

fn pieces(view: &View) {
    let Ok(Some(mut listing)) = view.listing(&sample::everything(), 0) else {
        return;
    };
    for _ in 0..ENOUGH {
        if !matches!(listing.next_piece(64), Ok(Some(_))) {
            return;
        }
    }
}

fn history(view: &View) {
    let filter = Filter {
        prev_kv: true,
        ..Filter::new(KeyRange::all())
    };
    let limits = PageLimits {
        revisions: 4,
        bytes: 256,
    };
    let mut from = view.compacted().max(1);
    for _ in 0..ENOUGH {
        match view.history(from, &filter, limits) {
            Ok(page) if page.next > from && page.next <= view.revision() => from = page.next,
            _ => return,
        }
    }
}

/// Collects what compactions gave up, as far as it goes.
pub(crate) fn collect(machine: &Machine, engine: &Memory) {
    let gc = machine.gc();
    for _ in 0..ENOUGH {
        let Ok(Some(step)) = gc.step(3) else { return };
        must("write to an engine in memory", engine.write(&step.batch));
        gc.finish(step);
    }
}

/// Writes what meets every record: puts over all keys, ends all leases, compacts, deletes everything. A broken store
/// may refuse; then nothing more is written.
pub(crate) fn write(machine: &mut Machine) {
    let state = machine.reader().state();
    let keys: Vec<_> = {
        let reader = machine.reader();
        let request = RangeRequest {
            limit: 32,
            keys_only: true,
            ..sample::everything()
        };
        let found = reader.mvcc().view().range(&request).map(|found| found.kvs);
        let found = found.unwrap_or_default().into_iter();
        found.filter_map(|kv| Some(kv.decode().ok()?.key)).collect()
    };
    let mut actions: Vec<Action> = keys
        .into_iter()
        .map(|key| {
            Action::Put(PutRequest {
                key,
                prev_kv: true,
                ignore_value: true,
                ..PutRequest::default()
            })
        })
        .collect();
    actions.push(Action::Txn(sample::txn()));
    actions.extend(
        state
            .leases
            .iter()
            .map(|lease| Action::LeaseRevoke(LeaseRevokeRequest { id: lease.id() })),
    );
    actions.push(Action::Compact(CompactionRequest {
        revision: state.revision,
        physical: true,
    }));
    let all = sample::everything();
    actions.push(Action::DeleteRange(DeleteRangeRequest {
        key: all.key,
        range_end: all.range_end,
        prev_kv: true,
    }));
    actions.push(Action::Put(sample::put("after", "all", 0)));
    for action in actions {
        if apply(machine, &own(0, ME, action)).is_err() {
            return;
        }
    }
}
