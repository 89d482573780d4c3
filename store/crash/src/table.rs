//! The table of failpoints: what each place is called, where it is reached, and what an error there must lead to.

use crate::error::{Error, Result};
use crate::script::Scenario;

/// How a place is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seam {
    /// The traits that a member is given: disk, engine, identity.
    Traits,
    /// System calls of the process.
    Calls,
}

impl Seam {
    /// The seam of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "traits" => Ok(Self::Traits),
            "calls" => Ok(Self::Calls),
            _ => Err(Error::new(format!("there is no seam {name:?}, only traits and calls"))),
        }
    }
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

/// The row of a name.
pub fn row(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seam_has_one_name() {
        assert_eq!(Seam::named("traits"), Ok(Traits));
        assert_eq!(Seam::named("calls"), Ok(Calls));
        assert!(Seam::named("call").is_err() && Seam::named("").is_err());
    }
}
