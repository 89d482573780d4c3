//! One member: a process on a node, its data and its log.

use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::flags::{self, Joining};
use super::logs::{Incident, Scan};
use super::{Product, Program, Setup, clock};

/// A node's member, or the place for one.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) client_url: String,
    /// The node's own folder, or the mount of its disk.
    pub(super) folder: PathBuf,
    pub(super) data: PathBuf,
    /// The file that says how far its clock is off.
    pub(super) clock: PathBuf,
    /// The cluster counts on it.
    pub(super) takes_part: bool,
    node: usize,
    flags: Vec<String>,
    joining: Joining,
    faketime: Option<PathBuf>,
    process: Option<Child>,
    /// How the last process ended.
    ended: Option<ExitStatus>,
    scan: Scan,
}

impl Member {
    /// The place for a member on a node.
    pub(super) fn new(setup: &Setup, node: usize, faketime: Option<PathBuf>) -> Self {
        let name = flags::name(node);
        let folder = setup.folder.join(&name);
        Self {
            client_url: flags::client_url(node),
            data: folder.join("data"),
            clock: setup.folder.join(format!("{name}.clock")),
            scan: Scan::new(&name, &setup.folder.join(format!("{name}.log"))),
            folder,
            name,
            takes_part: false,
            node,
            flags: setup.flags.clone(),
            joining: Joining {
                nodes: Vec::new(),
                existing: false,
            },
            faketime,
            process: None,
            ended: None,
        }
    }

    /// It is one of the first members.
    pub(super) fn found(&mut self, nodes: &[usize]) {
        self.takes_part = true;
        self.joining = Joining {
            nodes: nodes.to_owned(),
            existing: false,
        };
    }

    /// It joins a cluster that knows of it: these nodes and its own.
    pub(super) fn join(&mut self, mut nodes: Vec<usize>) {
        self.takes_part = true;
        nodes.push(self.node);
        self.joining = Joining { nodes, existing: true };
    }

    /// Where what it says goes.
    pub(super) fn log(&self) -> &Path {
        self.scan.path()
    }

    /// Starts the process, if it does not run.
    pub(super) fn start(
        &mut self,
        program: &Program,
        spawn: impl FnOnce(Command) -> anyhow::Result<Child>,
    ) -> anyhow::Result<()> {
        if self.is_running() {
            return Ok(());
        }
        // What the last process said and how it ended is looked at before the next one writes.
        self.scan.look();
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.log())
            .with_context(|| format!("cannot write {}", self.log().display()))?;
        let mut command = program.command();
        command
            .args(flags::flags(
                program.product,
                self.node,
                &self.data,
                &self.joining,
                &self.flags,
            ))
            // Its own group: Ctrl-C is for this program, which ends it in order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if let (Some(library), Product::Keelson) = (&self.faketime, program.product) {
            if !self.clock.exists() {
                clock::set(&self.clock, 0)?;
            }
            command.envs(clock::environment(library, &self.clock));
        }
        self.process = Some(spawn(command).with_context(|| format!("cannot start {}", self.name))?);
        self.ended = None;
        Ok(())
    }

    /// Whether the process is there. One that has ended by itself is an incident, unless it is excused.
    pub(super) fn is_running(&mut self) -> bool {
        let Some(process) = &mut self.process else { return false };
        match process.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                self.process = None;
                self.ended = Some(status);
                self.scan.ended(&describe(status));
                false
            }
            // It is no child of ours any more.
            Err(_) => {
                self.process = None;
                false
            }
        }
    }

    /// Ends it at once and waits until it is gone.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        // First whether it ended by itself.
        if !self.is_running() {
            return Ok(());
        }
        if let Some(mut process) = self.process.take() {
            process.kill().with_context(|| format!("cannot kill {}", self.name))?;
            self.ended = Some(
                process
                    .wait()
                    .with_context(|| format!("cannot wait for {}", self.name))?,
            );
        }
        Ok(())
    }

    /// How its last process ended, if it does not run.
    pub(super) fn last_end(&mut self) -> Option<String> {
        if self.is_running() {
            None
        } else {
            self.ended.map(describe)
        }
    }

    pub(super) fn freeze(&mut self) -> anyhow::Result<()> {
        if !self.is_running() {
            bail!("{} does not run", self.name);
        }
        self.signal(Signal::STOP)
    }

    pub(super) fn thaw(&mut self) -> anyhow::Result<()> {
        if self.is_running() {
            self.signal(Signal::CONT)
        } else {
            Ok(())
        }
    }

    /// Whether the kernel says that it is stopped.
    pub(super) fn is_frozen(&self) -> bool {
        let Some(process) = &self.process else { return false };
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
        state(&stat) == Some('T')
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let process = self
            .process
            .as_ref()
            .with_context(|| format!("{} does not run", self.name))?;
        let pid = Pid::from_raw(process.id() as i32).context("a process without a number")?;
        kill_process(pid, signal).with_context(|| format!("{} cannot be signalled", self.name))
    }

    /// Forgets its data, for good.
    pub(super) fn wipe(&mut self) -> anyhow::Result<()> {
        if self.is_running() {
            bail!("{} runs", self.name);
        }
        match std::fs::remove_dir_all(&self.data) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot remove {}", self.data.display())),
        }
        // Otherwise a power cut brings them back.
        sync_folder(&self.folder)
    }

    pub(super) fn excuse(&mut self, excused: bool) {
        self.is_running();
        self.scan.excuse(excused);
    }

    pub(super) fn incidents(&mut self) -> Vec<Incident> {
        self.is_running();
        self.scan.look();
        self.scan.incidents()
    }
}

fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("cannot sync {}", folder.display()))
}

/// How a process ended, in words.
fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("the process was ended by signal {signal}"),
        (None, Some(code)) => format!("the process ended with code {code}"),
        (None, None) => "the process ended".to_owned(),
    }
}

/// The letter for a process's state in what the kernel says of it; the name before it may hold anything but ends with
/// the last bracket.
fn state(stat: &str) -> Option<char> {
    let (_, after) = stat.rsplit_once(')')?;
    after.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_behind_the_name() {
        assert_eq!(state("12 (a) T b) S 1 12"), Some('S'));
        assert_eq!(state("12 (keelson) T 1"), Some('T'));
        assert_eq!(state(""), None);
    }

    #[test]
    fn an_end_is_told_in_words() {
        assert_eq!(describe(ExitStatus::from_raw(6)), "the process was ended by signal 6");
        assert_eq!(describe(ExitStatus::from_raw(1 << 8)), "the process ended with code 1");
    }
}
