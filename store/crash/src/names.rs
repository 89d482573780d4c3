//! The table of failpoints: what each place is called, where it is reached, and what an error there must lead to.

use crate::record::Operation;
use crate::script::Scenario;

/// How a place is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seam {
    /// The traits that a member is given: disk, engine, identity.
    Traits,
    /// System calls of the process.
    Calls,
}

/// What an error at a place leads to. A crash there must lose nothing that was acknowledged, everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// The member ends or refuses to start, says why, and acknowledges nothing more.
    End,
    /// The member ends and says why. Until it notices, it may go on: the log has all of it.
    EndSoon,
    /// The member goes on, as if nothing had been.
    GoOn,
    /// Either of the last two: it depends on who was at work there.
    Either,
}

/// A failpoint.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What it is called.
    pub name: &'static str,
    /// How it is reached.
    pub seam: Seam,
    /// The run that it is cut in; others may meet it, too.
    pub scenario: Scenario,
    /// What an error leads to.
    pub errors: Errors,
}

const fn by(seam: Seam, scenario: Scenario, errors: Errors, name: &'static str) -> Row {
    Row {
        name,
        seam,
        scenario,
        errors,
    }
}

use Errors::{Either, End, EndSoon, GoOn};
use Scenario::{Again, First, Force, Join};
use Seam::{Calls, Traits};

/// All failpoints.
pub const TABLE: &[Row] = &[
    by(Traits, First, End, "log.create.allocate"),
    by(Traits, First, End, "log.create.write"),
    by(Traits, First, End, "log.create.sync"),
    by(Traits, First, End, "log.create.rename"),
    by(Traits, First, End, "log.create.sync_dir"),
    by(Traits, First, End, "log.seal.write"),
    by(Traits, First, End, "log.seal.sync"),
    by(Traits, First, End, "log.append.grow"),
    by(Traits, First, End, "log.append.write"),
    by(Traits, First, End, "log.append.sync"),
    by(Traits, First, End, "log.vote.write"),
    by(Traits, Force, End, "log.truncate.write"),
    by(Traits, First, End, "log.purge.write"),
    by(Traits, First, End, "log.purge.remove"),
    by(Traits, First, End, "log.committed.write"),
    by(Traits, First, End, "log.mark.write"),
    by(Traits, Again, End, "log.recover.truncate"),
    by(Traits, Again, End, "log.recover.allocate"),
    by(Traits, Again, End, "log.recover.rewrite"),
    by(Traits, Again, End, "log.recover.sync"),
    by(Traits, Again, End, "log.recover.sync_dir"),
    by(Traits, Again, End, "log.recover.remove_unfinished"),
    by(Traits, Again, End, "log.recover.remove_straggler"),
    by(Calls, First, Either, "log.open.folder"),
    by(Traits, First, End, "machine.found"),
    by(Traits, First, End, "machine.found.flush"),
    by(Traits, First, End, "machine.commit"),
    by(Traits, First, End, "raft.start.flush"),
    by(Traits, First, EndSoon, "raft.flush"),
    by(Traits, Join, GoOn, "raft.image.take"),
    by(Traits, Join, GoOn, "raft.image.read"),
    by(Traits, Join, GoOn, "raft.receive.open"),
    by(Traits, Join, GoOn, "raft.receive.write"),
    by(Traits, Join, GoOn, "raft.receive.finish"),
    by(Traits, Join, EndSoon, "raft.install.engine"),
    by(Traits, Join, EndSoon, "raft.install.purge"),
    by(Traits, First, End, "node.identity.save"),
    by(Traits, First, End, "node.bootstrap.initialize"),
    by(Traits, First, End, "node.gc.write"),
    by(Traits, First, GoOn, "node.gc.reclaim"),
    by(Traits, First, GoOn, "node.defrag"),
    by(Traits, First, GoOn, "node.shutdown.flush"),
    by(Traits, Force, End, "node.force.append"),
    by(Traits, Force, End, "node.force.committed"),
    by(Calls, First, Either, "node.folder.make"),
    by(Calls, First, End, "node.identity.write"),
    by(Calls, First, End, "node.identity.sync"),
    by(Calls, First, End, "node.identity.rename"),
    by(Calls, First, End, "node.identity.sync_dir"),
    by(Calls, First, Either, "rocks.open.first"),
    by(Calls, First, Either, "rocks.open.current"),
    by(Calls, Again, Either, "rocks.open.leftovers"),
    by(Calls, First, End, "rocks.activate.write"),
    by(Calls, First, End, "rocks.activate.sync"),
    by(Calls, First, End, "rocks.activate.sync_root"),
    by(Calls, First, End, "rocks.activate.rename"),
    by(Calls, First, End, "rocks.activate.done"),
    by(Calls, First, Either, "rocks.flush.table"),
    by(Calls, First, Either, "rocks.flush.manifest"),
    by(Calls, First, Either, "rocks.reclaim"),
    by(Calls, First, Either, "rocks.obsolete"),
    by(Calls, Join, Either, "rocks.checkpoint.link"),
    by(Calls, Join, GoOn, "rocks.checkpoint.remove"),
    by(Calls, Join, GoOn, "rocks.incoming.discard"),
    by(Calls, Join, GoOn, "rocks.incoming.write"),
    by(Calls, Join, GoOn, "rocks.incoming.sync"),
    by(Calls, Join, GoOn, "rocks.incoming.sync_folder"),
    by(Calls, Join, EndSoon, "rocks.install.rename"),
    by(Calls, Join, EndSoon, "rocks.install.sync_incoming"),
    by(Calls, Join, Either, "rocks.install.open"),
    by(Calls, Join, GoOn, "rocks.install.remove_old"),
];

