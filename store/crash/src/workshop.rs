//! Where cases are played: what a run starts from, its child, and whether it ended as it must.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use store_planted::Bug;
use tempfile::TempDir;

use crate::cases::{Case, Outcome};
use crate::child::{Children, Run, Said};
use crate::error::{Error, OrFail, Result};
use crate::judge::{Belief, check};
use crate::litter::litter;
use crate::plan::{Action, Cut};
use crate::record::Record;
use crate::script::Scenario;
use crate::table::{Errors, Row, Seam, row};

/// Where cases are played.
pub struct Workshop {
    children: Children,
    /// What runs start from, and what may be in it.
    starts: BTreeMap<Scenario, (PathBuf, Belief)>,
    root: TempDir,
    count: u64,
}

impl Workshop {
    /// `program` is this crate's.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn new(program: &Path) -> Result<Self> {
        Self::planted(program, None)
    }

    /// The same, whose children have a bug.
    ///
    /// # Errors
    /// As [`Workshop::new`].
    pub fn planted(program: &Path, bug: Option<Bug>) -> Result<Self> {
        // Killing a process leaves what it wrote, on whatever disk: memory is the fastest.
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let root = root.or_fail("make a folder")?;
        Ok(Self {
            children: Children::new(program, root.path(), bug)?,
            starts: BTreeMap::new(),
            root,
            count: 0,
        })
    }

    /// Whether operations of this seam can be met here.
    pub fn can(&self, seam: Seam) -> bool {
        self.children.can(seam)
    }

    fn folder(&mut self) -> Result<PathBuf> {
        self.count += 1;
        let folder = self.root.path().join(self.count.to_string());
        fs::create_dir(&folder).or_fail("make a folder")?;
        Ok(folder)
    }

    /// A folder that a run starts from, and what may be in it.
    fn start(&mut self, scenario: Scenario) -> Result<(PathBuf, Belief)> {
        if !self.starts.contains_key(&scenario) {
            let made = self.prepare(scenario)?;
            self.starts.insert(scenario, made);
        }
        let made = self.starts.get(&scenario).cloned();
        let (from, belief) = made.ok_or_else(|| Error::new("nothing to start from"))?;
        let folder = self.folder()?;
        copy(&from, &folder)?;
        Ok((folder, belief))
    }

    fn prepare(&mut self, scenario: Scenario) -> Result<(PathBuf, Belief)> {
        match scenario {
            Scenario::First | Scenario::Before => Ok((self.folder()?, Belief::default())),
            // What is under way when it is cut off stands in the log, and is not committed.
            Scenario::Again | Scenario::Force => {
                let record = self.record(Scenario::First, Seam::Traits)?;
                let mut operations = record.operations.iter().rev();
                let last = operations.find(|(operation, _)| operation.text == "log.append.write");
                let (last, _) = last.ok_or_else(|| Error::new("nothing was ever appended"))?;
                let cut = Cut {
                    operation: last.text.clone(),
                    occurrence: last.occurrence,
                    action: Action::After,
                };
                let (folder, belief) = self.start(Scenario::First)?;
                let run = self
                    .children
                    .run(Scenario::First, &folder, Seam::Traits, Some(&cut), None)?;
                litter(&folder).or_fail("leave things behind")?;
                Ok((folder, belief.after(Scenario::First, &run)?))
            }
            Scenario::Join => {
                let (folder, belief) = self.start(Scenario::Before)?;
                let run = self.children.run(Scenario::Before, &folder, Seam::Traits, None, None)?;
                must_be_done(&run)?;
                Ok((folder, belief.after(Scenario::Before, &run)?))
            }
        }
    }

    /// Runs a scenario to its end, and checks that, too.
    ///
    /// # Errors
    /// When it does not come to its end, or is not what it must be then.
    pub fn record(&mut self, scenario: Scenario, seam: Seam) -> Result<Record> {
        let (folder, belief) = self.start(scenario)?;
        let list = folder.with_extension("list");
        let run = self.children.run(scenario, &folder, seam, None, Some(&list))?;
        must_be_done(&run)?;
        check(scenario, &folder, &belief.after(scenario, &run)?)?;
        fs::remove_dir_all(&folder).or_fail("remove a folder")?;
        Record::read(scenario, seam, &list)
    }

    /// Plays a case.
    ///
    /// # Errors
    /// What is not as it must be, and how to see it again.
    pub fn play(&mut self, case: &Case) -> Result<Outcome> {
        let row = row(case.name).ok_or_else(|| Error::new(format!("there is no failpoint {}", case.name)))?;
        let (folder, belief) = self.start(row.scenario)?;
        let run = self
            .children
            .run(row.scenario, &folder, row.seam, Some(&case.cut), None)?;
        let held = judge(row, case, &run).and_then(|outcome| {
            check(row.scenario, &folder, &belief.after(row.scenario, &run)?)?;
            Ok(outcome)
        });
        fs::remove_dir_all(&folder).or_fail("remove a folder")?;
        held.map_err(|error| {
            let log: Vec<&str> = run.log.lines().rev().take(12).collect();
            let log: Vec<&str> = log.into_iter().rev().collect();
            Error::new(format!(
                "{case}: {error}\n  it said: {:?}\n  its log ends:\n    {}\n  again: cargo run -p store-crash -- case {case}",
                run.said.iter().rev().take(6).rev().collect::<Vec<_>>(),
                log.join("\n    ")
            ))
        })
    }
}

