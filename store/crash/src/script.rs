//! What the members are asked to do: the same steps in each run, so that an operation is the same one, too.

use std::time::Duration;

use bytes::Bytes;
use proto::etcd::compare::{CompareResult, CompareTarget, TargetUnion};
use proto::etcd::request_op::Request;
use proto::etcd::{
    CompactionRequest, Compare, DeleteRangeRequest, LeaseGrantRequest, LeaseRevokeRequest, PutRequest, RequestOp,
    TxnRequest,
};
use proto::store::command::Action;

use crate::error::{Error, Result};

/// A run that is cut off somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// A member of its own starts for the first time, works, and leaves in order.
    First,
    /// The same member starts on what a crash and careless hands left, works, and leaves.
    Again,
    /// The same, with `--force-new-cluster`.
    Force,
    /// A second member joins and gets a snapshot from the first.
    Join,
    /// What the first member does before the second joins; never cut.
    Before,
}

impl Scenario {
    /// Those that are cut.
    pub const ALL: [Self; 4] = [Self::First, Self::Again, Self::Force, Self::Join];

    /// What it is called on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Again => "again",
            Self::Force => "force",
            Self::Join => "join",
            Self::Before => "before",
        }
    }

    /// The scenario of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(name: &str) -> Result<Self> {
        let all = [Self::First, Self::Again, Self::Force, Self::Join, Self::Before];
        let found = all.into_iter().find(|scenario| scenario.name() == name);
        found.ok_or_else(|| Error::new(format!("there is no scenario {name:?}")))
    }

    /// What is asked in it.
    pub(crate) fn steps(self) -> Vec<Step> {
        match self {
            Self::First => first(),
            Self::Again | Self::Force => again(),
            Self::Before => before(),
            Self::Join => join(),
        }
    }

    /// How many members run in it.
    pub(crate) const fn members(self) -> usize {
        if matches!(self, Self::Join) { 2 } else { 1 }
    }
}

/// One step.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Changes, all at once: what is done of them is done in their order.
    Write(Vec<Change>),
    /// The members' own work goes on.
    Wait(Duration),
    /// As `etcdctl defrag`, and until it has happened.
    Defragment,
    /// The second member is announced.
    Announce,
}

/// A change of what is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Put {
        key: &'static str,
        bytes: usize,
        lease: i64,
    },
    Delete {
        from: &'static str,
        to: &'static str,
    },
    /// If the first key is there: deletes it and puts the second; else puts both.
    Txn {
        first: &'static str,
        second: &'static str,
    },
    /// Up to so many revisions before now; waits for the collector if so asked.
    Compact {
        back: i64,
        physical: bool,
    },
    Grant(i64),
    Revoke(i64),
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn put_request(key: &str, value: String, lease: i64) -> PutRequest {
    PutRequest {
        key: bytes(key),
        value: value.into(),
        lease,
        ..PutRequest::default()
    }
}

fn op(request: Request) -> RequestOp {
    RequestOp { request: Some(request) }
}

impl Change {
    /// The command, for a store at this revision. `tag` makes its value like no other.
    pub(crate) fn action(self, tag: &str, revision: i64) -> Action {
        match self {
            Self::Put { key, bytes, lease } => {
                Action::Put(put_request(key, format!("{tag} {}", "v".repeat(bytes)), lease))
            }
            Self::Delete { from, to } => Action::DeleteRange(DeleteRangeRequest {
                key: bytes(from),
                range_end: bytes(to),
                ..DeleteRangeRequest::default()
            }),
            Self::Txn { first, second } => Action::Txn(txn(tag, first, second)),
            Self::Compact { back, physical } => Action::Compact(CompactionRequest {
                revision: revision - back,
                physical,
            }),
            Self::Grant(id) => Action::LeaseGrant(LeaseGrantRequest { id, ttl: 100_000 }),
            Self::Revoke(id) => Action::LeaseRevoke(LeaseRevokeRequest { id }),
        }
    }
}