/// Places that have a name and are not cut here, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("log.close.sync", "a member does not close its log, it ends"),
    (
        "log.append.tell",
        "no operation on a disk: the order in which threads hear of it, and here the log has no thread of its own",
    ),
    ("rocks.write", "machine.commit and node.gc.write are its only callers"),
    (
        "rocks.flush",
        "raft.flush, raft.start.flush and machine.found.flush are its only callers",
    ),
    ("rocks.checkpoint.flush", "raft.image.take is its only caller"),
    ("rocks.checkpoint.read", "raft.image.read is its only caller"),
    ("rocks.install.swap", "no operation on a disk"),
    ("machine.commit.publish", "machine.commit, after"),
    (
        "machine.restore.import",
        "offline, into a folder that counts only when it is whole",
    ),
    (
        "machine.restore.found",
        "offline, into a folder that counts only when it is whole",
    ),
    ("raft.vote", "log.vote.write"),
    ("raft.append", "log.append.write and log.append.sync"),
    ("raft.truncate", "log.truncate.write"),
    ("raft.committed", "log.committed.write"),
    ("raft.purge", "log.purge.write"),
    ("raft.flush.note", "no operation on a disk"),
    ("raft.receive.hand_over", "no operation on a disk"),
    ("raft.install.reload", "reads only; raft.install.engine, after"),
    ("raft.install.meta", "reads only; raft.install.engine, after"),
    ("raft.apply.effects", "no operation on a disk"),
    ("node.bootstrap.machine", "machine.found.flush, after"),
    ("node.bootstrap.log", "log.create.*, the first of each"),
    ("node.force.truncate", "log.truncate.write"),
    ("node.gc.finish", "no operation on a disk"),
    ("node.snapshot.write", "written to a client"),
    ("bolt.page.write", "written to a client"),
    ("bolt.hash.write", "written to a client"),
    ("ctl.save.sync", "offline, in the program"),
    ("ctl.save.rename", "offline, in the program"),
    ("ctl.restore.fill", "offline, in the program"),
    ("ctl.restore.identity", "offline, in the program"),
    ("ctl.restore.move", "offline, in the program"),
];