fn must_be_done(run: &Run) -> Result<()> {
    if run.has(&Said::Done) {
        return Ok(());
    }
    let last = run.said.last();
    Err(Error::new(format!(
        "an uncut run does not come to its end: {last:?}, {:?}\n{}",
        run.signal, run.log
    )))
}

/// Whether the run ended as it must.
fn judge(row: &Row, case: &Case, run: &Run) -> Result<Outcome> {
    let (ended, done) = (run.ended(), run.has(&Said::Done));
    if run.log.contains("panicked") {
        return Err(Error::new("it panicked"));
    }
    if run.hung {
        return Err(Error::new("it hung, and was killed for it"));
    }
    if !run.has(&Said::Cut) {
        return if done {
            Ok(Outcome::Missed)
        } else {
            Err(Error::new("it ended without being cut"))
        };
    }
    if case.cut.action.ends() {
        return if run.signal == Some(9) {
            Ok(Outcome::Killed)
        } else {
            Err(Error::new("it lived on when it was to end"))
        };
    }
    if let Some(Said::Stuck(state)) = run.said.last() {
        return Err(Error::new(format!("it can neither write nor end: {state}")));
    }
    if ended.is_none() && !done {
        return Err(Error::new(format!("it died of signal {:?}", run.signal)));
    }
    let errors = match case.cut.action {
        // A short count is no error; what is left is written then.
        Action::Short if row.seam == Seam::Calls => Errors::GoOn,
        _ if run.left_before() => Errors::Either,
        _ => row.errors,
    };
    let late = run.acknowledged_after();
    match errors {
        Errors::End if late > 0 => return Err(Error::new(format!("{late} writes were acknowledged after it"))),
        Errors::End | Errors::EndSoon if ended.is_none() => return Err(Error::new("it went on")),
        Errors::GoOn if !done => return Err(Error::new("it did not go on")),
        _ => {}
    }
    let says = |why: &str| {
        let why = why.to_lowercase();
        ["input/output error", "no space left"]
            .iter()
            .any(|cause| why.contains(cause))
    };
    match ended {
        Some(why) if !says(why) => Err(Error::new("it does not say what went wrong")),
        Some(_) => Ok(Outcome::Ended),
        None => Ok(Outcome::WentOn),
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).or_fail("list a folder")? {
        let entry = entry.or_fail("list a folder")?;
        let (path, new) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            fs::create_dir(&new).or_fail("copy a folder")?;
            copy(&path, &new)?;
        } else {
            fs::copy(&path, &new).or_fail("copy a file")?;
        }
    }
    Ok(())
}
