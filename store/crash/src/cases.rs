//! Which operations are cut, how, and what must come of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use store_planted::Bug;
use tempfile::TempDir;

use crate::child::{Children, Run, Said};
use crate::error::{Error, OrFail, Result};
use crate::judge::{Belief, check};
use crate::names::{Errors, Name, Row, Seam, row};
use crate::plan::{Action, Cut};
use crate::record::Record;
use crate::script::Scenario;

/// An operation and what happens at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The failpoint.
    pub name: &'static str,
    /// The operation of this name.
    pub cut: Cut,
}

/// What became of a case in which all is as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The member was killed.
    Killed,
    /// It ended by itself.
    Ended,
    /// It went on.
    WentOn,
    /// The run did not come there: threads of `RocksDB` do not always do the same.
    Missed,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cut {
            operation,
            occurrence,
            action,
        } = &self.cut;
        write!(f, "{} '{operation}' {occurrence} {}", self.name, action.name())
    }
}

/// The cases of a run: of each operation the first, the middle and the last, with all that can be done to it.
pub fn of(record: &Record) -> Vec<Case> {
    let mut places: BTreeMap<(&'static str, &str), Vec<usize>> = BTreeMap::new();
    for (at, (operation, name)) in record.operations.iter().enumerate() {
        let Name::Of(name) = *name else { continue };
        // What another run is cut for is cut there.
        if row(name).is_some_and(|row| (row.scenario, row.seam) == (record.scenario, record.seam)) {
            places.entry((name, operation.text.as_str())).or_default().push(at);
        }
    }
    let mut cases = Vec::new();
    for ((name, _), met) in places {
        let chosen = BTreeSet::from([0, met.len() / 2, met.len() - 1]);
        for at in chosen {
            let (operation, _) = &record.operations[met[at]];
            let power = record.seam == Seam::Traits && in_the_log(name);
            let power = power.then_some(&Action::Power);
            for action in operation.kind.actions().iter().chain(power) {
                cases.push(Case {
                    name,
                    cut: Cut {
                        operation: operation.text.clone(),
                        occurrence: operation.occurrence,
                        action: *action,
                    },
                });
            }
        }
    }
    cases
}

/// What is done by the thread that writes the log, so that nothing else is written while the power goes.
fn in_the_log(name: &str) -> bool {
    name.starts_with("log.") || name.starts_with("node.force") || name == "machine.commit"
}

/// The cases of each failpoint by what happens there: the process ends, the power goes, half of the bytes are written, or
/// one of the errors comes. One of each group says what there is to say, the first for this seed.
pub fn groups(cases: Vec<Case>, seed: u64) -> Vec<Vec<Case>> {
    let mut groups: BTreeMap<(&'static str, Action), Vec<Case>> = BTreeMap::new();
    for case in cases {
        let kind = match case.cut.action {
            Action::After => Action::Before,
            Action::Short => Action::Torn,
            other => other,
        };
        groups.entry((case.name, kind)).or_default().push(case);
    }
    let turned = |(at, mut group): (usize, Vec<Case>)| {
        let first = (seed as usize).wrapping_mul(7).wrapping_add(at) % group.len();
        group.rotate_left(first);
        group
    };
    groups.into_values().enumerate().map(turned).collect()
}

/// One case of each group; others for another seed.
pub fn sample(cases: Vec<Case>, seed: u64) -> Vec<Case> {
    groups(cases, seed)
        .into_iter()
        .filter_map(|group| group.into_iter().next())
        .collect()
}

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

/// Leaves behind what crashes leave: segments that were not finished or not removed, a torn tail, half a database.
fn litter(folder: &Path) -> Result<()> {
    let member = folder.join("a/member");
    let log = member.join("log");
    let mut segments: Vec<u64> = fs::read_dir(&log)
        .or_fail("list the log")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".log")?.parse().ok())
        .collect();
    segments.sort_unstable();
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
        return Err(Error::new("there is no log"));
    };
    let name = |number: u64| log.join(format!("{number:020}.log"));
    let straggler = first.checked_sub(2).filter(|number| *number > 0);
    let straggler = straggler.ok_or_else(|| Error::new("no segment was ever removed"))?;
    fs::copy(name(*first), name(straggler)).or_fail("copy a segment")?;
    let unfinished = name(last + 1).with_extension("log.new");
    fs::write(unfinished, "half").or_fail("write half a segment")?;
    let tail = fs::read(name(*last)).or_fail("read the last segment")?;
    let end = tail.iter().rposition(|byte| *byte != 0).unwrap_or_default();
    let file = fs::File::options()
        .write(true)
        .open(name(*last))
        .or_fail("open the last segment")?;
    let behind = (end as u64 / 8 + 1) * 8;
    file.write_all_at(&[0xab; 24], behind)
        .or_fail("tear the last segment")?;
    let database = member.join("db");
    for (folder, file) in [("db-99", "000001.sst"), ("checkpoints/7", "000001.sst")] {
        fs::create_dir_all(database.join(folder)).or_fail("make a folder")?;
        fs::write(database.join(folder).join(file), "half").or_fail("write half a database")?;
    }
    let mut next = fs::File::create(database.join("ACTIVE.next")).or_fail("write half a pointer")?;
    next.write_all(b"db-").or_fail("write half a pointer")
}