/// What an operation is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// A failpoint.
    Of(&'static str),
    /// It is cut elsewhere: by the other seam, or in another run.
    Elsewhere,
    /// Nobody has named it.
    Unknown,
}

/// The row of a name.
pub fn row(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}

/// Names operations on traits. Most are recorded by name; some are called after who did them.
pub(crate) fn of_traits(scenario: Scenario, operations: &[Operation]) -> Vec<Name> {
    let known = |operation: &Operation| row(&operation.text).map_or(Name::Unknown, |row| Name::Of(row.name));
    let mut names: Vec<Name> = operations.iter().map(known).collect();
    // A segment is sealed by what comes right before the next one is made.
    let log: Vec<usize> = (0..operations.len())
        .filter(|at| operations[*at].text.starts_with("log."))
        .collect();
    let is = |place: Option<usize>, text: &str| place.is_some_and(|place| operations[log[place]].text == text);
    for place in 1..log.len() {
        if !is(Some(place), "log.create.allocate") || !is(place.checked_sub(1), "log.append.sync") {
            continue;
        }
        names[log[place - 1]] = Name::Of("log.seal.sync");
        let before = place.checked_sub(2);
        if is(before, "log.append.write") || is(before, "log.purge.write") {
            names[log[place - 2]] = Name::Of("log.seal.write");
        }
    }
    let renamed: &[(&str, &'static str)] = match scenario {
        First => &[("log.append.write", "node.bootstrap.initialize")],
        Force => &[
            ("log.append.write", "node.force.append"),
            ("log.committed.write", "node.force.committed"),
        ],
        Join => &[("log.purge.write", "raft.install.purge")],
        Again | Scenario::Before => &[],
    };
    for (text, name) in renamed {
        if let Some(at) = operations.iter().position(|operation| operation.text == *text) {
            names[at] = Name::Of(name);
        }
    }
    names
}

/// A system call as recorded: `operation@thread path`.
struct Call<'a> {
    op: &'a str,
    thread: &'a str,
    path: &'a str,
}

impl<'a> Call<'a> {
    fn read(text: &'a str) -> Self {
        let (head, path) = text.split_once(' ').unwrap_or((text, ""));
        let (op, thread) = head.split_once('@').unwrap_or((head, ""));
        Self { op, thread, path }
    }

    fn removes(&self) -> bool {
        matches!(self.op, "unlink" | "rmdir")
    }
}

/// Names system calls.
pub(crate) fn of_calls(scenario: Scenario, operations: &[Operation]) -> Vec<Name> {
    let mut order = Order {
        scenario,
        last: String::new(),
        opened: false,
        installed: false,
    };
    operations
        .iter()
        .map(|operation| order.name(&Call::read(&operation.text)))
        .collect()
}

/// What came before.
struct Order {
    scenario: Scenario,
    /// The last call that was no sync of a folder: what such a sync makes durable.
    last: String,
    /// The database is open.
    opened: bool,
    /// A received checkpoint has become a database.
    installed: bool,
}

impl Order {
    fn name(&mut self, call: &Call<'_>) -> Name {
        let (member, path) = call.path.split_once('/').unwrap_or((call.path, ""));
        if self.scenario == Join && member == "a" && !path.starts_with("member/db/checkpoints/") {
            return Name::Elsewhere;
        }
        let name = match path {
            "member" if call.op == "sync" && self.last.ends_with("/identity") => Some("node.identity.sync_dir"),
            "" | "member" => Some("node.folder.make"),
            "member/log/LOCK" => Some("log.open.folder"),
            "member/identity.new" if call.op == "sync" => Some("node.identity.sync"),
            "member/identity.new" => Some("node.identity.write"),
            "member/identity" => Some("node.identity.rename"),
            _ if path.starts_with("member/log") && call.op == "mkdir" => Some("node.folder.make"),
            // RocksDB's own log is read by people alone; where a write to it fails, an assertion of some builds ends the
            // process.
            _ if path.starts_with("member/log") || path.ends_with("/LOG") => return Name::Elsewhere,
            _ => path
                .strip_prefix("member/db")
                .and_then(|path| self.database(call, path)),
        };
        if call.thread == "main" && !(call.op == "sync" && is_folder(call.path)) {
            call.path.clone_into(&mut self.last);
        }
        name.map_or(Name::Unknown, Name::Of)
    }

