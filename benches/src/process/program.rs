//! The programs that are compared, and where they are found.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::guarded;

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Real etcd.
    Etcd,
    /// Ours.
    Keelson,
}

impl Kind {
    /// Its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Keelson => "Keelson",
        }
    }

    fn binary(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Keelson => "keelson",
        }
    }
}

/// A program that can be started as a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) kind: Kind,
    pub(crate) path: PathBuf,
    /// The first line of what it says about itself.
    pub(crate) version: String,
}

impl Program {
    /// The program at `given`; without it the `keelson` beside this program, the `etcd` on the search path.
    ///
    /// # Errors
    /// It is not there or does not run.
    pub(crate) fn find(kind: Kind, given: Option<&Path>) -> anyhow::Result<Self> {
        let path = match given {
            Some(path) => path.to_path_buf(),
            None => beside(kind.binary())
                .filter(|_| kind == Kind::Keelson)
                .or_else(|| on_search_path(kind.binary()))
                .with_context(|| missing(kind))?,
        };
        let mut program = Self {
            kind,
            path,
            version: String::new(),
        };
        program.version = program.ask_version()?;
        Ok(program)
    }

    /// The command that starts it; flags follow.
    pub(crate) fn command(&self) -> Command {
        let mut command = guarded(&self.path);
        if self.kind == Kind::Keelson {
            command.arg("store");
        }
        command
    }

    fn ask_version(&self) -> anyhow::Result<String> {
        let shown = self.path.display();
        let output = Command::new(&self.path)
            .arg("--version")
            .output()
            .with_context(|| format!("cannot run {shown}"))?;
        if !output.status.success() {
            bail!("{shown} --version ended with {}", output.status);
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    }
}

fn missing(kind: Kind) -> String {
    match kind {
        Kind::Etcd => {
            "there is no etcd on the search path; `. deploy/env.sh` adds the one that `deploy/setup.sh test` fetches, \
             or give --etcd PATH"
        }
        Kind::Keelson => {
            "there is no keelson beside this program; run `cargo build --release -p keelson`, or give --keelson PATH"
        }
    }
    .to_owned()
}

fn beside(name: &str) -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.parent()?.join(name);
    path.is_file().then_some(path)
}

fn on_search_path(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = Program::find(Kind::Etcd, Some(Path::new("/nowhere/etcd"))).unwrap_err();
        assert!(error.to_string().contains("/nowhere/etcd"), "{error}");
        assert!(on_search_path("sh").is_some());
        assert_eq!(on_search_path("there is no such program"), None);
    }
}
