//! Runs the child and hears what it says.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use store_planted::Bug;

use crate::error::{Error, OrFail, Result};
use crate::plan::Cut;
use crate::script::Scenario;
use crate::table::Seam;

/// After so long a child hangs.
const LIMIT: Duration = Duration::from_secs(60);
const SHIM: &str = include_str!("shim.c");

/// What a child said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It asks for a step.
    Begin(usize),
    /// The step was acknowledged, at these revisions.
    Ack(usize, Vec<i64>),
    /// The plan acts now.
    Cut,
    /// It is on its way out.
    Leaving,
    /// It left in order.
    Done,
    /// It cannot go on, or does not start; why.
    Ended(String),
    /// It can neither write nor end.
    Stuck(String),
}

/// A child's life.
#[derive(Debug)]
pub(crate) struct Run {
    /// What it said, in order.
    pub(crate) said: Vec<Said>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// It did not end, and was ended by the watch over it.
    pub(crate) hung: bool,
    /// What it wrote to its log.
    pub(crate) log: String,
}

/// How children are started.
pub(crate) struct Children {
    program: PathBuf,
    /// The library that stands before the system calls; none where there is no compiler.
    shim: Option<PathBuf>,
    bug: Option<Bug>,
}

impl Children {
    /// `program` is this crate's; `folder` takes the library.
    ///
    /// # Errors
    /// When the library cannot be compiled although there is a compiler.
    pub(crate) fn new(program: &Path, folder: &Path, bug: Option<Bug>) -> Result<Self> {
        let (source, library) = (folder.join("shim.c"), folder.join("shim.so"));
        std::fs::write(&source, SHIM).or_fail("write the library's source")?;
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source);
        let shim = match cc.output() {
            Err(_) => None,
            Ok(done) if done.status.success() => Some(library),
            Ok(done) => {
                let text = String::from_utf8_lossy(&done.stderr).into_owned();
                return Err(Error::new(format!("compile the library: {text}")));
            }
        };
        Ok(Self {
            program: program.to_owned(),
            shim,
            bug,
        })
    }

    /// Whether operations of this seam can be met.
    pub(crate) fn can(&self, seam: Seam) -> bool {
        seam == Seam::Traits || self.shim.is_some()
    }

    /// Runs a scenario in a folder, and cuts it; without a cut, the list is made.
    ///
    /// # Errors
    /// When the child cannot be run.
    pub(crate) fn run(
        &self,
        scenario: Scenario,
        folder: &Path,
        seam: Seam,
        cut: Option<&Cut>,
        list: Option<&Path>,
    ) -> Result<Run> {
        let mut command = Command::new(&self.program);
        command.args(["member", scenario.name()]).arg(folder);
        if let Some(bug) = self.bug {
            command.args(["--bug", bug.name()]);
        }
        match seam {
            Seam::Traits => {
                if let Some(list) = list {
                    command.arg("--list").arg(list);
                }
                if let Some(cut) = cut {
                    command.args(["--cut", &cut.operation, &cut.occurrence.to_string(), cut.action.name()]);
                }
            }
            Seam::Calls => {
                let shim = self.shim.as_ref().ok_or_else(|| Error::new("there is no C compiler"))?;
                command.env("LD_PRELOAD", shim).env("CUT_BELOW", folder);
                if let Some(list) = list {
                    command.env("CUT_LIST", list);
                }
                if let Some(cut) = cut {
                    command.env("CUT_MATCH", format!("{}#{}", cut.operation, cut.occurrence));
                    command.env("CUT_DO", cut.action.name());
                }
            }
        }
        listen(command, LIMIT)
    }
}

fn listen(mut command: Command, limit: Duration) -> Result<Run> {
    let log = tempfile::tempfile().or_fail("make a file")?;
    let errors = log.try_clone().or_fail("make a file")?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
    let mut child = command.spawn().or_fail("start the child")?;
    let out = child.stdout.take();
    let lines = out.map(BufReader::new).into_iter().flat_map(BufRead::lines);
    let (ended, waits) = mpsc::channel::<()>();
    let (said, child) = std::thread::scope(|scope| {
        let watch = scope.spawn(move || watch(child, &waits, limit));
        let said: Vec<Said> = lines
            .map_while(std::io::Result::ok)
            .filter_map(|line| parse(&line))
            .collect();
        drop(ended);
        (said, watch.join())
    });
    let (mut child, hung) = child.map_err(|_| Error::new("the watch over the child panicked"))?;
    let status = child.wait().or_fail("wait for the child")?;
    Ok(Run {
        said,
        signal: status.signal(),
        hung,
        log: read_back(log)?,
    })
}

/// Ends a child that hangs; answers whether it did.
fn watch(mut child: Child, waits: &mpsc::Receiver<()>, limit: Duration) -> (Child, bool) {
    let hung = waits.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
    if hung {
        // It may have ended by itself in this moment.
        let _ = child.kill();
    }
    (child, hung)
}

fn read_back(mut file: File) -> Result<String> {
    use std::io::{Seek, SeekFrom};
    file.seek(SeekFrom::Start(0)).or_fail("read the child's log")?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).or_fail("read the child's log")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse(line: &str) -> Option<Said> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut numbers = rest.split(' ');
    Some(match word {
        "begin" => Said::Begin(rest.parse().ok()?),
        "ack" => {
            let step = numbers.next()?.parse().ok()?;
            Said::Ack(step, numbers.map_while(|number| number.parse().ok()).collect())
        }
        "cut" => Said::Cut,
        "leaving" => Said::Leaving,
        "done" => Said::Done,
        "fatal" | "refused" => Said::Ended(rest.to_owned()),
        "stuck" => Said::Stuck(rest.to_owned()),
        _ => return None,
    })
}

impl Run {
    /// Whether it said so.
    pub(crate) fn has(&self, wanted: &Said) -> bool {
        self.said.contains(wanted)
    }

    /// Why it ended by itself.
    pub(crate) fn ended(&self) -> Option<&str> {
        self.said.iter().find_map(|said| match said {
            Said::Ended(why) => Some(why.as_str()),
            _ => None,
        })
    }

    /// How many steps were acknowledged after the cut.
    pub(crate) fn acknowledged_after(&self) -> usize {
        let after = self.said.iter().skip_while(|said| **said != Said::Cut);
        after.filter(|said| matches!(said, Said::Ack(..))).count()
    }

    /// Whether it was on its way out when it was cut.
    pub(crate) fn left_before(&self) -> bool {
        let mut before = self.said.iter().take_while(|said| **said != Said::Cut);
        before.any(|said| *said == Said::Leaving)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_hangs_is_told_from_one_that_ends() {
        let run = |text: &str, limit| {
            let mut command = Command::new("sh");
            command.args(["-c", text]);
            listen(command, limit).unwrap()
        };
        let hangs = run("echo cut; exec sleep 600", Duration::from_secs(2));
        assert!(
            hangs.hung && hangs.signal == Some(9) && hangs.has(&Said::Cut),
            "{hangs:?}"
        );
        let killed = run("echo cut; kill -9 $$", LIMIT);
        assert!(!killed.hung && killed.signal == Some(9), "{killed:?}");
    }
}
