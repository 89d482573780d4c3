//! Founding, joining, failing, reloading, restoring.

use std::sync::Arc;

use proto::etcd::{LeaseGrantRequest, Member, PutRequest, RangeRequest};
use proto::store::command::Action;
use store_engine::{Call, Engine, Fault as EngineFault, Memory};
use store_mvcc::Version;

use crate::restore::{self, Content, ImportOptions};
use crate::{Effect, Genesis, Limits, Machine, OpenError, Reader, Stamp, State, own};

fn genesis() -> Genesis {
    let member = |id: u64| Member {
        id,
        name: format!("m{id}"),
        peer_ur_ls: vec![format!("http://m{id}")],
        ..Member::default()
    };
    Genesis {
        cluster_id: 7,
        members: vec![member(1), member(2)],
        cluster_version: None,
    }
}

fn machine(memory: &Memory, genesis: Option<Genesis>) -> Machine {
    Machine::open(Arc::new(memory.clone()), genesis, Limits::default()).unwrap()
}

fn put(key: &'static str, lease: i64) -> Action {
    Action::Put(PutRequest {
        key: key.into(),
        value: "v".into(),
        lease,
        ..PutRequest::default()
    })
}

fn stamp(index: u64) -> Stamp {
    Stamp {
        index,
        term: 1,
        now_ms: 0,
    }
}

fn apply(machine: &mut Machine, index: u64, action: Action) -> Vec<Effect> {
    let mut run = machine.begin();
    run.apply(stamp(index), &own(0, 1, action));
    run.commit(format!("raft {index}").as_bytes()).unwrap()
}

fn count(machine: &Machine) -> i64 {
    let all = RangeRequest {
        key: vec![0].into(),
        range_end: vec![0].into(),
        ..RangeRequest::default()
    };
    machine.reader().mvcc().view().range(&all).unwrap().count
}

/// The machine moves to the task that applies; readers are shared by all tasks.
#[test]
fn crosses_threads() {
    fn moves<T: Send>() {}
    fn is_shared<T: Send + Sync + Clone>() {}
    moves::<Machine>();
    moves::<Vec<Effect>>();
    is_shared::<Reader>();
    is_shared::<Arc<State>>();
}

#[test]
fn founding_is_durable_and_happens_once() {
    let memory = Memory::new();
    drop(machine(&memory, Some(genesis())));
    memory.crash();
    let found = machine(
        &memory,
        Some(Genesis {
            cluster_id: 8,
            ..Genesis::default()
        }),
    );
    let state = found.reader().state();
    assert_eq!((state.members.cluster_id(), state.members.len()), (7, 2));
    assert!(
        state.members.iter().all(|member| member.name.is_empty()),
        "members publish their names themselves"
    );
    assert_eq!((found.recovered(), found.applied()), (None, (0, 0)));
}

#[test]
fn a_joiner_founds_the_same_cluster_from_the_log() {
    let (founder, joiner) = (Memory::new(), Memory::new());
    let (mut founded, mut joined) = (machine(&founder, Some(genesis())), machine(&joiner, None));
    for machine in [&mut founded, &mut joined] {
        let fresh = machine.reader().state().members.cluster_id() == 0;
        let mut run = machine.begin();
        assert!(run.advance(stamp(1)) && !run.advance(stamp(1)));
        assert_eq!(run.bootstrap(&genesis()), fresh);
        assert!(!run.bootstrap(&Genesis {
            cluster_id: 9,
            ..Genesis::default()
        }));
        run.commit(b"").unwrap();
    }
    assert_eq!(founded.reader().state(), joined.reader().state());
    assert_eq!(machine(&joiner, None).reader().state(), founded.reader().state());
}

#[test]
fn nothing_is_seen_before_commit_or_after_a_failure() {
    let memory = Memory::new();
    let mut machine = machine(&memory, Some(genesis()));
    let reader = machine.reader();
    let before = reader.state();
    let mut run = machine.begin();
    run.apply(stamp(1), &own(0, 1, put("k", 0)));
    assert_eq!((reader.state(), reader.mvcc().revision()), (Arc::clone(&before), 1));
    memory.fail(Call::Write, EngineFault::Io, 1);
    assert!(run.commit(b"raft 1").is_err());
    assert_eq!(
        (reader.state(), machine.applied(), machine.recovered()),
        (before, (0, 0), None)
    );
    memory.heal();
    apply(&mut machine, 1, put("k", 0));
    assert_eq!(
        (reader.state().revision, reader.mvcc().revision(), count(&machine)),
        (2, 2, 1)
    );
    assert_eq!(machine.recovered().as_deref(), Some(&b"raft 1"[..]));
}

