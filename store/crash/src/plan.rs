//! One counter over everything that a member writes, and what is to happen at one of the counts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rustix::process::{Signal, getpid, kill_process};

use crate::error::{Error, OrFail, Result};

/// What happens at an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// The process ends before it.
    Before,
    /// The process ends after it and before anybody hears of it.
    After,
    /// It fails: the disk has an error.
    Eio,
    /// It fails: the disk is full.
    Enospc,
    /// Half of the bytes are written, and the process ends.
    Torn,
    /// Half of the bytes are written. A system call says so; an operation of a trait cannot, so it fails.
    Short,
    /// The power goes before it: what the log has not synced is lost.
    Power,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Before,
        Self::After,
        Self::Eio,
        Self::Enospc,
        Self::Torn,
        Self::Short,
        Self::Power,
    ];

    /// What it is called on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Eio => "eio",
            Self::Enospc => "enospc",
            Self::Torn => "torn",
            Self::Short => "short",
            Self::Power => "power",
        }
    }

    /// The action of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|action| action.name() == name);
        found.ok_or_else(|| Error::new(format!("there is no action {name:?}")))
    }

    /// Whether the process ends by it.
    pub const fn ends(self) -> bool {
        matches!(self, Self::Before | Self::After | Self::Torn | Self::Power)
    }
}

/// What an operation can go wrong in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Writes bytes, which may end in the middle.
    Write,
    /// Needs space, and is done or not.
    Space,
    /// Writes no bytes: a sync, a name that changes, a read. A disk that finds room late may be full only here.
    Plain,
}

impl Kind {
    /// What can be done to it.
    pub fn actions(self) -> &'static [Action] {
        use Action::{After, Before, Eio, Enospc, Short, Torn};
        match self {
            Self::Write => &[Before, After, Eio, Enospc, Torn, Short],
            Self::Space | Self::Plain => &[Before, After, Eio, Enospc],
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Space => "space",
            Self::Plain => "plain",
        }
    }

    /// The kind of a recorded word; a system call's name is one, too.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "write" => Self::Write,
            "space" | "create" | "mkdir" | "link" | "allocate" => Self::Space,
            _ => Self::Plain,
        }
    }
}

/// Where to cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The operation, as it is recorded.
    pub operation: String,
    /// Which of them; the first is 1.
    pub occurrence: u64,
    /// What happens there.
    pub action: Action,
}

/// What an operation is to do.
pub(crate) enum Verdict {
    Go,
    /// Do it, then end.
    Last,
    Fail(io::Error),
    /// Do half of it, then end or fail.
    Half {
        ends: bool,
    },
}

/// The plan of one life of a process.
#[derive(Default)]
pub struct Plan {
    cut: Option<Cut>,
    list: Option<Mutex<File>>,
    seen: Mutex<BTreeMap<&'static str, u64>>,
    leaving: AtomicBool,
    /// Takes back what would not survive a loss of power.
    lose: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// Tells the parent.
pub(crate) fn say(line: &str) {
    let mut out = io::stdout().lock();
    // Without a parent there is nobody to tell.
    let _ = out.write_all(format!("{}\n", line.replace('\n', " ")).as_bytes());
    let _ = out.flush();
}

/// Ends the process as `kill -9` does: no other thread does anything more.
pub(crate) fn end() -> ! {
    loop {
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

impl Plan {
    /// A plan that cuts, or none; with a list, each operation is written down there.
    ///
    /// # Errors
    /// When the list cannot be made.
    pub fn new(cut: Option<Cut>, list: Option<&Path>) -> Result<Self> {
        let list = list.map(File::create).transpose().or_fail("make the list")?;
        Ok(Self {
            cut,
            list: list.map(Mutex::new),
            ..Self::default()
        })
    }

    /// From here on the member is on its way out.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
        say("leaving");
    }

    /// Says how what was not synced is taken back.
    pub(crate) fn on_power_loss(&self, lose: impl Fn() + Send + Sync + 'static) {
        // There is one log in a process that is under a plan.
        let _ = self.lose.set(Box::new(lose));
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }

    /// An operation is about to be done.
    pub(crate) fn pass(&self, operation: &'static str, kind: Kind) -> Verdict {
        let mut seen = self.seen.lock();
        let count = seen.entry(operation).or_default();
        *count += 1;
        if let Some(list) = &self.list {
            // What is not in the list is missed where the list is compared with the table.
            let _ = writeln!(list.lock(), "{} {operation}", kind.word());
        }
        let here = |cut: &&Cut| cut.operation == operation && cut.occurrence == *count;
        let Some(cut) = self.cut.as_ref().filter(here) else {
            return Verdict::Go;
        };
        say("cut");
        match cut.action {
            Action::Before => end(),
            Action::After => Verdict::Last,
            Action::Eio => Verdict::Fail(io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error())),
            Action::Enospc => Verdict::Fail(io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error())),
            Action::Torn => Verdict::Half { ends: true },
            Action::Short => Verdict::Half { ends: false },
            Action::Power => {
                if let Some(lose) = self.lose.get() {
                    lose();
                }
                end()
            }
        }
    }

    /// Does an operation that is done whole or not at all.
    pub(crate) fn whole<T, E>(
        &self,
        (operation, kind): (&'static str, Kind),
        failed: impl FnOnce(io::Error) -> E,
        run: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        match self.pass(operation, kind) {
            Verdict::Go => run(),
            Verdict::Fail(error) => Err(failed(error)),
            Verdict::Last | Verdict::Half { .. } => {
                let _ = run();
                end()
            }
        }
    }

    /// Writes bytes.
    pub(crate) fn bytes<E>(
        &self,
        operation: &'static str,
        data: &[u8],
        failed: impl FnOnce(io::Error) -> E,
        mut run: impl FnMut(&[u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        match self.pass(operation, Kind::Write) {
            Verdict::Go => run(data),
            Verdict::Fail(error) => Err(failed(error)),
            Verdict::Last => {
                let _ = run(data);
                end()
            }
            Verdict::Half { ends } => {
                run(&data[..data.len() / 2])?;
                if ends {
                    end()
                }
                Err(failed(io::Error::from_raw_os_error(
                    rustix::io::Errno::IO.raw_os_error(),
                )))
            }
        }
    }
}
