//! The programs that members run, and where they are found.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Product {
    /// Ours.
    Keelson,
    /// Real etcd.
    Etcd,
}

impl Product {
    const fn binary(self) -> &'static str {
        match self {
            Self::Keelson => "keelson",
            Self::Etcd => "etcd",
        }
    }

    const fn missing(self) -> &'static str {
        match self {
            Self::Keelson => {
                "there is no keelson beside this program; run `cargo build --release -p keelson`, or give its path"
            }
            Self::Etcd => {
                "there is no etcd on the search path; `. deploy/env.sh` adds the one that `deploy/setup.sh test` \
                 fetches, or give its path"
            }
        }
    }
}

/// A program that can run a member.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// Which store it is.
    pub(crate) product: Product,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The first line of what it says about itself.
    pub(crate) version: String,
}

impl Program {
    /// The program at `given`; without it the `keelson` beside this program, or the `etcd` on the search path.
    ///
    /// # Errors
    /// It is not there or does not run.
    pub(crate) fn find(product: Product, given: Option<&Path>) -> anyhow::Result<Self> {
        let path = match (given, product) {
            (Some(path), _) => path.to_owned(),
            (None, Product::Keelson) => beside(product.binary()).context(product.missing())?,
            (None, Product::Etcd) => on_search_path(product.binary()).context(product.missing())?,
        };
        // Members are started in another folder's name space; a relative path would mean something else there.
        let path = path
            .canonicalize()
            .with_context(|| format!("{} is not there", path.display()))?;
        let output = Command::new(&path)
            .arg("--version")
            .output()
            .with_context(|| format!("cannot run {}", path.display()))?;
        ensure!(
            output.status.success(),
            "{} --version ended with {}",
            path.display(),
            output.status
        );
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.lines().next().unwrap_or_default().trim().to_owned();
        Ok(Self { product, path, version })
    }

    /// The command that runs a member; flags follow. The process is killed with the thread that starts it.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(&self.path);
        if self.product == Product::Keelson {
            command.arg("store");
        }
        // Settings and proxies of the user's shell must not reach it.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("ETCD_") || text.to_ascii_lowercase().ends_with("_proxy") {
                command.env_remove(&name);
            }
        }
        command
    }
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
        let error = Program::find(Product::Etcd, Some(Path::new("/nowhere/etcd"))).unwrap_err();
        assert!(error.to_string().contains("/nowhere/etcd"), "{error}");
        assert!(on_search_path("sh").is_some());
        assert_eq!(on_search_path("there is no such program"), None);
    }

    #[test]
    fn a_member_is_killed_with_whoever_started_it() {
        let program = Program::find(Product::Etcd, Some(Path::new("/bin/ls"))).unwrap();
        let command = program.command();
        let arguments: Vec<_> = command.get_args().collect();
        assert_eq!(arguments[..2], ["--pdeathsig", "KILL"]);
    }
}
