//! Plays recorded answers of a real kube-apiserver against ours, and holds the counts against a committed floor.
//!
//! The recordings and their player are no part of the repository; who has them says where.

pub(crate) mod cost;
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use self::server::{Programs, Server};
use crate::workspace::Workspace;

/// What was played, below the recordings; each story begins with an empty store.
const STORIES: [&str; 9] = [
    "reads",
    "writes",
    "deletes",
    "watches",
    "subresources",
    "access",
    "tables",
    "patches",
    "applies",
];
const FLOOR: &str = "deploy/answers.txt";

/// Where the recordings and their player are.
struct Recordings {
    answers: PathBuf,
    player: PathBuf,
}

impl Recordings {
    fn below(folder: &Path) -> anyhow::Result<Self> {
        let found = Self {
            answers: folder.join("data/kubernetes-1.36/answers"),
            player: folder.join("tools/answers/answers.py"),
        };
        for path in [&found.answers, &found.player] {
            ensure!(path.exists(), "{} is not there", path.display());
        }
        Ok(found)
    }
}

/// Plays everything. `write` raises the floor to what was reached.
///
/// # Errors
/// A server that does not start, a player that fails, or a count below its floor.
pub(crate) fn run(workspace: &Workspace, folder: &Path, write: bool) -> anyhow::Result<()> {
    let root = &workspace.root;
    let recordings = Recordings::below(folder)?;
    let ours = Programs::ours(&build(root, "dev")?);
    let mut reached = BTreeMap::new();
    for story in STORIES {
        let file = recordings.answers.join(format!("{story}.jsonl"));
        reached.extend(Server::start(&ours)?.play(&recordings, &[file])?);
    }
    let fields = recordings.answers.join("fields");
    reached.extend(Server::start(&ours)?.play(&recordings, &[fields])?);
    let file = root.join(FLOOR);
    let floor = read(&file)?;
    let mut below = Vec::new();
    for (name, (equal, all)) in &reached {
        let least = floor.get(name).map_or(0, |(equal, _)| *equal);
        println!("{name}: {equal} of {all} equal, at least {least}");
        if *equal < least {
            below.push(format!("{name}: {equal} of {all} equal, {least} before"));
        }
    }
    let (equal, all) = reached.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!("in all: {equal} of {all} equal");
    ensure!(
        below.is_empty(),
        "answers that were equal are not any more:\n{}",
        below.join("\n")
    );
    if write {
        let lines = reached
            .iter()
            .map(|(name, (equal, all))| format!("{name} {equal} {all}\n"));
        fs::write(&file, lines.collect::<String>())?;
    }
    Ok(())
}

/// Counts by name: how many are equal, of how many.
type Counts = BTreeMap<String, (u64, u64)>;

fn read(file: &Path) -> anyhow::Result<Counts> {
    let Ok(text) = fs::read_to_string(file) else {
        return Ok(Counts::new());
    };
    let line = |line: &str| -> Option<(String, (u64, u64))> {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_owned();
        Some((name, (words.next()?.parse().ok()?, words.next()?.parse().ok()?)))
    };
    let lines = text
        .lines()
        .map(|text| line(text).with_context(|| format!("{FLOOR}: cannot read {text:?}")));
    lines.collect()
}

/// Builds our program in a profile; where it is.
fn build(root: &Path, profile: &str) -> anyhow::Result<PathBuf> {
    let done = Command::new("cargo")
        .args(["build", "--locked", "--package", "keelson", "--profile", profile])
        .current_dir(root)
        .status()?;
    ensure!(done.success(), "keelson was not built");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target.join(folder).join("keelson"))
}

/// `reads: 194 of 198 equal, 196 with the same status`.
fn count(line: &str) -> Option<(String, (u64, u64))> {
    let (name, rest) = line.split_once(": ")?;
    let mut words = rest.split_whitespace();
    let equal = words.next()?.parse().ok()?;
    let all = words.nth(1)?.parse().ok()?;
    Some((name.to_owned(), (equal, all)))
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn the_players_lines_are_counts() {
        let line = "reads: 194 of 198 equal, 196 with the same status";
        assert_eq!(count(line), Some(("reads".to_owned(), (194, 198))));
        assert_eq!(count("nothing of it"), None);
    }
}
