//! Calls each operation that was recorded by the name of its failpoint: by what it is, who did it, and what came before.

use crate::record::Operation;
use crate::script::Scenario::{self, Again, First, Force, Join};
use crate::table::row;

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