#[test]
fn reload_shows_what_was_installed() {
    let (from, to) = (Memory::new(), Memory::new());
    let (mut ahead, mut behind) = (machine(&from, Some(genesis())), machine(&to, Some(genesis())));
    let reader = behind.reader();
    apply(&mut ahead, 1, Action::LeaseGrant(LeaseGrantRequest { id: 5, ttl: 60 }));
    apply(&mut ahead, 2, put("k", 5));
    let checkpoint = from.checkpoint().unwrap();
    let mut incoming = to.incoming("s").unwrap();
    for (number, file) in checkpoint.files().iter().enumerate() {
        let data = checkpoint
            .read(number, 0, usize::try_from(file.bytes).unwrap())
            .unwrap();
        incoming.write(&file.name, 0, &data).unwrap();
    }
    incoming.finish(checkpoint.files()).unwrap();
    to.install(incoming).unwrap();
    behind.reload().unwrap();
    assert_eq!(reader.state(), ahead.reader().state());
    assert_eq!((behind.applied(), behind.recovered()), ((2, 1), ahead.recovered()));
    assert_eq!(reader.state().leases.of(b"k"), 5);
    assert_eq!((reader.mvcc().revision(), count(&behind)), (2, 1));
}

/// A store with a lease, a key on it, and another key.
fn snapshot() -> Vec<Content> {
    let mut old = machine(&Memory::new(), Some(genesis()));
    apply(&mut old, 1, Action::LeaseGrant(LeaseGrantRequest { id: 5, ttl: 60 }));
    apply(&mut old, 2, put("a", 5));
    apply(&mut old, 3, put("b", 0));
    let versions: Vec<Version> = old
        .reader()
        .mvcc()
        .view()
        .export()
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let revisions: Vec<(i64, i64)> = versions
        .iter()
        .map(|version| (version.revision.main, version.revision.sub))
        .collect();
    assert_eq!(revisions, [(2, 0), (3, 0)]);
    let rest = [
        Content::Lease {
            id: 5,
            ttl: 60,
            remaining: 30,
        },
        Content::User(proto::auth::User {
            name: "u".into(),
            ..Default::default()
        }),
        Content::Role(proto::auth::Role {
            name: "r".into(),
            ..Default::default()
        }),
        Content::Auth {
            enabled: false,
            revision: 9,
        },
    ];
    versions.into_iter().map(Content::Version).chain(rest).collect()
}

#[test]
fn a_snapshot_is_restored_under_new_members() {
    let founders = Genesis {
        cluster_id: 8,
        ..genesis()
    };
    let memory = Memory::new();
    let engine: Arc<dyn Engine> = Arc::new(memory.clone());
    let options = ImportOptions {
        bump_revision: 0,
        mark_compacted: false,
        compacted: -1,
    };
    assert_eq!(restore::fill(&engine, &founders, options, snapshot()).unwrap(), 3);
    memory.crash();
    let mut restored = machine(&memory, None);
    let state = restored.reader().state();
    assert_eq!(
        (state.members.cluster_id(), state.revision, state.auth.revision()),
        (8, 3, 9)
    );
    assert_eq!((state.auth.users().count(), state.auth.roles().count()), (1, 1));
    assert_eq!(
        (state.leases.of(b"a"), state.leases.get(5).unwrap().remaining()),
        (5, 30)
    );
    assert_eq!(
        (count(&restored), restored.recovered(), restored.applied()),
        (2, None, (0, 0))
    );
    apply(&mut restored, 1, put("c", 0));
    assert_eq!(restored.reader().state().revision, 4);
    let again = restore::fill(&engine, &founders, options, snapshot());
    assert!(matches!(again, Err(OpenError::Corrupt(_))));
}

#[test]
fn a_restored_revision_can_be_ahead() {
    let engine: Arc<dyn Engine> = Arc::new(Memory::new());
    let options = ImportOptions {
        bump_revision: 1000,
        mark_compacted: true,
        compacted: -1,
    };
    assert_eq!(restore::fill(&engine, &genesis(), options, snapshot()).unwrap(), 1003);
    let restored = Machine::open(engine, None, Limits::default()).unwrap();
    let state = restored.reader().state();
    assert_eq!((state.revision, state.compacted, count(&restored)), (1003, 1003, 2));
}

#[test]
fn hashes_are_remembered() {
    let memory = Memory::new();
    let mut machine = machine(&memory, Some(genesis()));
    for index in 1..=5 {
        apply(&mut machine, index, put("k", 0));
    }
    let hashes = machine.reader().hashes(3);
    assert_eq!(hashes.iter().map(|hash| hash.revision).collect::<Vec<_>>(), [4, 5, 6]);
    assert_eq!(hashes.last().map(|hash| hash.hash), Some(machine.reader().state().hash));
}