    fn database(&mut self, call: &Call<'_>, path: &str) -> Option<&'static str> {
        let tidies = if self.scenario == Again {
            "rocks.open.leftovers"
        } else {
            "rocks.open.first"
        };
        Some(match path {
            "" if call.op == "mkdir" => "node.folder.make",
            "" if self.last.ends_with("/ACTIVE.next") => "rocks.activate.sync_root",
            "" if self.last.ends_with("/ACTIVE") => "rocks.activate.done",
            "" | "/LOCK" | "/checkpoints" => tidies,
            "/ACTIVE.next" if call.removes() => "rocks.open.leftovers",
            "/ACTIVE.next" if call.op == "sync" => "rocks.activate.sync",
            "/ACTIVE.next" => "rocks.activate.write",
            "/ACTIVE" => "rocks.activate.rename",
            "/incoming" if call.op == "sync" && self.last.ends_with("/db-*") => "rocks.install.sync_incoming",
            "/incoming" if call.op == "mkdir" => tidies,
            "/incoming" => "rocks.incoming.discard",
            _ if path.starts_with("/checkpoints/") => return checkpoint(self.scenario, call, tidies),
            _ if path.starts_with("/incoming/") => incoming(call, path),
            _ if path.starts_with("/db-*") => return self.files(call, &path[5..]),
            _ => return None,
        })
    }

    /// Files of a database.
    fn files(&mut self, call: &Call<'_>, file: &str) -> Option<&'static str> {
        if call.op == "rename" && file.is_empty() {
            self.installed = true;
            return Some("rocks.install.rename");
        }
        if call.thread == "main" && call.op == "create" && file.starts_with("/MANIFEST") {
            self.opened = true;
        }
        Some(match (call.thread, file) {
            ("main", _) if call.removes() && self.installed => "rocks.install.remove_old",
            ("main", _) if call.removes() && !self.opened => "rocks.open.leftovers",
            _ if call.removes() => "rocks.obsolete",
            ("low", _) => "rocks.reclaim",
            ("high", _) if file.starts_with("/MANIFEST") => "rocks.flush.manifest",
            ("high", _) => "rocks.flush.table",
            ("main", "") if call.op == "mkdir" && !self.opened => "rocks.open.first",
            ("main", _) if self.installed => "rocks.install.open",
            ("main", _) => "rocks.open.current",
            _ => return None,
        })
    }
}

fn is_folder(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    matches!(
        name,
        "" | "a" | "b" | "member" | "db" | "log" | "incoming" | "checkpoints"
    )
}

fn checkpoint(scenario: Scenario, call: &Call<'_>, tidies: &'static str) -> Option<&'static str> {
    match (scenario, call.removes()) {
        (Join, true) => Some("rocks.checkpoint.remove"),
        (Join, false) => Some("rocks.checkpoint.link"),
        (_, true) => Some(tidies),
        (_, false) => None,
    }
}

fn incoming(call: &Call<'_>, path: &str) -> &'static str {
    let is_file = path.matches('/').count() > 2;
    match call.op {
        "sync" if is_file => "rocks.incoming.sync",
        "sync" => "rocks.incoming.sync_folder",
        "create" | "write" | "truncate" if is_file => "rocks.incoming.write",
        _ => "rocks.incoming.discard",
    }
}