fn txn(tag: &str, first: &str, second: &str) -> TxnRequest {
    let is_there = Compare {
        result: CompareResult::Greater.into(),
        target: CompareTarget::Version.into(),
        key: bytes(first),
        target_union: Some(TargetUnion::Version(0)),
        ..Compare::default()
    };
    let delete = DeleteRangeRequest {
        key: bytes(first),
        ..DeleteRangeRequest::default()
    };
    let one = |key: &str| op(Request::RequestPut(put_request(key, format!("{tag} {key}"), 0)));
    TxnRequest {
        compare: vec![is_there],
        success: vec![op(Request::RequestDeleteRange(delete)), one(second)],
        failure: vec![one(first), one(second)],
    }
}

fn put(key: &'static str, bytes: usize) -> Change {
    Change::Put { key, bytes, lease: 0 }
}

fn one(change: Change) -> Step {
    Step::Write(vec![change])
}

fn wait(ms: u64) -> Step {
    Step::Wait(Duration::from_millis(ms))
}

fn first() -> Vec<Step> {
    let mut steps: Vec<Step> = ["a", "b", "c"].map(|key| one(put(key, 300))).into();
    steps.extend([
        one(Change::Grant(7)),
        one(Change::Put {
            key: "leased",
            bytes: 40,
            lease: 7,
        }),
        one(Change::Txn {
            first: "a",
            second: "d",
        }),
        wait(600),
    ]);
    steps.extend(["b", "c", "b", "c", "e"].map(|key| one(put(key, 500))));
    steps.push(one(Change::Txn {
        first: "a",
        second: "d",
    }));
    // Together longer than a segment, so that one ends within them.
    steps.push(Step::Write(
        ["f", "g", "f", "g", "h", "f"].map(|key| put(key, 900)).into(),
    ));
    steps.extend([
        wait(600),
        one(Change::Compact {
            back: 4,
            physical: false,
        }),
        wait(300),
        // Longer than a segment.
        one(put("big", 9_000)),
        one(Change::Delete { from: "f", to: "h" }),
        wait(600),
        Step::Defragment,
        one(put("a", 200)),
        one(Change::Revoke(7)),
        one(put("b", 700)),
        one(Change::Compact {
            back: 1,
            physical: true,
        }),
        one(put("i", 700)),
        one(put("j", 700)),
        wait(600),
        one(put("last", 100)),
    ]);
    steps
}

fn again() -> Vec<Step> {
    vec![
        one(put("a", 600)),
        one(Change::Txn {
            first: "a",
            second: "d",
        }),
        Step::Write(["k", "l", "k", "l"].map(|key| put(key, 900)).into()),
        wait(600),
        one(Change::Compact {
            back: 2,
            physical: true,
        }),
        one(put("b", 300)),
    ]
}

fn before() -> Vec<Step> {
    let mut steps: Vec<Step> = ["a", "b", "c", "a", "b", "c"].map(|key| one(put(key, 900))).into();
    steps.extend([
        one(Change::Grant(7)),
        one(Change::Put {
            key: "leased",
            bytes: 40,
            lease: 7,
        }),
        one(Change::Delete { from: "a", to: "b" }),
        wait(600),
        one(Change::Compact {
            back: 3,
            physical: true,
        }),
    ]);
    steps.extend(["d", "e", "d", "e"].map(|key| one(put(key, 900))));
    // A leader keeps the log that a member still has to get, so the second is announced when it is gone.
    steps.extend([wait(600), wait(600), Step::Announce]);
    steps
}

fn join() -> Vec<Step> {
    vec![
        one(put("a", 300)),
        one(Change::Txn {
            first: "a",
            second: "d",
        }),
        one(put("z", 2_000)),
        wait(600),
        one(put("y", 2_000)),
        wait(600),
    ]
}
